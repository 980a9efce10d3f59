//! The flags of a concern, as they are read and marked; their content is sealed.

use super::{Read, Write};
use pastoral_keywords::{Audience, Provenance, Source, Topic};
use sqlx::AssertSqlSafe;

/// A flag as it is stored; its content is sealed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct FlagRow {
    /// Which flag of its concern it is, from 1: pages call it by nothing that counts others.
    pub place: i64,
    /// The device.
    pub device_id: String,
    /// The device's name.
    pub host_name: String,
    /// The account's name.
    pub account_name: String,
    /// Who vouches for the account: `local` or a directory.
    pub authority: String,
    /// For whom it was matched.
    #[sqlx(try_from = "String")]
    pub audience: Audience,
    /// What was observed.
    #[sqlx(try_from = "String")]
    pub source: Source,
    /// Who wrote it.
    #[sqlx(try_from = "String")]
    pub provenance: Provenance,
    /// What it is about.
    #[sqlx(try_from = "String")]
    pub topic: Topic,
    /// 1 to 5.
    pub severity: i64,
    /// By the device's clock.
    pub observed_at: i64,
    /// The collector's clock less the device's.
    pub clock_offset_ms: i64,
    /// When it was committed here.
    pub received_at: i64,
    /// How often again.
    pub repeats: i64,
    /// The last time.
    pub last_repeat_at: Option<i64>,
    /// How many further flags of the same account, topic and severity were counted and not kept.
    pub further: i64,
    /// From when they were seen.
    pub further_from_at: Option<i64>,
    /// Until when.
    pub further_to_at: Option<i64>,
    /// A reader marked it as a false alarm.
    pub false_alarm: bool,
    /// Another content came under the same identity.
    pub conflicting: bool,
    /// The key that seals it.
    pub data_key_id: Vec<u8>,
    /// Text, program, site, matches.
    pub sealed: Vec<u8>,
}

/// Flags with what names their device and account. What follows says whose, of one concern: pages call a flag by its place
/// in it.
pub(super) const FLAGS: &str =
    "SELECT flag.*, row_number() OVER (ORDER BY flag.flag_id) AS place, device.host_name,
        account.name AS account_name, account.authority
    FROM flag
    JOIN device ON device.school_id = flag.school_id AND device.device_id = flag.device_id
    JOIN account ON account.school_id = flag.school_id AND account.account_id = flag.account_id";

/// A concern's flags, the most serious first and of these the latest, from a place on and at most so many. INVARIANT 4: of
/// one that the viewer may see.
pub async fn of(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    concern_id: &str,
    (from, most): (i64, i64),
) -> Result<Vec<FlagRow>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "{FLAGS}
         JOIN concern_reader AS reader ON reader.school_id = flag.school_id AND reader.concern_id = flag.concern_id
            AND reader.person_id = $2
         WHERE flag.school_id = $1 AND flag.concern_id = $3
         ORDER BY flag.false_alarm, flag.severity DESC, flag.observed_at DESC, flag.flag_id DESC LIMIT $4 OFFSET $5"
    ));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(viewer)
        .bind(concern_id)
        .bind(most)
        .bind(from)
        .fetch_all(db)
        .await
}

/// The flag of a concern that pages call by its place.
pub async fn at(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    place: i64,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT flag_id FROM flag WHERE school_id = $1 AND concern_id = $2 ORDER BY flag_id LIMIT 1 OFFSET $3",
    )
    .bind(school_id)
    .bind(concern_id)
    .bind(place - 1)
    .fetch_optional(&mut **tx)
    .await
}

/// The flags of a concern, in the order in which pages count them.
pub async fn ids(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT flag_id FROM flag WHERE school_id = $1 AND concern_id = $2 ORDER BY flag_id")
        .bind(school_id)
        .bind(concern_id)
        .fetch_all(&mut **tx)
        .await
}

/// Marks one flag of a concern, or all, as a false alarm or not. Gives the flags that changed.
pub async fn set_false_alarm(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    flag_id: Option<i64>,
    is: bool,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "UPDATE flag SET false_alarm = $1 WHERE school_id = $2 AND concern_id = $3 AND false_alarm <> $1
         AND ($4 IS NULL OR flag_id = $4) RETURNING flag_id",
    )
    .bind(is)
    .bind(school_id)
    .bind(concern_id)
    .bind(flag_id)
    .fetch_all(&mut **tx)
    .await
}
