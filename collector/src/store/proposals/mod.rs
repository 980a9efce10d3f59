//! Acts of two people on somebody's access: what one proposes, and what became of it. Who may be the second is decided
//! by [`SignIns`], in `access::second`; what agreeing does, in `access::acts`.

mod carried;
mod model;
mod sign_ins;

pub use super::acts::Act;
pub use carried::{Carried, carried, carry};
pub use model::{New, PersonChange, Proposal, ProposalState};
pub use sign_ins::{SignIns, sign_ins};

use super::{Read, Write, asking, audit};
use crate::chain::Deed;
use crate::telling::Telling;
use model::Row;
use serde_json::json;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long a proposal waits.
const WAITS_MS: i64 = 7 * DAY_MS;
/// How long a change waits that was found and that no reader has proposed yet.
const ASKED_WAITS_MS: i64 = 60 * DAY_MS;

/// An id for a proposal, which what is sealed for it is bound to.
#[must_use]
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Stores a proposal. False when one of the same act about the same person waits already.
pub async fn propose(
    tx: &mut Write,
    school_id: &str,
    proposal_id: &str,
    new: &New<'_>,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let waits = open(tx, school_id, now).await?;
    let is_same = |waiting: &Proposal| {
        (waiting.act, waiting.person_id.as_str(), waiting.duty) == (new.act, new.person_id, new.duty)
    };
    if waits
        .iter()
        .any(|waiting| waiting.proposed_by.is_some() && is_same(waiting))
    {
        return Ok(false);
    }
    for asked in waits.iter().filter(|waiting| is_same(waiting)) {
        close(
            tx,
            school_id,
            &asked.proposal_id,
            (ProposalState::Withdrawn, new.by),
            now,
        )
        .await?;
    }
    insert(tx, school_id, proposal_id, new, (ProposalState::Proposed, now)).await?;
    let detail = json!({"person": new.person_id, "act": new.act, "duty": new.duty});
    audit::record(tx, school_id, (new.by, Deed::AccessProposed), detail, now).await?;
    Ok(true)
}

