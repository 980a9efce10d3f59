//! A wrong person, corrected: what was flagged moves to the right one's record, both histories show it, and who may see it
//! is decided again. An account may turn out to be used by several people; then each flag is named.

mod moving;

use super::doing::Doing;
use crate::console::Console;
use crate::console::answer::{Failure, go, show, show_again};
use crate::console::drafts::Draft;
use crate::console::form::{Fields, TEXT_MOST};
use crate::console::opened::without_content;
use crate::console::page::Page;
use crate::console::place::Place;
use crate::console::said::Done;
use crate::console::who::SignedIn;
use crate::console::words::people::{Described, described, grouped};
use crate::store::overview::{self, Candidate};
use crate::store::queue::Summary;
use crate::store::reassign::{self as rows, FlagsAccount};
use crate::store::{flags, queue};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use moving::correct;
use std::collections::BTreeSet;

/// Flags on one page of the form; those chosen on others stay chosen.
const FLAGS_SHOWN: i64 = 200;

#[derive(Template)]
#[template(path = "reassign.html")]
struct ReassignPage {
    page: Page,
    concern: Summary,
    accounts: Vec<FlagsAccount>,
    flags: Vec<Choice>,
    place: Place,
    groups: Vec<(String, Vec<Candidate>)>,
    chosen: Chosen,
    /// What would be done, once everything is chosen.
    confirm: Option<Described>,
}

/// A flag to choose, without what was seen.
struct Choice {
    place: i64,
    words: String,
    chosen: bool,
}

/// What the form says.
#[derive(Default)]
struct Chosen {
    /// Which of the concern's accounts, from 1.
    account: Option<usize>,
    person: String,
    /// Several people use the account.
    shared: bool,
    /// Places of flags in the concern, from 1.
    flags: BTreeSet<usize>,
    words: String,
    version: i64,
    /// The page of the concern's flags, from 1.
    page: i64,
}

impl Chosen {
    fn read(fields: &Fields) -> Self {
        Self {
            account: fields.trimmed("account").parse().ok(),
            person: fields.trimmed("person").to_owned(),
            shared: fields.trimmed("shared") == "yes",
            flags: fields.ticked("flag-"),
            words: fields.trimmed("words").to_owned(),
            version: fields.trimmed("version").parse().unwrap_or_default(),
            page: fields.trimmed("page").parse().unwrap_or(1),
        }
    }
}

pub(in crate::console) async fn form(
    State(console): State<Console>,
    who: SignedIn,
    Path(concern_id): Path<String>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let address = format!("/concerns/{concern_id}/reassign");
    let kept = console.kept(&who, &address).await?.map(Draft::into_fields);
    let chosen = kept.as_ref().map(Chosen::read).unwrap_or_default();
    let mut page = draw(&console, &who, &concern_id, chosen).await?;
    page.page.kept = kept.map(|_| (address, String::new()));
    show(&page)
}

/// The form: once to be asked whether that is right, and once to do it.
pub(in crate::console) async fn act(
    State(console): State<Console>,
    who: SignedIn,
    Path(concern_id): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let mut chosen = Chosen::read(&fields);
    if let Ok(page) = fields.trimmed("turn").parse() {
        chosen.page = page;
        return show(&draw(&console, &who, &concern_id, chosen).await?);
    }
    let sure = fields.trimmed("sure") == "yes";
    let mut doing = Doing::begin(&console, &who, &concern_id).await?;
    let fault = match fields.text("words", TEXT_MOST) {
        Err(too_long) => Some(("words", too_long)),
        Ok(_) => fault(&mut doing, &chosen)
            .await?
            .map(|(field, words)| (field, words.to_owned())),
    };
    if fault.is_some() || !sure {
        drop(doing);
        let mut page = draw(&console, &who, &concern_id, chosen).await?;
        match fault {
            Some((field, words)) => page.page.fault(field, words),
            None => page.ask(&console).await?,
        }
        return if page.confirm.is_some() {
            show(&page)
        } else {
            show_again(&page)
        };
    }
    correct(&mut doing, &chosen).await?;
    Ok(match doing.finish().await? {
        Some(_) => go(&Done::Reassigned.at(&format!("/concerns/{concern_id}"))),
        None => go(&Done::Reassigned.at("/queue")),
    })
}

