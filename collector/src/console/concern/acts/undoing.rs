//! Taking back the last step. The history shows both.

use crate::concerns::action::Action;
use crate::console::answer::Failure;
use crate::console::concern::doing::{Doing, Outcome};
use crate::console::said::Done;
use crate::store::{actions, flags};
use serde_json::{Value, json};

pub(in crate::console::concern) async fn undo(doing: &mut Doing<'_>) -> Result<Outcome, Failure> {
    let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
    let last = actions::last(&mut doing.tx, school_id, &concern_id).await?;
    let last = last.filter(|(_, by, action, _)| by == doing.who.id() && action.is_reversible());
    let Some((action_id, _, action, detail)) = last else {
        return Ok(Outcome::Fault(
            "stale",
            "There is no step of yours that can be undone.",
        ));
    };
    let detail: Value = serde_json::from_str(&detail).unwrap_or(Value::Null);
    let flags: Vec<i64> = serde_json::from_value(detail["flags"].clone()).unwrap_or_default();
    for flag in flags {
        let is = matches!(action, Action::NotFalseAlarm | Action::CloseRefused);
        flags::set_false_alarm(&mut doing.tx, school_id, &concern_id, Some(flag), is).await?;
    }
    match serde_json::from_value::<actions::ConcernStanding>(detail["before"].clone()) {
        Ok(before) => {
            actions::set_standing(&mut doing.tx, school_id, &concern_id, &before, doing.now).await?
        }
        Err(_) => doing.touch().await?,
    }
    let by = doing
        .record(Action::Undone, json!({ "action": action_id }), "")
        .await?;
    actions::mark_undone(&mut doing.tx, school_id, action_id, by).await?;
    doing.before = actions::standing(&mut doing.tx, school_id, &concern_id).await?;
    doing.repropose().await?;
    doing.marked().await?;
    Ok(Outcome::Done(Done::Undone))
}
