-- What somebody was writing when their form was not taken: sealed to the writer's own key, for a day.
CREATE TABLE draft (
    school_id   TEXT NOT NULL,
    draft_id    TEXT PRIMARY KEY,           -- random
    person_id   TEXT NOT NULL,              -- the writer, who alone gets it back
    sealed      BLOB NOT NULL,              -- the form and what was typed into it
    written_at  INTEGER NOT NULL
);
CREATE INDEX draft_by_person ON draft (school_id, person_id, written_at);

-- Whose forms carry a token: what they write is kept for them, also when their session has ended or the collector was
-- started again.
CREATE TABLE writer (
    school_id   TEXT NOT NULL,
    token_hash  BLOB NOT NULL,              -- of the token in every form of the session
    person_id   TEXT NOT NULL,
    began_at    INTEGER NOT NULL,           -- when the session began
    PRIMARY KEY (school_id, token_hash)
);
