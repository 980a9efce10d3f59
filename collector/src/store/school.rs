//! The school itself, and the people that the command line makes and takes away.

use super::{Read, Store, Write};
use crate::concerns::kind::SubjectRole;
use crate::concerns::model::Duty;
use std::collections::BTreeMap;

/// The school of this collector.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct School {
    /// Its id.
    pub school_id: String,
    /// What it is called.
    pub name: String,
    /// The profile last accepted, as TOML.
    pub profile: String,
}

/// A person made on the command line.
#[derive(Debug, Clone)]
pub struct NewPerson<'a> {
    /// What they are to the school.
    pub role: SubjectRole,
    /// Given name.
    pub given_name: &'a str,
    /// Family name.
    pub family_name: &'a str,
    /// E-mail address.
    pub email: &'a str,
}

/// Somebody with a duty, or who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct User {
    /// Their id.
    pub person_id: String,
    /// Given and family name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// The duties they hold.
    #[sqlx(skip)]
    pub duties: Vec<Duty>,
    /// Whether they have set a password.
    pub can_sign_in: bool,
    /// When they last did.
    pub last_sign_in_at: Option<i64>,
}

/// The school; none before `init`.
pub async fn get(db: &mut Read) -> Result<Option<School>, sqlx::Error> {
    sqlx::query_as("SELECT school_id, name, profile FROM school LIMIT 1")
        .fetch_optional(db)
        .await
}

/// Makes the school.
pub async fn add(tx: &mut Write, school: &School, now_ms: i64) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO school (school_id, name, profile, created_at) VALUES ($1, $2, $3, $4)")
        .bind(&school.school_id)
        .bind(&school.name)
        .bind(&school.profile)
        .bind(now_ms)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Adds a person, or finds the active one with the same e-mail address. Gives the id.
pub async fn person(tx: &mut Write, school_id: &str, new: &NewPerson<'_>) -> Result<String, sqlx::Error> {
    let known = sqlx::query_scalar(
        "SELECT person_id FROM person WHERE school_id = $1 AND active AND lower(email) = lower($2) LIMIT 1",
    )
    .bind(school_id)
    .bind(new.email)
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(known) = known {
        return Ok(known);
    }
    let person_id = uuid::Uuid::new_v4().to_string();
    sqlx::query(
        "INSERT INTO person (school_id, person_id, source_id, role, given_name, family_name, email)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(school_id)
    .bind(&person_id)
    .bind(format!("pastoral:{person_id}"))
    .bind(new.role)
    .bind(new.given_name)
    .bind(new.family_name)
    .bind(new.email)
    .execute(&mut **tx)
    .await?;
    Ok(person_id)
}

/// Everybody with a duty, or who can sign in.
pub async fn users(store: &Store, school_id: &str) -> Result<Vec<User>, sqlx::Error> {
    let mut users: Vec<User> = sqlx::query_as(
        "SELECT p.person_id, p.given_name || ' ' || p.family_name AS name, p.email,
                u.person_id IS NOT NULL AS can_sign_in, u.last_sign_in_at
         FROM person AS p
         LEFT JOIN \"user\" AS u ON u.school_id = p.school_id AND u.person_id = p.person_id AND u.disabled_at IS NULL
         WHERE p.school_id = $1 AND (u.person_id IS NOT NULL OR EXISTS (SELECT 1 FROM duty AS d
            WHERE d.school_id = p.school_id AND d.person_id = p.person_id AND d.ended_at IS NULL))
         ORDER BY p.family_name, p.given_name",
    )
    .bind(school_id)
    .fetch_all(&mut *store.read().await?)
    .await?;
    let held: Vec<(String, Duty)> = sqlx::query_as(
        "SELECT DISTINCT person_id, duty FROM duty WHERE school_id = $1 AND ended_at IS NULL ORDER BY duty",
    )
    .bind(school_id)
    .fetch_all(&mut *store.read().await?)
    .await?;
    let mut duties: BTreeMap<String, Vec<Duty>> = BTreeMap::new();
    for (person_id, duty) in held {
        duties.entry(person_id).or_default().push(duty);
    }
    for user in &mut users {
        user.duties = duties.remove(&user.person_id).unwrap_or_default();
    }
    Ok(users)
}

/// The holders of a duty with this e-mail address or person_id.
pub async fn find_user(store: &Store, school_id: &str, who: &str) -> Result<Option<User>, sqlx::Error> {
    let users = users(store, school_id).await?;
    Ok(users
        .into_iter()
        .find(|user| user.person_id == who || user.email.eq_ignore_ascii_case(who)))
}

/// Ends what a person may do: duties, sign-in, and links not used yet. Says nothing of their records.
pub async fn disable(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    by: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    for query in [
        "UPDATE duty SET ended_at = $1, ended_by = $2 WHERE school_id = $3 AND person_id = $4 AND ended_at IS NULL",
        "UPDATE \"user\" SET disabled_at = $1 WHERE school_id = $3 AND person_id = $4 AND disabled_at IS NULL AND $2 <> ''",
        "UPDATE invitation SET withdrawn_at = $1, wrapped_keys = NULL, held_secret = NULL WHERE school_id = $3 AND person_id = $4 AND used_at IS NULL
         AND withdrawn_at IS NULL AND $2 <> ''",
    ] {
        sqlx::query(query)
            .bind(now_ms)
            .bind(by)
            .bind(school_id)
            .bind(person_id)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// How many people hold a duty.
pub async fn holders(db: &mut Read, school_id: &str, duty: Duty) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(DISTINCT person_id) FROM duty WHERE school_id = $1 AND duty = $2 AND ended_at IS NULL",
    )
    .bind(school_id)
    .bind(duty)
    .fetch_one(db)
    .await
}
