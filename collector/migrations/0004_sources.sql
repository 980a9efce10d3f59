-- Browsers with which somebody has signed in before: they are let through limits that others have used up. Only a hash
-- of what the browser's cookie holds is kept. All of a person's end with a change of password or a reset.
CREATE TABLE known_browser (
    school_id    TEXT NOT NULL,
    cookie_hash  BLOB NOT NULL,
    person_id    TEXT NOT NULL,
    known_since  INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    PRIMARY KEY (school_id, cookie_hash, person_id)
);
CREATE INDEX known_browser_by_person ON known_browser (school_id, person_id, last_used_at);

-- When somebody was last told that others try to sign in as them.
CREATE TABLE siege_told (
    school_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    told_at   INTEGER NOT NULL,
    PRIMARY KEY (school_id, person_id)
);
