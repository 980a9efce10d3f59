//! People who can sign in: their vaults, codes, duties and invitations.

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

/// What is stored of an invitation.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its id.
    pub invitation_id: String,
    /// Who is invited.
    pub person_id: String,
    /// To what.
    pub duty: Duty,
    /// Of the link's secret.
    pub secret_hash: Vec<u8>,
    /// Sealed with the link's secret.
    pub wrapped_keys: Vec<u8>,
    /// Who proposed it.
    pub created_by: String,
    /// When.
    pub created_at: i64,
    /// The second person.
    pub agreed_by: Option<String>,
    /// Whether a second person must agree.
    pub needs_agreement: bool,
    /// The link works until then.
    pub expires_at: i64,
}

impl Invitation {
    /// Whether the link can be used now.
    #[must_use]
    pub fn is_usable(&self, now_ms: i64) -> bool {
        now_ms < self.expires_at && (!self.needs_agreement || self.agreed_by.is_some())
    }

    fn read(row: &SqliteRow) -> Option<Self> {
        Some(Self {
            invitation_id: row.get("invitation_id"),
            person_id: row.get("person_id"),
            duty: Duty::from_code(row.get("duty"))?,
            secret_hash: row.get("secret_hash"),
            wrapped_keys: row.get::<Option<Vec<u8>>, _>("wrapped_keys").unwrap_or_default(),
            created_by: row.get("created_by"),
            created_at: row.get("created_at"),
            agreed_by: row.get("agreed_by"),
            needs_agreement: row.get("needs_agreement"),
            expires_at: row.get("expires_at"),
        })
    }
}

/// An invitation to be stored.
pub struct NewInvitation<'a> {
    /// The school.
    pub school_id: &'a str,
    /// Its id.
    pub invitation_id: &'a str,
    /// Who is invited.
    pub person_id: &'a str,
    /// To what.
    pub duty: Duty,
    /// Of the link's secret.
    pub secret_hash: &'a [u8],
    /// Sealed with the link's secret.
    pub wrapped_keys: Vec<u8>,
    /// A person_id, `init` or `command line`.
    pub created_by: &'a str,
    /// When.
    pub created_at: i64,
    /// Whether a second person must agree.
    pub needs_agreement: bool,
    /// The link works until then.
    pub expires_at: i64,
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
        "SELECT p.given_name || ' ' || p.family_name AS name, p.email, d.duty
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

/// Stores an invitation.
///
/// # Errors
/// When the database cannot be written.
pub async fn insert_invitation(tx: &mut Write, new: &NewInvitation<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO invitation (school_id, invitation_id, person_id, duty, secret_hash, wrapped_keys, created_by,
         created_at, needs_agreement, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(new.school_id)
    .bind(new.invitation_id)
    .bind(new.person_id)
    .bind(new.duty.code())
    .bind(new.secret_hash)
    .bind(&new.wrapped_keys)
    .bind(new.created_by)
    .bind(new.created_at)
    .bind(new.needs_agreement)
    .bind(new.expires_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// An invitation that was neither used nor withdrawn.
///
/// # Errors
/// When the database cannot be read.
pub async fn open_invitation(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    invitation_id: &str,
) -> Result<Option<Invitation>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT * FROM invitation
         WHERE school_id = ? AND invitation_id = ? AND used_at IS NULL AND withdrawn_at IS NULL",
    )
    .bind(school_id)
    .bind(invitation_id)
    .fetch_optional(db)
    .await?;
    Ok(row.as_ref().and_then(Invitation::read))
}

/// Every invitation that was neither used nor withdrawn and has not run out.
///
/// # Errors
/// When the database cannot be read.
pub async fn open_invitations(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    now_ms: i64,
) -> Result<Vec<Invitation>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT * FROM invitation WHERE school_id = ? AND used_at IS NULL AND withdrawn_at IS NULL
         AND expires_at > ? ORDER BY created_at",
    )
    .bind(school_id)
    .bind(now_ms)
    .fetch_all(db)
    .await?;
    Ok(rows.iter().filter_map(Invitation::read).collect())
}

/// Notes that a second person agrees.
///
/// # Errors
/// When the database cannot be written.
pub async fn agree_invitation(
    tx: &mut Write,
    school_id: &str,
    invitation_id: &str,
    agreed_by: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE invitation SET agreed_by = ?, agreed_at = ? WHERE school_id = ? AND invitation_id = ?",
    )
    .bind(agreed_by)
    .bind(now_ms)
    .bind(school_id)
    .bind(invitation_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Withdraws an invitation and forgets the keys it carried.
///
/// # Errors
/// When the database cannot be written.
pub async fn withdraw_invitation(
    tx: &mut Write,
    school_id: &str,
    invitation_id: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE invitation SET withdrawn_at = ?, wrapped_keys = NULL
         WHERE school_id = ? AND invitation_id = ? AND used_at IS NULL AND withdrawn_at IS NULL",
    )
    .bind(now_ms)
    .bind(school_id)
    .bind(invitation_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Uses up an invitation and forgets the keys it carried. False when somebody was faster.
///
/// # Errors
/// When the database cannot be written.
pub async fn use_invitation(
    tx: &mut Write,
    school_id: &str,
    invitation_id: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE invitation SET used_at = ?1, wrapped_keys = NULL WHERE school_id = ?2 AND invitation_id = ?3
         AND used_at IS NULL AND withdrawn_at IS NULL AND expires_at > ?1
         AND (needs_agreement = 0 OR agreed_by IS NOT NULL)",
    )
    .bind(now_ms)
    .bind(school_id)
    .bind(invitation_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
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
