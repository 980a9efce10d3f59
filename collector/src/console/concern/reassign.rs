//! A wrong person, corrected: what was flagged moves to the right one's record, both histories show it, and who may see it
//! is decided again. An account may turn out to be used by several people; then each flag is named.

use super::super::Console;
use super::super::page::{Failure, Page, go, show, show_again};
use super::super::who::{Fields, SignedIn, TEXT_MOST};
use super::doing::Doing;
use super::identify::{Described, described, grouped};
use crate::seal::content::{self, DataKeyRow};
use crate::store::actions::{self, NewAction, Standing};
use crate::store::overview::{self, Candidate};
use crate::store::queue::Summary;
use crate::store::reassign::{self as rows, FlagsAccount, Moving, Owner};
use crate::store::{audit, keys, queue, routing};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;
use std::collections::BTreeSet;

/// How a concern ended whose flags were all somebody else's.
pub(super) const WRONG_PERSON: &str = "wrong-person";
/// Flags that one form can choose from.
const FLAGS_MOST: usize = 200;

#[derive(Template)]
#[template(path = "reassign.html")]
struct ReassignPage {
    page: Page,
    concern: Summary,
    accounts: Vec<FlagsAccount>,
    flags: Vec<Choice>,
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
}

impl Chosen {
    fn read(fields: &Fields) -> Result<Self, Failure> {
        Ok(Self {
            account: fields.trimmed("account").parse().ok(),
            person: fields.trimmed("person").to_owned(),
            shared: fields.trimmed("shared") == "yes",
            flags: (1..=FLAGS_MOST)
                .filter(|place| fields.trimmed(&format!("flag-{place}")) == "yes")
                .collect(),
            words: fields.trimmed("words").to_owned(),
            version: fields.trimmed("version").parse().map_err(|_| Failure::BadForm)?,
        })
    }
}

/// The page.
pub(in super::super) async fn form(
    State(console): State<Console>,
    who: SignedIn,
    Path(concern_id): Path<String>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    show(&draw(&console, &who, &concern_id, Chosen::default()).await?)
}

