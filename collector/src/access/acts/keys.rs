//! Reader keys for people who can sign in: sealed to their own key, theirs at their next sign-in.

use super::{Actor, NotDone};
use crate::access::seal_to;
use crate::chain::Deed;
use crate::concerns::model::ReaderGroup;
use crate::seal::{GroupPrivateKey, GroupPublicKey};
use crate::store::members::{self, Member};
use crate::store::proposals;
use crate::store::sealed_keys::{self, SealedKey};
use crate::store::{Write, access as users, audit};
use serde_json::json;
use std::collections::BTreeSet;

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
    let standing = proposals::sign_ins(tx, school_id).await?;
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
    let groups: Vec<_> = keys.iter().map(|(group, _)| group).collect();
    let detail = json!({"person": person_id, "groups": groups});
    audit::record(tx, school_id, (actor.id, Deed::KeysGiven), detail, now).await?;
    Ok(keys.len())
}

/// The groups of a person's duties whose keys their vault has not, and that are not on their way.
pub(super) async fn waits_for(
    tx: &mut Write,
    school_id: &str,
    person: &Member,
) -> Result<BTreeSet<ReaderGroup>, sqlx::Error> {
    let mut groups = person.groups(None);
    for (who, holding) in users::holdings(tx, school_id).await? {
        if who == person.person_id {
            groups.retain(|group| !holding.groups.contains(group));
        }
    }
    for (who, group) in sealed_keys::ready(tx, school_id).await? {
        if who == person.person_id {
            groups.remove(&group);
        }
    }
    Ok(groups)
}

/// Seals keys to a person's own key, where they have one.
pub(super) async fn give(
    tx: &mut Write,
    school_id: &str,
    person: &Member,
    keys: &[(ReaderGroup, GroupPrivateKey)],
    (by, proposal_id): (&str, Option<&str>),
    now: i64,
) -> Result<(), NotDone> {
    let Some(public) = &person.public_key else {
        return Ok(());
    };
    let of = (school_id, person.person_id.as_str());
    for (group, key) in keys {
        let sealed = seal_to(public, of, *group, key).map_err(|_| NotDone::Busy)?;
        let key = SealedKey {
            group: *group,
            sealed,
        };
        sealed_keys::give(tx, school_id, &person.person_id, &key, (by, proposal_id), now).await?;
    }
    Ok(())
}

pub(super) fn with_keys(
    holdings: &[(String, users::Holding)],
    people: &[&str],
) -> Vec<(String, GroupPublicKey)> {
    let known = holdings.iter().filter(|(who, _)| people.contains(&who.as_str()));
    known
        .map(|(who, holding)| (who.clone(), holding.public_key.clone()))
        .collect()
}
