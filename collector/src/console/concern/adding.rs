//! Adding to an open concern what else happened (P45), instead of making another of the same person and kind.

use super::super::Console;
use super::super::page::Failure;
use super::super::who::SignedIn;
use super::actions::marked;
use super::doing::Doing;
use super::hand_over::seal_again;
use crate::concerns::escalation::Change;
use crate::store::people::Directory;
use crate::store::{by_hand, escalation, routing};
use serde_json::json;

/// Something that happened, written down by hand.
pub(in super::super) struct Happened<'a> {
    pub(in super::super) words: &'a str,
    pub(in super::super) severity: i64,
    pub(in super::super) at: i64,
}

/// Adds it to the concern; gives where to go then. None when the concern is closed by now.
pub(in super::super) async fn add(
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
    happened: &Happened<'_>,
) -> Result<Option<String>, Failure> {
    let mut doing = Doing::begin(console, who, concern_id).await?;
    if doing.before.state == "closed" {
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
    doing.record("added", detail, happened.words).await?;
    if has_risen {
        escalation::opened_or_risen(
            &mut doing.tx,
            &doing.telling,
            concern_id,
            Change::Risen,
            doing.now,
        )
        .await?;
    }
    marked(&mut doing).await?;
    // INVARIANT 4: whom the words name does not read it any more.
    let directory = Directory::load(&mut doing.tx, school_id, &doing.telling.profile).await?;
    let mut named = directory.named_in(happened.words);
    if let Some(person) = &doing.concern.person {
        named.remove(&person.person_id);
    }
    routing::add_named(&mut doing.tx, school_id, concern_id, &named).await?;
    let changed = routing::reroute(&mut doing.tx, &doing.telling, &directory, concern_id, doing.now).await?;
    seal_again(console, &mut doing.tx, &who.session, changed.as_slice()).await?;
    let sees = doing.finish().await?.is_some();
    let to = if sees {
        format!("/concerns/{concern_id}")
    } else {
        "/queue".to_owned()
    };
    Ok(Some(format!("{to}?done=added")))
}
