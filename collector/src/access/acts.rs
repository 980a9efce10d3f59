//! What is done on somebody's access: proposed by one, carried out when a second person agrees (see [`super::second`]).
//!
//! A link takes long to make, on purpose, and so is made before the transaction that stores it; that transaction asks
//! again whether everything is still as it was.

use super::invitation::{NewLink, ReaderKeys};
use super::person_key::{Carried, seal_to};
use super::second::Standing;
use super::sign_in::{Refused, Work};
use super::voice::VoiceCode;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::notify::Telling;
use crate::notify::text::Access;
use crate::seal::{GroupPrivateKey, GroupPublicKey};
use crate::store::access::{self as users, grant_duty};
use crate::store::invitations::{self, NewInvitation};
use crate::store::members::{self, Member};
use crate::store::proposals::{self, Act, Change, New, Proposal, State, record};
use crate::store::sealed_keys::{self, SealedKey};
use crate::store::{Store, Write, overview, wanted};
use serde_json::json;
use std::collections::BTreeSet;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long a link can be used.
const LINK_MS: i64 = 7 * DAY_MS;

/// Who acts, and what their session holds.
#[derive(Clone, Copy)]
pub struct Actor<'a> {
    /// A person_id, or the recovery copy.
    pub id: &'a str,
    /// The reader keys at hand.
    pub keys: &'a [(ReaderGroup, GroupPrivateKey)],
    /// Their own private key.
    pub own: Option<&'a GroupPrivateKey>,
}

/// Where it is done.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The database.
    pub store: &'a Store,
    /// What notices need to know.
    pub telling: &'a Telling,
    /// Does what takes long.
    pub work: &'a Work,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// Decided already, run out, or not as it was.
    #[error("it was decided already, has run out, or is not as it was; look again")]
    Gone,
    /// Not this person's to propose or decide.
    #[error("this takes another person")]
    NotYours,
    /// One such waits.
    #[error("the same is proposed already and waits for a second person")]
    Waits,
    /// No address for the link.
    #[error(
        "this person has no e-mail address, and the link goes there alone; it is added in the school's list of people"
    )]
    NoAddress,
    /// Made by the command line alone.
    #[error(
        "this person's sign-in was made on the command line alone; propose a reset of it first, then the duty"
    )]
    NotVouched,
    /// The duty is theirs.
    #[error("this person has the duty already")]
    HasIt,
    /// A link for somebody who needs none.
    #[error("this person cannot be given a link: they have no duty, or can sign in already")]
    NoNeed,
    /// The address is another's.
    #[error("somebody else has this e-mail address; two people cannot sign in with one")]
    AddressTaken,
    /// Only one reader is left.
    #[error(
        "no other reader can agree; this takes the recovery copy from the school safe (`pastoral-collector user recover`)"
    )]
    TakesTheCopy,
    /// Too much to do at the moment.
    #[error("too much to do at the moment; try again")]
    Busy,
    /// The store.
    #[error("the store could not be used")]
    Store(#[from] sqlx::Error),
}

impl From<Refused> for NotDone {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Store(error) => Self::Store(error),
            _ => Self::Busy,
        }
    }
}

