//! The school's changes to the keyword lists: proposed by one person, agreed by another (P34).

use super::audit;
use super::{Store, Write, specialist};
use crate::chain::Deed;
use crate::codes::codes;
use pastoral_keywords::changes::Operation;
use serde_json::json;

/// Proposals that may wait at a time.
pub const WAITING: i64 = 200;

codes! {
    /// What became of a proposed change.
    pub enum ListChangeState {
        /// It waits for a second person.
        Proposed = "proposed";
        /// It is in force.
        Agreed = "agreed";
        /// The second person refused it.
        Refused = "refused";
        /// Whoever proposed it took it back.
        Withdrawn = "withdrawn";
    }
}

/// A change, with who proposed and who decided it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ListChange {
    /// Its number.
    pub change_id: i64,
    #[sqlx(rename = "operation")]
    written: String,
    /// Why.
    pub reason: String,
    /// What became of it.
    pub state: ListChangeState,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_at: i64,
    /// Who agreed, refused or withdrew.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<i64>,
    /// The version of the rules that it made.
    pub version: Option<i64>,
}

impl ListChange {
    /// What it does; none when a later version of this program wrote it.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        serde_json::from_str(&self.written).ok()
    }
}

/// Why a decision was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotDecided {
    /// There is no such proposal any more.
    #[error("this change was decided about already")]
    NotThere,
    /// A change needs two people.
    #[error("a change to the lists is agreed by somebody else than its proposer")]
    OwnProposal,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// Keeps a proposal. Gives its number; none when [`WAITING`] wait already.
pub async fn propose(
    tx: &mut Write,
    school_id: &str,
    (operation, reason): (&Operation, &str),
    by: &str,
    now_ms: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let waiting: i64 =
        sqlx::query_scalar("SELECT count(*) FROM list_change WHERE school_id = $1 AND state = 'proposed'")
            .bind(school_id)
            .fetch_one(&mut **tx)
            .await?;
    if waiting >= WAITING {
        return Ok(None);
    }
    let change_id: i64 = sqlx::query_scalar(
        "INSERT INTO list_change (school_id, operation, reason, state, proposed_by, proposed_at)
         VALUES ($1, $2, $3, 'proposed', $4, $5) RETURNING change_id",
    )
    .bind(school_id)
    .bind(json!(operation).to_string())
    .bind(reason)
    .bind(by)
    .bind(now_ms)
    .fetch_one(&mut **tx)
    .await?;
    record(tx, school_id, by, Deed::ListChangeProposed, change_id, now_ms).await?;
    Ok(Some(change_id))
}

/// Agrees to, refuses or withdraws a proposal. Agreed, it has the next version of the rules.
///
/// ONE WRITER: it is proposed, and the version the next, until the transaction ends.
///
/// # Errors
/// [`NotDecided`].
pub async fn decide(
    tx: &mut Write,
    school_id: &str,
    change_id: i64,
    state: ListChangeState,
    by: &str,
    now_ms: i64,
) -> Result<(), NotDecided> {
    let proposed_by: Option<String> = sqlx::query_scalar(
        "SELECT proposed_by FROM list_change WHERE school_id = $1 AND change_id = $2 AND state = 'proposed'",
    )
    .bind(school_id)
    .bind(change_id)
    .fetch_optional(&mut **tx)
    .await?;
    let proposed_by = proposed_by.ok_or(NotDecided::NotThere)?;
    let (own, deed) = match state {
        ListChangeState::Agreed => (false, Deed::ListChangeAgreed),
        ListChangeState::Refused => (false, Deed::ListChangeRefused),
        ListChangeState::Withdrawn => (true, Deed::ListChangeWithdrawn),
        ListChangeState::Proposed => return Err(NotDecided::NotThere),
    };
    if (proposed_by == by) != own {
        return Err(NotDecided::OwnProposal);
    }
    sqlx::query(
        "UPDATE list_change SET state = $1, decided_by = $2, decided_at = $3, version = CASE WHEN $1 = 'agreed' THEN
           (SELECT COALESCE(max(version), 0) + 1 FROM list_change WHERE school_id = $4) END
         WHERE school_id = $4 AND change_id = $5",
    )
    .bind(state)
    .bind(by)
    .bind(now_ms)
    .bind(school_id)
    .bind(change_id)
    .execute(&mut **tx)
    .await?;
    record(tx, school_id, by, deed, change_id, now_ms).await?;
    specialist::prune(tx, school_id).await?;
    Ok(())
}

async fn record(
    tx: &mut Write,
    school_id: &str,
    actor: &str,
    deed: Deed,
    change_id: i64,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    audit::record(
        tx,
        school_id,
        (actor, deed),
        json!({ "change": change_id }),
        now_ms,
    )
    .await
}

/// The changes in force, in the order in which they apply, with the version of the rules they make.
pub async fn agreed(store: &Store, school_id: &str) -> Result<(Vec<ListChange>, u32), sqlx::Error> {
    let changes: Vec<ListChange> = sqlx::query_as(
        "SELECT * FROM list_change WHERE school_id = $1 AND state = 'agreed' ORDER BY version",
    )
    .bind(school_id)
    .fetch_all(&mut *store.read().await?)
    .await?;
    let version = changes.last().and_then(|change| change.version).unwrap_or(0);
    Ok((changes, u32::try_from(version).unwrap_or(u32::MAX)))
}

/// Proposals that wait, oldest first.
pub async fn waiting(store: &Store, school_id: &str) -> Result<Vec<ListChange>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM list_change WHERE school_id = $1 AND state = 'proposed' ORDER BY change_id")
        .bind(school_id)
        .fetch_all(&mut *store.read().await?)
        .await
}

/// The log of what was decided, latest first: `most` entries after the first `skip`.
pub async fn decided(
    store: &Store,
    school_id: &str,
    (skip, most): (i64, i64),
) -> Result<Vec<ListChange>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM list_change WHERE school_id = $1 AND state <> 'proposed'
         ORDER BY decided_at DESC, change_id DESC LIMIT $2 OFFSET $3",
    )
    .bind(school_id)
    .bind(most)
    .bind(skip)
    .fetch_all(&mut *store.read().await?)
    .await
}

/// One change.
pub async fn change(
    store: &Store,
    school_id: &str,
    change_id: i64,
) -> Result<Option<ListChange>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM list_change WHERE school_id = $1 AND change_id = $2")
        .bind(school_id)
        .bind(change_id)
        .fetch_optional(&mut *store.read().await?)
        .await
}
