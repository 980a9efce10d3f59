//! Files with the columns of each of the systems that schools have.

use super::{faults, people, read, try_files};

#[test]
fn the_columns_may_stand_in_any_order_and_be_those_of_version_1_2() {
    let csv = "\u{feff}userMasterIdentifier,givenName,familyName,roles,username,email,grades,sourcedId,enabledUser\n\
               x,Ada,Invented,student,ada,,5,s1,true\n";
    assert_eq!(people(&read(csv)), ["s1 pupil 5 ada Ada Invented"]);
}

/// One id column for the whole file, so that a person's id is never made of another column than last time.
#[test]
fn files_of_schools_systems_are_taken_with_the_columns_they_have() {
    for (file, text, expected) in [
        (
            "SIMS.csv",
            "Legal Surname,Surname,Forename,Admission Number,UPN,Year taught in,Reg Group\nX,Ash,Ada,001234,A123456789012,Year  5,5A\n",
            "001234 pupil 5 Ada Ash",
        ),
        (
            "arbor.csv",
            "Arbor Student ID,Legal first name,Preferred first name,Legal last name,Year group,Registration form,Email\n12,Adelaide,Ada,Ash,Year 5,5A,a@school.example\n",
            "12 pupil 5 Ada Ash",
        ),
        (
            "bromcom.csv",
            "StudentID,PreferredFirstName,PreferredLastName,YearGroup,TutorGroup,Username\n12,Ada,Ash,5,5A,aash\n",
            "12 pupil 5 aash Ada Ash",
        ),
        (
            "scholarpack.csv",
            "UPN;Pupil name;NC Year\nA1;Ash, Ada;R\n",
            "A1 pupil R Ada Ash",
        ),
        (
            "wonde.csv",
            "id,upi,mis_id,surname,forename,legal_surname,year_code,registration_name,email\nA99,f00,77,Ash,Ada,Ashe,5,5A,\n",
            "77 pupil 5 Ada Ash",
        ),
        (
            "isams.csv",
            "School Id,UPN,Forename,Surname,NC Year,Form\nx,A1,Ada,Ash,11,11B\n",
            "A1 pupil 11 Ada Ash",
        ),
        (
            "seemis.csv",
            "SCN,Forename,Surname,Stage,Class\n123456789,Ada,Ash,P3,P3A\n",
            "123456789 pupil P3 Ada Ash",
        ),
        (
            "Student.csv",
            "SIS ID,School SIS ID,First Name,Last Name,Username,Password,Grade\n1,100,Ada,Ash,aash,x,5\n",
            "1 pupil 5 aash Ada Ash",
        ),
        (
            "Teacher.csv",
            "SIS ID,School SIS ID,First Name,Last Name,Username,Password\n2,100,Jo,Hill,jhill,x\n",
            "2 staff jhill Jo Hill",
        ),
        (
            "people.csv",
            "MIS ID,Forename,Surname,Job Title,Work Email,User Principal Name\n3,Jo,Hill,Office Manager,j@school.example,jhill@school.example\n",
            "3 office jhill@school.example Jo Hill",
        ),
        (
            "entra.csv",
            "Employee ID,UPN,First name,Last name,Job title\n3,jhill@school.example,Jo,Hill,Teaching Assistant\n",
            "staff:3 staff jhill@school.example Jo Hill",
        ),
        (
            "C:\\lists\\staff list.csv",
            "MIS ID,Forename,Surname\n3,Jo,Hill\n",
            "3 staff Jo Hill",
        ),
    ] {
        let reading =
            try_files(&[(file, text.as_bytes())]).unwrap_or_else(|refused| panic!("{file}: {refused}"));
        assert_eq!(people(&reading), [expected], "{file}");
    }
    let unsaid = try_files(&[("all.csv", b"MIS ID,Forename,Surname\n3,Jo,Hill\n")])
        .unwrap_err()
        .to_string();
    assert!(unsaid.contains("whether this is a pupil or staff"), "{unsaid}");
}

#[test]
fn an_id_that_excel_has_shortened_is_not_taken() {
    let reading = read("Admission Number,Forename,Surname,Year\n1.23457E+12,Ada,Ash,5\n1234,Ben,Bee,5\n");
    assert_eq!(
        faults(&reading),
        [(2, "Admission Number", "Excel has shortened this number")]
    );
}

#[test]
fn roles_of_their_own_file_are_taken_and_asked_for_where_they_are_missing() {
    let users = "sourcedId,status,enabledUser,username,givenName,familyName,email,grades\n\
                 t1,,true,jhill,Jo,Hill,j.hill@school.example,\ns1,,true,aash,Ada,Ash,,05\ns2,,true,bbee,Ben,Bee,,06\n\
                 s4,,true,ddee,Di,Dee,,06\n";
    let alone = try_files(&[("users.csv", users.as_bytes())])
        .unwrap_err()
        .to_string();
    assert!(
        alone.contains("OneRoster 1.2") && alone.contains("people import users.csv roles.csv"),
        "{alone}"
    );
    let roles = "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId\n\
                 r1,,,t1,primary,teacher,,,o\nr2,,,t1,secondary,guardian,,,o\nr3,,,s1,primary,student,,,o\n\
                 r4,,,s2,primary,student,,2026-07-20,o\n";
    let both = try_files(&[("users.csv", users.as_bytes()), ("roles.csv", roles.as_bytes())]).unwrap();
    assert_eq!(
        people(&both),
        ["t1 staff jhill Jo Hill", "s1 pupil 5 aash Ada Ash"]
    );
    assert_eq!((both.leavers, faults(&both)[0].0), (1, 5));
    // School Data Sync v2 keeps the year there too.
    let users = "sourcedId,username,givenName,familyName\n1,aash@school.example,Ada,Ash\n";
    let roles = "userSourcedId,orgSourcedId,role,grade\n1,o,student,05\n";
    let sync = try_files(&[("roles.csv", roles.as_bytes()), ("users.csv", users.as_bytes())]).unwrap();
    assert_eq!(people(&sync), ["1 pupil 5 aash@school.example Ada Ash"]);
}