/// The form: once to be asked whether that is right, and once to do it.
pub(in super::super) async fn act(
    State(console): State<Console>,
    who: SignedIn,
    Path(concern_id): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let chosen = Chosen::read(&fields)?;
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
        Some(_) => go(&format!("/concerns/{concern_id}?done=reassigned")),
        None => go("/queue?done=reassigned"),
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
    let person = overview::person(&mut *doing.tx, school_id, &chosen.person).await?;
    let Some(person) = person.filter(|person| !doing.concern.about_child || person.role == "pupil") else {
        return Ok(Some(("person", "Choose the person.")));
    };
    let present = doing.concern.person.as_ref().map(|whom| &whom.person_id);
    if present == Some(&person.person_id) && !chosen.shared {
        return Ok(Some(("person", "It is this person’s already. Choose another.")));
    }
    if has_account(&doing.concern) {
        let (reader, concern_id) = (doing.who.id(), doing.concern.concern_id.clone());
        let accounts = rows::accounts_of(&mut *doing.tx, school_id, reader, &concern_id).await?;
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

async fn correct(doing: &mut Doing<'_>, chosen: &Chosen) -> Result<(), Failure> {
    if !has_account(&doing.concern) {
        return rename(doing, chosen).await;
    }
    let school_id = doing.school_id();
    let concern_id = doing.concern.concern_id.clone();
    let accounts = rows::accounts_of(&mut *doing.tx, school_id, doing.who.id(), &concern_id).await?;
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
    Ok(actions::flag_ids(&mut doing.tx, school_id, concern_id).await?)
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
    let data_keys = keys::data_keys(&mut *doing.tx, school_id, from).await?;
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
        write(doing, &to, "reassigned", detail.clone(), &chosen.words).await?;
    }
    write(doing, from, "reassigned", detail, &chosen.words).await?;
    if rows::count_again(&mut doing.tx, school_id, from).await? == 0 {
        end(doing, from).await?;
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

/// Nothing of the concern was this person's: it ends, and so do the warnings that it led to.
async fn end(doing: &mut Doing<'_>, concern_id: &str) -> Result<(), Failure> {
    let school_id = doing.school_id();
    rows::take_back_warnings(&mut doing.tx, school_id, concern_id).await?;
    let before = actions::standing(&mut doing.tx, school_id, concern_id).await?;
    let new = Standing {
        state: "closed".to_owned(),
        closed_at: Some(doing.now),
        outcome: Some(WRONG_PERSON.to_owned()),
        close_proposed_by: None,
        next_due_at: None,
        ..before
    };
    actions::set_standing(&mut doing.tx, school_id, concern_id, &new, doing.now).await?;
    Ok(crate::store::escalation::answered(&mut doing.tx, school_id, concern_id).await?)
}

/// A concern that is no account's changes its person.
async fn rename(doing: &mut Doing<'_>, chosen: &Chosen) -> Result<(), Failure> {
    let wrong = doing.concern.person.as_ref().map(|whom| whom.person_id.clone());
    let detail = json!({ "from": wrong, "to": chosen.person });
    let concern_id = doing.concern.concern_id.clone();
    doing.touch().await?;
    doing.record("reassigned", detail, &chosen.words).await?;
    let school_id = doing.school_id();
    rows::take_back_warnings(&mut doing.tx, school_id, &concern_id).await?;
    let (tx, telling, now) = (&mut doing.tx, &doing.telling, doing.now);
    let changed = routing::name_person(tx, telling, &concern_id, &chosen.person, now).await?;
    let session = doing.who.session.clone();
    super::hand_over::seal_again(doing.console, &mut doing.tx, &session, changed.as_slice()).await
}

/// Adds to a history, which need not be that of the concern in hand, and to the audit log.
async fn write(
    doing: &mut Doing<'_>,
    concern_id: &str,
    action: &str,
    detail: serde_json::Value,
    words: &str,
) -> Result<(), Failure> {
    let school_id = doing.school_id();
    let sealed = doing.seal(concern_id, words.as_bytes()).await?;
    let new = NewAction {
        concern_id,
        at: doing.now,
        by: doing.who.id(),
        action,
        detail,
        words: Some(sealed),
    };
    let action_id = actions::add(&mut doing.tx, school_id, &new).await?;
    let entry = audit::Entry {
        school_id,
        actor: doing.who.id(),
        action: "concern-reassigned",
        concern_id: Some(concern_id),
        detail: json!({ "action": action_id }),
    };
    Ok(audit::append(&mut doing.tx, doing.now, &entry).await?)
}

async fn draw(
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
    mut chosen: Chosen,
) -> Result<ReassignPage, Failure> {
    let (store, school_id) = (console.app.store.read(), &console.app.school_id);
    let concern = queue::one(store, school_id, who.id(), concern_id)
        .await?
        .ok_or(Failure::NotFound)?;
    let accounts = if has_account(&concern) {
        rows::accounts_of(store, school_id, who.id(), concern_id).await?
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
    let most = i64::try_from(FLAGS_MOST).unwrap_or(i64::MAX);
    let mut seen = actions::flags(store, school_id, who.id(), concern_id, (0, most)).await?;
    seen.sort_by_key(|flag| flag.place);
    let flags = seen.iter().map(|flag| {
        let seen = super::content::without_content(flag, &page.clock);
        Choice {
            place: flag.place,
            words: format!("{}, {}, on {}", seen.seen, seen.topic.to_lowercase(), seen.device),
            chosen: usize::try_from(flag.place).is_ok_and(|place| chosen.flags.contains(&place)),
        }
    });
    let mut people = overview::candidates(store, school_id).await?;
    people.retain(|person| !concern.about_child || person.role == "pupil");
    Ok(ReassignPage {
        flags: flags.collect(),
        groups: grouped(people),
        accounts,
        concern,
        chosen,
        confirm: None,
        page,
    })
}

impl ReassignPage {
    fn is_account(&self, place: &usize) -> bool {
        self.chosen.account == Some(*place)
    }

    async fn ask(&mut self, console: &Console) -> Result<(), Failure> {
        let (store, school_id) = (console.app.store.read(), &console.app.school_id);
        let person = overview::person(store, school_id, &self.chosen.person).await?;
        self.confirm = Some(described(&person.ok_or(Failure::NotFound)?));
        Ok(())
    }
}
