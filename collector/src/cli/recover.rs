//! `user recover` and `user agree`: a recovery sheet as one of the two people that an act on
//! somebody's access takes. While a reader who is not the person can sign in, one who does not keep the sheet is the other;
//! when there is none, the sheet alone does.

use super::init::{keys_of, when_links_leave};
use super::named::{Named, note, person};
use super::school;
use crate::access::acts::{self, Actor, Issued, Place, issue};
use crate::access::{NewLink, Work};
use crate::chain::Deed;
use crate::clock;
use crate::concerns::kind::SubjectRole;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::config::Config;
use crate::seal::GroupPrivateKey;
use crate::seal::sheet::{self, Sheet};
use crate::store::members::Member;
use crate::store::proposals::{self, Act, New};
use crate::store::{Store, Write, access, keys, rerouting};
use crate::telling::Telling;
use anyhow::Context as _;

/// Gives somebody a reader's duty and a link.
pub(super) async fn recover(config: &Config, named: &Named, duty: Duty, typed: &str) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let (telling, now) = (opened.telling(config), clock::now_ms());
    let school_id = &*telling.school_id;
    let copied = sheet::read(
        typed,
        &keys::publics(&mut *opened.store.read().await?, school_id).await?,
    )?;
    let sheet = Sheet::of(duty).context("this duty reads nothing; no sheet is for it")?;
    anyhow::ensure!(
        keys_of(duty, &copied).len() == duty.reader_groups().len(),
        "this duty needs {}, the whole of it",
        sheet.words()
    );
    let role = match duty {
        Duty::Chair => SubjectRole::Governor,
        _ => SubjectRole::Staff,
    };
    let mut tx = opened.store.write().await?;
    let person = person(&mut tx, school_id, named, role).await?;
    note(&mut tx, school_id, Deed::RecoveryCopyUsed, &person.person_id, now).await?;
    let standing = proposals::sign_ins(&mut tx, school_id).await?;
    if !standing.another_reads(&person.person_id) {
        let made = alone(&mut tx, &telling, (sheet, copied), &person, duty, now).await?;
        tx.commit().await?;
        println!(
            "A link goes to {}, the recorded address of {}. It works once, for seven days, with this code; say it to them \
             and never send it:\n\n  {}\n\n{}",
            person.email,
            person.name(),
            made.code.shown(),
            when_links_leave(config)
        );
        return Ok(());
    }
    anyhow::ensure!(
        !standing.seconds(sheet.actor(), &person.person_id).is_empty(),
        "whoever else can sign in keeps this sheet, and one person is not two: they propose it on the console, under \
         People, and the other sheet agrees (`user agree`)"
    );
    tx.commit().await?;
    propose(&opened.store, &telling, (sheet, &copied), &person, duty, now).await
}

/// Nobody else reads: the sheet gives the duty and the link by itself.
async fn alone(
    tx: &mut Write,
    telling: &Telling,
    (sheet, copied): (Sheet, Vec<(ReaderGroup, GroupPrivateKey)>),
    person: &Member,
    duty: Duty,
    now: i64,
) -> anyhow::Result<NewLink> {
    let (school_id, person_id) = (&*telling.school_id, person.person_id.as_str());
    let groups = person.groups(Some(duty));
    let held: Vec<_> = copied
        .into_iter()
        .filter(|(group, _)| groups.contains(group))
        .collect();
    let made = NewLink::make(&held).context("the system gives no randomness")?;
    access::grant_duty(tx, school_id, person_id, duty, sheet.actor(), None, now).await?;
    let about = Issued {
        person,
        proposal_id: None,
        proposed_by: sheet.actor(),
        agreed_by: None,
        vouched: true,
    };
    issue(tx, telling, &made, &about, now).await?;
    rerouting::reroute_all(tx, telling, now).await?;
    Ok(made)
}

