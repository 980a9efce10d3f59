//! What every act on somebody's access ends with.

use crate::access::acts::{Actor, NotDone, Place};
use crate::chain::Deed;
use crate::console::Console;
use crate::console::answer::Failure;
use crate::console::sealing::seal_again;
use crate::console::who::SignedIn;
use crate::console::words::sentence;
use crate::store::{Write, audit, rerouting};
use crate::telling::Telling;
use serde_json::Value;

pub(super) async fn record(
    console: &Console,
    who: &SignedIn,
    tx: &mut Write,
    deed: Deed,
    detail: Value,
    now: i64,
) -> Result<(), Failure> {
    Ok(audit::record(tx, &console.app.school_id, (who.id(), deed), detail, now).await?)
}

// INVARIANT 4: who may see what is decided again at once, and content is sealed to those who may see it now.
pub(super) async fn rerouted(
    console: &Console,
    who: &SignedIn,
    tx: &mut Write,
    now: i64,
) -> Result<(), Failure> {
    let changed = rerouting::reroute_all(tx, &console.app.telling(), now).await?;
    seal_again(console, tx, &who.session, &changed).await
}

pub(super) async fn finish(console: &Console, tx: Write) -> Result<(), Failure> {
    tx.commit().await?;
    console.app.changed(None);
    Ok(())
}

/// In words for a page.
pub(super) fn in_words(not_done: NotDone) -> Result<String, Failure> {
    match not_done {
        NotDone::Store(error) => Err(error.into()),
        NotDone::Busy => Err(Failure::Busy),
        NotDone::NotYours => Err(Failure::NotFound),
        not_done => Ok(sentence(&not_done.to_string())),
    }
}

pub(super) fn actor(who: &SignedIn) -> Actor<'_> {
    Actor {
        id: who.id(),
        keys: &who.session.keys,
        own: who.session.own.as_ref(),
    }
}

pub(super) fn place<'a>(console: &'a Console, telling: &'a Telling) -> Place<'a> {
    Place {
        store: &console.app.store,
        telling,
        work: &console.work,
    }
}
