-- An account that several people use: what is flagged on it is nobody's until a reader says whose each flag is.
ALTER TABLE account ADD COLUMN shared BOOLEAN NOT NULL DEFAULT FALSE;

-- A pupil's class, where the school's file has it: tells two of one name and year apart.
ALTER TABLE person ADD COLUMN class_name TEXT NOT NULL DEFAULT '';
