//! What the second person agrees to, and what then is done.

use super::keys::{give, waits_for};
use super::link::{LINK_MS, held, issue, make};
use super::{Actor, Issued, NotDone, Place, fits, takes_link};
use crate::access::{NewLink, VoiceCode};
use crate::chain::Deed;
use crate::concerns::model::ReaderGroup;
use crate::store::access::grant_duty;
use crate::store::acts::AccessChange;
use crate::store::invitations;
use crate::store::members::{self, Member};
use crate::store::proposals::{self, Act, Proposal, ProposalState, SignIns};
use crate::store::{Write, audit, overview};
use crate::telling::Telling;
use serde_json::json;

/// What agreeing needs, made before the transaction that carries it out.
pub struct Prepared {
    link: Option<NewLink>,
}

/// Makes what agreeing to a proposal needs: the link, with the keys that proposer and second person hold.
///
/// # Errors
/// [`NotDone`].
pub async fn prepare(
    place: Place<'_>,
    actor: Actor<'_>,
    proposal_id: &str,
    now: i64,
) -> Result<Prepared, NotDone> {
    let school_id = &*place.telling.school_id;
    let mut connection = place.store.read().await?;
    let proposal = proposals::find(&mut connection, school_id, proposal_id, now).await?;
    let proposal = proposal.ok_or(NotDone::Gone)?;
    let person = members::find(&mut connection, school_id, &proposal.person_id).await?;
    let person = person.ok_or(NotDone::Gone)?;
    let standing = proposals::sign_ins(&mut connection, school_id).await?;
    may_agree(&standing, actor.id, &proposal)?;
    if !takes_link(proposal.act, &person)
        || held(&mut connection, school_id, proposal_id, now)
            .await?
            .is_some()
    {
        return Ok(Prepared { link: None });
    }
    let groups = person.groups(proposal.duty);
    let mut keys = actor.of(&groups);
    if let Some(own) = actor.own {
        let carried = proposals::carried(&mut connection, school_id, proposal_id).await?;
        let carried = carried.open((school_id, proposal_id), actor.id, own);
        let missing = |group: &ReaderGroup| !keys.iter().any(|(held, _)| held == group);
        let wanted = |(group, _): &(ReaderGroup, _)| groups.contains(group) && missing(group);
        let carried: Vec<_> = carried.into_iter().filter(wanted).collect();
        keys.extend(carried);
    }
    drop(connection);
    Ok(Prepared {
        link: Some(make(place.work, keys).await?),
    })
}

/// What came of agreeing.
pub struct Agreed {
    /// What was agreed to.
    pub proposal: Proposal,
    /// To be shown once, to whoever agreed.
    pub code: Option<VoiceCode>,
}

/// Carries out a proposal, as its second person. Reroute afterwards, and wake the outbox after the commit.
///
/// # Errors
/// [`NotDone`]; drop the transaction then.
pub async fn agree(
    tx: &mut Write,
    telling: &Telling,
    actor: Actor<'_>,
    (proposal_id, prepared): (&str, Prepared),
    now: i64,
) -> Result<Agreed, NotDone> {
    let school_id = &*telling.school_id;
    let proposal = proposals::find(tx, school_id, proposal_id, now).await?;
    let proposal = proposal.ok_or(NotDone::Gone)?;
    let person = members::find(tx, school_id, &proposal.person_id).await?;
    let person = person.ok_or(NotDone::Gone)?;
    let standing = proposals::sign_ins(tx, school_id).await?;
    may_agree(&standing, actor.id, &proposal)?;
    fits(proposal.act, proposal.duty, proposal.change.as_ref(), &person)?;
    let held = held(tx, school_id, proposal_id, now).await?;
    let is_link = takes_link(proposal.act, &person);
    if is_link != (held.is_some() || prepared.link.is_some()) {
        return Err(NotDone::Gone);
    }
    // INVARIANT 10: whoever runs the mail must not be told the code as well.
    if prepared.link.is_some() && !standing.may_know_a_code(actor.id) {
        return Err(NotDone::NotYours);
    }
    if !proposals::close(tx, school_id, proposal_id, (ProposalState::Agreed, actor.id), now).await? {
        return Err(NotDone::Gone);
    }
    let code = if let Some(path) = held {
        let until = (now, now.saturating_add(LINK_MS));
        invitations::release(tx, school_id, proposal_id, actor.id, until).await?;
        members::mail_link(tx, telling, &person, &path, until.1, now).await?;
        None
    } else if let Some(made) = prepared.link {
        let about = Issued {
            person: &person,
            proposal_id: Some(proposal_id),
            proposed_by: proposal.proposed_by.as_deref().unwrap_or_default(),
            agreed_by: Some(actor.id),
            vouched: true,
        };
        issue(tx, telling, &made, &about, now).await?;
        Some(made.code)
    } else {
        None
    };
    carry_out(tx, telling, (&proposal, &person), actor, now).await?;
    Ok(Agreed { proposal, code })
}

fn may_agree(standing: &SignIns, who: &str, proposal: &Proposal) -> Result<(), NotDone> {
    let proposer = proposal.proposed_by.as_deref().ok_or(NotDone::NotYours)?;
    match standing.may_agree(who, proposer, &proposal.person_id) {
        true => Ok(()),
        false => Err(NotDone::NotYours),
    }
}

async fn carry_out(
    tx: &mut Write,
    telling: &Telling,
    (proposal, person): (&Proposal, &Member),
    actor: Actor<'_>,
    now: i64,
) -> Result<(), NotDone> {
    let school_id = &*telling.school_id;
    let by = proposal.proposed_by.as_deref().unwrap_or_default();
    match (proposal.act, proposal.duty, &proposal.change) {
        (Act::Grant, Some(duty), _) => {
            grant_duty(tx, school_id, &person.person_id, duty, by, Some(actor.id), now).await?;
            if person.can_sign_in {
                let granted = Member {
                    duties: person.duties.iter().copied().chain([duty]).collect(),
                    ..person.clone()
                };
                let missing = waits_for(tx, school_id, &granted).await?;
                give(tx, school_id, person, &actor.of(&missing), (actor.id, None), now).await?;
            }
        }
        (Act::EndDuty, Some(duty), _) => {
            overview::end_duty_of(tx, school_id, &person.person_id, duty, actor.id, now).await?;
            if person.duties.len() <= 1 {
                invitations::withdraw_of(tx, school_id, &person.person_id, now).await?;
            }
        }
        (Act::Change, _, Some(change)) => {
            if members::address_is_taken(tx, school_id, &person.person_id, &change.email).await? {
                return Err(NotDone::AddressTaken);
            }
            members::change(tx, school_id, &person.person_id, change).await?;
        }
        _ => {}
    }
    let detail = json!({
        "person": person.person_id, "act": proposal.act, "duty": proposal.duty, "proposed_by": by,
    });
    audit::record(tx, school_id, (actor.id, Deed::AccessAgreed), detail, now).await?;
    members::tell(tx, telling, person, AccessChange::Agreed(proposal.act), now).await?;
    if let Some(change) = proposal
        .change
        .as_ref()
        .filter(|change| change.email != person.email)
    {
        let moved = Member {
            email: change.email.clone(),
            ..person.clone()
        };
        members::tell_person(tx, telling, &moved, AccessChange::Agreed(proposal.act), now).await?;
    }
    Ok(())
}
