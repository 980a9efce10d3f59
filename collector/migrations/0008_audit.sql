-- How an entry's hash is made, see `chain`. Entries from before this are of the first form.
ALTER TABLE audit ADD COLUMN form INTEGER NOT NULL DEFAULT 1;
