//! Whose flags are, corrected: the account's owner, and the flags that stand in the wrong person's concerns (P44).
//!
//! Flags move to a concern of their own, for their content is sealed to the concern it stands in; the caller opens and
//! seals it again. What was written about the wrong person stays with the wrong person's concern.

use super::people::Directory;
use super::{Read, Write, identity, references, rerouting};
use crate::concerns::kind::{Kind, kind_of};
use crate::concerns::model::ReaderGroup;
use crate::telling::Telling;
use pastoral_keywords::Topic;

/// Whose an account is, as a reader says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// This person's.
    Person(&'a str),
    /// Several people use it; each flag has to be named.
    Shared,
}

/// An account that flags of a concern came from.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FlagsAccount {
    /// Its number.
    pub account_id: i64,
    /// What it is called.
    pub name: String,
    /// A device it was seen on.
    pub device: String,
    /// How many flags of the concern.
    pub flags: i64,
    /// Several people use it.
    pub shared: bool,
}

/// A flag that moves.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Moving {
    /// Which.
    pub flag_id: i64,
    /// What it is about.
    #[sqlx(try_from = "String")]
    pub topic: Topic,
    /// 1 to 5.
    pub severity: i64,
    /// When it happened, by the collector's clock.
    pub event_at: i64,
    /// The key that seals it.
    pub data_key_id: Vec<u8>,
    /// Its content.
    pub sealed: Vec<u8>,
}

/// The accounts that the flags of a concern came from. INVARIANT 4: of one that the viewer may see.
pub async fn accounts_of(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    concern_id: &str,
) -> Result<Vec<FlagsAccount>, sqlx::Error> {
    sqlx::query_as(
        "SELECT account.account_id, account.name, MIN(device.host_name) AS device, COUNT(*) AS flags, account.shared
         FROM flag
         JOIN concern_reader ON concern_reader.concern_id = flag.concern_id AND concern_reader.person_id = $2
         JOIN account ON account.school_id = flag.school_id AND account.account_id = flag.account_id
         JOIN device ON device.school_id = flag.school_id AND device.device_id = flag.device_id
         WHERE flag.school_id = $1 AND flag.concern_id = $3
         GROUP BY account.account_id, account.name, account.shared ORDER BY account.name, account.account_id",
    )
    .bind(school_id)
    .bind(viewer)
    .bind(concern_id)
    .fetch_all(db)
    .await
}

/// The flags of a concern that came from an account, in the order in which pages call them.
pub async fn flags_of(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    account_id: i64,
) -> Result<Vec<Moving>, sqlx::Error> {
    sqlx::query_as(
        "SELECT flag_id, topic, severity, observed_at + clock_offset_ms AS event_at, data_key_id, sealed
         FROM flag WHERE school_id = $1 AND concern_id = $2 AND account_id = $3 ORDER BY flag_id",
    )
    .bind(school_id)
    .bind(concern_id)
    .bind(account_id)
    .fetch_all(&mut **tx)
    .await
}

/// Every other concern of a person that holds flags of an account, open or closed.
pub async fn others_with(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    account_id: i64,
    but: &str,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT concern_id FROM concern WHERE school_id = $1 AND person_id = $2 AND concern_id <> $4
         AND NOT by_hand AND NOT about_child AND erased_at IS NULL
         AND EXISTS (SELECT 1 FROM flag WHERE flag.concern_id = concern.concern_id AND flag.account_id = $3)",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(account_id)
    .bind(but)
    .fetch_all(&mut **tx)
    .await
}

