-- What people call a concern by is random from now on, so that it counts nothing. The number that it was called by before
-- stays, only to be found by it.
ALTER TABLE concern ADD COLUMN number INTEGER;
-- Below zero: to be drawn when the store is opened, see store/references.rs.
UPDATE concern SET number = reference, reference = -reference;
CREATE INDEX concern_by_number ON concern (school_id, number) WHERE number IS NOT NULL;
