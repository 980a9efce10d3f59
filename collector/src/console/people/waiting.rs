//! What waits for a second person, and links that were not used yet, in words.

use crate::clock;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::console::Console;
use crate::console::answer::Failure;
use crate::console::page::Page;
use crate::console::who::SignedIn;
use crate::store::invitations::{self, Invitation};
use crate::store::members::{self, Member};
use crate::store::proposals::{self, Act, Proposal};
use std::collections::BTreeSet;

/// Something that was proposed.
pub(super) struct Waiting {
    pub(super) proposal_id: String,
    pub(super) words: String,
    /// What must be known before it is decided.
    pub(super) details: Vec<String>,
    pub(super) may_agree: bool,
    pub(super) may_propose: bool,
    pub(super) may_refuse: bool,
    pub(super) may_withdraw: bool,
}

/// A link that was mailed and not used yet.
pub(super) struct Links {
    pub(super) invitation_id: String,
    pub(super) words: String,
    pub(super) may_stop: bool,
}

/// What waits. Nobody is shown what is proposed about themselves: they are told when it is agreed.
pub(super) async fn proposals(
    console: &Console,
    page: &Page,
    who: &SignedIn,
    name_of: &impl Fn(&str) -> String,
) -> Result<Vec<Waiting>, Failure> {
    let (school_id, now) = (&console.app.school_id, clock::now_ms());
    let mut connection = console.app.store.read().await?;
    let standing = proposals::sign_ins(&mut connection, school_id).await?;
    let invitations = invitations::open(&mut connection, school_id, now).await?;
    let mut found = Vec::new();
    for proposal in proposals::open(&mut connection, school_id, now).await? {
        if proposal.person_id == who.id() {
            continue;
        }
        let Some(person) = members::find(&mut connection, school_id, &proposal.person_id).await? else {
            continue;
        };
        let by = proposal.proposed_by.as_deref();
        let may_propose = standing.may_propose(who.id(), &person.person_id);
        let makes_link = makes_link(&proposal, &person) && !is_held(&invitations, &proposal);
        let may_agree = by.is_some_and(|by| standing.may_agree(who.id(), by, &person.person_id))
            && (!makes_link || standing.may_know_a_code(who.id()));
        let own = by == Some(who.id());
        let carried = proposals::carried(&mut connection, school_id, &proposal.proposal_id).await?;
        let mut details = details(&proposal, &person);
        if may_agree && makes_link {
            let carried = carried.keys.iter().map(|(group, _)| *group);
            details.extend(of_link(&proposal, &person, who, carried));
        }
        if own {
            details.extend(nobody_agrees(&standing, who.id(), &person.person_id));
        }
        found.push(Waiting {
            words: words(&proposal, &person, page, name_of),
            proposal_id: proposal.proposal_id,
            details,
            may_agree,
            may_propose: by.is_none() && may_propose,
            may_refuse: !own && may_propose,
            may_withdraw: own,
        });
    }
    Ok(found)
}

/// Whether the link of a proposal is made already, and waits to be agreed to.
fn is_held(invitations: &[Invitation], proposal: &Proposal) -> bool {
    let mut of_it = invitations
        .iter()
        .filter(|of| of.proposal_id.as_ref() == Some(&proposal.proposal_id));
    of_it.any(|invitation| invitation.held_secret.is_some())
}

/// What comes with a link, and what whoever agrees to it has to do.
fn of_link(
    proposal: &Proposal,
    person: &Member,
    who: &SignedIn,
    carried: impl Iterator<Item = ReaderGroup>,
) -> Vec<String> {
    let mine = who.session.keys.iter().map(|(group, _)| *group);
    let wanted = person.groups(proposal.duty);
    let mut said = keys(
        &wanted,
        &carried.chain(mine).collect(),
        proposal.act == Act::Reset,
    );
    said.push(format!(
        "When you agree, the link goes to {} and nobody else sees it. You are shown a code, once: say it to {} face to \
         face, or on a telephone number that you know.",
        person.email,
        person.name()
    ));
    said
}

/// What is said where no other reader may agree.
fn nobody_agrees(standing: &proposals::SignIns, by: &str, about: &str) -> Option<String> {
    if !standing.seconds(by, about).is_empty() {
        return None;
    }
    Some(match standing.somebody_may_agree(by, about) {
        true => "No other reader can be asked yet: the technician may agree.".to_owned(),
        false => "No other reader can be asked: a recovery sheet that you do not keep yourself must agree \
                  (pastoral-collector user agree)."
            .to_owned(),
    })
}

