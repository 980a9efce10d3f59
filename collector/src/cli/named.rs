//! People as the command line names them, and as they are recorded.

use super::BY;
use crate::chain::Deed;
use crate::concerns::kind::SubjectRole;
use crate::store::members::{self, Member};
use crate::store::school::NewPerson;
use crate::store::{Write, audit, overview, school as rows};
use anyhow::Context as _;
use std::str::FromStr;

/// A person as the command line names them.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) given: String,
    pub(super) family: String,
    pub(super) email: String,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write it as \"Given Family <mail@school.example>\"".to_owned();
        let (name, email) = text
            .trim()
            .strip_suffix('>')
            .and_then(|text| text.split_once('<'))
            .ok_or_else(wrong)?;
        let (given, family) = name.trim().rsplit_once(' ').ok_or_else(wrong)?;
        if !email.contains('@') || email.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self {
            given: given.trim().into(),
            family: family.into(),
            email: email.into(),
        })
    }
}

/// The person of an address, who is made where nobody has it. Who is known stays as they are recorded.
pub(super) async fn person(
    tx: &mut Write,
    school_id: &str,
    named: &Named,
    role: SubjectRole,
) -> anyhow::Result<Member> {
    let new = NewPerson {
        role,
        given_name: &named.given,
        family_name: &named.family,
        email: &named.email,
    };
    let person_id = rows::person(tx, school_id, &new).await?;
    let person = members::find(tx, school_id, &person_id).await?;
    let person =
        person.context("this address belongs to a pupil; a person with a duty needs one of their own")?;
    anyhow::ensure!(
        person.family_name.eq_ignore_ascii_case(&named.family),
        "{} is the address of {}; name them as they are recorded, or give another address",
        named.email,
        person.name()
    );
    let adults = overview::candidates(tx, school_id).await?;
    let namesake = adults.iter().find(|other| {
        other.person_id != person.person_id
            && !other.role.is_pupil()
            && other.name.eq_ignore_ascii_case(&person.name())
    });
    anyhow::ensure!(
        namesake.is_none(),
        "{} is recorded with another address, and a link goes to the recorded one alone; give that (`user list` and the \
         list of people show it)",
        person.name()
    );
    Ok(person)
}

pub(super) async fn note(
    tx: &mut Write,
    school_id: &str,
    deed: Deed,
    person_id: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    let detail = serde_json::json!({ "person": person_id });
    audit::record(tx, school_id, (BY, deed), detail, now).await
}
