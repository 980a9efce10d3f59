//! From rows to what a directory holds.

use super::Person;
use crate::concerns::kind::SubjectRole;
use crate::concerns::model::{Duty, PersonId};
use crate::concerns::routing::Duties;
use crate::profile::Nation;
use crate::profile::Profile;
use crate::store::Read;
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[derive(sqlx::FromRow)]
struct PersonRow {
    person_id: PersonId,
    source_id: String,
    role: SubjectRole,
    administration: bool,
    year_group: String,
    username: String,
    given_name: String,
    family_name: String,
    email: String,
    active: bool,
    class_name: String,
}

pub(super) async fn versions(connection: &mut Read, school_id: &str) -> Result<(i64, i64), sqlx::Error> {
    let versions = sqlx::query_as("SELECT directory_version, names_version FROM school WHERE school_id = $1")
        .bind(school_id)
        .fetch_optional(connection)
        .await?;
    Ok(versions.unwrap_or((0, 0)))
}

pub(super) async fn read_people(
    connection: &mut Read,
    school_id: &str,
    nation: Nation,
) -> Result<HashMap<PersonId, Person>, sqlx::Error> {
    let rows: Vec<PersonRow> = sqlx::query_as(
        "SELECT person_id, source_id, role, administration, year_group, username, given_name, family_name, email, active,
                class_name
         FROM person WHERE school_id = $1",
    )
    .bind(school_id)
    .fetch_all(connection)
    .await?;
    let person = |row: PersonRow| Person {
        person_id: row.person_id,
        source_id: row.source_id,
        role: row.role,
        administration: row.administration,
        year_group: row.year_group,
        nation,
        username: row.username,
        given_name: row.given_name,
        family_name: row.family_name,
        email: row.email,
        active: row.active,
        class_name: row.class_name,
    };
    Ok(rows
        .into_iter()
        .map(|row| (row.person_id.clone(), person(row)))
        .collect())
}

/// Duties in force, of people who are still there and may sign in; those on call first, in the profile's order.
pub(super) async fn read_duties(
    connection: &mut Read,
    school_id: &str,
    profile: &Profile,
    people: &HashMap<PersonId, Person>,
) -> Result<Duties, sqlx::Error> {
    let rows: Vec<(Duty, PersonId)> = sqlx::query_as(
        "SELECT duty.duty, duty.person_id FROM duty
         LEFT JOIN \"user\" ON \"user\".school_id = duty.school_id AND \"user\".person_id = duty.person_id
         WHERE duty.school_id = $1 AND duty.ended_at IS NULL AND \"user\".disabled_at IS NULL
         ORDER BY duty.granted_at, duty.duty_id",
    )
    .bind(school_id)
    .fetch_all(connection)
    .await?;
    let mut held: Vec<(usize, Duty, PersonId)> = Vec::new();
    for (duty, person_id) in rows {
        if let Some(person) = people.get(&person_id).filter(|person| person.active) {
            held.push((on_call_place(profile, &person.email), duty, person_id));
        }
    }
    held.sort_by_key(|(place, _, _)| *place);
    let mut duties = Duties::default();
    for (_, duty, person_id) in held {
        duties.add(duty, person_id);
    }
    Ok(duties)
}

fn on_call_place(profile: &Profile, email: &str) -> usize {
    let on_call = &profile.accountability.on_call;
    on_call
        .iter()
        .position(|address| address.eq_ignore_ascii_case(email))
        .unwrap_or(usize::MAX)
}

pub(super) async fn read_conflicts(
    connection: &mut Read,
    school_id: &str,
) -> Result<BTreeMap<PersonId, BTreeSet<PersonId>>, sqlx::Error> {
    let rows: Vec<(PersonId, PersonId)> = sqlx::query_as(
        "SELECT about_id, reader_id FROM conflict WHERE school_id = $1 AND ended_at IS NULL AND in_force",
    )
    .bind(school_id)
    .fetch_all(connection)
    .await?;
    let mut conflicts: BTreeMap<PersonId, BTreeSet<PersonId>> = BTreeMap::new();
    for (about, reader) in rows {
        conflicts.entry(about).or_default().insert(reader);
    }
    Ok(conflicts)
}
