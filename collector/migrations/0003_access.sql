-- Access: acts of two people, each person's own key pair, and links that open under two secrets (ADR 8).

-- The public half of the person's own key pair; the private half is in the vault. Made at a sign-in.
ALTER TABLE user ADD COLUMN public_key BLOB;
-- Which reader groups' keys the vault holds, as codes with commas: so that others see who waits for a key.
ALTER TABLE user ADD COLUMN key_groups TEXT NOT NULL DEFAULT '';
-- False where the command line alone let the person in: no reader's keys go to such a sign-in.
ALTER TABLE user ADD COLUMN vouched BOOLEAN NOT NULL DEFAULT TRUE;

-- What one person proposes about another's access, and a second one decides.
CREATE TABLE proposal (
    school_id   TEXT NOT NULL,
    proposal_id TEXT PRIMARY KEY,           -- random
    act         TEXT NOT NULL,              -- see store::proposals::Act
    person_id   TEXT NOT NULL,              -- whose access
    duty        TEXT,                       -- for acts about a duty
    detail      TEXT NOT NULL DEFAULT '{}', -- JSON: the new name, address and role, where it is about these
    state       TEXT NOT NULL,              -- see store::proposals::State
    asked_by    TEXT,                       -- what found a change that no reader has proposed yet, such as `people import`
    proposed_by TEXT,                       -- a person_id, or `recovery copy`
    proposed_at INTEGER NOT NULL,
    decided_by  TEXT,
    decided_at  INTEGER,
    expires_at  INTEGER NOT NULL
);
CREATE INDEX proposal_open ON proposal (school_id, state, person_id);

-- Reader keys that the proposer gives: sealed to the proposal's own key pair, whose private half each possible second
-- person can open with their own key.
CREATE TABLE proposal_key (
    school_id    TEXT NOT NULL,
    proposal_id  TEXT NOT NULL,
    reader_group TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    PRIMARY KEY (proposal_id, reader_group)
);
CREATE TABLE proposal_share (
    school_id    TEXT NOT NULL,
    proposal_id  TEXT NOT NULL,
    person_id    TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    PRIMARY KEY (proposal_id, person_id)
);

-- Reader keys sealed to a person's own key: theirs at their next sign-in, when it is deleted here. With `proposal_id`:
-- only once that is agreed.
CREATE TABLE sealed_key (
    school_id    TEXT NOT NULL,
    person_id    TEXT NOT NULL,
    reader_group TEXT NOT NULL,
    proposal_id  TEXT,
    sealed       BLOB NOT NULL,
    given_by     TEXT NOT NULL,
    given_at     INTEGER NOT NULL
);
CREATE INDEX sealed_key_by_person ON sealed_key (school_id, person_id);

-- Links of before opened with what was printed on a screen. They open nothing any more; a new one is proposed.
DROP TABLE invitation;

-- A one-time link, by which a person sets up how they sign in. It is mailed to them alone and opens with a code that
-- they are told by voice. Reader keys in it are wrapped under both.
CREATE TABLE invitation (
    school_id    TEXT NOT NULL,
    invitation_id TEXT PRIMARY KEY,
    person_id    TEXT NOT NULL,
    resets       BOOLEAN NOT NULL,          -- may take the place of a sign-in that is there
    vouched      BOOLEAN NOT NULL,          -- false: made by the command line alone
    proposal_id  TEXT,
    link_hash    BLOB NOT NULL,             -- of the link's secret
    code_hash    BLOB NOT NULL,             -- of the link's secret and the code
    wrapped_keys BLOB,
    held_secret  TEXT,                      -- the link's secret, until a technician agrees and it is mailed
    proposed_by  TEXT NOT NULL,             -- a person_id, `init`, `command line` or `recovery copy`
    agreed_by    TEXT,
    code_with    TEXT NOT NULL,             -- who tells the code: a person_id, or as `proposed_by`
    made_at      INTEGER NOT NULL,
    ready_at     INTEGER,                   -- since when it can be used
    expires_at   INTEGER NOT NULL,
    wrong_codes  INTEGER NOT NULL DEFAULT 0,
    used_at      INTEGER,
    withdrawn_at INTEGER
);
CREATE INDEX invitation_by_person ON invitation (school_id, person_id);
