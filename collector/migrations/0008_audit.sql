-- How an entry's hash is made, see `chain`. Entries from before this are of the first form.
ALTER TABLE audit ADD COLUMN form INTEGER NOT NULL DEFAULT 1;

-- Groups whose content is sealed for another key than their readers hold, as a sign-in showed.
CREATE TABLE key_doubt (
    school_id    TEXT NOT NULL,
    reader_group TEXT NOT NULL,
    found_at     INTEGER NOT NULL,
    PRIMARY KEY (school_id, reader_group)
);

-- Why somebody opened a record out of quarantine, sealed to the school safe.
CREATE TABLE quarantine_action (
    school_id    TEXT NOT NULL,
    device_id    TEXT NOT NULL,
    epoch        BLOB NOT NULL,
    sequence     INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    by_id        TEXT NOT NULL,
    sealed       BLOB NOT NULL
);
CREATE INDEX quarantine_action_by_record ON quarantine_action (school_id, device_id, epoch, sequence);