/// What is wrong with what was chosen.
async fn fault(
    doing: &mut Doing<'_>,
    chosen: &Chosen,
) -> Result<Option<(&'static str, &'static str)>, Failure> {
    if chosen.version != doing.concern.changed_at {
        return Ok(Some((
            "stale",
            "Nothing was done, because this concern changed while you had it open. What you wrote is kept below.",
        )));
    }
    let school_id = doing.school_id();
    let person = overview::person(&mut doing.tx, school_id, &chosen.person).await?;
    let Some(person) = person.filter(|person| !doing.concern.about_child || person.role.is_pupil()) else {
        return Ok(Some(("person", "Choose the person.")));
    };
    let present = doing.concern.person.as_ref().map(|whom| &whom.person_id);
    if present == Some(&person.person_id) && !chosen.shared {
        return Ok(Some(("person", "It is this person’s already. Choose another.")));
    }
    if has_account(&doing.concern) {
        let (reader, concern_id) = (doing.who.id(), doing.concern.concern_id.clone());
        let accounts = rows::accounts_of(&mut doing.tx, school_id, reader, &concern_id).await?;
        if account(&accounts, chosen).is_none() {
            return Ok(Some(("account", "Choose the account.")));
        }
        if chosen.shared && chosen.flags.is_empty() {
            return Ok(Some(("flags", "Choose which flags are this person’s.")));
        }
    }
    if chosen.words.is_empty() {
        return Ok(Some(("words", "Write how you know whose it is.")));
    }
    Ok(None)
}

/// What was recorded by hand or handed over as a child's disclosure is about a person, whatever account it came from.
fn has_account(concern: &Summary) -> bool {
    concern.flag_count > 0 && !concern.about_child
}

fn account(accounts: &[FlagsAccount], chosen: &Chosen) -> Option<i64> {
    let place = chosen.account?.checked_sub(1)?;
    accounts.get(place).map(|account| account.account_id)
}

async fn draw(
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
    mut chosen: Chosen,
) -> Result<ReassignPage, Failure> {
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let concern = queue::one(&mut *store.read().await?, school_id, who.id(), concern_id)
        .await?
        .ok_or(Failure::NotFound)?;
    let accounts = if has_account(&concern) {
        rows::accounts_of(&mut *store.read().await?, school_id, who.id(), concern_id).await?
    } else {
        Vec::new()
    };
    let shared = accounts.iter().any(|account| account.shared);
    // Without a person there is nothing to correct, unless several people use the account.
    if concern.person.is_none() && !shared {
        return Err(Failure::NotFound);
    }
    chosen.shared |= shared;
    if accounts.len() == 1 {
        chosen.account = Some(1);
    }
    let page = console.page(who, "Whose is this?", "").await?;
    let place = Place::of(chosen.page, FLAGS_SHOWN, concern.flag_count);
    let mut seen = flags::of(
        &mut *store.read().await?,
        school_id,
        who.id(),
        concern_id,
        place.rows(),
    )
    .await?;
    seen.sort_by_key(|flag| flag.place);
    let flags = seen.iter().map(|flag| {
        let seen = without_content(flag, &page.clock);
        Choice {
            place: flag.place,
            words: format!("{}, {}, on {}", seen.seen, seen.topic.to_lowercase(), seen.device),
            chosen: usize::try_from(flag.place).is_ok_and(|place| chosen.flags.contains(&place)),
        }
    });
    let mut people = overview::candidates(&mut *store.read().await?, school_id).await?;
    people.retain(|person| !concern.about_child || person.role.is_pupil());
    Ok(ReassignPage {
        flags: flags.collect(),
        place,
        groups: grouped(people),
        accounts,
        concern,
        chosen,
        confirm: None,
        page,
    })
}

impl ReassignPage {
    /// What is chosen among the flags of other pages.
    fn chosen_elsewhere(&self) -> impl Iterator<Item = &usize> {
        let here = |place: usize| {
            self.flags
                .iter()
                .any(|flag| usize::try_from(flag.place) == Ok(place))
        };
        self.chosen.flags.iter().filter(move |place| !here(**place))
    }

    fn is_account(&self, place: &usize) -> bool {
        self.chosen.account == Some(*place)
    }

    async fn ask(&mut self, console: &Console) -> Result<(), Failure> {
        let (store, school_id) = (&console.app.store, &console.app.school_id);
        let person = overview::person(&mut *store.read().await?, school_id, &self.chosen.person).await?;
        self.confirm = Some(described(&person.ok_or(Failure::NotFound)?));
        Ok(())
    }
}
