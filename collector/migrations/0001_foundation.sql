-- Times are milliseconds since 1970 (UTC) unless a name says otherwise. `school_id` is in every table.
-- What is sealed can be opened only by a signed-in reader; what is readable here is what escalation needs.

CREATE TABLE school (
    school_id   TEXT PRIMARY KEY,           -- UUID, also in every certificate, token and policy
    name        TEXT NOT NULL,
    profile     TEXT NOT NULL,              -- the last profile accepted, as TOML: stays in force when the file is broken
    generation  INTEGER NOT NULL DEFAULT 1, -- raised when a backup is restored
    counter     INTEGER NOT NULL DEFAULT 0, -- of the last policy made in this generation
    directory_version INTEGER NOT NULL DEFAULT 0, -- raised by the triggers below whenever routing could change
    names_version INTEGER NOT NULL DEFAULT 0, -- raised by the triggers below whenever an adult has a new name
    chain_broken_at INTEGER,                -- when the audit chain was found broken; none while it is whole
    created_at  INTEGER NOT NULL
);

-- ---- People ----

CREATE TABLE person (
    school_id    TEXT NOT NULL,
    person_id    TEXT NOT NULL,             -- UUID of our own
    source_id    TEXT NOT NULL,             -- OneRoster sourcedId, or `pastoral:<uuid>` for people made here
    role         TEXT NOT NULL CHECK (role IN ('pupil', 'staff', 'governor', 'outside')),
    administration INTEGER NOT NULL DEFAULT 0,
    year_group   TEXT NOT NULL DEFAULT '',
    username     TEXT NOT NULL DEFAULT '',
    given_name   TEXT NOT NULL,
    family_name  TEXT NOT NULL,
    email        TEXT NOT NULL DEFAULT '',
    active       INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (school_id, person_id),
    UNIQUE (school_id, source_id)
);
CREATE INDEX person_by_username ON person (school_id, username);

-- What a person is trusted with, and how they got it (P37). Ended, never deleted.
CREATE TABLE duty (
    school_id   TEXT NOT NULL,
    duty_id     TEXT NOT NULL,
    person_id   TEXT NOT NULL,
    duty        TEXT NOT NULL CHECK (duty IN ('dsl', 'deputy', 'headteacher', 'chair', 'independent', 'technician')),
    granted_by  TEXT NOT NULL,              -- a person_id, or `init`, or `command line`
    agreed_by   TEXT,                       -- the second person, for reader duties
    granted_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    ended_by    TEXT,
    PRIMARY KEY (school_id, duty_id)
);
CREATE INDEX duty_by_person ON duty (school_id, person_id) WHERE ended_at IS NULL;

-- An account on a device, and the person it is known to be.
CREATE TABLE account (
    school_id   TEXT NOT NULL,
    account_id  INTEGER PRIMARY KEY,
    device_id   TEXT NOT NULL,              -- '' for accounts that a directory vouches for
    authority   TEXT NOT NULL,
    stable_id   TEXT NOT NULL,
    name        TEXT NOT NULL,
    person_id   TEXT,                       -- NULL: an unknown person
    identified_by TEXT,                     -- `user name`, or the reviewer's person_id
    first_seen_at INTEGER NOT NULL,
    UNIQUE (school_id, device_id, authority, stable_id)
);

-- A reader who must not see what concerns a person (P20).
CREATE TABLE conflict (
    school_id   TEXT NOT NULL,
    reader_id   TEXT NOT NULL,
    about_id    TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    ended_at    INTEGER,
    PRIMARY KEY (school_id, reader_id, about_id, recorded_at)
);

-- Delivery routes by people, duties, conflicts and known accounts kept in memory; these say when to read them again.
CREATE TRIGGER person_insert_raises AFTER INSERT ON person BEGIN
    UPDATE school SET directory_version = directory_version + 1 WHERE school_id = NEW.school_id; END;
CREATE TRIGGER person_update_raises AFTER UPDATE ON person BEGIN
    UPDATE school SET directory_version = directory_version + 1 WHERE school_id = NEW.school_id; END;
