//! People's files as Excel and schools' systems make them: what is taken, and what is said of the rest.

mod files;
mod rows;
mod systems;
mod years;

use pastoral_collector::concerns::kind::SubjectRole;
use pastoral_collector::people::{File, Reader, Reading, Refused};
use pastoral_collector::profile::Nation;

pub(super) const HEADER: &str = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,\
                      familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password";

pub(super) fn reader(nation: Nation) -> Reader {
    Reader {
        today: jiff::civil::date(2026, 11, 23),
        nation,
    }
}

pub(super) fn try_files(files: &[(&str, &[u8])]) -> Result<Reading, Refused> {
    let files: Vec<_> = files.iter().map(|(name, bytes)| File { name, bytes }).collect();
    reader(Nation::England).read(&files)
}

pub(super) fn read(text: &str) -> Reading {
    try_files(&[("users.csv", text.as_bytes())]).unwrap()
}

pub(super) fn refused(bytes: &[u8]) -> String {
    try_files(&[("users.csv", bytes)]).unwrap_err().to_string()
}

/// Who is in it, as `id role year username name`.
pub(super) fn people(reading: &Reading) -> Vec<String> {
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

pub(super) fn faults(reading: &Reading) -> Vec<(u64, &str, &str)> {
    reading
        .left_out
        .iter()
        .map(|fault| (fault.line, fault.column.as_str(), fault.fault.as_str()))
        .collect()
}

pub(super) fn one_roster(lines: &[&str]) -> String {
    format!("{HEADER}\n{}\n", lines.join("\n"))
}

pub(super) const HILL: &str = "t1,,,true,org1,teacher,jhill,,Jo,Hill,,,j.hill@school.example,,,,,";

pub(super) fn pupil(id: &str, username: &str, year: &str) -> String {
    format!("{id},,,true,org1,student,{username},,Ada,Ash,,,,,,,{year},")
}
