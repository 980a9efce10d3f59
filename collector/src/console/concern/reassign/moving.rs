//! What was flagged moves to the right person's record, and what it leaves ends.

use super::{Chosen, account, has_account};
use crate::concerns::action::Action;
use crate::concerns::ending::Ending;
use crate::concerns::model::ConcernState;
use crate::console::answer::Failure;
use crate::console::concern::doing::{Doing, proposed};
use crate::console::concern::facts::needs_second;
use crate::console::sealing::seal_again;
use crate::seal::content::{self, DataKeyRow};
use crate::store::reassign::{self as rows, Moving, Owner};
use crate::store::{actions, asking, escalation, false_alarms, flags, identity, keys};
use serde_json::json;
use std::collections::BTreeSet;

pub(super) async fn correct(doing: &mut Doing<'_>, chosen: &Chosen) -> Result<(), Failure> {
    if !has_account(&doing.concern) {
        return rename(doing, chosen).await;
    }
    let school_id = doing.school_id();
    let concern_id = doing.concern.concern_id.clone();
    let accounts = rows::accounts_of(&mut doing.tx, school_id, doing.who.id(), &concern_id).await?;
    let account = account(&accounts, chosen).ok_or(Failure::BadForm)?;
    let (by, wrong) = (doing.who.id().to_owned(), doing.concern.person.clone());
    let owner = if chosen.shared {
        Owner::Shared
    } else {
        Owner::Person(&chosen.person)
    };
    rows::set_owner(&mut doing.tx, school_id, account, owner, &by).await?;
    let mut flags = rows::flags_of(&mut doing.tx, school_id, &concern_id, account).await?;
    if chosen.shared {
        let all = all_flags(doing, &concern_id).await?;
        let named: BTreeSet<i64> = chosen
            .flags
            .iter()
            .filter_map(|place| all.get(place.checked_sub(1)?).copied())
            .collect();
        flags.retain(|flag| named.contains(&flag.flag_id));
    }
    move_out(doing, &concern_id, &flags, chosen).await?;
    // Whoever the account was taken for was taken for it elsewhere too.
    if let (Some(wrong), false) = (wrong, chosen.shared) {
        let wrong = wrong.person_id;
        for other in rows::others_with(&mut doing.tx, school_id, &wrong, account, &concern_id).await? {
            let flags = rows::flags_of(&mut doing.tx, school_id, &other, account).await?;
            move_out(doing, &other, &flags, chosen).await?;
        }
    }
    Ok(())
}

async fn all_flags(doing: &mut Doing<'_>, concern_id: &str) -> Result<Vec<i64>, Failure> {
    let school_id = doing.school_id();
    Ok(flags::ids(&mut doing.tx, school_id, concern_id).await?)
}

/// Moves flags out of a concern into one of the right person's, and says so in both histories. What this session's keys do
/// not open stays, and the concern's own readers are told by its history.
async fn move_out(
    doing: &mut Doing<'_>,
    from: &str,
    flags: &[Moving],
    chosen: &Chosen,
) -> Result<(), Failure> {
    let school_id = doing.school_id();
    let data_keys = keys::data_keys(&mut doing.tx, school_id, from).await?;
    let opened: Vec<_> = flags
        .iter()
        .filter_map(|flag| Some((flag.clone(), open(doing, &data_keys, flag)?)))
        .collect();
    let wrong = doing.concern.person.as_ref().map(|whom| whom.person_id.clone());
    let detail = json!({ "from": wrong, "to": chosen.person, "flags": opened.len(), "left": flags.len() - opened.len() });
    if !opened.is_empty() {
        let moving: Vec<_> = opened.iter().map(|(flag, _)| flag.clone()).collect();
        let (telling, now) = (doing.telling.clone(), doing.now);
        let to = rows::open_for(&mut doing.tx, &telling, from, &chosen.person, &moving, now).await?;
        for (flag, content) in &opened {
            let sealed = doing.seal(&to, content).await?;
            rows::move_flag(
                &mut doing.tx,
                school_id,
                flag.flag_id,
                &to,
                (&sealed.0, &sealed.1),
            )
            .await?;
        }
        rows::count_again(&mut doing.tx, school_id, &to).await?;
        doing
            .record_of(&to, Action::Reassigned, detail.clone(), &chosen.words)
            .await?;
    }
    doing
        .record_of(from, Action::Reassigned, detail, &chosen.words)
        .await?;
    let left = rows::count_again(&mut doing.tx, school_id, from).await?;
    // What somebody wrote down about the person is about them still.
    let written = false_alarms::added_by_hand(&mut doing.tx, school_id, from).await?;
    if left.flag_count == 0 && written.is_none() {
        end(doing, from, left.highest_severity).await?;
    }
    Ok(actions::touch(&mut doing.tx, school_id, from, doing.now).await?)
}

