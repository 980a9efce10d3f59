//! Tells technicians daily, and safeguarding leads weekly, which laptops are silent: on school days only, once school
//! has begun, and only if there is something to tell. The mail holds host names and numbers, nothing else.

use crate::app::App;
use crate::clock;
use crate::concerns::model::Duty;
use crate::devices::roll::{self, Called, Roll};
use crate::devices::verdict::Verdict;
use crate::store::outbox::{self, Laptops, Matter, Notice};
use crate::store::people::Directory;
use crate::store::{Write, heard};
use crate::telling::Telling;
use jiff::Span;
use jiff::civil::Date;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_secs(600);
/// Bytes of a host name that is a name and not a message.
const LONGEST_NAME: usize = 63;

/// Runs until stopped.
///
/// # Errors
/// When the store cannot be read or written; the caller starts it again.
pub async fn run(app: App, stop: CancellationToken) -> Result<(), sqlx::Error> {
    loop {
        // Not at once: after a start, laptops need a moment to come back.
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        look(&app, clock::now_ms()).await?;
    }
}

/// Tells whoever is to be told today and has not been.
pub async fn look(app: &App, now: i64) -> Result<(), sqlx::Error> {
    let telling = app.telling();
    let cover = &telling.profile.cover;
    let school_day = cover.day(now).filter(|day| cover.is_school_day(*day));
    let Some(today) = school_day.filter(|_| cover.has_begun(now)) else {
        return Ok(());
    };
    let week = monday_of(today);
    let mut tx = app.store.write().await?;
    let (told_day, told_week) = heard::told(&mut tx, &app.school_id).await?;
    let (daily, weekly) = (told_day != today.to_string(), told_week != week.to_string());
    if !daily && !weekly {
        return Ok(());
    }
    let roll = roll::call(&mut tx, &app.school_id, cover, now).await?;
    let laptops = laptops(&roll);
    if daily && laptops.need_a_technician() {
        let matter = Matter::LaptopsDaily(laptops.clone());
        tell(&mut tx, &telling, Duty::Technician, &matter, now).await?;
    }
    if weekly && !laptops.not_heard.is_empty() {
        let matter = Matter::LaptopsWeekly(laptops);
        tell(&mut tx, &telling, Duty::Dsl, &matter, now).await?;
    }
    heard::set_told(&mut tx, &app.school_id, today, week).await?;
    tx.commit().await?;
    app.outbox_wake.notify_one();
    Ok(())
}

fn monday_of(day: Date) -> Date {
    let since = i64::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(Span::new().days(since)).unwrap_or(day)
}

/// What of a roll call goes into a mail.
fn laptops(roll: &Roll) -> Laptops {
    let named = |is_so: &dyn Fn(&Called) -> bool| -> Vec<String> {
        roll.0
            .iter()
            .filter(|called| is_so(called))
            .map(mailed_name)
            .collect()
    };
    let counts = roll.counts();
    let count = |verdict| counts.get(&verdict).copied().unwrap_or(0);
    Laptops {
        protected: count(Verdict::Protected),
        not_protected: count(Verdict::NotProtected),
        not_heard: named(&|called| called.verdict == Verdict::NotHeard),
        held_back: named(&|called| !called.held_back.is_empty()),
        retired_heard: named(&|called| called.device.retired_heard_at.is_some()),
        silent_groups: roll
            .silent_groups()
            .into_iter()
            .map(|(group, many)| (group.to_owned(), many))
            .collect(),
    }
}

/// INVARIANT 9: whoever runs a laptop chooses what it is called, so only what looks like a host name enters a mail.
fn mailed_name(called: &Called) -> String {
    let host = &called.device.host_name;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_');
    if !host.is_empty() && host.len() <= LONGEST_NAME && host.chars().all(plain) {
        called.name.clone()
    } else {
        format!("the device {}", roll::short(&called.device.device_id))
    }
}

/// Tells those who have a duty; the headteacher where none of them has an address.
async fn tell(
    tx: &mut Write,
    telling: &Telling,
    duty: Duty,
    matter: &Matter,
    now: i64,
) -> Result<(), sqlx::Error> {
    let directory = Directory::load(tx, &telling.school_id, &telling.profile).await?;
    for duty in [duty, Duty::Headteacher] {
        let holders = directory.duties().holders(duty).iter();
        let people: Vec<_> = holders
            .filter_map(|person_id| directory.person(person_id))
            .filter(|person| !person.email.is_empty())
            .collect();
        for person in &people {
            let notice = Notice::to(&person.person_id, matter.clone(), now);
            outbox::queue(tx, telling, &notice, now).await?;
        }
        if !people.is_empty() {
            break;
        }
    }
    Ok(())
}