/// Asks readers to change the name, address or role of somebody with a duty, as an import found it (`by` says what did):
/// one reader proposes it, a second one agrees. Nothing changes before. Asked again, it is the same one; what readers
/// refused is not asked for again. Gives whether it waits for them. Wake the outbox after the commit.
pub async fn ask_change(
    tx: &mut Write,
    telling: &Telling,
    person_id: &str,
    change: &PersonChange,
    by: &str,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let school_id = &*telling.school_id;
    let detail = serde_json::to_string(change).unwrap_or_default();
    let before: Option<ProposalState> = sqlx::query_scalar(
        "SELECT state FROM proposal WHERE school_id = $1 AND person_id = $2 AND act = $3 AND detail = $4
         AND (state = 'refused' OR (state IN ('asked', 'proposed') AND expires_at > $5))
         ORDER BY proposed_at DESC LIMIT 1",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(Act::Change)
    .bind(detail)
    .bind(now)
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(state) = before {
        return Ok(state != ProposalState::Refused);
    }
    for waiting in open(tx, school_id, now).await? {
        if waiting.act == Act::Change && waiting.person_id == person_id && waiting.proposed_by.is_none() {
            close(
                tx,
                school_id,
                &waiting.proposal_id,
                (ProposalState::Withdrawn, by),
                now,
            )
            .await?;
        }
    }
    let new = New {
        act: Act::Change,
        person_id,
        duty: None,
        change: Some(change),
        by,
    };
    insert(tx, school_id, &new_id(), &new, (ProposalState::Asked, now)).await?;
    let detail = json!({"person": person_id, "act": Act::Change});
    audit::record(tx, school_id, (by, Deed::AccessAsked), detail, now).await?;
    asking::ask(tx, telling, now).await?;
    Ok(true)
}

/// A reader proposes what was only asked for. False when it is not asked for any more.
pub async fn adopt(
    tx: &mut Write,
    school_id: &str,
    proposal_id: &str,
    by: &str,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE proposal SET state = 'proposed', proposed_by = $1, proposed_at = $2, expires_at = $3
         WHERE school_id = $4 AND proposal_id = $5 AND state = 'asked' AND expires_at > $2",
    )
    .bind(by)
    .bind(now)
    .bind(now.saturating_add(WAITS_MS))
    .bind(school_id)
    .bind(proposal_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Decides about a proposal, and forgets what was sealed for it. False when somebody was faster.
pub async fn close(
    tx: &mut Write,
    school_id: &str,
    proposal_id: &str,
    (state, by): (ProposalState, &str),
    now: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE proposal SET state = $1, decided_by = $2, decided_at = $3
         WHERE school_id = $4 AND proposal_id = $5 AND state IN ('asked', 'proposed') AND expires_at > $3",
    )
    .bind(state)
    .bind(by)
    .bind(now)
    .bind(school_id)
    .bind(proposal_id)
    .execute(&mut **tx)
    .await?;
    for query in [
        "DELETE FROM proposal_key WHERE school_id = $1 AND proposal_id = $2",
        "DELETE FROM proposal_share WHERE school_id = $1 AND proposal_id = $2",
    ] {
        sqlx::query(query)
            .bind(school_id)
            .bind(proposal_id)
            .execute(&mut **tx)
            .await?;
    }
    if state != ProposalState::Agreed {
        for query in [
            "DELETE FROM sealed_key WHERE school_id = $1 AND proposal_id = $2",
            "UPDATE invitation SET withdrawn_at = $3, wrapped_keys = NULL, held_secret = NULL
             WHERE school_id = $1 AND proposal_id = $2 AND used_at IS NULL AND withdrawn_at IS NULL",
        ] {
            sqlx::query(query)
                .bind(school_id)
                .bind(proposal_id)
                .bind(now)
                .execute(&mut **tx)
                .await?;
        }
    }
    Ok(done.rows_affected() == 1)
}

/// Everything that waits for somebody, the oldest first.
pub async fn open(db: &mut Read, school_id: &str, now: i64) -> Result<Vec<Proposal>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT proposal_id, act, person_id, duty, detail, asked_by, proposed_by, proposed_at, expires_at FROM proposal
         WHERE school_id = $1 AND state IN ('asked', 'proposed') AND expires_at > $2
         ORDER BY proposed_at, proposal_id",
    )
    .bind(school_id)
    .bind(now)
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Proposal::try_from).collect()
}

/// One of them.
pub async fn find(
    db: &mut Read,
    school_id: &str,
    proposal_id: &str,
    now: i64,
) -> Result<Option<Proposal>, sqlx::Error> {
    let open = open(db, school_id, now).await?;
    Ok(open
        .into_iter()
        .find(|proposal| proposal.proposal_id == proposal_id))
}

async fn insert(
    tx: &mut Write,
    school_id: &str,
    proposal_id: &str,
    new: &New<'_>,
    (state, now): (ProposalState, i64),
) -> Result<(), sqlx::Error> {
    let is_asked = state == ProposalState::Asked;
    let waits = if is_asked { ASKED_WAITS_MS } else { WAITS_MS };
    let detail = new.change.and_then(|change| serde_json::to_string(change).ok());
    sqlx::query(
        "INSERT INTO proposal (school_id, proposal_id, act, person_id, duty, detail, state, asked_by, proposed_by,
                               proposed_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(school_id)
    .bind(proposal_id)
    .bind(new.act)
    .bind(new.person_id)
    .bind(new.duty)
    .bind(detail.unwrap_or_else(|| "{}".to_owned()))
    .bind(state)
    .bind(is_asked.then_some(new.by))
    .bind((!is_asked).then_some(new.by))
    .bind(now)
    .bind(now.saturating_add(waits))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
