-- A notice says in words what it tells only when it leaves: `matter` is that, as JSON, until it has left or ended. What waits
-- from before in words keeps them.
ALTER TABLE outbox ADD COLUMN matter TEXT;
UPDATE outbox SET matter = CASE
        WHEN body <> '' THEN json_object('subject', subject, 'body', body)
        WHEN notice = 'new' THEN json_object('new', COALESCE(why, 'new'))
        ELSE json_quote(notice) END
    WHERE sent_at IS NULL AND ended_at IS NULL;
ALTER TABLE outbox DROP COLUMN subject;
ALTER TABLE outbox DROP COLUMN body;
ALTER TABLE outbox DROP COLUMN why;
