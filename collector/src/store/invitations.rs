//! One-time links: who is invited to what, by whom, and whether a second person has agreed.

use super::Write;
use crate::concerns::model::Duty;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteExecutor};

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
