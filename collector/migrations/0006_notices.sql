-- A notice is tried until its sort's own end comes, and never given up before.
ALTER TABLE outbox RENAME COLUMN failed_at TO ended_at;  -- ended unsent: what it was about is over, or nobody may read it
ALTER TABLE outbox ADD COLUMN first_tried_at INTEGER;    -- pauses grow from here
ALTER TABLE outbox ADD COLUMN fault TEXT;                -- the code of what stopped it the last time
ALTER TABLE outbox ADD COLUMN skipped_at INTEGER;        -- its reader cannot be reached: the next one was told instead
-- What an earlier version gave up is tried again.
UPDATE outbox SET ended_at = NULL, due_at = created_at WHERE sent_at IS NULL AND ended_at IS NOT NULL AND body <> '';
CREATE INDEX outbox_waiting ON outbox (school_id, person_id, notice, due_at);
DROP INDEX outbox_digest;

-- The concerns that a notice about several is about.
CREATE TABLE notice_concern (
    school_id    TEXT NOT NULL,
    notice_id    TEXT NOT NULL,
    concern_id   TEXT NOT NULL,
    PRIMARY KEY (notice_id, concern_id)
);
CREATE INDEX notice_concern_by_concern ON notice_concern (concern_id);

ALTER TABLE concern ADD COLUMN highest_severity INTEGER NOT NULL DEFAULT 0; -- that it ever had, where that is higher than now
ALTER TABLE concern ADD COLUMN quiet_until INTEGER;      -- every flag is marked a false alarm: its timers stand until then
ALTER TABLE concern ADD COLUMN quieted_at INTEGER;       -- when they last began to stand: marking again what was there then stops nothing
ALTER TABLE concern ADD COLUMN timed_at INTEGER;         -- when next_due_at or review_at was set, to notice a clock that was set back
ALTER TABLE concern ADD COLUMN review_at INTEGER;        -- acknowledged: when its owner is asked how it stands
ALTER TABLE concern ADD COLUMN review_answer_by INTEGER; -- they were asked, and by then the next person is told
-- What was acknowledged before there were review dates is looked at again a week after it was.
UPDATE concern SET review_at = acknowledged_at + 7 * 86400000 WHERE state = 'acknowledged';
CREATE INDEX concern_quiet ON concern (school_id) WHERE quiet_until IS NOT NULL;
CREATE INDEX concern_review ON concern (school_id, review_at) WHERE review_at IS NOT NULL;
