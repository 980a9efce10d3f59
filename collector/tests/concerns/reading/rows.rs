//! Rows one by one, and what several say of one person.

use super::{HEADER, HILL, faults, one_roster, people, pupil, read};

#[test]
fn a_pupil_s_class_is_taken_to_tell_two_of_one_name_apart() {
    let reading =
        read("UPN,Forename,Surname,Year,Reg Group\nA1,Sam,Ash,5,5K\nA2,Sam,Ash,5,\nA3,Sam,Ash,5,5L\n");
    let classes: Vec<_> = reading.rows.iter().map(|row| row.class_name.as_str()).collect();
    assert_eq!(classes, ["5K", "", "5L"]);
}

#[test]
fn every_row_with_a_fault_is_listed_with_its_line_and_what_to_write() {
    let reading = read(&one_roster(&[
        HILL,
        &pupil("s2", "b", "5").replace("student", "wizard"),
        &pupil("s3", "c", "17"),
        &pupil("s6", "f", "5"),
        &HILL
            .replace("t1", "t6")
            .replace("j.hill@school.example", "not an address"),
        &pupil("s7", "g", "6"),
        &pupil("s8", "h", "6"),
    ]));
    let said: Vec<_> = faults(&reading)
        .into_iter()
        .map(|(line, column, _)| (line, column))
        .collect();
    assert_eq!(said, [(3, "role"), (4, "grades"), (6, "email")]);
    assert!(reading.left_out[0].instead.contains("student, teacher"));
    // INVARIANT 9: no name in what is printed or logged.
    let said = reading.to_string();
    assert!(!said.contains("Ash") && !said.contains("wizard"), "{said}");
}

/// Whatever ends its lines, and whatever stands between them, the line is the one that an editor shows.
#[test]
fn a_row_that_cannot_be_taken_is_listed_with_its_line_and_column_and_the_rest_is_taken() {
    for end in ["\n", "\r\n", "\r"] {
        let lines = [
            HEADER,
            HILL,
            "",
            &pupil("s1", "aash", "05"),
            &pupil("s2", "bbee", "99"),
        ];
        let reading = read(&(lines.join(end) + end));
        assert_eq!(
            people(&reading),
            ["t1 staff jhill Jo Hill", "s1 pupil 5 aash Ada Ash"],
            "{end:?}"
        );
        assert_eq!(
            faults(&reading),
            [(5, "grades", "it is not one year group")],
            "{end:?}"
        );
        assert_eq!(reading.left_out[0].source_id.as_deref(), Some("s2"));
        let said = reading.to_string();
        assert!(
            said.contains("users.csv:5: column grades: it is not one year group; write instead: one such as"),
            "{said}"
        );
        // INVARIANT 9: no name in what is printed.
        assert!(!said.contains("Ash") && !said.contains("Hill"), "{said}");
    }
}

/// Whatever else is missing or wrong in their rows.
#[test]
fn people_who_have_left_are_left_out_whatever_else_their_rows_say() {
    let reading = read(&one_roster(&[
        HILL,
        &pupil("s1", "aash", "05"),
        "x9,tobedeleted,2026-09-01,false,org1,,,,,,,,,,,,,",
        "x8,,,false,org1,alumni,,,Al,Umni,,,,,,,,",
        "x7,inactive,,true,org1,wizard,,,,,,,not an address,,,,99,",
        "x6,active,,false,org1,student,,,,,,,,,,,99,",
    ]));
    assert_eq!(
        (reading.rows.len(), reading.leavers, faults(&reading)),
        (2, 4, vec![])
    );
    let dates = read(
        "Staff Code,Forename,Surname,Job Title,Leaving Date\n1,A,B,Teacher,31/08/2026\n2,C,D,Teacher,31/12/2026\n3,E,F,Teacher,\n\
         4,G,H,Teacher,soon\n",
    );
    assert_eq!(people(&dates), ["staff:2 staff C D", "staff:3 staff E F"]);
    assert_eq!(faults(&dates), [(5, "Leaving Date", "it is not a date")]);
}

