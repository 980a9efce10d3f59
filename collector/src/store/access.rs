//! People who can sign in: their vaults, codes and duties.

use super::{Read, Write, person_keys};
use crate::concerns::model::{Duty, ReaderGroup};
use crate::seal::GroupPublicKey;

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

/// A vault as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SealedVault {
    /// Of the password's key.
    #[sqlx(rename = "vault_salt")]
    pub salt: Vec<u8>,
    /// Nonce and ciphertext.
    #[sqlx(rename = "vault")]
    pub bytes: Vec<u8>,
}

/// A person who can sign in, with what opens for them.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct User {
    /// Who.
    pub person_id: String,
    /// What the password opens.
    #[sqlx(flatten)]
    pub vault: SealedVault,
    /// The step of the last code used.
    pub totp_last_step: i64,
    /// Whether readers, the first set-up or a recovery sheet stand behind this sign-in.
    pub vouched: bool,
}

/// What a person's vault holds, as others may know it.
#[derive(Clone)]
pub struct Holding {
    /// The public half of their own key pair.
    pub public_key: GroupPublicKey,
    /// The groups whose keys it has.
    pub groups: Vec<ReaderGroup>,
}

/// The person with their present duties; none when they cannot sign in any more.
pub async fn viewer(db: &mut Read, school_id: &str, person_id: &str) -> Result<Option<Viewer>, sqlx::Error> {
    let rows: Vec<(String, String, Duty, i64)> = sqlx::query_as(
        "SELECT p.given_name || ' ' || p.family_name, p.email, d.duty, u.password_set_at
         FROM person p
         JOIN \"user\" u ON u.school_id = p.school_id AND u.person_id = p.person_id AND u.disabled_at IS NULL
         JOIN duty d ON d.school_id = p.school_id AND d.person_id = p.person_id AND d.ended_at IS NULL
         WHERE p.school_id = $1 AND p.person_id = $2 AND p.active",
    )
    .bind(school_id)
    .bind(person_id)
    .fetch_all(db)
    .await?;
    let mut duties: Vec<Duty> = rows.iter().map(|(_, _, duty, _)| *duty).collect();
    duties.sort();
    duties.dedup();
    Ok(rows
        .into_iter()
        .next()
        .map(|(name, email, _, password_set_at)| Viewer {
            person_id: person_id.to_owned(),
            name,
            email,
            duties,
            password_set_at,
        }))
}

/// The person who signs in with an address.
pub async fn user_by_email(db: &mut Read, school_id: &str, email: &str) -> Result<Option<User>, sqlx::Error> {
    sqlx::query_as(
        "SELECT u.person_id, u.vault_salt, u.vault, u.totp_last_step, u.vouched FROM \"user\" u
         JOIN person p ON p.school_id = u.school_id AND p.person_id = u.person_id
         WHERE u.school_id = $1 AND p.email <> '' AND lower(p.email) = lower($2) AND u.disabled_at IS NULL
         ORDER BY u.created_at LIMIT 1",
    )
    .bind(school_id)
    .bind(email.trim())
    .fetch_optional(db)
    .await
}

/// The sign-in of a person.
pub async fn user(db: &mut Read, school_id: &str, person_id: &str) -> Result<Option<User>, sqlx::Error> {
    sqlx::query_as(
        "SELECT person_id, vault_salt, vault, totp_last_step, vouched FROM \"user\"
         WHERE school_id = $1 AND person_id = $2 AND disabled_at IS NULL",
    )
    .bind(school_id)
    .bind(person_id)
    .fetch_optional(db)
    .await
}

