-- Who reads what, by person alone: with the school before it, this index was taken for the one of a concern.
DROP INDEX concern_reader_by_person;
CREATE INDEX concern_reader_by_person ON concern_reader (person_id, concern_id);
