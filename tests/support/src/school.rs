//! An invented school: its profile, as shipped, with the accountability block filled in, and its people.

use anyhow::{Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// A person of the school.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// As their OneRoster row names them.
    pub id: &'static str,
    /// Given name.
    pub given: &'static str,
    /// Family name.
    pub family: &'static str,
    /// Where their mail goes.
    pub email: &'static str,
}

impl Person {
    /// As people are named on the command line: `Given Family <mail>`.
    #[must_use]
    pub fn named(&self) -> String {
        format!("{} {} <{}>", self.given, self.family, self.email)
    }

    /// The whole name.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }
}

const fn person(id: &'static str, given: &'static str, family: &'static str, email: &'static str) -> Person {
    Person {
        id,
        given,
        family,
        email,
    }
}

/// The headteacher.
pub const HEADTEACHER: Person = person("s-1", "Helen", "Hartwell", "head@purleyoaks.test");
/// The safeguarding lead.
pub const LEAD: Person = person("s-2", "Dana", "Okonkwo", "dsl@purleyoaks.test");
/// Her deputy.
pub const DEPUTY: Person = person("s-3", "Priya", "Deshmukh", "deputy@purleyoaks.test");
/// A teacher, who is nobody's reader.
pub const TEACHER: Person = person("s-4", "Tomasz", "Wisniewski", "teacher@purleyoaks.test");
/// The technician.
pub const TECHNICIAN: Person = person("s-5", "Tariq", "Farouk", "it@purleyoaks.test");
/// The chair of governors.
pub const CHAIR: Person = person("g-1", "Charlotte", "Beaumont", "chair@purleyoaks.test");
/// A pupil of year 6.
pub const PUPIL: Person = person("p-1", "Robin", "Ashdown", "");
/// Another pupil.
pub const OTHER_PUPIL: Person = person("p-2", "Sam", "Fairweather", "");

/// The people as OneRoster's `users.csv`, with the names their accounts have on the devices: pairs of a person and a
/// user name.
pub fn write_people(folder: &Path, user_names: &[(Person, &str)]) -> Result<PathBuf> {
    let mut csv = String::from(
        "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,\
         middleName,identifier,email,sms,phone,agentSourcedIds,grades,password\n",
    );
    let people = [
        (HEADTEACHER, "administrator", ""),
        (LEAD, "teacher", ""),
        (DEPUTY, "teacher", ""),
        (TEACHER, "teacher", ""),
        (TECHNICIAN, "aide", ""),
        (PUPIL, "student", "06"),
        (OTHER_PUPIL, "student", "03"),
    ];
    for (person, role, grade) in people {
        let user_name = user_names.iter().find(|(named, _)| named.id == person.id);
        let user_name =
            user_name.map_or_else(|| person.family.to_lowercase(), |(_, name)| (*name).to_owned());
        csv.push_str(&format!(
            "{},active,2026-09-01,true,purley-oaks,{role},{user_name},,{},{},,,{},,,,{grade},\n",
            person.id, person.given, person.family, person.email
        ));
    }
    let path = folder.join("users.csv");
    fs::write(&path, csv)?;
    Ok(path)
}

/// The shipped profile `purley-oaks`, with the block filled in that real devices need.
pub fn write_profile(folder: &Path) -> Result<PathBuf> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../collector/profiles/purley-oaks.toml");
    let shipped =
        fs::read_to_string(&shipped).with_context(|| format!("no profile {}", shipped.display()))?;
    let (before, after) = shipped
        .split_once("[accountability]")
        .context("the profile has no accountability block")?;
    let filled = format!(
        "{before}[accountability]\ndata_protection_officer = \"Morgan Lindqvist <dpo@purleyoaks.test>\"\n\
         assessment_date = 2026-09-01\nlawful_basis = \"public task: keeping children safe in education\"\n\
         on_call = [\"{}\", \"{}\"]{after}",
        LEAD.email, HEADTEACHER.email
    );
    let path = folder.join("purley-oaks.toml");
    fs::write(&path, filled)?;
    Ok(path)
}