CREATE TRIGGER person_delete_raises AFTER DELETE ON person BEGIN
    UPDATE school SET directory_version = directory_version + 1 WHERE school_id = OLD.school_id; END;
CREATE TRIGGER duty_insert_raises AFTER INSERT ON duty BEGIN
    UPDATE school SET directory_version = directory_version + 1 WHERE school_id = NEW.school_id; END;
CREATE TRIGGER duty_update_raises AFTER UPDATE ON duty BEGIN
    UPDATE school SET directory_version = directory_version + 1 WHERE school_id = NEW.school_id; END;
CREATE TRIGGER conflict_insert_raises AFTER INSERT ON conflict BEGIN
    UPDATE school SET directory_version = directory_version + 1 WHERE school_id = NEW.school_id; END;
CREATE TRIGGER conflict_update_raises AFTER UPDATE ON conflict BEGIN
    UPDATE school SET directory_version = directory_version + 1 WHERE school_id = NEW.school_id; END;
CREATE TRIGGER conflict_delete_raises AFTER DELETE ON conflict BEGIN
    UPDATE school SET directory_version = directory_version + 1 WHERE school_id = OLD.school_id; END;
CREATE TRIGGER adult_insert_raises AFTER INSERT ON person WHEN NEW.role <> 'pupil' AND NEW.active = 1 BEGIN
    UPDATE school SET names_version = names_version + 1 WHERE school_id = NEW.school_id; END;
CREATE TRIGGER adult_update_raises AFTER UPDATE ON person WHEN NEW.role <> 'pupil' AND NEW.active = 1
    AND (NEW.given_name, NEW.family_name, 'adult', 1) IS NOT
        (OLD.given_name, OLD.family_name, CASE OLD.role WHEN 'pupil' THEN 'pupil' ELSE 'adult' END, OLD.active) BEGIN
    UPDATE school SET names_version = names_version + 1 WHERE school_id = NEW.school_id; END;
CREATE TRIGGER account_identified_raises AFTER UPDATE OF person_id ON account BEGIN
    UPDATE school SET directory_version = directory_version + 1 WHERE school_id = NEW.school_id; END;

-- ---- Devices ----

CREATE TABLE token (
    school_id   TEXT NOT NULL,
    token_id    TEXT PRIMARY KEY,
    secret_hash BLOB NOT NULL,
    group_name  TEXT NOT NULL,
    uses_left   INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    approve     INTEGER NOT NULL DEFAULT 1, -- a person approves each device
    created_by  TEXT NOT NULL,
    created_at  INTEGER NOT NULL
);

CREATE TABLE device (
    school_id   TEXT NOT NULL,
    device_id   TEXT PRIMARY KEY,           -- UUID, the certificate's common name
    host_name   TEXT NOT NULL,
    os          TEXT NOT NULL,
    group_name  TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'revoked')),
    confirm_code TEXT NOT NULL,
    public_key_sha256 BLOB NOT NULL,
    csr_der     BLOB NOT NULL,
    asked_at    INTEGER NOT NULL,
    decided_at  INTEGER,
    decided_by  TEXT,
    agent_version TEXT NOT NULL DEFAULT '',
    connected   INTEGER NOT NULL DEFAULT 0,
    last_seen_at INTEGER,
    clock_offset_ms INTEGER,                -- collector's clock less the device's
    health      TEXT,                       -- JSON; says nothing of content
    policy_generation INTEGER,
    policy_counter INTEGER,
    policy_refusal TEXT,
    cloned_at   INTEGER                     -- the same record identity came with another content
);

CREATE TABLE device_certificate (
    school_id   TEXT NOT NULL,
    sha256      BLOB PRIMARY KEY,
    device_id   TEXT NOT NULL,
    not_before  INTEGER NOT NULL,
    not_after   INTEGER NOT NULL,
    issued_at   INTEGER NOT NULL,
    revoked_at  INTEGER
);
CREATE INDEX device_certificate_by_device ON device_certificate (school_id, device_id);

