//! What was seen of a concern and what was done with it. Actions are only added to: an undo is a further one.
//! INVARIANT 4: every query for a reader joins `concern_reader` for the viewer.

use super::{Read, Write, readers};
use crate::concerns::action::Action;
use crate::concerns::ending::Ending;
use crate::concerns::kind::Kind;
use crate::concerns::model::{ConcernState, ReaderGroup};
use serde::{Deserialize, Serialize};

/// Something that was done.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ActionRow {
    /// Its number.
    pub action_id: i64,
    /// When.
    pub at: i64,
    /// A person_id, or `pastoral`.
    pub by_id: String,
    /// Their name, where it is a person.
    pub by_name: Option<String>,
    /// What.
    pub action: Action,
    /// JSON without content.
    pub detail: String,
    /// The key that seals the words.
    pub data_key_id: Option<Vec<u8>>,
    /// The words.
    pub sealed: Option<Vec<u8>>,
    /// The action that undid it.
    pub undone_by: Option<i64>,
}

/// What of a concern's row actions change. Kept with the action that changes it, so that it can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct ConcernStanding {
    /// Where it stands.
    pub state: ConcernState,
    /// Who deals with it.
    pub owner_id: Option<String>,
    /// When it was acknowledged.
    pub acknowledged_at: Option<i64>,
    /// The category a person confirmed.
    pub category_confirmed: Option<String>,
    /// Who proposes to close it.
    pub close_proposed_by: Option<String>,
    /// When it was closed.
    pub closed_at: Option<i64>,
    /// How it ended, or is proposed to.
    pub outcome: Option<Ending>,
    /// When escalation looks again.
    pub next_due_at: Option<i64>,
}

/// An action to be added.
pub struct NewAction<'a> {
    /// The concern.
    pub concern_id: &'a str,
    /// When.
    pub at: i64,
    /// A person_id, or `pastoral`.
    pub by: &'a str,
    /// What.
    pub action: Action,
    /// JSON without content.
    pub detail: serde_json::Value,
    /// The data key and the sealed words.
    pub words: Option<(Vec<u8>, Vec<u8>)>,
}

/// What was done with a concern, the latest first, at most `most`.
pub async fn history(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    concern_id: &str,
    most: i64,
) -> Result<Vec<ActionRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT a.*, p.given_name || ' ' || p.family_name AS by_name FROM action a
         JOIN concern_reader r ON r.school_id = a.school_id AND r.concern_id = a.concern_id AND r.person_id = $1
         LEFT JOIN person p ON p.school_id = a.school_id AND p.person_id = a.by_id
         WHERE a.school_id = $2 AND a.concern_id = $3 ORDER BY a.action_id DESC LIMIT $4",
    )
    .bind(viewer)
    .bind(school_id)
    .bind(concern_id)
    .bind(most)
    .fetch_all(db)
    .await
}

/// What actions change, as it is now.
///
/// # Errors
/// Also when there is no such concern.
pub async fn standing(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
) -> Result<ConcernStanding, sqlx::Error> {
    sqlx::query_as(
        "SELECT state, owner_id, acknowledged_at, category_confirmed, close_proposed_by, closed_at, outcome, next_due_at
         FROM concern WHERE school_id = $1 AND concern_id = $2",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_one(&mut **tx)
    .await
}

/// INVARIANT 4: whether these readers may close a concern. Who may be meant by what was seen closes nothing alone: one of
/// them is not, or, where every reader may be meant, they are two.
///
/// ONE WRITER: who reads it stays so until the transaction that closes it ends.
pub async fn may_close(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    closing: &[&str],
) -> Result<bool, sqlx::Error> {
    let readers = readers::of(tx, school_id, concern_id).await?;
    let closing: Vec<_> = readers
        .iter()
        .filter(|reader| closing.contains(&reader.person_id.as_str()))
        .collect();
    let all_are_doubtful = readers.iter().all(|reader| reader.doubtful);
    Ok(closing.iter().any(|reader| !reader.doubtful) || (all_are_doubtful && closing.len() > 1))
}

/// Closes a concern. False, and nothing is changed, when these readers may not, see [`may_close`].
pub async fn close(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    closing: &[&str],
    new: &ConcernStanding,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let may = may_close(tx, school_id, concern_id, closing).await?;
    if may {
        set_standing(tx, school_id, concern_id, new, now_ms).await?;
    }
    Ok(may)
}

/// Whether somebody reads a concern.
pub async fn reads(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    person_id: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM concern_reader WHERE school_id = $1 AND concern_id = $2 AND person_id = $3)",
    )
    .bind(school_id)
    .bind(concern_id)
    .bind(person_id)
    .fetch_one(&mut **tx)
    .await
}

