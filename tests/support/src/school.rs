//! An invented school: its profile, as shipped, with the accountability block filled in, and its people.

use anyhow::{Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the school's mail goes.
pub const DOMAIN: &str = "oak.example";

/// A person of the school.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// As their row names them.
    pub id: &'static str,
    /// Given name.
    pub given: &'static str,
    /// Family name.
    pub family: &'static str,
    /// Where their mail goes; pupils have none.
    pub email: &'static str,
    /// `staff`, `governor`, `outside` or `pupil`.
    pub role: &'static str,
    /// Of a pupil.
    pub year: &'static str,
    /// The duty that they hold, or get.
    pub duty: Option<&'static str>,
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

const fn adult(
    id: &'static str,
    (given, family): (&'static str, &'static str),
    email: &'static str,
    (role, duty): (&'static str, Option<&'static str>),
) -> Person {
    let year = "";
    Person {
        id,
        given,
        family,
        email,
        role,
        year,
        duty,
    }
}

const fn pupil(
    id: &'static str,
    (given, family): (&'static str, &'static str),
    year: &'static str,
) -> Person {
    let (email, role, duty) = ("", "pupil", None);
    Person {
        id,
        given,
        family,
        email,
        role,
        year,
        duty,
    }
}

/// The safeguarding lead.
pub const LEAD: Person = adult("ann", ("Ann", "Leigh"), "ann@oak.example", ("staff", Some("dsl")));
/// Her deputy.
pub const DEPUTY: Person = adult(
    "bo",
    ("Bo", "Carrow"),
    "bo@oak.example",
    ("staff", Some("deputy")),
);
/// The headteacher.
pub const HEADTEACHER: Person = adult(
    "cy",
    ("Cy", "Dunstan"),
    "cy@oak.example",
    ("staff", Some("headteacher")),
);
/// The chair of governors.
pub const CHAIR: Person = adult(
    "di",
    ("Di", "Everard"),
    "di@oak.example",
    ("governor", Some("chair")),
);
/// The technician.
pub const TECHNICIAN: Person = adult(
    "ed",
    ("Ed", "Farrow"),
    "ed@oak.example",
    ("staff", Some("technician")),
);
/// A teacher, who is nobody's reader.
pub const TEACHER: Person = adult("flo", ("Flo", "Garside"), "flo@oak.example", ("staff", None));
/// Somebody from outside, who reads what nobody of the school may.
pub const INDEPENDENT: Person = adult(
    "gil",
    ("Gil", "Hartwell"),
    "gil@oak.example",
    ("outside", Some("independent")),
);
/// A pupil.
pub const PUPIL: Person = pupil("pip", ("Pip", "Ibbotson"), "5");
/// A younger one.
pub const OTHER_PUPIL: Person = pupil("quin", ("Quin", "Jessop"), "3");

/// All of them.
pub const PEOPLE: [Person; 9] = [
    LEAD,
    DEPUTY,
    HEADTEACHER,
    CHAIR,
    TECHNICIAN,
    TEACHER,
    INDEPENDENT,
    PUPIL,
    OTHER_PUPIL,
];

/// The people as OneRoster's `users.csv`, with the names their accounts have on the devices: pairs of a person and a
/// user name.
pub fn write_people(folder: &Path, user_names: &[(Person, &str)]) -> Result<PathBuf> {
    let mut csv = String::from(
        "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,\
         middleName,identifier,email,sms,phone,agentSourcedIds,grades,password\n",
    );
    for person in PEOPLE
        .iter()
        .filter(|person| ["staff", "pupil"].contains(&person.role))
    {
        let role = if person.role == "staff" {
            "teacher"
        } else {
            "student"
        };
        let user_name = user_names.iter().find(|(named, _)| named.id == person.id);
        let user_name =
            user_name.map_or_else(|| person.family.to_lowercase(), |(_, name)| (*name).to_owned());
        csv.push_str(&format!(
            "{},active,2026-09-01,true,oak-lane,{role},{user_name},,{},{},,,{},,,,{},\n",
            person.id, person.given, person.family, person.email, person.year
        ));
    }
    let path = folder.join("users.csv");
    fs::write(&path, csv)?;
    Ok(path)
}

/// The shipped profile `purley-oaks`, with the block filled in that real devices need, or not.
pub fn write_profile(folder: &Path, accountable: bool) -> Result<PathBuf> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../collector/profiles/purley-oaks.toml");
    let shipped =
        fs::read_to_string(&shipped).with_context(|| format!("no profile {}", shipped.display()))?;
    let filled = format!(
        "[accountability]\ndata_protection_officer = \"Morgan Lindqvist <dpo@{DOMAIN}>\"\n\
         assessment_date = 2026-09-01\nlawful_basis = \"public task\"\non_call = [\"{}\", \"{}\"]\n",
        LEAD.email, HEADTEACHER.email
    );
    let path = folder.join("profile.toml");
    fs::write(
        &path,
        if accountable {
            shipped.replace("[accountability]\n", &filled)
        } else {
            shipped
        },
    )?;
    Ok(path)
}
