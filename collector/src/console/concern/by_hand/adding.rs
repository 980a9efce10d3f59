//! Adding to an open concern what else happened (P45), instead of making another of the same person and kind.

use crate::concerns;
use crate::concerns::action::Action;
use crate::concerns::model::PersonId;
use crate::console::answer::Failure;
use crate::console::concern::doing::Doing;
use crate::console::said::Done;
use crate::console::who::SignedIn;
use crate::console::{Console, conduct};
use crate::store::{by_hand, escalation};
use serde_json::json;

/// Something that happened, written down by hand.
pub(super) struct Happened<'a> {
    pub(super) words: &'a str,
    pub(super) severity: i64,
    pub(super) at: i64,
    /// Readers whose conduct is meant.
    pub(super) meant: &'a [PersonId],
}

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
            concerns::escalation::Change::Risen,
            doing.now,
        )
        .await?;
    }
    doing.marked().await?;
    let person = doing
        .concern
        .person
        .as_ref()
        .map(|person| person.person_id.clone());
    let about = person.unwrap_or_else(|| concern_id.to_owned());
    conduct::keep_out_of(
        console,
        &mut doing.tx,
        &doing.telling,
        who,
        &about,
        happened.meant,
    )
    .await?;
    let sees = doing.finish().await?.is_some();
    let to = if sees {
        format!("/concerns/{concern_id}")
    } else {
        "/queue".to_owned()
    };
    Ok(Some(Done::Added.at(&to)))
}
