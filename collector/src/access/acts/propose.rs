//! What one person proposes.

use super::keys::{give, with_keys};
use super::link::{make, store};
use super::{Actor, Issued, NotDone, Place, fits, takes_link};
use crate::access::VoiceCode;
use crate::store::members;
use crate::store::proposals::{self, Act, Carried, New};
use crate::store::{access as users, asking};

/// Proposes an act. Gives the code of a link that a technician or a recovery sheet is going to agree to: the proposer tells
/// it then, since technicians, who run the mail and the command line, must not know it.
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
    let mut connection = place.store.read().await?;
    let standing = proposals::sign_ins(&mut connection, school_id).await?;
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
            || !(standing.somebody_may_agree(actor.id, new.person_id)
                || standing.a_sheet_may_agree(actor.id, new.person_id)) =>
        {
            return Err(NotDone::TakesASheet);
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
        let tellers = with_keys(&users::holdings(&mut tx, school_id).await?, &tellers);
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
    asking::ask(&mut tx, place.telling, now).await?;
    tx.commit().await?;
    Ok(held.map(|made| made.code))
}
