//! A child's disclosure on a staff account: the headteacher hands it to the safeguarding lead as a child's concern, in one
//! step (P20, P23).

use crate::concerns::action::Action;
use crate::concerns::model::Duty;
use crate::concerns::naming::{Named, Strength};
use crate::console::answer::Failure;
use crate::console::concern::doing::{Doing, Outcome};
use crate::console::said::Done;
use crate::console::sealing::seal_again;
use crate::store::{identity, overview, routing};
use serde_json::json;

/// What the form says while nobody knows which child.
const UNKNOWN: &str = "unknown";

pub(in crate::console::concern) async fn hand_over(
    doing: &mut Doing<'_>,
    child: &str,
    words: &str,
) -> Result<Outcome, Failure> {
    let adult = doing
        .concern
        .person
        .as_ref()
        .filter(|person| !person.role.is_pupil())
        .cloned();
    let (true, Some(adult)) = (doing.who.has(Duty::Headteacher), adult) else {
        return Err(Failure::NotFound);
    };
    let school_id = doing.school_id();
    // Nobody may know yet which child: the safeguarding lead finds out.
    let child = (child != UNKNOWN).then_some(child);
    if let Some(child) = child {
        let person = overview::person(&mut doing.tx, school_id, child).await?;
        if person.is_none_or(|person| !person.role.is_pupil()) {
            let fault = "Choose the child, or that nobody knows yet which child.";
            return Ok(Outcome::Fault("hand-over-child", fault));
        }
    }
    doing.touch().await?;
    let detail = json!({ "child": child, "account_of": adult.person_id });
    doing.record(Action::HandedOver, detail, words).await?;
    let concern_id = doing.concern.concern_id.clone();
    // Whose account it was seen on is part of it: they do not read it.
    let adult = Named::from([(adult.person_id, Strength::Certain)]);
    routing::add_named(&mut doing.tx, school_id, &concern_id, &adult).await?;
    let changed = identity::hand_over(&mut doing.tx, &doing.telling, &concern_id, child, doing.now).await?;
    let session = doing.who.session.clone();
    seal_again(doing.console, &mut doing.tx, &session, changed.as_slice()).await?;
    Ok(Outcome::Done(Done::HandedOver))
}
