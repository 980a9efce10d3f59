//! Adding to an open concern what else happened (P45), instead of making another of the same person and kind.

use super::happened::{Happened, address};
use crate::concerns;
use crate::concerns::action::Action;
use crate::console::Console;
use crate::console::answer::Failure;
use crate::console::concern::doing::Doing;
use crate::console::said::Done;
use crate::console::who::SignedIn;
use crate::store::{by_hand, escalation};
use serde_json::json;

/// Adds it to the concern; gives where to go then. None when the concern is closed by now.
pub(super) async fn add(
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
    happened: &Happened<'_>,
) -> Result<Option<String>, Failure> {
    let mut doing = Doing::begin(console, who, concern_id).await?;
    if !doing.before.state.is_open() {
        return Ok(None);
    }
    let school_id = doing.school_id();
    let has_risen = happened.severity > doing.concern.severity;
    by_hand::add_to(
        &mut doing.tx,
        school_id,
        concern_id,
        happened.severity,
        happened.at,
    )
    .await?;
    doing.touch().await?;
    let detail = json!({ "severity": happened.severity, "happened_at": happened.at });
    doing.record(Action::Added, detail, happened.words).await?;
    if has_risen {
        escalation::opened_or_risen(
            &mut doing.tx,
            &doing.telling,
            concern_id,
            concerns::escalation::ConcernChange::Risen,
            doing.now,
        )
        .await?;
    }
    doing.marked().await?;
    doing.keep_out(happened.meant).await?;
    let sees = doing.finish().await?.is_some();
    Ok(Some(address(concern_id, sees, Done::Added)))
}
