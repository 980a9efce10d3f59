//! What to do about a concern, as its reader needs to be told: the procedure of its kind, what the school adds, and whom
//! to call.

use crate::concerns::kind::Kind;
use crate::concerns::procedure::{IMAGERY_REFERRAL, at_once, procedure};
use crate::profile::{Addition, Contact, Profile};

/// The procedure on a concern's page.
pub(super) struct Steps {
    pub(super) must_not: Vec<String>,
    pub(super) at_once: Vec<String>,
    pub(super) outside: Vec<String>,
    pub(super) referral: &'static [&'static str],
    pub(super) contacts: Vec<Call>,
}

/// Whom the school calls.
pub(super) struct Call {
    pub(super) label: &'static str,
    pub(super) name: String,
    pub(super) reach: String,
    pub(super) confirmed: bool,
}

/// The procedure of a kind for this reader, who may be a safeguarding lead.
pub(super) fn steps(profile: &Profile, kind: Kind, is_lead: bool) -> Steps {
    let known = procedure(kind);
    let with_school = |known: &[&str], added: fn(&Addition) -> &Vec<String>| -> Vec<String> {
        let added = profile.additions_to(kind).flat_map(added).cloned();
        known.iter().map(|&step| step.to_owned()).chain(added).collect()
    };
    let first: Vec<_> = at_once(kind, is_lead).collect();
    Steps {
        must_not: with_school(known.must_not, |addition| &addition.must_not),
        at_once: with_school(&first, |addition| &addition.at_once),
        outside: with_school(known.outside, |addition| &addition.outside),
        referral: if kind == Kind::SexualImagery {
            &IMAGERY_REFERRAL
        } else {
            &[]
        },
        contacts: profile.contacts_for(kind).map(call).collect(),
    }
}

fn call(contact: &Contact) -> Call {
    let reach: Vec<_> = [&contact.phone, &contact.email]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(String::as_str)
        .collect();
    Call {
        label: contact.role.label(),
        name: contact.name.clone(),
        reach: reach.join(", "),
        confirmed: contact.confirmed,
    }
}
