//! What a reader can do with a concern. Every form carries the version of the concern it was made from; one that is
//! out of date changes nothing and shows what did.

use super::acts;
use super::doing::{Doing, Outcome};
use super::view::{self, Typed};
use crate::concerns::model::PersonId;
use crate::console::Console;
use crate::console::answer::{Failure, go};
use crate::console::conduct::{self, Conduct};
use crate::console::form::{Fields, TEXT_MOST};
use crate::console::said::Done;
use crate::console::who::SignedIn;
use crate::store::people::Directory;
use axum::extract::{Path, State};
use axum::response::Response;

/// A form of a concern's page, as it was sent.
struct Form {
    concern_id: String,
    action: String,
    fields: Fields,
    version: i64,
    /// The page of flags it was on.
    page: i64,
}

impl Form {
    fn read(concern_id: String, action: String, fields: Fields) -> Result<Self, Failure> {
        Ok(Self {
            version: fields.trimmed("version").parse().map_err(|_| Failure::BadForm)?,
            page: fields.trimmed("page").parse().unwrap_or(1),
            concern_id,
            action,
            fields,
        })
    }

    fn typed(&self, field: &'static str) -> Typed {
        Typed {
            action: self.action.clone(),
            fields: self.fields.clone(),
            field,
            page: self.page,
            ..Typed::default()
        }
    }

    /// The page once more, with what is wrong.
    async fn again(
        &self,
        console: &Console,
        who: &SignedIn,
        field: &'static str,
        fault: &str,
    ) -> Result<Response, Failure> {
        view::again(console, who, &self.concern_id, self.typed(field), fault).await
    }

    /// Commits what was done, and leads to where that is said.
    async fn done(&self, mut doing: Doing<'_>, said: Done, meant: &[PersonId]) -> Result<Response, Failure> {
        let (who, concern_id) = (doing.who, &self.concern_id);
        let mut said = said;
        if !meant.is_empty() {
            doing.keep_out(meant).await?;
            said = Done::Conduct;
        }
        let Some(now) = doing.finish().await? else {
            return Ok(go(&said.at("/queue")));
        };
        // What was hidden until now is a look of its own.
        if self.action != "show" {
            who.session.acted(concern_id, self.version, now);
        }
        let page = match self.page {
            page @ 2.. => format!("page={page}&"),
            _ => String::new(),
        };
        Ok(go(&format!("/concerns/{concern_id}?{page}done={}", said.code())))
    }
}

/// A form of a concern's page.
pub(in crate::console) async fn act(
    State(console): State<Console>,
    who: SignedIn,
    Path((concern_id, action)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let mut doing = Doing::begin(&console, &who, &concern_id).await?;
    let form = Form::read(concern_id, action, fields)?;
    if form.version != doing.concern.changed_at {
        drop(doing);
        let typed = form.typed("stale");
        return view::stale(&console, &who, &form.concern_id, form.version, typed).await;
    }
    let words = match form.fields.text("words", TEXT_MOST) {
        Ok(words) => words,
        Err(fault) => {
            drop(doing);
            return form.again(&console, &who, words_of(&form.action), &fault).await;
        }
    };
    let meant = match conduct(&mut doing, &words, &form.fields).await? {
        Conduct::Meant(meant) => meant,
        Conduct::Asked(colleagues) => {
            drop(doing);
            let to = format!("/concerns/{}/{}", form.concern_id, form.action);
            return conduct::ask(&console, &who, to, &words, &form.fields, colleagues).await;
        }
    };
    match perform(&mut doing, &form.action, &form.fields, &words).await? {
        Outcome::Done(said) => form.done(doing, said, &meant).await,
        Outcome::Fault(field, fault) => {
            drop(doing);
            form.again(&console, &who, field, fault).await
        }
    }
}

/// Whether the words are about what a reader did.
async fn conduct(doing: &mut Doing<'_>, words: &str, fields: &Fields) -> Result<Conduct, Failure> {
    if words.is_empty() {
        return Ok(Conduct::Meant(Vec::new()));
    }
    let school_id = doing.school_id();
    let directory = Directory::load(&mut doing.tx, school_id, &doing.telling.profile).await?;
    let about = doing
        .concern
        .person
        .as_ref()
        .map(|person| person.person_id.as_str());
    Ok(conduct::of(&directory, doing.who, about, words, fields))
}

/// The element in which the words of a form are written.
fn words_of(action: &str) -> &'static str {
    match action {
        "note" => "note-words",
        "warn" => "warn-words",
        "pass-on" => "pass-on-words",
        "close" => "close-words",
        "refuse" => "refuse-words",
        "reopen" => "reopen-words",
        "parents" => "parents-words",
        "show" => "show-words",
        "hand-over" => "hand-over-words",
        _ => "stale",
    }
}

async fn perform(
    doing: &mut Doing<'_>,
    action: &str,
    fields: &Fields,
    words: &str,
) -> Result<Outcome, Failure> {
    if !doing.before.state.is_open() && !matches!(action, "reopen" | "note" | "parents" | "undo" | "show") {
        return Ok(Outcome::Fault("stale", "It is closed. Open it again first."));
    }
    match action {
        "acknowledge" => acts::acknowledge(doing).await,
        "note" => acts::note(doing, words).await,
        "warn" => acts::warn(doing, words).await,
        "category" => acts::confirm_category(doing, fields.trimmed("code")).await,
        "pass-on" => acts::pass_on(doing, fields.trimmed("to"), words).await,
        "escalate" => acts::escalate(doing).await,
        "close" => acts::close(doing, fields.trimmed("outcome"), words).await,
        "agree" => acts::agree(doing).await,
        "refuse" => acts::refuse(doing, words).await,
        "false-alarm" => acts::false_alarm(doing, fields).await,
        "review" => acts::review(doing, fields.trimmed("days")).await,
        "reopen" => acts::reopen(doing, words).await,
        "parents" => acts::parents(doing, fields.trimmed("told"), words).await,
        "show" => acts::show(doing, words).await,
        "undo" => acts::undo(doing).await,
        "identify" => acts::identify(doing, fields.trimmed("person")).await,
        "hand-over" => acts::hand_over(doing, fields.trimmed("child"), words).await,
        _ => Err(Failure::NotFound),
    }
}