/// Links that were mailed. Every reader, and whose it is, may stop one: that lets nobody in.
pub(super) async fn links(
    console: &Console,
    page: &Page,
    who: &SignedIn,
    name_of: &impl Fn(&str) -> String,
) -> Result<Vec<Links>, Failure> {
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let open = invitations::open(&mut *store.read().await?, school_id, clock::now_ms()).await?;
    let ready = open
        .into_iter()
        .filter(|invitation| invitation.ready_at.is_some());
    let link = |invitation: Invitation| Links {
        words: format!(
            "A link by which {} {} was mailed to them. {}",
            name_of(&invitation.person_id),
            if invitation.resets {
                "resets their sign-in"
            } else {
                "sets up their sign-in"
            },
            if invitation.wrong_codes >= invitations::MOST_WRONG_CODES {
                "It was tried with wrong codes, and opens nothing any more: propose a new one.".to_owned()
            } else {
                format!(
                    "It can be used until {}, with the code from {}.",
                    page.clock.when(&invitation.expires_at),
                    name_of(&invitation.code_with)
                )
            }
        ),
        may_stop: who.is_reader() || invitation.person_id == who.id(),
        invitation_id: invitation.invitation_id,
    };
    Ok(ready.map(link).collect())
}

/// Which keys come with a link, and how the others come back.
pub(super) fn keys(
    wanted: &BTreeSet<ReaderGroup>,
    held: &BTreeSet<ReaderGroup>,
    is_reset: bool,
) -> Vec<String> {
    let list = |groups: Vec<&ReaderGroup>| {
        let words: Vec<_> = groups.iter().map(|group| group.words()).collect();
        words.join(" and ")
    };
    let (come, stay): (Vec<_>, Vec<_>) = wanted.iter().partition(|group| held.contains(group));
    let mut said = Vec::new();
    if is_reset {
        said.push(
            "A reset loses every key of their old sign-in, unless they still know their present password. Their old \
             password, phone and recovery codes open nothing once it is used."
                .to_owned(),
        );
    }
    if !come.is_empty() {
        said.push(format!("The key for {} comes with the link.", list(come)));
    }
    if !stay.is_empty() {
        said.push(format!(
            "The key for {} does not come with it, because whoever proposes and agrees does not hold it. It comes back when \
             somebody who holds it gives it to them under People, or with a recovery sheet (pastoral-collector user recover).",
            list(stay)
        ));
    }
    said
}

fn words(proposal: &Proposal, person: &Member, page: &Page, name_of: &impl Fn(&str) -> String) -> String {
    let name = person.name();
    let duty = proposal.duty.map_or("", Duty::words);
    let what = match proposal.act {
        Act::Grant => format!("{name} as {duty}"),
        Act::FirstLink => format!("A link for {name}, to set up their sign-in"),
        Act::Reset => format!("A reset of {name}’s sign-in"),
        Act::Change => format!("Another name, address or role for {name}"),
        Act::EndDuty => format!("The end of {name}’s access as {duty}"),
    };
    let until = page.clock.when(&proposal.expires_at);
    match (&proposal.proposed_by, proposal.asked_by.as_deref()) {
        (Some(by), _) => format!(
            "{what}, proposed by {}. A second person must agree before {until}.",
            name_of(by)
        ),
        (None, Some("people import")) => {
            format!(
                "{what}, as the school’s list of people has it. One reader proposes it and another agrees, before {until}."
            )
        }
        (None, _) => format!("{what}. One reader proposes it and another agrees, before {until}."),
    }
}

fn details(proposal: &Proposal, person: &Member) -> Vec<String> {
    let Some(change) = &proposal.change else {
        return Vec::new();
    };
    let mut details = Vec::new();
    let (was, is) = (
        person.name(),
        format!("{} {}", change.given_name, change.family_name),
    );
    if was != is {
        details.push(format!("Name: {was} becomes {is}."));
    }
    if person.email != change.email {
        details.push(format!(
            "E-mail address: {} becomes {}. They sign in with it, and links go there. Ask them whether it is theirs.",
            person.email, change.email
        ));
    }
    if person.role != change.role {
        details.push(format!(
            "Role: {} becomes {}.",
            person.role.words(),
            change.role.words()
        ));
    }
    details
}

fn makes_link(proposal: &Proposal, person: &Member) -> bool {
    match proposal.act {
        Act::Grant => !person.can_sign_in,
        Act::FirstLink | Act::Reset => true,
        Act::Change | Act::EndDuty => false,
    }
}
