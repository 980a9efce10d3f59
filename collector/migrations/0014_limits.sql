-- Of a device's day: the accounts that it told of, and how many flags of the highest severity were let in of each although
-- the device was beyond a limit. Kept for some weeks.
CREATE TABLE device_account (
    school_id   TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    day         TEXT NOT NULL,
    authority   TEXT NOT NULL,
    stable_id   TEXT NOT NULL,
    let_in      INTEGER NOT NULL,
    PRIMARY KEY (school_id, device_id, day, authority, stable_id)
);

-- Bytes of flags kept of an account on a day, once they are many, see store/ingest/volume.rs. Only of the latest day.
CREATE TABLE kept_bytes (
    school_id   TEXT NOT NULL,
    account_id  INTEGER NOT NULL,           -- 0: of the whole school
    day         INTEGER NOT NULL,           -- since 1970
    bytes       INTEGER NOT NULL,
    PRIMARY KEY (school_id, account_id)
);

-- For how many minutes of a day's hours of cover devices could reach the collector. Kept for some weeks.
CREATE TABLE collector_day (
    school_id   TEXT NOT NULL,
    day         TEXT NOT NULL,
    minutes     INTEGER NOT NULL,
    PRIMARY KEY (school_id, day)
);

-- Why its reader is told of a concern: the notice is written by it when it leaves. What was queued before holds its words.
ALTER TABLE outbox ADD COLUMN why TEXT;