#[test]
fn what_stands_for_nothing_is_nothing_and_one_name_is_enough() {
    let reading = read(&one_roster(&[
        "t1,,,true,org1,teacher,N/A,,Jo,Hill,,,noreply@school.example,,,,,",
        "t2,,,true,org1,teacher,-,,-,Li,,,none,,,,,",
        "s1,,,true,org1,student,null,,Priya,TBC,,,not an address,,,,Unknown,",
        "s2,,,true,org1,student,x,,N/A,Unknown,,,,,,,5,",
    ]));
    assert_eq!(
        people(&reading),
        ["t1 staff Jo Hill", "t2 staff Li", "s1 pupil Priya"]
    );
    assert!(reading.rows.iter().all(|row| row.email.is_empty()));
    assert_eq!(faults(&reading), [(5, "familyName", "the person has no name")]);
}

/// INVARIANT 4: whoever is staff in one row is not a pupil by another.
#[test]
fn two_roles_of_one_person_are_one_and_a_pupil_who_is_staff_is_left_out() {
    let person =
        |id: &str, role: &str, year: &str| format!("{id},,,true,org1,\"{role}\",{id},,Ada,Ash,,,,,,,{year},");
    let reading = read(&one_roster(&[
        &person("a", "teacher,parent", ""),
        &person("b", "guardian", ""),
        &person("b", "teacher", ""),
        &person("c", "student;teacher", "5"),
        &person("d", "student", "5"),
        &person("d", "aide", ""),
        &person("e", "governor,guardian", ""),
        &person("f", "student", "5"),
        &person("f", "student", "5"),
        &person("g", "administrator,teacher", ""),
        &person("h", "student", "5"),
        &person("h", "student", "6"),
    ]));
    assert_eq!(
        people(&reading),
        [
            "a staff a Ada Ash",
            "b staff b Ada Ash",
            "e governor e Ada Ash",
            "f pupil 5 f Ada Ash",
            "g staff g Ada Ash"
        ]
    );
    let lines: Vec<_> = faults(&reading).iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [5, 6, 7, 12, 13]);
    assert!(
        reading.left_out[1].fault.contains("line 7"),
        "{:?}",
        reading.left_out[1]
    );
}

#[test]
fn a_pupil_s_number_and_an_adult_s_role_do_not_go_together() {
    let reading = read(
        "UPN,Staff Code,Role,Forename,Surname,Year\nA1,,Teacher,Ada,Ash,5\nA5,X1,Student,Ben,Bee,5\nA3,,Pupil,Cy,Cox,5\n\
         ,X2,Head of Maths,Di,Dee,\n",
    );
    let lines: Vec<_> = faults(&reading)
        .iter()
        .map(|(line, column, _)| (*line, *column))
        .collect();
    assert_eq!(lines, [(2, "Role"), (3, "Role")]);
    assert_eq!(people(&reading), ["A3 pupil 5 Cy Cox", "staff:X2 staff Di Dee"]);
}

#[test]
fn people_who_share_a_user_name_are_taken_and_said() {
    let reading = read(&one_roster(&[
        HILL,
        &pupil("s1", "JHill@school.example", "5"),
        &pupil("s2", "ash@pupils.school.example", "5"),
        &pupil("s3", "ash@staff.school.example", "5"),
    ]));
    assert_eq!(reading.rows.len(), 4);
    assert_eq!(reading.shared_usernames, ["2, 3"]);
}

/// Only one account is kept of a person: the other's flags would be an unknown pupil's, and nobody would know why.
#[test]
fn another_user_name_of_one_person_is_said() {
    let reading = read(&one_roster(&[
        HILL,
        &pupil("s1", "aash", "5"),
        &pupil("s1", "AASH", "5"),
        &pupil("s1", "ada.ash", "5"),
        &pupil("s1", "", "5"),
    ]));
    assert_eq!(people(&reading)[1], "s1 pupil 5 aash Ada Ash");
    assert_eq!(reading.other_usernames, ["3, 5"]);
    let said = reading.to_string();
    assert!(
        said.contains("lines 3, 5: this person has two user names"),
        "{said}"
    );
    assert!(!said.contains("ada"), "{said}");
}
