//! Concerns that come to other readers than before: whom that is told to, and by how many messages.

use super::super::outbox::{self, Gathered, Matter, Notice};
use super::super::{Write, category};
use super::standing;
use crate::concerns::escalation::{self as rules, Step, Why};
use crate::concerns::model::PersonId;
use crate::telling::Telling;
use std::collections::{BTreeMap, BTreeSet};

/// A reader to whom a concern has come, and what they are told of it.
#[derive(Debug, Clone)]
pub(in super::super) struct Anew {
    person_id: PersonId,
    concern_id: String,
    due_at: i64,
}

/// Others read it now, and nobody is on it: starts its timer again where the first of them are new, and gives whom to
/// tell. Who is in `told` was told before.
pub(in super::super) async fn begin_again(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    told: &BTreeSet<PersonId>,
    now: i64,
) -> Result<Vec<Anew>, sqlx::Error> {
    category::repropose(tx, &telling.profile, &telling.school_id, concern_id).await?;
    let Some(standing) = standing(tx, &telling.school_id, concern_id).await? else {
        return Ok(Vec::new());
    };
    let plan = standing.plan(telling);
    let (cover, readers) = (&telling.profile.cover, &standing.readers);
    let was_told = |place: usize| told.contains(&readers[place].person_id);
    let reached = (0..readers.len()).take_while(|place| was_told(*place)).count();
    let step = rules::again(&plan, cover, readers.len(), was_told, now);
    let (reached, next) = match &step {
        Some(step) => (step.told.max(reached), Some(step.next_due_at)),
        None => (reached, None),
    };
    set_step(tx, &telling.school_id, concern_id, reached).await?;
    if let Some(next) = next {
        set_due(tx, &telling.school_id, concern_id, next, now).await?;
    }
    let anew = |step: Step| {
        let of = |place: &usize| Anew {
            person_id: readers[*place].person_id.clone(),
            concern_id: concern_id.to_owned(),
            due_at: step.notices_at,
        };
        step.tell.iter().map(of).collect()
    };
    Ok(step.map(anew).unwrap_or_default())
}

/// Tells people what has come to them: of one concern as of any, of several how many there are.
pub(in super::super) async fn tell_anew(
    tx: &mut Write,
    telling: &Telling,
    anew: Vec<Anew>,
    now: i64,
) -> Result<(), sqlx::Error> {
    let mut people: BTreeMap<PersonId, Vec<Anew>> = BTreeMap::new();
    for one in anew {
        people.entry(one.person_id.clone()).or_default().push(one);
    }
    for (person_id, theirs) in &people {
        if let [one] = theirs.as_slice() {
            let notice = Notice {
                concern_id: Some(&one.concern_id),
                ..Notice::to(person_id, Matter::New(Why::Yours), one.due_at)
            };
            outbox::queue(tx, telling, &notice, now).await?;
            continue;
        }
        for one in theirs {
            let gathered = Gathered {
                person_id,
                matter: Matter::Yours,
                concern_id: Some(&one.concern_id),
                due_at: one.due_at,
                every_ms: 0,
            };
            outbox::gather(tx, telling, &gathered, now).await?;
        }
    }
    Ok(())
}

async fn set_step(tx: &mut Write, school_id: &str, concern_id: &str, told: usize) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE concern SET escalation_step = $1 WHERE school_id = $2 AND concern_id = $3")
        .bind(i64::try_from(told).unwrap_or(i64::MAX))
        .bind(school_id)
        .bind(concern_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn set_due(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    due_at: Option<i64>,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET next_due_at = $1, timed_at = $2 WHERE school_id = $3 AND concern_id = $4",
    )
    .bind(due_at)
    .bind(now)
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