/// Stores a person's sign-in as a link gives it. False, and nothing is stored, where one is there already and the link
/// is not that of a reset: a duty never touches how somebody signs in, whatever the caller does. (A sign-in that was ended
/// and never belonged to a reader may be made anew.)
pub async fn set_up(
    tx: &mut Write,
    school_id: &str,
    user: &User,
    groups: &[ReaderGroup],
    (invitation_id, now_ms): (&str, i64),
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO \"user\" (school_id, person_id, vault_salt, vault, totp_last_step, password_set_at, created_at,
                           key_groups, vouched)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)
         ON CONFLICT (school_id, person_id) DO UPDATE SET vault_salt = excluded.vault_salt, vault = excluded.vault,
         totp_last_step = excluded.totp_last_step, password_set_at = excluded.password_set_at, disabled_at = NULL,
         key_groups = excluded.key_groups, vouched = excluded.vouched
         WHERE EXISTS (SELECT 1 FROM invitation i WHERE i.school_id = \"user\".school_id AND i.invitation_id = $9
                AND i.person_id = \"user\".person_id AND i.used_at = $6 AND i.resets AND i.vouched)
            OR (\"user\".disabled_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM duty d WHERE d.school_id = \"user\".school_id
                AND d.person_id = \"user\".person_id AND d.duty <> $10))",
    )
    .bind(school_id)
    .bind(&user.person_id)
    .bind(&user.vault.salt)
    .bind(&user.vault.bytes)
    .bind(user.totp_last_step)
    .bind(now_ms)
    .bind(codes(groups))
    .bind(user.vouched)
    .bind(invitation_id)
    .bind(Duty::Technician.code())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores a vault under a new password, if it is still the one that was opened.
pub async fn replace_vault(
    tx: &mut Write,
    school_id: &str,
    opened: &User,
    vault: &SealedVault,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE \"user\" SET vault_salt = $1, vault = $2, password_set_at = $3
         WHERE school_id = $4 AND person_id = $5 AND vault = $6",
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

/// Stores a vault that holds more than the one that was opened, under the same password, if nobody was faster.
pub async fn refill_vault(
    tx: &mut Write,
    school_id: &str,
    opened: &User,
    vault: &SealedVault,
    groups: &[ReaderGroup],
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE \"user\" SET vault_salt = $1, vault = $2, key_groups = $3
         WHERE school_id = $4 AND person_id = $5 AND vault = $6",
    )
    .bind(&vault.salt)
    .bind(&vault.bytes)
    .bind(codes(groups))
    .bind(school_id)
    .bind(&opened.person_id)
    .bind(&opened.vault.bytes)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What everybody's vault holds who can sign in and of whom a key is recorded.
pub async fn holdings(connection: &mut Read, school_id: &str) -> Result<Vec<(String, Holding)>, sqlx::Error> {
    let mut recorded = person_keys::all(connection, school_id).await?;
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT person_id, key_groups FROM \"user\" WHERE school_id = $1 AND disabled_at IS NULL",
    )
    .bind(school_id)
    .fetch_all(connection)
    .await?;
    let holding = |(person_id, groups): (String, String)| {
        let public_key = recorded.remove(&person_id)?.key()?.clone();
        let groups = groups.split(',').filter_map(ReaderGroup::from_code).collect();
        Some((person_id, Holding { public_key, groups }))
    };
    Ok(rows.into_iter().filter_map(holding).collect())
}

/// Whether a person has, or ever had, a sign-in.
pub async fn had_sign_in(db: &mut Read, school_id: &str, person_id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM \"user\" WHERE school_id = $1 AND person_id = $2)")
        .bind(school_id)
        .bind(person_id)
        .fetch_one(db)
        .await
}

fn codes(groups: &[ReaderGroup]) -> String {
    groups
        .iter()
        .map(|group| group.code())
        .collect::<Vec<_>>()
        .join(",")
}

/// Notes a sign-in.
pub async fn signed_in(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE \"user\" SET last_sign_in_at = $1 WHERE school_id = $2 AND person_id = $3")
        .bind(now_ms)
        .bind(school_id)
        .bind(person_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Begins a duty, unless the person has it already.
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
         SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS (SELECT 1 FROM duty
            WHERE school_id = $1 AND person_id = $3 AND duty = $4 AND ended_at IS NULL)",
    )
    .bind(school_id)
    .bind(uuid::Uuid::new_v4().to_string())
    .bind(person_id)
    .bind(duty)
    .bind(granted_by)
    .bind(agreed_by)
    .bind(now_ms)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A person's name and address; none when there is no such person.
pub async fn name_and_email(
    db: &mut Read,
    school_id: &str,
    person_id: &str,
) -> Result<Option<(String, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT given_name || ' ' || family_name, email FROM person WHERE school_id = $1 AND person_id = $2",
    )
    .bind(school_id)
    .bind(person_id)
    .fetch_optional(db)
    .await
}
