-- What the school changes about the keyword lists (P34): proposed by one person, agreed by another. Agreed operations
-- apply to the shipped lists in the order in which they were agreed.
CREATE TABLE list_change (
    school_id   TEXT NOT NULL,
    change_id   INTEGER PRIMARY KEY,
    operation   TEXT NOT NULL,              -- JSON, see pastoral_keywords::changes::Operation
    reason      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('proposed', 'agreed', 'refused', 'withdrawn')),
    proposed_by TEXT NOT NULL,
    proposed_at INTEGER NOT NULL,
    decided_by  TEXT,
    decided_at  INTEGER,
    version     INTEGER,                    -- of the rules, from when it was agreed
    UNIQUE (school_id, version)
);
CREATE INDEX list_change_by_state ON list_change (school_id, state, change_id);

-- Specialist lists, imported under a licence and held in confidence: their text is sealed, and the key is not in the
-- database. A list is in force from the agreed change that uses it to the one that drops it; what is neither in force nor
-- proposed is removed.
CREATE TABLE specialist_list (
    school_id   TEXT NOT NULL,
    list_id     TEXT NOT NULL,
    version     INTEGER NOT NULL,
    title       TEXT NOT NULL,
    licence     TEXT NOT NULL,
    terms       INTEGER NOT NULL,
    sealed      BLOB NOT NULL,
    imported_at INTEGER NOT NULL,
    PRIMARY KEY (school_id, list_id, version)
);

-- How often the flags of a term turned out to be false alarms, without a person or a concern. Pupils' concerns only.
CREATE TABLE term_verdict (
    school_id    TEXT NOT NULL,
    list_id      TEXT NOT NULL,
    term_id      TEXT NOT NULL,
    month        TEXT NOT NULL,             -- year-month of the verdict, by the school's clock
    confirmed    INTEGER NOT NULL DEFAULT 0,
    false_alarms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (school_id, list_id, term_id, month)
) WITHOUT ROWID;

-- A concern's verdict counts once, however often it is opened again and closed.
ALTER TABLE concern ADD COLUMN verdict_counted INTEGER NOT NULL DEFAULT 0;

-- Devices fetch what is built from the lists, which the collector holds in memory; lists as files do not leave.
DROP TABLE list;