-- A run of a device's service. Outlives retention: `forgotten_below` keeps what was already delivered from coming twice.
CREATE TABLE epoch (
    school_id   TEXT NOT NULL,
    epoch_no    INTEGER PRIMARY KEY,
    device_id   TEXT NOT NULL,
    epoch       BLOB NOT NULL,
    high_water  INTEGER NOT NULL DEFAULT -1,
    delivered   INTEGER NOT NULL DEFAULT 0,
    forgotten_below INTEGER NOT NULL DEFAULT 0,
    previous_epoch BLOB,
    previous_last_sequence INTEGER,
    first_seen_at INTEGER NOT NULL,
    UNIQUE (school_id, device_id, epoch)
);

-- Every record answered as committed. The digest tells a second delivery from a cloned device.
CREATE TABLE delivered (
    school_id   TEXT NOT NULL,
    epoch_no    INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    digest      BLOB NOT NULL,
    flag_id     INTEGER,                    -- where the record was a flag
    PRIMARY KEY (epoch_no, sequence, digest)
) WITHOUT ROWID;

CREATE TABLE gap (
    school_id   TEXT NOT NULL,
    gap_id      INTEGER PRIMARY KEY,
    device_id   TEXT NOT NULL,
    account_id  INTEGER,
    cause       TEXT NOT NULL,
    count       INTEGER NOT NULL,
    highest_severity INTEGER,
    from_at     INTEGER NOT NULL,
    to_at       INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    epoch_no    INTEGER UNIQUE              -- where records of a whole epoch are missing, as its successor tells
);

-- A record that could not be read: kept, sealed to the school safe's key.
CREATE TABLE quarantine (
    school_id   TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    epoch       BLOB NOT NULL,
    sequence    INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    sealed      BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (device_id, epoch, sequence)
);

CREATE TABLE list (
    school_id   TEXT NOT NULL,
    sha256      BLOB NOT NULL,
    list_id     TEXT NOT NULL,
    version     INTEGER NOT NULL,
    content     BLOB NOT NULL,
    added_at    INTEGER NOT NULL,
    PRIMARY KEY (school_id, sha256)
);

-- The last policy made for a group of devices; made again, under a higher counter, when its fingerprint changes.
CREATE TABLE policy (
    school_id   TEXT NOT NULL,
    group_name  TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    generation  INTEGER NOT NULL,
    counter     INTEGER NOT NULL,
    made_at     INTEGER NOT NULL,
    PRIMARY KEY (school_id, group_name)
);

-- ---- Keys ----

CREATE TABLE reader_key (
    school_id    TEXT NOT NULL,
    reader_group TEXT NOT NULL CHECK (reader_group IN ('pupil', 'staff', 'head', 'safe')),
    public_key   BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (school_id, reader_group)
);

-- A data key seals the content of one concern for a few minutes; it is itself sealed once, to a reader group.
CREATE TABLE data_key (
    school_id    TEXT NOT NULL,
    data_key_id  BLOB PRIMARY KEY,
    concern_id   TEXT NOT NULL,
    reader_group TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    created_at   INTEGER NOT NULL
);
CREATE INDEX data_key_by_concern ON data_key (school_id, concern_id);

-- ---- Concerns ----

