-- How strongly a concern's text names somebody, see concerns::naming. What was found before counted as certain.
ALTER TABLE concern_named ADD COLUMN strength TEXT NOT NULL DEFAULT 'certain';

-- A reader who may be meant: closes nothing alone.
ALTER TABLE concern_reader ADD COLUMN doubtful BOOLEAN NOT NULL DEFAULT FALSE;

-- Why it goes to its readers, see concerns::routing::Reason.
ALTER TABLE concern ADD COLUMN route TEXT NOT NULL DEFAULT 'usual';
-- The second key that its content is sealed to, where somebody reads it who does not hold the first.
ALTER TABLE concern ADD COLUMN also_group TEXT;
-- When somebody was last told that nobody can read it; none while somebody can.
ALTER TABLE concern ADD COLUMN unread_told_at INTEGER;

-- A conflict that a second person has not agreed to lapses; one that would leave the recorder alone waits for that person.
-- `about_id` is a person, or a concern while nobody knows whom that is about.
ALTER TABLE conflict ADD COLUMN in_force BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE conflict ADD COLUMN lapses_at INTEGER;
ALTER TABLE conflict ADD COLUMN agreed_by TEXT;
ALTER TABLE conflict ADD COLUMN ended_by TEXT;     -- a person_id, or `pastoral` when it lapsed

-- A data key may be sealed to two groups.
CREATE TABLE data_key_by_group (
    school_id    TEXT NOT NULL,
    data_key_id  BLOB NOT NULL,
    concern_id   TEXT NOT NULL,
    reader_group TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (data_key_id, reader_group)
);
INSERT INTO data_key_by_group (school_id, data_key_id, concern_id, reader_group, sealed, created_at)
    SELECT school_id, data_key_id, concern_id, reader_group, sealed, created_at FROM data_key;
DROP TABLE data_key;
ALTER TABLE data_key_by_group RENAME TO data_key;
CREATE INDEX data_key_by_concern ON data_key (school_id, concern_id);
