//! Who deals with it, and until when.

use crate::concerns::action::Action;
use crate::concerns::model::ConcernState;
use crate::console::answer::Failure;
use crate::console::concern::doing::{Doing, Outcome};
use crate::console::concern::facts::review_days;
use crate::console::said::Done;
use crate::store::{actions, escalation, reviews};
use pastoral_keywords::Severity;
use serde_json::json;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub(in crate::console::concern) async fn acknowledge(doing: &mut Doing<'_>) -> Result<Outcome, Failure> {
    let new = actions::ConcernStanding {
        state: ConcernState::Acknowledged,
        owner_id: Some(doing.who.id().to_owned()),
        acknowledged_at: Some(doing.now),
        next_due_at: None,
        ..doing.before.clone()
    };
    doing.change(Action::Acknowledged, new, json!({}), "").await?;
    doing.answered().await?;
    Ok(Outcome::Done(Done::Acknowledged))
}

pub(in crate::console::concern) async fn pass_on(
    doing: &mut Doing<'_>,
    to: &str,
    words: &str,
) -> Result<Outcome, Failure> {
    let concern_id = doing.concern.concern_id.clone();
    if to == doing.who.id()
        || !escalation::pass_on(&mut doing.tx, &doing.telling, &concern_id, to, doing.now).await?
    {
        return Ok(Outcome::Fault("pass-on-to", "Choose who should take it on."));
    }
    let severity = u8::try_from(doing.concern.highest_severity())
        .ok()
        .and_then(|number| Severity::try_from(number).ok());
    let wait = doing
        .telling
        .profile
        .plan(severity.unwrap_or(Severity::MAX))
        .next_after_ms;
    let new = actions::ConcernStanding {
        state: ConcernState::New,
        owner_id: Some(to.to_owned()),
        acknowledged_at: None,
        next_due_at: Some(doing.now + wait),
        close_proposed_by: None,
        outcome: None,
        ..doing.before.clone()
    };
    doing
        .change(Action::PassedOn, new, json!({ "to": to }), words)
        .await?;
    Ok(Outcome::Done(Done::PassedOn))
}

pub(in crate::console::concern) async fn escalate(doing: &mut Doing<'_>) -> Result<Outcome, Failure> {
    if !doing.before.state.is_new() {
        return Ok(Outcome::Fault(
            "stale",
            "Somebody deals with it already. Pass it on instead.",
        ));
    }
    let concern_id = doing.concern.concern_id.clone();
    escalation::escalate_now(&mut doing.tx, &doing.telling, &concern_id, doing.now).await?;
    doing.touch().await?;
    doing.record(Action::Escalated, json!({}), "").await?;
    Ok(Outcome::Done(Done::Escalated))
}

/// Its owner says when they want to be asked how it stands.
pub(in crate::console::concern) async fn review(
    doing: &mut Doing<'_>,
    days: &str,
) -> Result<Outcome, Failure> {
    if doing.before.owner_id.as_deref() != Some(doing.who.id())
        || doing.before.state != ConcernState::Acknowledged
    {
        return Ok(Outcome::Fault(
            "stale",
            "Only who is dealing with it sets its review date.",
        ));
    }
    let days = days
        .parse()
        .ok()
        .filter(|days| review_days(&doing.concern).contains(days));
    let Some(days) = days else {
        return Ok(Outcome::Fault("review-days", "Choose when you want to be asked."));
    };
    let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
    let at = doing.now + i64::from(days) * DAY_MS;
    reviews::set(&mut doing.tx, school_id, &concern_id, Some(at), doing.now).await?;
    doing.touch().await?;
    doing
        .record(Action::ReviewSet, json!({ "days": days }), "")
        .await?;
    Ok(Outcome::Done(Done::ReviewSet))
}
