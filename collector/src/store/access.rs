//! People who can sign in: their vaults, codes and duties.

use super::Write;
use crate::access::SealedVault;
use crate::concerns::model::Duty;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteExecutor};

/// A person as the console knows them while they are signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// Who.
    pub person_id: String,
    /// Given and family name.
    pub name: String,
    /// Where they get mail; also what they sign in with.
    pub email: String,
    /// What they are trusted with now.
    pub duties: Vec<Duty>,
    /// When their password was set.
    pub password_set_at: i64,
}

/// A person who can sign in, with what opens for them.
#[derive(Debug, Clone)]
pub struct User {
    /// Who.
    pub person_id: String,
    /// What the password opens.
    pub vault: SealedVault,
    /// The step of the last code used.
    pub totp_last_step: i64,
}

/// The person with their present duties; none when they cannot sign in any more.
///
/// # Errors
/// When the database cannot be read.
pub async fn viewer(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    person_id: &str,
) -> Result<Option<Viewer>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT p.given_name || ' ' || p.family_name AS name, p.email, d.duty, u.password_set_at
         FROM person p
         JOIN user u ON u.school_id = p.school_id AND u.person_id = p.person_id AND u.disabled_at IS NULL
         JOIN duty d ON d.school_id = p.school_id AND d.person_id = p.person_id AND d.ended_at IS NULL
         WHERE p.school_id = ? AND p.person_id = ? AND p.active = 1",
    )
    .bind(school_id)
    .bind(person_id)
    .fetch_all(db)
    .await?;
    let mut duties: Vec<Duty> = rows
        .iter()
        .filter_map(|row| Duty::from_code(row.get("duty")))
        .collect();
    duties.sort();
    duties.dedup();
    Ok(rows.first().map(|row| Viewer {
        person_id: person_id.to_owned(),
        name: row.get("name"),
        email: row.get("email"),
        duties,
        password_set_at: row.get("password_set_at"),
    }))
}

/// The person who signs in with an address.
///
/// # Errors
/// When the database cannot be read.
pub async fn user_by_email(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    email: &str,
) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT u.person_id, u.vault_salt, u.vault, u.totp_last_step FROM user u
         JOIN person p ON p.school_id = u.school_id AND p.person_id = u.person_id
         WHERE u.school_id = ? AND p.email <> '' AND lower(p.email) = lower(?) AND u.disabled_at IS NULL
         ORDER BY u.created_at LIMIT 1",
    )
    .bind(school_id)
    .bind(email.trim())
    .fetch_optional(db)
    .await?;
    Ok(row.as_ref().map(read_user))
}

/// The sign-in of a person.
///
/// # Errors
/// When the database cannot be read.
pub async fn user(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    person_id: &str,
) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT person_id, vault_salt, vault, totp_last_step FROM user
         WHERE school_id = ? AND person_id = ? AND disabled_at IS NULL",
    )
    .bind(school_id)
    .bind(person_id)
    .fetch_optional(db)
    .await?;
    Ok(row.as_ref().map(read_user))
}

/// Stores a person's sign-in, in place of one they had.
///
/// # Errors
/// When the database cannot be written.
pub async fn save_user(tx: &mut Write, school_id: &str, user: &User, now_ms: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO user (school_id, person_id, vault_salt, vault, totp_last_step, password_set_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
         ON CONFLICT (school_id, person_id) DO UPDATE SET vault_salt = excluded.vault_salt, vault = excluded.vault,
         totp_last_step = excluded.totp_last_step, password_set_at = excluded.password_set_at, disabled_at = NULL",
    )
    .bind(school_id)
    .bind(&user.person_id)
    .bind(&user.vault.salt)
    .bind(&user.vault.bytes)
    .bind(user.totp_last_step)
    .bind(now_ms)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Stores a vault under a new password, if it is still the one that was opened.
///
/// # Errors
/// When the database cannot be written.
pub async fn replace_vault(
    tx: &mut Write,
    school_id: &str,
    opened: &User,
    vault: &SealedVault,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE user SET vault_salt = ?, vault = ?, password_set_at = ?
         WHERE school_id = ? AND person_id = ? AND vault = ?",
    )
    .bind(&vault.salt)
    .bind(&vault.bytes)
    .bind(now_ms)
    .bind(school_id)
    .bind(&opened.person_id)
    .bind(&opened.vault.bytes)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks the step of a code as used. False when it or a later one was used already: a code serves once.
///
/// # Errors
/// When the database cannot be written.
pub async fn spend_step(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    step: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE user SET totp_last_step = ?1 WHERE school_id = ?2 AND person_id = ?3 AND totp_last_step < ?1",
    )
    .bind(step)
    .bind(school_id)
    .bind(person_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks a recovery code as used. False when there is none such or it was used already.
///
/// # Errors
/// When the database cannot be written.
pub async fn spend_recovery_code(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    hash: &[u8],
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE recovery_code SET used_at = ? WHERE school_id = ? AND person_id = ? AND hash = ? AND used_at IS NULL",
    )
    .bind(now_ms)
    .bind(school_id)
    .bind(person_id)
    .bind(hash)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces a person's recovery codes.
///
/// # Errors
/// When the database cannot be written.
pub async fn replace_recovery_codes(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    hashes: &[Vec<u8>],
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM recovery_code WHERE school_id = ? AND person_id = ?")
        .bind(school_id)
        .bind(person_id)
        .execute(&mut **tx)
        .await?;
    for hash in hashes {
        sqlx::query("INSERT INTO recovery_code (school_id, person_id, hash) VALUES (?, ?, ?)")
            .bind(school_id)
            .bind(person_id)
            .bind(hash)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// How many recovery codes a person has left.
///
/// # Errors
/// When the database cannot be read.
pub async fn recovery_codes_left(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    person_id: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM recovery_code WHERE school_id = ? AND person_id = ? AND used_at IS NULL",
    )
    .bind(school_id)
    .bind(person_id)
    .fetch_one(db)
    .await
}

/// Notes a sign-in.
///
/// # Errors
/// When the database cannot be written.
pub async fn signed_in(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE user SET last_sign_in_at = ? WHERE school_id = ? AND person_id = ?")
        .bind(now_ms)
        .bind(school_id)
        .bind(person_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Begins a duty, unless the person has it already.
///
/// # Errors
/// When the database cannot be written.
pub async fn grant_duty(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    duty: Duty,
    granted_by: &str,
    agreed_by: Option<&str>,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO duty (school_id, duty_id, person_id, duty, granted_by, agreed_by, granted_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM duty
            WHERE school_id = ?1 AND person_id = ?3 AND duty = ?4 AND ended_at IS NULL)",
    )
    .bind(school_id)
    .bind(uuid::Uuid::new_v4().to_string())
    .bind(person_id)
    .bind(duty.code())
    .bind(granted_by)
    .bind(agreed_by)
    .bind(now_ms)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A person's name and address; none when there is no such person.
///
/// # Errors
/// When the database cannot be read.
pub async fn name_and_email(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    person_id: &str,
) -> Result<Option<(String, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT given_name || ' ' || family_name, email FROM person WHERE school_id = ? AND person_id = ?",
    )
    .bind(school_id)
    .bind(person_id)
    .fetch_optional(db)
    .await
}

fn read_user(row: &SqliteRow) -> User {
    User {
        person_id: row.get("person_id"),
        vault: SealedVault {
            salt: row.get("vault_salt"),
            bytes: row.get("vault"),
        },
        totp_last_step: row.get("totp_last_step"),
    }
}