fn open(doing: &Doing<'_>, data_keys: &[DataKeyRow], flag: &Moving) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let session = &doing.who.session;
    content::open_any(
        &|group| session.key(group),
        data_keys,
        &flag.data_key_id,
        &flag.sealed,
    )
    .ok()
}

/// Nothing of the concern was this person's: it ends. Where it takes two people to close it, who corrected it proposes
/// that, if they may see it; otherwise those who may decide.
async fn end(doing: &mut Doing<'_>, concern_id: &str, severity: i64) -> Result<(), Failure> {
    let (school_id, by) = (doing.school_id(), doing.who.id().to_owned());
    let before = actions::standing(&mut doing.tx, school_id, concern_id).await?;
    if !before.state.is_open() || closes_alone(doing, concern_id, severity).await? {
        rows::take_back_warnings(&mut doing.tx, school_id, concern_id).await?;
        let new = actions::ConcernStanding {
            state: ConcernState::Closed,
            closed_at: Some(doing.now),
            outcome: Some(Ending::WrongPerson),
            close_proposed_by: None,
            next_due_at: None,
            ..before
        };
        actions::set_standing(&mut doing.tx, school_id, concern_id, &new, doing.now).await?;
    } else if actions::reads(&mut doing.tx, school_id, concern_id, &by).await? {
        let new = proposed(&before, (&by, doing.now), Ending::WrongPerson);
        actions::set_standing(&mut doing.tx, school_id, concern_id, &new, doing.now).await?;
        asking::ask(&mut doing.tx, &doing.telling, doing.now).await?;
    } else {
        return Ok(());
    }
    Ok(escalation::answered(&mut doing.tx, school_id, concern_id).await?)
}

async fn closes_alone(doing: &mut Doing<'_>, concern_id: &str, severity: i64) -> Result<bool, Failure> {
    let closing = [doing.who.id()];
    let may = actions::may_close(
        &mut doing.tx,
        doing.console.app.school_id.as_ref(),
        concern_id,
        &closing,
    )
    .await?;
    Ok(may && !is_severe(doing, severity))
}

fn is_severe(doing: &Doing<'_>, severity: i64) -> bool {
    needs_second(doing.telling.profile.handling.second_person_from, severity)
}

/// A concern that is no account's changes its person.
async fn rename(doing: &mut Doing<'_>, chosen: &Chosen) -> Result<(), Failure> {
    let wrong = doing.concern.person.as_ref().map(|whom| whom.person_id.clone());
    let detail = json!({ "from": wrong, "to": chosen.person });
    let concern_id = doing.concern.concern_id.clone();
    doing.touch().await?;
    doing.record(Action::Reassigned, detail, &chosen.words).await?;
    let school_id = doing.school_id();
    rows::take_back_warnings(&mut doing.tx, school_id, &concern_id).await?;
    let (tx, telling, now) = (&mut doing.tx, &doing.telling, doing.now);
    let changed = identity::name_person(tx, telling, &concern_id, &chosen.person, now).await?;
    if is_severe(doing, doing.concern.highest_severity()) {
        escalation::corrected(
            &mut doing.tx,
            &doing.telling,
            &concern_id,
            doing.who.id(),
            doing.now,
        )
        .await?;
    }
    let session = doing.who.session.clone();
    seal_again(doing.console, &mut doing.tx, &session, changed.as_slice()).await
}
