-- The year groups that pupils were in before, each until a list said another.

CREATE TABLE year_before (
    school_id    TEXT NOT NULL,
    person_id    TEXT NOT NULL,
    until        INTEGER NOT NULL,
    year_group   TEXT NOT NULL,
    PRIMARY KEY (school_id, person_id, until)
);
