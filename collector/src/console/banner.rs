//! What is wrong and somebody must see to, above every page of those who can.

use super::Console;
use super::answer::Failure;
use super::who::SignedIn;
use super::words::Clock;
use crate::clock;
use crate::concerns::model::Duty;
use crate::store::{keys, overview, person_keys};

/// How long before it is due somebody hears that their password must be changed.
const SOON_MS: i64 = 14 * 24 * 60 * 60 * 1000;

pub(super) async fn banner(console: &Console, who: &SignedIn, clock: &Clock) -> Result<Vec<String>, Failure> {
    let mut banner = Vec::new();
    if who.is_reader() {
        banner.extend(unread(console, who).await?);
        banner.extend(keys_in_doubt(console, who).await?);
    }
    let runs_it = who.has(Duty::Headteacher) || who.has(Duty::Technician);
    banner.extend(console.app.faults.words(runs_it));
    if who.has(Duty::Headteacher) || who.has(Duty::Chair) {
        banner.extend(chain_broken(console).await?);
    }
    if runs_it {
        banner.extend(unaccountable(console));
    }
    banner.extend(password_due(console, who, clock));
    banner.extend(mail_failing(console, who).await?);
    Ok(banner)
}

async fn unread(console: &Console, who: &SignedIn) -> Result<Option<String>, Failure> {
    let app = &console.app;
    let unread = overview::without_reader(&mut *app.store.read().await?, &app.school_id, who.id()).await?;
    let (are, them) = match unread {
        0 => return Ok(None),
        1 => ("concern is", "it"),
        _ => ("concerns are", "them"),
    };
    Ok(Some(format!(
        "{unread} {are} waiting that nobody can read: nobody who may see {them} has both an e-mail address and a sign-in. \
         Under People, see who has not set up a sign-in, or give somebody a duty to read."
    )))
}

async fn keys_in_doubt(console: &Console, who: &SignedIn) -> Result<Vec<String>, Failure> {
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let mut said = Vec::new();
    if who.session.keys_differ || keys::are_in_doubt(&mut *store.read().await?, school_id).await? {
        said.push(
            "What is new is sealed for a key that is not the readers’: somebody may have put in their own, to read it. \
             Record nothing more, and tell the headteacher and the chair of governors now, not the technician."
                .to_owned(),
        );
    }
    if person_keys::are_in_doubt(&mut *store.read().await?, school_id).await? {
        said.push(
            "Somebody signed in with another key than the one recorded of them; the audit log says who. Nothing is sealed \
             to them until two readers have reset their sign-in, under People."
                .to_owned(),
        );
    }
    Ok(said)
}

async fn chain_broken(console: &Console) -> Result<Option<String>, Failure> {
    let is_broken =
        overview::chain_is_broken(&mut *console.app.store.read().await?, &console.app.school_id).await?;
    Ok(is_broken.then(|| {
        "The audit log was changed, or entries are missing. Keep the mails about the audit record, and have somebody other \
         than the technician compare a backup with them: “pastoral-collector audit verify”, on another computer, says where."
            .to_owned()
    }))
}

fn unaccountable(console: &Console) -> Option<String> {
    let missing = console.app.profile.load().accountability_missing();
    (!missing.is_empty()).then(|| {
        format!(
            "No device can be approved yet. The school's profile must first state: {}.",
            missing.join("; ")
        )
    })
}

fn password_due(console: &Console, who: &SignedIn, clock: &Clock) -> Option<String> {
    let due = who
        .password_due_at(console)
        .filter(|due| due - clock::now_ms() < SOON_MS)?;
    let by = clock.day(&due);
    Some(format!(
        "Your password must be changed by {by}: see Your sign-in."
    ))
}

async fn mail_failing(console: &Console, who: &SignedIn) -> Result<Option<String>, Failure> {
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let is_failing = overview::mail_is_failing(
        &mut *store.read().await?,
        school_id,
        who.id(),
        who.has(Duty::Technician),
    )
    .await?;
    Ok(is_failing
        .then(|| "Mail is not getting out, so people may not be told of concerns. See Health.".to_owned()))
}
