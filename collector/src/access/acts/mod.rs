//! What is done on somebody's access: proposed by one, carried out when a second person agrees (see [`super::second`]).
//!
//! A link takes long to make, on purpose, and so is made before the transaction that stores it; that transaction asks
//! again whether everything is still as it was.

mod agree;
mod keys;
mod link;
mod propose;

pub use agree::{Agreed, Prepared, agree, prepare};
pub use keys::give_keys;
pub use link::{Issued, issue, make};
pub use propose::propose;

use super::Refused;
use super::invitation::ReaderKeys;
use super::work::Work;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::seal::GroupPrivateKey;
use crate::store::Store;
use crate::store::members::Member;
use crate::store::proposals::{Act, PersonChange};
use crate::telling::Telling;
use std::collections::BTreeSet;

/// Who acts, and what their session holds.
#[derive(Clone, Copy)]
pub struct Actor<'a> {
    /// A person_id, or a recovery sheet.
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
        "no other reader can agree; this takes a recovery sheet, the headteacher’s or the chair’s (`pastoral-collector user recover`)"
    )]
    TakesASheet,
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
fn fits(act: Act, duty: Option<Duty>, change: Option<&PersonChange>, person: &Member) -> Result<(), NotDone> {
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