/// Another reader agrees to it on the console.
async fn propose(
    store: &Store,
    telling: &Telling,
    (sheet, copied): (Sheet, &[(ReaderGroup, GroupPrivateKey)]),
    person: &Member,
    duty: Duty,
    now: i64,
) -> anyhow::Result<()> {
    let act = match (person.duties.contains(&duty), person.can_sign_in) {
        (false, _) => Act::Grant,
        (true, true) => Act::Reset,
        (true, false) => Act::FirstLink,
    };
    let new = New {
        act,
        person_id: &person.person_id,
        duty: (act == Act::Grant).then_some(duty),
        change: None,
        by: sheet.actor(),
    };
    let work = Work::default();
    let place = Place {
        store,
        telling,
        work: &work,
    };
    let held = acts::propose(place, actor(sheet, copied), &new, now).await?;
    println!(
        "It is proposed: {} for {}. Somebody else who reads must now agree on the console, under People. Then a link goes \
         to {}.",
        act.words(),
        person.name(),
        person.email
    );
    match held {
        Some(code) => println!(
            "It opens with this code; say it to them and never send it:\n\n  {}",
            code.shown()
        ),
        None => println!("The code is shown to who agrees."),
    }
    Ok(())
}

/// Agrees to what the only reader left has proposed.
pub(super) async fn agree(config: &Config, typed: &str) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let (telling, now) = (opened.telling(config), clock::now_ms());
    let school_id = &*telling.school_id;
    let copied = sheet::read(
        typed,
        &keys::publics(&mut *opened.store.read().await?, school_id).await?,
    )?;
    let mut connection = opened.store.read().await?;
    let standing = proposals::sign_ins(&mut connection, school_id).await?;
    let waiting = proposals::open(&mut connection, school_id, now).await?;
    drop(connection);
    let is_alone = |proposal: &&proposals::Proposal| {
        let by = proposal.proposed_by.as_deref().unwrap_or_default();
        standing.readers.contains(by) && standing.seconds(by, &proposal.person_id).is_empty()
    };
    let waiting: Vec<_> = waiting.iter().filter(is_alone).collect();
    let [proposal] = waiting[..] else {
        anyhow::bail!(
            "{} proposals wait that only a recovery sheet can agree to; there must be exactly one: the reader who proposes \
             makes it on the console, under People, and withdraws others",
            waiting.len()
        );
    };
    let by = proposal.proposed_by.as_deref().unwrap_or_default();
    let sheet = Sheet::ALL.into_iter().find(|sheet| {
        let is_brought = copied.iter().any(|(group, _)| sheet.groups().contains(group));
        is_brought && standing.may_agree(sheet.actor(), by, &proposal.person_id)
    });
    let sheet = sheet.context("whoever proposed keeps this sheet; bring the other one")?;
    let work = Work::default();
    let place = Place {
        store: &opened.store,
        telling: &telling,
        work: &work,
    };
    let actor = actor(sheet, &copied);
    let prepared = acts::prepare(place, actor, &proposal.proposal_id, now).await?;
    let mut tx = opened.store.write().await?;
    let agreed = acts::agree(&mut tx, &telling, actor, (&proposal.proposal_id, prepared), now).await?;
    note(
        &mut tx,
        school_id,
        Deed::RecoveryCopyUsed,
        &proposal.person_id,
        now,
    )
    .await?;
    rerouting::reroute_all(&mut tx, &telling, now).await?;
    tx.commit().await?;
    println!(
        "It is done: {}. Everybody who reads is told.",
        proposal.act.words()
    );
    if let Some(code) = agreed.code {
        println!(
            "The link opens with this code; say it to the person and never send it:\n\n  {}\n\n{}",
            code.shown(),
            when_links_leave(config)
        );
    }
    Ok(())
}

const fn actor(sheet: Sheet, copied: &[(ReaderGroup, GroupPrivateKey)]) -> Actor<'_> {
    Actor {
        id: sheet.actor(),
        keys: copied,
        own: None,
    }
}