/// Writes what an action changes, and moves the concern's version. Of an open concern nobody is the owner who may not see
/// it: then it is new, and due at once.
pub async fn set_standing(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    new: &ConcernStanding,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let mut new = new.clone();
    if let Some(owner) = &new.owner_id
        && new.state.is_open()
        && !reads(tx, school_id, concern_id, owner).await?
    {
        new = ConcernStanding {
            state: ConcernState::New,
            owner_id: None,
            acknowledged_at: None,
            next_due_at: Some(now_ms),
            ..new
        };
    }
    sqlx::query(
        "UPDATE concern SET state = $1, owner_id = $2, acknowledged_at = $3, category_confirmed = $4, close_proposed_by = $5,
         closed_at = $6, outcome = $7, next_due_at = $8, changed_at = max($9, changed_at + 1)
         WHERE school_id = $10 AND concern_id = $11",
    )
    .bind(new.state)
    .bind(&new.owner_id)
    .bind(new.acknowledged_at)
    .bind(&new.category_confirmed)
    .bind(&new.close_proposed_by)
    .bind(new.closed_at)
    .bind(new.outcome)
    .bind(new.next_due_at)
    .bind(now_ms)
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Moves the concern's version without anything else: something was written about it.
pub async fn touch(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET changed_at = max($1, changed_at + 1) WHERE school_id = $2 AND concern_id = $3",
    )
    .bind(now_ms)
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Adds an action; gives its number.
pub async fn add(tx: &mut Write, school_id: &str, new: &NewAction<'_>) -> Result<i64, sqlx::Error> {
    let (key, sealed) = new.words.as_ref().map(|(key, sealed)| (key, sealed)).unzip();
    sqlx::query_scalar(
        "INSERT INTO action (school_id, concern_id, at, by_id, action, detail, data_key_id, sealed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING action_id",
    )
    .bind(school_id)
    .bind(new.concern_id)
    .bind(new.at)
    .bind(new.by)
    .bind(new.action)
    .bind(new.detail.to_string())
    .bind(key)
    .bind(sealed)
    .fetch_one(&mut **tx)
    .await
}

/// The last action of a concern that was not undone and is no undo.
pub async fn last(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
) -> Result<Option<(i64, String, Action, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT action_id, by_id, action, detail FROM action
         WHERE school_id = $1 AND concern_id = $2 AND undone_by IS NULL AND action <> $3
         ORDER BY action_id DESC LIMIT 1",
    )
    .bind(school_id)
    .bind(concern_id)
    .bind(Action::Undone)
    .fetch_optional(&mut **tx)
    .await
}

/// Notes that one action undid another.
pub async fn mark_undone(
    tx: &mut Write,
    school_id: &str,
    action_id: i64,
    by: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE action SET undone_by = $1 WHERE school_id = $2 AND action_id = $3")
        .bind(by)
        .bind(school_id)
        .bind(action_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Records a warning: from now on repetition counts (P22).
pub async fn add_warning(
    tx: &mut Write,
    school_id: &str,
    (person_id, kind): (&str, Kind),
    concern_id: &str,
    action_id: i64,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO warning (school_id, person_id, kind, at, concern_id, action_id) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(kind)
    .bind(now_ms)
    .bind(concern_id)
    .bind(action_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Concerns whose content is sealed to other groups than read them now, with those that do; at most `most`.
pub async fn sealed_elsewhere(
    db: &mut Read,
    school_id: &str,
    most: i64,
) -> Result<Vec<(String, ReaderGroup, Option<ReaderGroup>)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT DISTINCT c.concern_id, c.reader_group, c.also_group FROM concern c
         JOIN data_key k ON k.school_id = c.school_id AND k.concern_id = c.concern_id
         WHERE c.school_id = $1
         AND ((k.reader_group <> c.reader_group AND k.reader_group <> COALESCE(c.also_group, c.reader_group))
            OR NOT EXISTS (SELECT 1 FROM data_key o WHERE o.data_key_id = k.data_key_id
                AND o.reader_group = c.reader_group)
            OR (c.also_group IS NOT NULL AND NOT EXISTS (SELECT 1 FROM data_key o
                WHERE o.data_key_id = k.data_key_id AND o.reader_group = c.also_group)))
         LIMIT $2",
    )
    .bind(school_id)
    .bind(most)
    .fetch_all(db)
    .await
}
