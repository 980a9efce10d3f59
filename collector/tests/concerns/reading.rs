//! People's files as Excel and schools' systems make them: what is taken, and what is said of the rest.

use pastoral_collector::concerns::kind::SubjectRole;
use pastoral_collector::people::{Encoding, File, Nation, Reader, Reading, Refused};
use proptest::prelude::*;

const HEADER: &str = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,\
                      familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password";

fn reader(nation: Nation) -> Reader {
    Reader {
        today: jiff::civil::date(2026, 11, 23),
        nation,
    }
}

fn try_files(files: &[(&str, &[u8])]) -> Result<Reading, Refused> {
    let files: Vec<_> = files.iter().map(|(name, bytes)| File { name, bytes }).collect();
    reader(Nation::England).read(&files)
}

fn read(text: &str) -> Reading {
    try_files(&[("users.csv", text.as_bytes())]).unwrap()
}

fn refused(bytes: &[u8]) -> String {
    try_files(&[("users.csv", bytes)]).unwrap_err().to_string()
}

#[test]
fn a_pupil_s_class_is_taken_to_tell_two_of_one_name_apart() {
    let reading =
        read("UPN,Forename,Surname,Year,Reg Group\nA1,Sam,Ash,5,5K\nA2,Sam,Ash,5,\nA3,Sam,Ash,5,5L\n");
    let classes: Vec<_> = reading.rows.iter().map(|row| row.class_name.as_str()).collect();
    assert_eq!(classes, ["5K", "", "5L"]);
}

