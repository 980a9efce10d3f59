//! Closing a concern, with a second person where it is serious (P27, P32), and opening it again.

use crate::concerns::action::Action;
use crate::concerns::ending::Ending;
use crate::concerns::model::ConcernState;
use crate::console::answer::Failure;
use crate::console::concern::doing::{Doing, Outcome, proposed};
use crate::console::concern::facts::needs_second;
use crate::console::concern::verdict;
use crate::console::said::Done;
use crate::store::{actions, asking, flags, reassign as rows};
use serde_json::{Value, json};

pub(in crate::console::concern) async fn close(
    doing: &mut Doing<'_>,
    outcome: &str,
    words: &str,
) -> Result<Outcome, Failure> {
    let outcome = Ending::from_code(outcome).filter(|chosen| Ending::CHOICES.contains(chosen));
    let Some(outcome) = outcome else {
        return Ok(Outcome::Fault("close-outcome", "Choose how it ended."));
    };
    if words.is_empty() {
        return Ok(Outcome::Fault("close-words", "Write why, and what was learnt."));
    }
    let from = doing.telling.profile.handling.second_person_from;
    let is_serious = needs_second(from, doing.concern.highest_severity());
    if is_serious || !may_close(doing, &[doing.who.id()]).await? {
        let new = proposed(&doing.before, (doing.who.id(), doing.now), outcome);
        doing
            .change(Action::CloseProposed, new, json!({ "outcome": outcome }), words)
            .await?;
        asking::ask(&mut doing.tx, &doing.telling, doing.now).await?;
        doing.answered().await?;
        return Ok(Outcome::Done(Done::CloseProposed));
    }
    let closing = [doing.who.id()];
    finish_closing(doing, &closing, outcome, json!({ "outcome": outcome }), words).await
}

async fn may_close(doing: &mut Doing<'_>, closing: &[&str]) -> Result<bool, Failure> {
    let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
    Ok(actions::may_close(&mut doing.tx, school_id, &concern_id, closing).await?)
}

pub(in crate::console::concern) async fn agree(doing: &mut Doing<'_>) -> Result<Outcome, Failure> {
    let (Some(first), Some(outcome)) = (doing.before.close_proposed_by.clone(), doing.before.outcome) else {
        return Ok(Outcome::Fault("stale", "Nobody proposes to close it any more."));
    };
    // P27: two people, each of whom may see it.
    if first == doing.who.id() {
        return Ok(Outcome::Fault("stale", "Another person must agree."));
    }
    let closing = [first.as_str(), doing.who.id()];
    finish_closing(
        doing,
        &closing,
        outcome,
        json!({ "outcome": outcome, "second": doing.who.id() }),
        "",
    )
    .await
}

async fn finish_closing(
    doing: &mut Doing<'_>,
    closing: &[&str],
    outcome: Ending,
    mut detail: Value,
    words: &str,
) -> Result<Outcome, Failure> {
    if !may_close(doing, closing).await? {
        return Ok(Outcome::Fault(
            "stale",
            "You may both be meant by what was seen, so somebody else who may see it must agree.",
        ));
    }
    if outcome == Ending::FalseAlarm {
        let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
        let flags = flags::set_false_alarm(&mut doing.tx, school_id, &concern_id, None, true).await?;
        detail["flags"] = json!(flags);
    }
    if outcome == Ending::WrongPerson {
        // They were given to somebody it was not about.
        let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
        rows::take_back_warnings(&mut doing.tx, school_id, &concern_id).await?;
    }
    let new = actions::ConcernStanding {
        state: ConcernState::Closed,
        closed_at: Some(doing.now),
        outcome: Some(outcome),
        close_proposed_by: None,
        next_due_at: None,
        ..doing.before.clone()
    };
    doing.close(closing, new, detail, words).await?;
    verdict::count(doing, outcome).await?;
    doing.answered().await?;
    Ok(Outcome::Done(Done::Closed))
}

pub(in crate::console::concern) async fn refuse(
    doing: &mut Doing<'_>,
    words: &str,
) -> Result<Outcome, Failure> {
    if doing.before.close_proposed_by.is_none() {
        return Ok(Outcome::Fault("stale", "Nobody proposes to close it any more."));
    }
    let new = actions::ConcernStanding {
        close_proposed_by: None,
        outcome: None,
        ..doing.before.clone()
    };
    let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
    // Proposed because every flag was marked as a false alarm: the marks are taken back, and its timers run again.
    let flags = match doing.concern.all_marked() {
        true => flags::set_false_alarm(&mut doing.tx, school_id, &concern_id, None, false).await?,
        false => Vec::new(),
    };
    doing
        .change(Action::CloseRefused, new, json!({ "flags": flags }), words)
        .await?;
    doing.marked().await?;
    Ok(Outcome::Done(Done::CloseRefused))
}

pub(in crate::console::concern) async fn reopen(
    doing: &mut Doing<'_>,
    words: &str,
) -> Result<Outcome, Failure> {
    if doing.before.state.is_open() {
        return Ok(Outcome::Fault("stale", "It is open already."));
    }
    if words.is_empty() {
        return Ok(Outcome::Fault("reopen-words", "Write why it is opened again."));
    }
    let new = actions::ConcernStanding {
        state: ConcernState::Acknowledged,
        owner_id: Some(doing.who.id().to_owned()),
        closed_at: None,
        outcome: None,
        ..doing.before.clone()
    };
    doing.change(Action::Reopened, new, json!({}), words).await?;
    Ok(Outcome::Done(Done::Reopened))
}
