-- What devices were asked to do once, and what came of it. Answers say nothing of content.
CREATE TABLE device_command (
    school_id   TEXT NOT NULL,
    command_id  BLOB NOT NULL,          -- 16 random bytes
    device_id   TEXT NOT NULL,
    command     TEXT NOT NULL,          -- say-how-it-is
    state       TEXT NOT NULL,          -- asked, sent, done, failed, unanswered
    asked_by    TEXT NOT NULL,          -- a person_id, or `command line`
    asked_at    INTEGER NOT NULL,
    ends_at     INTEGER NOT NULL,       -- without an answer by then there is none
    answered_at INTEGER,
    answer      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (school_id, command_id)
);
CREATE INDEX device_command_by_device ON device_command (school_id, device_id, asked_at);
CREATE INDEX device_command_open ON device_command (school_id, ends_at) WHERE state IN ('asked', 'sent');
