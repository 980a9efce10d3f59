-- People's files: an import that waits until somebody has confirmed it. One at a time for a school.
CREATE TABLE held_import (
    school_id   TEXT NOT NULL,
    import_id   TEXT PRIMARY KEY,           -- random
    state       TEXT NOT NULL,              -- see store::held_import::State
    reading     TEXT NOT NULL,              -- JSON: what the files say; emptied when it is decided, at the latest after a week
    mark        TEXT NOT NULL,              -- of what would change, as it was shown: with another one it is shown again
    confirms    TEXT NOT NULL,              -- see people::stops::Confirms
    held_by     TEXT NOT NULL,              -- a person_id, or `command line`
    held_at     INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    first_by    TEXT,                       -- the first of two who confirm
    first_at    INTEGER,
    decided_by  TEXT,
    decided_at  INTEGER
);
CREATE INDEX held_import_waiting ON held_import (school_id, state);

-- Whom it is about in such a way that they do not confirm it: whose duty would end, who would become a pupil.
CREATE TABLE held_import_about (
    school_id   TEXT NOT NULL,
    import_id   TEXT NOT NULL,
    person_id   TEXT NOT NULL,
    PRIMARY KEY (import_id, person_id)
);
