//! Tokens, with which devices ask to join. Only the hash of the secret is kept.

use super::{Read, Write};
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq as _;

/// What a new token is for.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    /// Its id.
    pub token_id: &'a str,
    /// Its secret.
    pub secret: &'a [u8],
    /// The devices' group, such as `pupils`.
    pub group: &'a str,
    /// How many devices.
    pub uses: i64,
    /// Until when.
    pub expires_at: i64,
    /// Whether a person approves each device.
    pub approve: bool,
    /// Who made it.
    pub created_by: &'a str,
}

/// A token as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Token {
    /// Its id.
    pub token_id: String,
    /// The devices' group.
    #[sqlx(rename = "group_name")]
    pub group: String,
    /// How many more devices.
    pub uses_left: i64,
    /// Until when.
    pub expires_at: i64,
    /// Whether a person approves each device.
    pub approve: bool,
    /// When it was made.
    pub created_at: i64,
}

/// Keeps a new token.
pub async fn add(
    tx: &mut Write,
    school_id: &str,
    token: &NewToken<'_>,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO token (school_id, token_id, secret_hash, group_name, uses_left, expires_at, approve, created_by,
         created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(school_id)
    .bind(token.token_id)
    .bind(digest(&SHA256, token.secret).as_ref())
    .bind(token.group)
    .bind(token.uses)
    .bind(token.expires_at)
    .bind(token.approve)
    .bind(token.created_by)
    .bind(now_ms)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Every token, the newest first.
pub async fn list(db: &mut Read, school_id: &str) -> Result<Vec<Token>, sqlx::Error> {
    sqlx::query_as(
        "SELECT token_id, group_name, uses_left, expires_at, approve, created_at FROM token WHERE school_id = $1
         ORDER BY created_at DESC",
    )
    .bind(school_id)
    .fetch_all(db)
    .await
}

/// The token with this id and secret; none when either is wrong.
pub async fn find(
    tx: &mut Write,
    school_id: &str,
    token_id: &str,
    secret: &[u8],
) -> Result<Option<Token>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        secret_hash: Vec<u8>,
        #[sqlx(flatten)]
        token: Token,
    }
    let row: Option<Row> = sqlx::query_as(
        "SELECT token_id, group_name, uses_left, expires_at, approve, created_at, secret_hash FROM token
         WHERE school_id = $1 AND token_id = $2",
    )
    .bind(school_id)
    .bind(token_id)
    .fetch_optional(&mut **tx)
    .await?;
    let given = digest(&SHA256, secret);
    Ok(row
        .filter(|row| row.secret_hash.ct_eq(given.as_ref()).into())
        .map(|row| row.token))
}

/// Takes one use.
///
/// ONE WRITER: what [`find`] said of the uses that are left is so until the transaction ends.
pub async fn take_one(tx: &mut Write, school_id: &str, token_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE token SET uses_left = uses_left - 1 WHERE school_id = $1 AND token_id = $2")
        .bind(school_id)
        .bind(token_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Lets nobody join with a token any more. Says whether there is such a token.
pub async fn withdraw(tx: &mut Write, school_id: &str, token_id: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("UPDATE token SET uses_left = 0 WHERE school_id = $1 AND token_id = $2")
        .bind(school_id)
        .bind(token_id)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() > 0)
}
