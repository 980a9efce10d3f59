-- The public half of each person's own key stands in the audit chain (ADR 11), where nobody changes it unseen; the column
-- of before could be changed by whoever can write to the file. Who signed in before is recorded at their next sign-in.
ALTER TABLE user DROP COLUMN public_key;

-- They are looked up whenever something is sealed to somebody.
CREATE INDEX audit_own_key ON audit (school_id, sequence) WHERE action = 'own-key';