CREATE TABLE concern (
    school_id    TEXT NOT NULL,
    concern_id   TEXT PRIMARY KEY,          -- random, for addresses
    reference    INTEGER NOT NULL,          -- the number people say
    person_id    TEXT,                      -- NULL: an unknown person, known only by the account
    account_id   INTEGER,                   -- the account of an unknown person
    kind         TEXT NOT NULL,
    reader_group TEXT NOT NULL,             -- the key its content is sealed to
    about_child  INTEGER NOT NULL DEFAULT 0, -- handed over as what a child disclosed; the child may not be known yet
    apart        TEXT NOT NULL DEFAULT '',  -- flags that name readers are kept apart: their sorted ids
    names_version INTEGER NOT NULL DEFAULT 0, -- the school's, when names were last looked for in what is sealed here
    severity     INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('new', 'acknowledged', 'closed')),
    owner_id     TEXT,
    by_hand      INTEGER NOT NULL DEFAULT 0,
    backlog      INTEGER NOT NULL DEFAULT 0,
    flag_count   INTEGER NOT NULL DEFAULT 0,
    first_event_at INTEGER NOT NULL,        -- the range of event times, by the device's clock, corrected
    last_event_at  INTEGER NOT NULL,
    opened_at    INTEGER NOT NULL,          -- commit times
    changed_at   INTEGER NOT NULL,
    acknowledged_at INTEGER,
    category_proposed TEXT,
    category_reason   TEXT,
    category_confirmed TEXT,
    escalation_step INTEGER NOT NULL DEFAULT 0,
    next_due_at  INTEGER,                   -- when escalation looks at it again
    close_proposed_by TEXT,                 -- severity 4 and 5 close only with a second person
    closed_at    INTEGER,
    outcome      TEXT,                      -- a code; its words are sealed in the history
    linked_to    TEXT,                      -- the concern that it continues, or belongs together with
    erased_at    INTEGER,                   -- retention took its content; the row stays for the numbers
    UNIQUE (school_id, reference)
);
CREATE INDEX concern_open ON concern (school_id, person_id, account_id, kind) WHERE state <> 'closed';
CREATE INDEX concern_closed ON concern (school_id, person_id, account_id, kind) WHERE state = 'closed';
CREATE INDEX concern_due ON concern (school_id, next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX concern_names ON concern (school_id, names_version) WHERE erased_at IS NULL;
CREATE INDEX concern_queue ON concern (school_id, state, severity DESC, changed_at DESC);

-- INVARIANT 4: who may see a concern. Every query for a reader joins this table; only routing writes it.
CREATE TABLE concern_reader (
    school_id    TEXT NOT NULL,
    concern_id   TEXT NOT NULL,
    person_id    TEXT NOT NULL,
    place        INTEGER NOT NULL,          -- order in which they are told
    PRIMARY KEY (concern_id, person_id)
) WITHOUT ROWID;
CREATE INDEX concern_reader_by_person ON concern_reader (school_id, person_id, concern_id);

-- People whom a concern's text names.
CREATE TABLE concern_named (
    school_id    TEXT NOT NULL,
    concern_id   TEXT NOT NULL,
    person_id    TEXT NOT NULL,
    PRIMARY KEY (concern_id, person_id)
) WITHOUT ROWID;

CREATE TABLE flag (
    school_id    TEXT NOT NULL,
    flag_id      INTEGER PRIMARY KEY,
    concern_id   TEXT NOT NULL,
    device_id    TEXT NOT NULL,
    account_id   INTEGER NOT NULL,
    epoch_no     INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    audience     TEXT NOT NULL,
    source       TEXT NOT NULL,
    provenance   TEXT NOT NULL,
    topic        TEXT NOT NULL,
    severity     INTEGER NOT NULL,
    observed_at  INTEGER NOT NULL,          -- by the device's clock
    clock_offset_ms INTEGER NOT NULL,       -- collector's clock less the device's, as estimated then
    received_at  INTEGER NOT NULL,
    repeats      INTEGER NOT NULL DEFAULT 0,
    last_repeat_at INTEGER,
    false_alarm  INTEGER NOT NULL DEFAULT 0,
    conflicting  INTEGER NOT NULL DEFAULT 0, -- the same identity as another flag: a cloned device
    data_key_id  BLOB NOT NULL,
    sealed       BLOB NOT NULL              -- text, program, site, matches
);
CREATE INDEX flag_by_concern ON flag (concern_id, flag_id);

-- What was done with a concern: only added to. An undo is a further row.
CREATE TABLE action (
    school_id    TEXT NOT NULL,
    action_id    INTEGER PRIMARY KEY,
    concern_id   TEXT NOT NULL,
    at           INTEGER NOT NULL,
    by_id        TEXT NOT NULL,             -- a person_id, or `pastoral`
    action       TEXT NOT NULL,
    detail       TEXT NOT NULL DEFAULT '{}', -- JSON without content: codes, ids, times
    data_key_id  BLOB,
    sealed       BLOB,                      -- the words, where there are any
    undone_by    INTEGER
);
CREATE INDEX action_by_concern ON action (concern_id, action_id);

-- P22: only a recorded warning makes a repetition.
CREATE TABLE warning (
    school_id    TEXT NOT NULL,
    person_id    TEXT NOT NULL,
    kind         TEXT NOT NULL,
    at           INTEGER NOT NULL,
    concern_id   TEXT NOT NULL,
    action_id    INTEGER NOT NULL,
    PRIMARY KEY (action_id)
);
CREATE INDEX warning_by_person ON warning (school_id, person_id, kind);

-- ---- Access ----

-- A person who can sign in. The vault opens only with the password; it holds the second factor's secret and the reader keys.
CREATE TABLE user (
    school_id    TEXT NOT NULL,
    person_id    TEXT NOT NULL,
    vault_salt   BLOB NOT NULL,
    vault        BLOB NOT NULL,
    totp_last_step INTEGER NOT NULL DEFAULT 0, -- a code serves once
    password_set_at INTEGER NOT NULL,
    last_sign_in_at INTEGER,
    created_at   INTEGER NOT NULL,
    disabled_at  INTEGER,
    PRIMARY KEY (school_id, person_id)
);

CREATE TRIGGER user_disabled_raises AFTER UPDATE OF disabled_at ON user BEGIN
    UPDATE school SET directory_version = directory_version + 1 WHERE school_id = NEW.school_id; END;

CREATE TABLE recovery_code (
    school_id    TEXT NOT NULL,
    person_id    TEXT NOT NULL,
    hash         BLOB NOT NULL,
    used_at      INTEGER,
    PRIMARY KEY (school_id, person_id, hash)
);

-- A one-time link: by it a person sets a password. It carries reader keys, wrapped with the link's own secret.
CREATE TABLE invitation (
    school_id    TEXT NOT NULL,
    invitation_id TEXT PRIMARY KEY,
    person_id    TEXT NOT NULL,
    duty         TEXT NOT NULL,
    secret_hash  BLOB NOT NULL,
    wrapped_keys BLOB,
    created_by   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    agreed_by    TEXT,
    agreed_at    INTEGER,
    needs_agreement INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER,
    withdrawn_at INTEGER
);

-- ---- Telling people ----

-- At least once: a notice is sent until the mail server has taken it, always under the same Message-ID.
CREATE TABLE outbox (
    school_id    TEXT NOT NULL,
    notice_id    TEXT PRIMARY KEY,
    concern_id   TEXT,
    person_id    TEXT,
    address      TEXT NOT NULL,
    notice       TEXT NOT NULL,             -- new, risen, unanswered, digest, audit-head, test
    message_id   TEXT NOT NULL,
    subject      TEXT NOT NULL,
    body         TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    sent_at      INTEGER,
    failed_at    INTEGER,
    last_error   TEXT
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_by_concern ON outbox (concern_id) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_digest ON outbox (person_id, due_at) WHERE notice = 'digest';

-- INVARIANT 5: a hash chain. `detail` and `salt` may be erased by retention; the hashes stay.
CREATE TABLE audit (
    school_id    TEXT NOT NULL,
    sequence     INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,             -- a person_id, `pastoral`, or `command line`
    action       TEXT NOT NULL,
    concern_id   TEXT,
    salt         BLOB,
    detail       TEXT,                      -- JSON without content
    detail_hash  BLOB NOT NULL,
    hash         BLOB NOT NULL,
    PRIMARY KEY (school_id, sequence)
) WITHOUT ROWID;
CREATE INDEX audit_by_concern ON audit (school_id, concern_id);
