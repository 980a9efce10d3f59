//! Whose an account is, or whom a concern is about that is no account's.

use crate::concerns::action::Action;
use crate::console::answer::Failure;
use crate::console::concern::doing::{Doing, Outcome};
use crate::console::said::Done;
use crate::console::sealing::seal_again;
use crate::store::{actions, identity, overview};
use serde_json::json;

pub(in crate::console::concern) async fn identify(
    doing: &mut Doing<'_>,
    person: &str,
) -> Result<Outcome, Failure> {
    if doing.concern.person.is_some() {
        return Ok(Outcome::Fault("stale", "The person is known already."));
    }
    if doing.concern.account_shared {
        return Ok(Outcome::Fault(
            "stale",
            "Several people use this account. Say whose each flag is.",
        ));
    }
    if person.is_empty() {
        return Ok(Outcome::Fault("stale", "Choose the person first."));
    }
    let school_id = doing.school_id();
    let known = overview::person(&mut doing.tx, school_id, person).await?;
    if known.is_none_or(|known| doing.concern.about_child && !known.role.is_pupil()) {
        return Err(Failure::NotFound);
    }
    doing.touch().await?;
    let account = doing.concern.account_id;
    let detail = match account {
        Some(account) => json!({ "person": person, "account": account }),
        None => json!({ "person": person }),
    };
    doing.record(Action::Identified, detail, "").await?;
    let (by, now, concern_id) = (doing.who.id(), doing.now, doing.concern.concern_id.clone());
    let (tx, telling) = (&mut doing.tx, &doing.telling);
    let changed = match account {
        Some(account) => identity::identify(tx, telling, account, person, by, now).await?,
        None => {
            let changed = identity::name_person(tx, telling, &concern_id, person, now).await?;
            changed.into_iter().collect()
        }
    };
    actions::touch(&mut doing.tx, school_id, &concern_id, doing.now).await?;
    let session = doing.who.session.clone();
    seal_again(doing.console, &mut doing.tx, &session, &changed).await?;
    Ok(Outcome::Done(Done::Identified))
}
