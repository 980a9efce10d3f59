-- The days on which a laptop said how it is, by the school's own calendar: silence is not protection. Kept for some weeks.
CREATE TABLE device_day (
    school_id   TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    day         TEXT NOT NULL,              -- such as 2026-11-28
    PRIMARY KEY (school_id, device_id, day)
);
CREATE INDEX device_day_by_day ON device_day (school_id, day);

-- What a device used on a day of what is limited for one device, see devices/limited.rs. Kept for some weeks.
CREATE TABLE device_use (
    school_id   TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    day         TEXT NOT NULL,
    what        TEXT NOT NULL,              -- a code of Limited
    used        INTEGER NOT NULL,
    held_back_at INTEGER,                   -- when it was last told "not now" for being beyond the limit
    PRIMARY KEY (school_id, device_id, day, what)
);

-- Retired by a person, who can undo it: its certificates count for nothing meanwhile.
ALTER TABLE device ADD COLUMN retired_at INTEGER;
-- When it last spoke although it is retired.
ALTER TABLE device ADD COLUMN retired_heard_at INTEGER;
-- When a person last allowed it more than the limits, for that day.
ALTER TABLE device ADD COLUMN allowed_at INTEGER;

-- The last school day on which technicians, and the week of which safeguarding leads, were told of silent laptops.
ALTER TABLE school ADD COLUMN silence_told_day TEXT NOT NULL DEFAULT '';
ALTER TABLE school ADD COLUMN silence_told_week TEXT NOT NULL DEFAULT '';

-- Further flags of the same account, topic and severity as this one that were counted and not kept, and from when to when.
ALTER TABLE flag ADD COLUMN further INTEGER NOT NULL DEFAULT 0;
ALTER TABLE flag ADD COLUMN further_from_at INTEGER;
ALTER TABLE flag ADD COLUMN further_to_at INTEGER;