/// Says whose an account is from now on.
pub async fn set_owner(
    tx: &mut Write,
    school_id: &str,
    account_id: i64,
    owner: Owner<'_>,
    by: &str,
) -> Result<(), sqlx::Error> {
    let (person, shared) = match owner {
        Owner::Person(person) => (Some(person), false),
        Owner::Shared => (None, true),
    };
    sqlx::query(
        "UPDATE account SET person_id = $1, shared = $2, identified_by = $3 WHERE school_id = $4 AND account_id = $5",
    )
    .bind(person)
    .bind(shared)
    .bind(by)
    .bind(school_id)
    .bind(account_id)
    .execute(&mut **tx)
    .await?;
    // Delivery keeps in memory whose accounts are.
    sqlx::query("UPDATE school SET directory_version = directory_version + 1 WHERE school_id = $1")
        .bind(school_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Opens a person's concern for flags that move out of another one, with the readers whom their person and kind give
/// it, who are told. Gives its id.
pub async fn open_for(
    tx: &mut Write,
    telling: &Telling,
    from: &str,
    person_id: &str,
    flags: &[Moving],
    now: i64,
) -> Result<String, sqlx::Error> {
    let school_id = &*telling.school_id;
    let directory = Directory::load(tx, school_id, &telling.profile).await?;
    let role = directory.subject(Some(person_id), "").role;
    let first = flags.iter().max_by_key(|flag| flag.severity);
    let kind = first.map_or(Kind::Misuse, |flag| kind_of(flag.topic, role));
    let concern_id = uuid::Uuid::new_v4().to_string();
    let reference = references::draw(tx, school_id).await?;
    sqlx::query(
        "INSERT INTO concern (school_id, concern_id, reference, person_id, kind, reader_group, apart, severity, state,
         flag_count, first_event_at, last_event_at, opened_at, changed_at, linked_to, names_version,
         highest_severity)
         SELECT $1, $2, $3, $4, $5, $6, apart, $7, 'new', 0, $8, $9, $10, $10, NULL, names_version,
         CASE WHEN highest_severity > severity THEN highest_severity ELSE severity END
         FROM concern WHERE school_id = $1 AND concern_id = $11",
    )
    .bind(school_id)
    .bind(&concern_id)
    .bind(reference)
    .bind(person_id)
    .bind(kind)
    .bind(ReaderGroup::Safe.code())
    .bind(first.map_or(1, |flag| flag.severity))
    .bind(flags.iter().map(|flag| flag.event_at).min().unwrap_or(now))
    .bind(flags.iter().map(|flag| flag.event_at).max().unwrap_or(now))
    .bind(now)
    .bind(from)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "INSERT INTO concern_named (school_id, concern_id, person_id, strength)
         SELECT school_id, $2, person_id, strength FROM concern_named WHERE school_id = $1 AND concern_id = $3 AND person_id <> $4",
    )
    .bind(school_id)
    .bind(&concern_id)
    .bind(from)
    .bind(person_id)
    .execute(&mut **tx)
    .await?;
    identity::link_to_open(tx, school_id, &concern_id).await?;
    rerouting::reroute(tx, telling, &directory, &concern_id, now).await?;
    Ok(concern_id)
}

/// Puts a flag, sealed again, into another concern.
pub async fn move_flag(
    tx: &mut Write,
    school_id: &str,
    flag_id: i64,
    concern_id: &str,
    (data_key_id, sealed): (&[u8], &[u8]),
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE flag SET concern_id = $1, data_key_id = $2, sealed = $3 WHERE school_id = $4 AND flag_id = $5",
    )
    .bind(concern_id)
    .bind(data_key_id)
    .bind(sealed)
    .bind(school_id)
    .bind(flag_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a concern holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Holds {
    /// How many flags.
    pub flag_count: i64,
    /// The highest severity that it ever had, also before flags were marked and moved: closing goes by it.
    pub highest_severity: i64,
}

/// Counts again what a concern holds after flags have moved out or in.
pub async fn count_again(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<Holds, sqlx::Error> {
    sqlx::query_as(
        "UPDATE concern SET
            highest_severity = CASE WHEN highest_severity > severity THEN highest_severity ELSE severity END,
            flag_count = (SELECT COUNT(*) FROM flag WHERE flag.concern_id = concern.concern_id),
            severity = COALESCE((SELECT MAX(severity) FROM flag WHERE flag.concern_id = concern.concern_id
                AND NOT flag.false_alarm), severity)
         WHERE school_id = $1 AND concern_id = $2 RETURNING flag_count, highest_severity",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_one(&mut **tx)
    .await
}

/// Takes back the warnings that a concern led to: they were given to somebody it was not about, so nothing that person
/// does is a repetition of it (P22). Gives how many there were.
pub async fn take_back_warnings(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query("DELETE FROM warning WHERE school_id = $1 AND concern_id = $2")
        .bind(school_id)
        .bind(concern_id)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected())
}