/// Proposes an act. Gives the code of a link that a technician is going to agree to: the proposer tells it then, since a
/// technician, who runs the mail, must not know it.
///
/// # Errors
/// [`NotDone`].
pub async fn propose(
    place: Place<'_>,
    actor: Actor<'_>,
    new: &New<'_>,
    now: i64,
) -> Result<Option<VoiceCode>, NotDone> {
    let school_id = &*place.telling.school_id;
    let mut connection = place.store.read().acquire().await?;
    let standing = proposals::standing(&mut connection, school_id).await?;
    let person = members::find(&mut connection, school_id, new.person_id).await?;
    drop(connection);
    let person = person.ok_or(NotDone::Gone)?;
    if !standing.may_propose(actor.id, new.person_id) {
        return Err(NotDone::NotYours);
    }
    fits(new.act, new.duty, new.change, &person)?;
    let proposal_id = proposals::new_id();
    let keys = actor.of(&person.groups(new.duty.filter(|_| new.act == Act::Grant)));
    let tellers = standing.tellers(actor.id, new.person_id);
    let is_link = takes_link(new.act, &person);
    let held = match is_link && tellers.is_empty() {
        true if !standing.may_know_a_code(actor.id)
            || !standing.somebody_may_agree(actor.id, new.person_id) =>
        {
            return Err(NotDone::TakesTheCopy);
        }
        true => Some(make(place.work, keys.clone()).await?),
        false => None,
    };
    let mut tx = place.store.write().await?;
    if !proposals::propose(&mut tx, school_id, &proposal_id, new, now).await? {
        return Err(NotDone::Waits);
    }
    if let Some(made) = &held {
        let about = Issued {
            person: &person,
            proposal_id: Some(&proposal_id),
            proposed_by: actor.id,
            agreed_by: None,
            vouched: true,
        };
        store(&mut tx, school_id, made, &about, Some(made.link.secret()), now).await?;
    } else if is_link {
        let tellers = with_keys(&users::holdings(&mut *tx, school_id).await?, &tellers);
        let carried = Carried::seal((school_id, &proposal_id), &keys, &tellers).map_err(|_| NotDone::Busy)?;
        proposals::carry(&mut tx, school_id, &proposal_id, &carried).await?;
    } else if new.act == Act::Grant {
        give(
            &mut tx,
            school_id,
            &person,
            &keys,
            (actor.id, Some(&proposal_id)),
            now,
        )
        .await?;
    }
    wanted::tell(&mut tx, place.telling, now).await?;
    tx.commit().await?;
    Ok(held.map(|made| made.code))
}

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
    let mut connection = place.store.read().acquire().await?;
    let proposal = proposals::find(&mut *connection, school_id, proposal_id, now).await?;
    let proposal = proposal.ok_or(NotDone::Gone)?;
    let person = members::find(&mut connection, school_id, &proposal.person_id).await?;
    let person = person.ok_or(NotDone::Gone)?;
    let standing = proposals::standing(&mut connection, school_id).await?;
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
    let proposal = proposals::find(&mut **tx, school_id, proposal_id, now).await?;
    let proposal = proposal.ok_or(NotDone::Gone)?;
    let person = members::find(tx, school_id, &proposal.person_id).await?;
    let person = person.ok_or(NotDone::Gone)?;
    let standing = proposals::standing(tx, school_id).await?;
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
    if !proposals::close(tx, school_id, proposal_id, (State::Agreed, actor.id), now).await? {
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

/// Whose link it is, and who stands behind it.
pub struct Issued<'a> {
    /// Whose.
    pub person: &'a Member,
    /// The proposal it comes from.
    pub proposal_id: Option<&'a str>,
    /// Who proposed it.
    pub proposed_by: &'a str,
    /// The second person.
    pub agreed_by: Option<&'a str>,
    /// Whether readers, the first set-up or the recovery copy stand behind it.
    pub vouched: bool,
}

/// Stores a link that can be used from now on, and mails it to its person's recorded address.
///
/// # Errors
/// When the database cannot be written.
pub async fn issue(
    tx: &mut Write,
    telling: &Telling,
    made: &NewLink,
    about: &Issued<'_>,
    now: i64,
) -> Result<(), sqlx::Error> {
    store(tx, &telling.school_id, made, about, None, now).await?;
    let until = now.saturating_add(LINK_MS);
    members::mail_link(tx, telling, about.person, &made.link.path(), until, now).await
}

/// Makes a link off the threads that answer, a bounded number at a time.
///
/// # Errors
/// [`NotDone::Busy`].
pub async fn make(work: &Work, keys: ReaderKeys) -> Result<NewLink, NotDone> {
    work.run(move || NewLink::make(&keys)).await?.ok_or(NotDone::Busy)
}

/// A holder gives a person the keys of their duties that they wait for. Says how many.
///
/// # Errors
/// [`NotDone`].
pub async fn give_keys(
    tx: &mut Write,
    school_id: &str,
    actor: Actor<'_>,
    person_id: &str,
    now: i64,
) -> Result<usize, NotDone> {
    let standing = proposals::standing(tx, school_id).await?;
    if !standing.may_propose(actor.id, person_id) {
        return Err(NotDone::NotYours);
    }
    let person = members::find(tx, school_id, person_id).await?;
    let person = person
        .filter(|person| person.vouched)
        .ok_or(NotDone::NotVouched)?;
    let waits_for = waits_for(tx, school_id, &person).await?;
    let keys = actor.of(&waits_for);
    give(tx, school_id, &person, &keys, (actor.id, None), now).await?;
    let groups: Vec<_> = keys.iter().map(|(group, _)| group.code()).collect();
    let detail = json!({"person": person_id, "groups": groups});
    record(tx, school_id, (actor.id, "keys-given"), detail, now).await?;
    Ok(keys.len())
}

impl Actor<'_> {
    /// The keys at hand, of these groups.
    fn of(&self, groups: &BTreeSet<ReaderGroup>) -> ReaderKeys {
        let held = self.keys.iter();
        held.filter(|(group, _)| groups.contains(group))
            .cloned()
            .collect()
    }
}

/// Whether an act can be done as things are.
fn fits(act: Act, duty: Option<Duty>, change: Option<&Change>, person: &Member) -> Result<(), NotDone> {
    if takes_link(act, person) && person.email.is_empty() {
        return Err(NotDone::NoAddress);
    }
    let has = |duty: Option<Duty>| duty.is_some_and(|duty| person.duties.contains(&duty));
    match act {
        Act::Grant if has(duty) => Err(NotDone::HasIt),
        Act::Grant if person.can_sign_in && !person.vouched && duty != Some(Duty::Technician) => {
            Err(NotDone::NotVouched)
        }
        Act::FirstLink if person.duties.is_empty() || person.can_sign_in => Err(NotDone::NoNeed),
        Act::Reset if person.duties.is_empty() || !person.can_sign_in => Err(NotDone::NoNeed),
        Act::EndDuty if !has(duty) => Err(NotDone::Gone),
        Act::Change if person.duties.is_empty() || change.is_none() => Err(NotDone::Gone),
        _ => Ok(()),
    }
}

