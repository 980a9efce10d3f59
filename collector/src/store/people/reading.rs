//! From rows to what a directory holds.

use super::{Person, role_from_code};
use crate::concerns::model::{Duty, PersonId};
use crate::concerns::routing::Duties;
use crate::profile::Nation;
use crate::profile::Profile;
use sqlx::{Row, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) async fn versions(
    connection: &mut SqliteConnection,
    school_id: &str,
) -> Result<(i64, i64), sqlx::Error> {
    let row = sqlx::query("SELECT directory_version, names_version FROM school WHERE school_id = ?");
    let row = row.bind(school_id).fetch_optional(connection).await?;
    Ok(row.map_or((0, 0), |row| (row.get(0), row.get(1))))
}

pub(super) async fn read_people(
    connection: &mut SqliteConnection,
    school_id: &str,
    nation: Nation,
) -> Result<HashMap<PersonId, Person>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT person_id, source_id, role, administration, year_group, username, given_name, family_name, email, active,
                class_name
         FROM person WHERE school_id = ?",
    )
    .bind(school_id)
    .fetch_all(connection)
    .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let person = Person {
                person_id: row.get(0),
                source_id: row.get(1),
                role: role_from_code(row.get(2)),
                administration: row.get(3),
                year_group: row.get(4),
                nation,
                username: row.get(5),
                given_name: row.get(6),
                family_name: row.get(7),
                email: row.get(8),
                active: row.get(9),
                class_name: row.get(10),
            };
            (person.person_id.clone(), person)
        })
        .collect())
}

/// Duties in force, of people who are still there and may sign in; those on call first, in the profile's order.
pub(super) async fn read_duties(
    connection: &mut SqliteConnection,
    school_id: &str,
    profile: &Profile,
    people: &HashMap<PersonId, Person>,
) -> Result<Duties, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT duty.duty, duty.person_id FROM duty
         LEFT JOIN user ON user.school_id = duty.school_id AND user.person_id = duty.person_id
         WHERE duty.school_id = ? AND duty.ended_at IS NULL AND user.disabled_at IS NULL
         ORDER BY duty.granted_at, duty.duty_id",
    )
    .bind(school_id)
    .fetch_all(connection)
    .await?;
    let mut held: Vec<(usize, Duty, PersonId)> = Vec::new();
    for row in &rows {
        let person_id: PersonId = row.get(1);
        let active = people.get(&person_id).filter(|person| person.active);
        if let (Some(duty), Some(person)) = (Duty::from_code(row.get(0)), active) {
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
    connection: &mut SqliteConnection,
    school_id: &str,
) -> Result<BTreeMap<PersonId, BTreeSet<PersonId>>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT about_id, reader_id FROM conflict WHERE school_id = ? AND ended_at IS NULL AND in_force",
    )
    .bind(school_id)
    .fetch_all(connection)
    .await?;
    let mut conflicts: BTreeMap<PersonId, BTreeSet<PersonId>> = BTreeMap::new();
    for row in &rows {
        conflicts.entry(row.get(0)).or_default().insert(row.get(1));
    }
    Ok(conflicts)
}