/// Who is in it, as `id role year username name`.
fn people(reading: &Reading) -> Vec<String> {
    let said = |row: &pastoral_collector::people::Row| {
        let role = match (row.role, row.administration) {
            (SubjectRole::Pupil, _) => "pupil",
            (SubjectRole::Staff, true) => "office",
            (SubjectRole::Staff, _) => "staff",
            (SubjectRole::Governor, _) => "governor",
            _ => "outside",
        };
        let words = [
            &row.source_id,
            role,
            &row.year_group,
            &row.username,
            &row.given_name,
            &row.family_name,
        ];
        words
            .iter()
            .filter(|word| !word.is_empty())
            .map(|word| word.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    reading.rows.iter().map(said).collect()
}

fn faults(reading: &Reading) -> Vec<(u64, &str, &str)> {
    reading
        .left_out
        .iter()
        .map(|fault| (fault.line, fault.column.as_str(), fault.fault.as_str()))
        .collect()
}

fn one_roster(lines: &[&str]) -> String {
    format!("{HEADER}\n{}\n", lines.join("\n"))
}

const HILL: &str = "t1,,,true,org1,teacher,jhill,,Jo,Hill,,,j.hill@school.example,,,,,";

fn pupil(id: &str, username: &str, year: &str) -> String {
    format!("{id},,,true,org1,student,{username},,Ada,Ash,,,,,,,{year},")
}

#[test]
fn the_columns_may_stand_in_any_order_and_be_those_of_version_1_2() {
    let csv = "\u{feff}userMasterIdentifier,givenName,familyName,roles,username,email,grades,sourcedId,enabledUser\n\
               x,Ada,Invented,student,ada,,5,s1,true\n";
    assert_eq!(people(&read(csv)), ["s1 pupil 5 ada Ada Invented"]);
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

#[test]
fn a_file_is_taken_in_whatever_letters_it_is_written_and_it_is_said_in_which() {
    let text = one_roster(&[HILL, &pupil("s1", "zash", "05").replace("Ada", "Zoë")]);
    let wide = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let windows: Vec<u8> = text
        .chars()
        .map(|letter| if letter == 'ë' { 0xeb } else { letter as u8 })
        .collect();
    let with = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
    for (bytes, encoding) in [
        (text.clone().into_bytes(), Encoding::Utf8),
        (with(b"\xef\xbb\xbf", text.as_bytes()), Encoding::Utf8),
        (windows, Encoding::Windows1252),
        (wide(u16::to_le_bytes), Encoding::Utf16Le),
        (with(b"\xff\xfe", &wide(u16::to_le_bytes)), Encoding::Utf16Le),
        (wide(u16::to_be_bytes), Encoding::Utf16Be),
        (with(b"\xfe\xff", &wide(u16::to_be_bytes)), Encoding::Utf16Be),
    ] {
        let reading = try_files(&[("users.csv", &bytes)]).unwrap();
        assert_eq!(people(&reading)[1], "s1 pupil 5 zash Zoë Ash");
        assert_eq!(reading.sources[0].encoding, encoding);
        assert!(
            reading
                .to_string()
                .contains(&format!("read as {}", encoding.words()))
        );
    }
}

#[test]
fn letters_that_no_encoding_makes_sense_of_are_refused_with_their_line() {
    let mixed = [one_roster(&[HILL, "s1,Zoë"]).as_bytes(), b"s2,Zo\xeb\n"].concat();
    assert!(
        refused(&mixed).contains("users.csv:4: this line is not UTF-8, and others are"),
        "{}",
        refused(&mixed)
    );
    let mac = [one_roster(&[HILL]).as_bytes(), b"s2,Zo\x8f\n"].concat();
    assert!(refused(&mac).contains("users.csv:3: this is neither UTF-8 nor Windows-1252"));
}

#[test]
fn what_is_no_table_is_refused_with_the_word_that_helps() {
    for (bytes, helps) in [
        (&b"PK\x03\x04rest"[..], "Save As, \"CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "Save As, \"CSV UTF-8"),
        (b"%PDF-1.7", "exported as CSV"),
        (b"\xef\xbb\xbf <html><table>", "open it in Excel"),
        (b"{\"users\": []}", "exported as CSV"),
        (b"", "names of columns"),
        (b"\0\0\0\0", "CSV UTF-8"),
        (b"a,b\nc,d\n", "names of columns"),
        (b"sourcedId,role,username\nx,student,y\n", "Forename and Surname"),
        (b"Forename,Surname,Year\nAda,Ash,5\n", "Admission Number"),
        (
            b"UPN,Forename,Surname,Year,Surname\nA1,Ada,Ash,5,Bee\n",
            "columns 3 and 5",
        ),
    ] {
        let said = refused(bytes);
        assert!(said.contains(helps), "{said}");
    }
    let nobody = refused(format!("{HEADER}\n").as_bytes());
    assert!(nobody.contains("nobody is in it"), "{nobody}");
}

#[test]
fn semicolons_tabs_bars_and_the_line_of_excel_are_found_out() {
    let text = one_roster(&[HILL, &pupil("s1", "aash", "05")]);
    for (delimiter, first) in [
        (";", ""),
        ("\t", ""),
        ("|", ""),
        (";", "sep=;\r\n"),
        ("\t", "\"sep=\t\"\n"),
    ] {
        let reading = read(&(first.to_owned() + &text.replace(',', delimiter)));
        assert_eq!(people(&reading)[1], "s1 pupil 5 aash Ada Ash", "{delimiter:?}");
    }
}

/// What people add above and below, and columns that nobody uses.
#[test]
fn titles_totals_unused_columns_and_delimiters_too_many_are_no_harm() {
    let reading = read(&format!(
        "Pupils on roll,,,\n\"School: Invented, Primary\"\n\nUPN,Forename,Surname,NC Year,Notes,,\r\n\
         A1,Ada,Ash,5,\"12 High St\r\nLeeds, West\r\n{}\",,,,\r\n,,,,,,\r\nA2,Ben,Bee,6,\"\"\"x\"\"\",,,,\r\n\
         A3,Cy,Cox,6,,,,,\r\nTotal: 2,,,,,,\r\nPrinted on 01/09/2026\r\n",
        "long ".repeat(1000)
    ));
    assert_eq!(
        people(&reading),
        ["A1 pupil 5 Ada Ash", "A2 pupil 6 Ben Bee", "A3 pupil 6 Cy Cox"]
    );
    assert_eq!(faults(&reading), []);
}

/// Today its year group is lost in silence.
#[test]
fn a_row_with_a_comma_too_many_or_too_few_is_left_out() {
    let lines = [
        HILL,
        "s1,,,true,org1,student,aash,,Ada,Ash, Jr,,,,,,,05,",
        "s2,,,true,org1,student,bbee,Ben,Bee,,,,,,,06,",
    ];
    let reading = read(&one_roster(&[
        lines[0],
        lines[1],
        lines[2],
        &pupil("s3", "c", "1"),
    ]));
    assert_eq!(people(&reading).len(), 2);
    let said: Vec<_> = faults(&reading)
        .into_iter()
        .map(|(line, _, fault)| (line, fault.to_owned()))
        .collect();
    assert_eq!(
        said,
        [
            (3, "it has 19 fields, and others 18".to_owned()),
            (4, "it has 17 fields, and others 18".to_owned())
        ]
    );
    assert_eq!(reading.left_out[0].source_id.as_deref(), Some("s1"));
}

/// Who stands in the rows that it swallows would be taken for leavers.
#[test]
fn a_quote_that_swallows_rows_stops_the_whole_file() {
    let said = refused(
        one_roster(&[
            HILL,
            &pupil("s1", "a", "5").replace("Ada", "\"Ada"),
            &pupil("s2", "b", "5"),
            &pupil("s3", "c", "5"),
        ])
        .as_bytes(),
    );
    assert!(
        said.contains("users.csv:3: a quote (\") is opened") && said.contains("up to line"),
        "{said}"
    );
    let one_line = read(&one_roster(&[
        HILL,
        &pupil("s1", "a", "5").replace("Ada", "\"Ada\" B"),
        &pupil("s2", "b", "5"),
    ]));
    assert_eq!(faults(&one_line)[0].0, 3);
    assert_eq!(one_line.rows.len(), 2);
}

/// Years of four nations, and what systems call them.
#[test]
fn year_groups_are_read_as_the_nation_writes_them() {
    let of = |nation: Nation, year: &str| {
        let text = format!("UPN,Forename,Surname,Year Group\nA1,Ada,Ash,\"{year}\"\nA2,Ben,Bee,1\n");
        let reading = reader(nation)
            .read(&[File {
                name: "pupils.csv",
                bytes: text.as_bytes(),
            }])
            .unwrap();
        let first = reading.rows.into_iter().find(|row| row.source_id == "A1");
        first.map_or("left out".into(), |row| row.year_group)
    };
    use Nation::{England, NorthernIreland, Scotland, Wales};
    for (nation, year, kept) in [
        (England, "Year  5", "5"),
        (England, "05", "5"),
        (England, "Y5", "5"),
        (England, "Yr 10", "10"),
        (England, "NC Year 3", "3"),
        (England, "Curriculum Year 8", "8"),
        (England, "Reception", "R"),
        (England, "Year R", "R"),
        (England, "YR", "R"),
        (England, "0", "R"),
        (England, "KG", "R"),
        (England, "EYFS", "R"),
        (England, "FS1", "N"),
        (Wales, "Nursery 1", "N"),
        (Wales, "N2", "N"),
        (England, "Year 14", "14"),
        (England, "Upper Sixth", "13"),
        (England, "05,05", "5"),
        (England, "05,06", "left out"),
        (England, "15", "left out"),
        (England, "wizard", "left out"),
        (England, "UG", ""),
        (England, "N/A", ""),
        (Scotland, "P3", "P3"),
        (Scotland, "Primary 7", "P7"),
        (Scotland, "S6", "S6"),
        (Scotland, "S7", "left out"),
        (NorthernIreland, "Year 3", "P3"),
        (NorthernIreland, "P8", "left out"),
        (NorthernIreland, "Year 8", "8"),
        (NorthernIreland, "Year 14", "14"),
    ] {
        assert_eq!(of(nation, year), kept, "{nation:?} {year}");
    }
}

#[test]
fn year_groups_of_another_nation_than_the_profile_s_are_taken_and_said() {
    let text = b"SCN,Forename,Surname,Stage\n1,Ada,Ash,P4\n";
    for (nation, said) in [
        (Nation::England, true),
        (Nation::Wales, true),
        (Nation::Scotland, false),
        (Nation::NorthernIreland, false),
    ] {
        let reading = reader(nation)
            .read(&[File {
                name: "stages.csv",
                bytes: text,
            }])
            .unwrap();
        assert_eq!(people(&reading), ["1 pupil P4 Ada Ash"]);
        assert_eq!(
            reading.to_string().contains("state in the profile"),
            said,
            "{nation:?}"
        );
    }
}

#[test]
fn an_age_tells_the_year_where_only_an_age_is_given() {
    let reading = read("UPN,Forename,Surname,Age\nA1,Ada,Ash,9\nA2,Ben,Bee,4\nA3,Cy,Cox,forty\n");
    assert_eq!(people(&reading), ["A1 pupil 4 Ada Ash", "A2 pupil N Ben Bee"]);
    assert_eq!(faults(&reading), [(4, "Age", "it is no pupil's age")]);
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

#[test]
fn much_that_is_wrong_is_a_wrong_file() {
    let wrong = |good: usize, bad: usize| {
        let row = |id: String, year: &str| pupil(&id, "", year);
        let good = (0..good).map(|n| row(format!("g{n}"), "5"));
        let lines: Vec<_> = good.chain((0..bad).map(|n| row(format!("b{n}"), "99"))).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        try_files(&[("users.csv", one_roster(&lines).as_bytes())])
    };
    assert_eq!(wrong(3, 2).unwrap().left_out.len(), 2);
    assert_eq!(wrong(300, 30).unwrap().left_out.len(), 30);
    for (good, bad) in [(2, 3), (150, 21), (0, 1)] {
        let said = wrong(good, bad).unwrap_err().to_string();
        assert!(said.contains("too many rows"), "{said}");
    }
}

/// INVARIANT 8: the largest file there may be is read, one larger is not.
#[test]
fn a_file_of_a_hundred_thousand_people_is_taken_and_a_larger_one_refused() {
    let mut text = "UPN,Forename,Surname,Year\n".to_owned();
    for number in 0..100_000 {
        text.push_str(&format!("s{number},Ada,Ash,5\n"));
    }
    assert_eq!(read(&text).rows.len(), 100_000);
    text.push_str("one more,Ada,Ash,5\n");
    assert!(refused(text.as_bytes()).contains("more than 100,000 rows"));
    assert!(refused(&vec![b','; 32 * 1024 * 1024 + 1]).contains("32 MiB"));
    // One record of more fields than any memory should hold.
    assert!(refused(&vec![b','; 1024 * 1024]).contains("names of columns"));
}

proptest! {
    /// Whatever somebody gives as a file, it is answered.
    #[test]
    fn no_file_makes_the_reader_fall(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = try_files(&[("users.csv", &bytes)]);
    }

    #[test]
    fn no_row_makes_the_reader_fall(
        rows in prop::collection::vec("[a-z0-9,;\"'\\\\@=\r\n\t é-]{0,40}", 0..12),
        wide in any::<bool>(),
    ) {
        let text = format!("{HEADER}\r\n{HILL}\r\n{}", rows.join("\r\n"));
        let bytes: Vec<u8> = if wide { text.encode_utf16().flat_map(u16::to_le_bytes).collect() } else { text.into_bytes() };
        if let Ok(reading) = try_files(&[("users.csv", &bytes)]) {
            for row in &reading.rows {
                prop_assert!(!row.source_id.is_empty() && row.given_name.len() + row.family_name.len() > 0);
            }
        }
    }
}
