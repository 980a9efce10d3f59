//! What a second person decides about somebody's access. The rules are in [`crate::access::acts`].

use super::doing::{actor, finish, in_words, place, record, rerouted};
use super::view::{Typed, again, with_code};
use crate::access::acts::{self, NotDone};
use crate::chain::Deed;
use crate::clock;
use crate::console::Console;
use crate::console::answer::{Failure, go};
use crate::console::form::Fields;
use crate::console::said::Done;
use crate::console::who::SignedIn;

use crate::store::acts::AccessChange;
use crate::store::proposals::{self, Act, ProposalState};
use crate::store::{Write, invitations, members};
use axum::extract::{Path, State as With};
use axum::response::Response;
use serde_json::json;

pub(in crate::console) async fn decide(
    With(console): With<Console>,
    who: SignedIn,
    Path((proposal_id, decision)): Path<(String, String)>,
    _fields: Fields,
) -> Result<Response, Failure> {
    match decision.as_str() {
        "agree" => agree(&console, &who, &proposal_id).await,
        "propose" => adopt(&console, who.reader()?, &proposal_id).await,
        "refuse" | "withdraw" => turn_down(&console, &who, &proposal_id).await,
        "stop" => stop(&console, &who, &proposal_id).await,
        _ => Err(Failure::NotFound),
    }
}

async fn agree(console: &Console, who: &SignedIn, proposal_id: &str) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let telling = app.telling();
    let prepared = match acts::prepare(place(console, &telling), actor(who), proposal_id, now).await {
        Ok(prepared) => prepared,
        Err(not_done) => return refused(console, who, not_done).await,
    };
    let mut tx = app.store.write().await?;
    let agreed = match acts::agree(&mut tx, &telling, actor(who), (proposal_id, prepared), now).await {
        Ok(agreed) => agreed,
        Err(not_done) => {
            drop(tx);
            return refused(console, who, not_done).await;
        }
    };
    rerouted(console, who, &mut tx, now).await?;
    let person = members::find(&mut tx, &app.school_id, &agreed.proposal.person_id).await?;
    finish(console, tx).await?;
    if agreed.proposal.act == Act::EndDuty {
        // Keys of a duty that has ended are in no session any more.
        console.sessions.end_all(&agreed.proposal.person_id, None);
    }
    let Some((code, person)) = agreed.code.zip(person) else {
        return Ok(go(&Done::Agreed.at("/people")));
    };
    with_code(console, who, &code, person, false).await
}

/// A reader proposes what an import found.
async fn adopt(console: &Console, who: SignedIn, proposal_id: &str) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let proposal = proposals::find(&mut tx, &app.school_id, proposal_id, now).await?;
    let proposal = proposal.filter(|proposal| proposal.proposed_by.is_none());
    let proposal = proposal.ok_or(Failure::NotFound)?;
    let standing = proposals::sign_ins(&mut tx, &app.school_id).await?;
    if !standing.may_propose(who.id(), &proposal.person_id)
        || !proposals::adopt(&mut tx, &app.school_id, proposal_id, who.id(), now).await?
    {
        return Err(Failure::NotFound);
    }
    let detail = json!({ "person": proposal.person_id, "act": proposal.act });
    record(console, &who, &mut tx, Deed::AccessProposed, detail, now).await?;
    finish(console, tx).await?;
    Ok(go(&Done::Proposed.at("/people")))
}

/// The proposer takes it back, or somebody who could agree refuses it.
async fn turn_down(console: &Console, who: &SignedIn, proposal_id: &str) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let proposal = proposals::find(&mut tx, &app.school_id, proposal_id, now).await?;
    let proposal = proposal.ok_or(Failure::NotFound)?;
    let standing = proposals::sign_ins(&mut tx, &app.school_id).await?;
    let state = if proposal.proposed_by.as_deref() == Some(who.id()) {
        ProposalState::Withdrawn
    } else if standing.may_propose(who.id(), &proposal.person_id) {
        ProposalState::Refused
    } else {
        return Err(Failure::NotFound);
    };
    if !proposals::close(&mut tx, &app.school_id, proposal_id, (state, who.id()), now).await? {
        return Err(Failure::NotFound);
    }
    let detail = json!({"person": proposal.person_id, "act": proposal.act, "duty": proposal.duty});
    let (deed, done) = match state {
        ProposalState::Withdrawn => (Deed::AccessWithdrawn, Done::ProposalWithdrawn),
        _ => (Deed::AccessRefused, Done::ProposalRefused),
    };
    record(console, who, &mut tx, deed, detail, now).await?;
    if state == ProposalState::Refused {
        tell(
            console,
            &mut tx,
            &proposal.person_id,
            AccessChange::Refused(proposal.act),
            now,
        )
        .await?;
    }
    finish(console, tx).await?;
    Ok(go(&done.at("/people")))
}

/// Stops a link that was not used.
async fn stop(console: &Console, who: &SignedIn, invitation_id: &str) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let invitation = invitations::find(&mut tx, &app.school_id, invitation_id).await?;
    let invitation = invitation.filter(|of| who.is_reader() || of.person_id == who.id());
    let person_id = invitation.ok_or(Failure::NotFound)?.person_id;
    invitations::withdraw_of(&mut tx, &app.school_id, &person_id, now).await?;
    record(
        console,
        who,
        &mut tx,
        Deed::LinkStopped,
        json!({ "person": person_id }),
        now,
    )
    .await?;
    tell(console, &mut tx, &person_id, AccessChange::Stopped, now).await?;
    finish(console, tx).await?;
    Ok(go(&Done::Withdrawn.at("/people")))
}

/// Alone, a reader can keep somebody out for as long as nobody else knows: so the person and every reader are told.
async fn tell(
    console: &Console,
    tx: &mut Write,
    person_id: &str,
    what: AccessChange,
    now: i64,
) -> Result<(), Failure> {
    if let Some(person) = members::find(tx, &console.app.school_id, person_id).await? {
        members::tell(tx, &console.app.telling(), &person, what, now).await?;
    }
    Ok(())
}

async fn refused(console: &Console, who: &SignedIn, not_done: NotDone) -> Result<Response, Failure> {
    match not_done {
        // INVARIANT 4: whether there is one says nothing to whom it is not for.
        NotDone::NotYours | NotDone::Gone => Err(Failure::NotFound),
        not_done => {
            let words = in_words(not_done)?;
            again(console, who, Typed::default(), "waiting", words).await
        }
    }
}