/// Whether agreeing makes a link.
fn takes_link(act: Act, person: &Member) -> bool {
    match act {
        Act::Grant => !person.can_sign_in,
        Act::FirstLink | Act::Reset => true,
        Act::Change | Act::EndDuty => false,
    }
}

fn may_agree(standing: &Standing, who: &str, proposal: &Proposal) -> Result<(), NotDone> {
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
        "person": person.person_id, "act": proposal.act.code(), "duty": proposal.duty.map(Duty::code), "proposed_by": by,
    });
    record(tx, school_id, (actor.id, "access-agreed"), detail, now).await?;
    members::tell(tx, telling, person, Access::Agreed(proposal.act), now).await?;
    if let Some(change) = proposal
        .change
        .as_ref()
        .filter(|change| change.email != person.email)
    {
        let moved = Member {
            email: change.email.clone(),
            ..person.clone()
        };
        members::tell_person(tx, telling, &moved, Access::Agreed(proposal.act), now).await?;
    }
    Ok(())
}

/// The groups of a person's duties whose keys their vault has not, and that are not on their way.
async fn waits_for(
    tx: &mut Write,
    school_id: &str,
    person: &Member,
) -> Result<BTreeSet<ReaderGroup>, sqlx::Error> {
    let mut groups = person.groups(None);
    for (who, holding) in users::holdings(&mut **tx, school_id).await? {
        if who == person.person_id {
            groups.retain(|group| !holding.groups.contains(group));
        }
    }
    for (who, group) in sealed_keys::ready(&mut **tx, school_id).await? {
        if who == person.person_id {
            groups.remove(&group);
        }
    }
    Ok(groups)
}

/// Seals keys to a person's own key, where they have one.
async fn give(
    tx: &mut Write,
    school_id: &str,
    person: &Member,
    keys: &[(ReaderGroup, GroupPrivateKey)],
    (by, proposal_id): (&str, Option<&str>),
    now: i64,
) -> Result<(), NotDone> {
    let public = person.public_key.as_deref();
    let Some(public) = public.and_then(|key| GroupPublicKey::from_bytes(key).ok()) else {
        return Ok(());
    };
    let of = (school_id, person.person_id.as_str());
    for (group, key) in keys {
        let sealed = seal_to(&public, of, *group, key).map_err(|_| NotDone::Busy)?;
        let key = SealedKey {
            group: *group,
            sealed,
        };
        sealed_keys::give(tx, school_id, &person.person_id, &key, (by, proposal_id), now).await?;
    }
    Ok(())
}

/// The path of a link that is held back for a proposal.
async fn held(
    connection: &mut sqlx::SqliteConnection,
    school_id: &str,
    proposal_id: &str,
    now: i64,
) -> Result<Option<String>, sqlx::Error> {
    let open = invitations::open(&mut *connection, school_id, now).await?;
    let of = |invitation: &invitations::Invitation| invitation.proposal_id.as_deref() == Some(proposal_id);
    Ok(open.into_iter().find(of).and_then(|invitation| {
        let secret = invitation.held_secret.as_deref()?;
        Some(super::Link::held(&invitation.invitation_id, secret)?.path())
    }))
}

async fn store(
    tx: &mut Write,
    school_id: &str,
    made: &NewLink,
    about: &Issued<'_>,
    held_secret: Option<&str>,
    now: i64,
) -> Result<(), sqlx::Error> {
    let resets = about.vouched && users::had_sign_in(&mut **tx, school_id, &about.person.person_id).await?;
    let invitation = NewInvitation {
        school_id,
        invitation_id: made.link.invitation_id(),
        person_id: &about.person.person_id,
        resets,
        vouched: about.vouched,
        proposal_id: about.proposal_id,
        link_hash: &made.link_hash,
        code_hash: &made.code_hash,
        wrapped_keys: &made.wrapped_keys,
        held_secret,
        proposed_by: about.proposed_by,
        agreed_by: about.agreed_by,
        // A code for a technician to agree to stays with who proposed it.
        code_with: about.agreed_by.unwrap_or(about.proposed_by),
        expires_at: now.saturating_add(LINK_MS),
    };
    invitations::insert(tx, &invitation, now).await
}

fn with_keys(holdings: &[(String, users::Holding)], people: &[&str]) -> Vec<(String, GroupPublicKey)> {
    let known = holdings.iter().filter(|(who, _)| people.contains(&who.as_str()));
    known
        .filter_map(|(who, holding)| {
            let public = GroupPublicKey::from_bytes(&holding.public_key).ok()?;
            Some((who.clone(), public))
        })
        .collect()
}
