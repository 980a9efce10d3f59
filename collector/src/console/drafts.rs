//! What was typed is never lost. A form that is not taken (its session has ended, the concern changed meanwhile, it was
//! too long, something failed) is kept for a day, sealed to its writer's own key, and comes back to that person alone, on
//! the page where it was written. It is only kept, never acted on.
//!
//! Whose a form is says the token in it, which is its session's: not the cookie, which is another's by then if somebody
//! else has signed in on the same browser. What is kept is listed below, form by form and field by field: no password,
//! code or link ever is.

use super::Console;
use super::addresses::{PASSWORD, SAFE, is_way_back};
use super::answer::{Failure, go};
use super::form::Fields;
use super::who::SignedIn;
use crate::clock;
use crate::seal::{GroupPrivateKey, GroupPublicKey};
use crate::store::drafts::{self as rows, DraftRow};
use axum::Form;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

/// The largest form that is kept, and that is taken where people write: many times what a field may hold, so that also what
/// is much too long comes back with what is wrong.
pub(super) const WRITTEN_MOST: usize = 1024 * 1024;

const PREVIEW: &str = "/lists/preview";
const PROPOSE: &str = "/lists/changes";
const FIND: &str = "/queue/find";

fn parts(form: &str) -> Vec<&str> {
    form.split('/').skip(1).collect()
}

/// The fields of a form that are kept; one that ends with `-` is several, with numbers or codes behind it. Forms in which
/// nothing is typed, or only secrets, have none.
fn kept_of(form: &str) -> &'static [&'static str] {
    match parts(form)[..] {
        ["concerns", "new"] => &["person", "kind", "severity", "happened", "words"],
        ["concerns", _, "reassign"] => &["account", "person", "shared", "flag-", "words"],
        ["concerns", _, _] => &[
            "words", "outcome", "told", "code", "to", "child", "person", "days",
        ],
        ["lists", "preview"] => &[
            "do",
            "list",
            "term",
            "text",
            "topic",
            "severity-",
            "phrase",
            "reason",
        ],
        ["people", "grant"] => &["person", "duty"],
        ["people", "conflicts"] => &["reader", "about"],
        ["people", _, "change"] => &["given", "family", "email", "role"],
        ["queue", "find"] => &["reference"],
        ["safe", "concerns" | "records", _] => &["words"],
        _ => &[],
    }
}

/// Whether what is typed into a field of a form is kept.
fn is_kept(form: &str, field: &str) -> bool {
    let is = |kept: &&str| field == *kept || (kept.ends_with('-') && field.starts_with(*kept));
    kept_of(form).iter().any(is)
}

/// What somebody wrote into a form.
pub(super) struct Draft {
    form: String,
    fields: Vec<(String, Zeroizing<String>)>,
}

impl Draft {
    fn field(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|(known, _)| known == name);
        field.map_or("", |(_, value)| value)
    }

    /// The page that it was written on.
    fn page(&self) -> String {
        match parts(&self.form)[..] {
            ["lists", "preview"] if !self.field("term").is_empty() => {
                format!("/lists/{}/{}", self.field("list"), self.field("term"))
            }
            ["lists", "preview"] => PROPOSE.to_owned(),
            ["concerns", "new"] | ["concerns", _, "reassign" | "identify"] | ["safe", _, _] => {
                self.form.clone()
            }
            _ => {
                let page = self.form.rsplit_once('/');
                page.map_or_else(String::new, |(page, _)| page.to_owned())
            }
        }
    }

    /// What it would have done: the last part of its address.
    pub(super) fn action(&self) -> &str {
        self.form.rsplit('/').next().unwrap_or_default()
    }

    /// The words in it, which are shown also where the page has no such form any more.
    pub(super) fn words(&self) -> &str {
        ["words", "reason"]
            .into_iter()
            .map(|name| self.field(name))
            .find(|words| !words.is_empty())
            .unwrap_or_default()
    }

    pub(super) fn into_fields(self) -> Fields {
        Fields::kept(self.fields.into_iter())
    }

    fn is_written(&self) -> bool {
        self.fields.iter().any(|(_, value)| !value.trim().is_empty())
    }

    fn seal(&self, to: &GroupPublicKey, purpose: &[u8]) -> Option<Vec<u8>> {
        let fields: Vec<_> = self
            .fields
            .iter()
            .map(|(name, value)| (name, value.as_str()))
            .collect();
        let plain = Zeroizing::new(serde_json::to_vec(&(&self.form, fields)).ok()?);
        to.seal(&plain, purpose).ok()
    }

    fn open(own: &GroupPrivateKey, sealed: &[u8], purpose: &[u8]) -> Option<Self> {
        let plain = own.open(sealed, purpose).ok()?;
        let (form, fields): (String, Vec<(String, String)>) = serde_json::from_slice(&plain).ok()?;
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name, Zeroizing::new(value)));
        Some(Self {
            form,
            fields: fields.collect(),
        })
    }
}

/// A form on its way to its page, as it was sent.
pub(super) struct Sent {
    draft: Draft,
    /// Hash of the token in it.
    token: Vec<u8>,
}

impl Sent {
    /// Whether the form did what it asks for. What only shows what it would do is not done yet, nor is what finds the safe
    /// closed again.
    pub(super) fn is_taken(&self, answer: &Response) -> bool {
        let to = answer
            .headers()
            .get(header::LOCATION)
            .and_then(|to| to.to_str().ok())
            .unwrap_or_default();
        let form = &self.draft.form;
        match answer.status() {
            StatusCode::SEE_OTHER => !to.starts_with("/sign-in") && to != PASSWORD && to != SAFE,
            // A code is shown, with what was proposed.
            StatusCode::OK => form.starts_with("/people/"),
            // There is no such reference, which is an answer.
            StatusCode::UNPROCESSABLE_ENTITY => form == FIND,
            _ => false,
        }
    }
}

/// The hash under which the token of a session's forms is known.
fn hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

fn purpose(school_id: &str, person_id: &str, draft_id: &str) -> Vec<u8> {
    format!("draft\n{school_id}\n{person_id}\n{draft_id}").into_bytes()
}

/// Whether a request sends a form that is kept.
pub(super) fn is_form(request: &Request) -> bool {
    let form = request.uri().path();
    request.method() == Method::POST && (!kept_of(form).is_empty() || form == PROPOSE)
}

/// Takes note of what a form sends, and gives the request on as it was.
pub(super) async fn note(request: Request, most: usize) -> Result<(Request, Option<Sent>), Failure> {
    let form = request.uri().path().to_owned();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, most).await.map_err(|_| Failure::BadForm)?;
    let copy = Request::from_parts(parts.clone(), Body::from(body.clone()));
    let request = Request::from_parts(parts, Body::from(body));
    let Ok(Form(pairs)) = Form::<Vec<(String, String)>>::from_request(copy, &()).await else {
        return Ok((request, None));
    };
    let pairs: Vec<_> = pairs
        .into_iter()
        .map(|(name, value)| (name, Zeroizing::new(value)))
        .collect();
    let token = pairs
        .iter()
        .find(|(name, _)| name == "csrf")
        .map_or_else(Vec::new, |(_, token)| hash(token));
    let fields = pairs
        .into_iter()
        .filter(|(name, _)| is_kept(&form, name))
        .collect();
    Ok((
        request,
        Some(Sent {
            draft: Draft { form, fields },
            token,
        }),
    ))
}

impl Console {
    /// From now on, what the forms of this session send is kept for this person.
    pub(super) async fn writes(&self, cookie: &str, person_id: &str) -> Result<(), Failure> {
        let mut tx = self.app.store.write().await?;
        let token = hash(&self.sessions.form_token(cookie));
        rows::writes(&mut tx, &self.app.school_id, &token, person_id, clock::now_ms()).await?;
        Ok(tx.commit().await?)
    }

    /// After a form was answered: forgets it when it was taken, keeps it otherwise. Gives the page where it comes back,
    /// when it was kept.
    pub(super) async fn settle(&self, who: Option<&SignedIn>, sent: &Sent, is_taken: bool) -> Option<String> {
        let settled = if is_taken {
            self.forget(who, &sent.draft.form).await.map(|()| None)
        } else {
            self.keep(who, sent).await
        };
        settled.unwrap_or_else(|_| {
            tracing::error!("what somebody wrote could not be kept");
            None
        })
    }

    async fn keep(&self, who: Option<&SignedIn>, sent: &Sent) -> Result<Option<String>, Failure> {
        let (school_id, now) = (&self.app.school_id, clock::now_ms());
        let mut connection = self.app.store.read().await?;
        let writer = rows::writer(&mut connection, school_id, &sent.token, now).await?;
        drop(connection);
        let Some(writer) = writer.filter(|_| sent.draft.is_written()) else {
            return Ok(None);
        };
        let draft_id = uuid::Uuid::new_v4().to_string();
        let purpose = purpose(school_id, &writer.person_id, &draft_id);
        let Some(sealed) = sent.draft.seal(&writer.public_key, &purpose) else {
            return Err(Failure::Busy);
        };
        // The same once more takes the place of what was kept of it.
        if who.is_some_and(|who| who.id() == writer.person_id) {
            self.forget(who, &sent.draft.form).await?;
        }
        let mut tx = self.app.store.write().await?;
        rows::keep(
            &mut tx,
            school_id,
            &writer.person_id,
            &DraftRow { draft_id, sealed },
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(Some(sent.draft.page()))
    }

    /// What this person wrote on this page and was not taken; the latest.
    pub(super) async fn kept(&self, who: &SignedIn, page: &str) -> Result<Option<Draft>, Failure> {
        let opened = self.drafts_of(who).await?;
        Ok(opened
            .into_iter()
            .map(|(_, draft)| draft)
            .find(|draft| draft.page() == page))
    }

    async fn drafts_of(&self, who: &SignedIn) -> Result<Vec<(String, Draft)>, Failure> {
        let school_id = &self.app.school_id;
        let Some(own) = &who.session.own else {
            return Ok(Vec::new());
        };
        let found = rows::of(
            &mut *self.app.store.read().await?,
            school_id,
            who.id(),
            clock::now_ms(),
        )
        .await?;
        let opened = found.into_iter().filter_map(|row| {
            let draft = Draft::open(own, &row.sealed, &purpose(school_id, who.id(), &row.draft_id))?;
            Some((row.draft_id, draft))
        });
        Ok(opened.collect())
    }

    async fn forget(&self, who: Option<&SignedIn>, form: &str) -> Result<(), Failure> {
        let form = if form == PROPOSE { PREVIEW } else { form };
        match who {
            Some(who) => self.forget_those(who, |draft| draft.form == form).await,
            None => Ok(()),
        }
    }

    async fn forget_those(&self, who: &SignedIn, which: impl Fn(&Draft) -> bool) -> Result<(), Failure> {
        let opened = self.drafts_of(who).await?;
        let ids: Vec<_> = opened
            .into_iter()
            .filter(|(_, draft)| which(draft))
            .map(|(id, _)| id)
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut tx = self.app.store.write().await?;
        rows::forget(&mut tx, &self.app.school_id, who.id(), &ids).await?;
        Ok(tx.commit().await?)
    }
}

/// Sends who was signed out while they wrote back to the page afterwards, and tells them that it is kept.
pub(super) fn tell_signed_out(answer: &mut Response, page: &str) {
    let to = answer.headers().get(header::LOCATION);
    if to.is_some_and(|to| to.as_bytes().starts_with(b"/sign-in"))
        && let Ok(to) = HeaderValue::try_from(format!("/sign-in?back={page}&kept=yes"))
    {
        answer.headers_mut().insert(header::LOCATION, to);
    }
}

/// Throws away what was kept for a page.
pub(super) async fn throw_away(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    let page = fields.trimmed("page");
    console.forget_those(&who, |draft| draft.page() == page).await?;
    Ok(go(if is_way_back(page) { page } else { "/" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_code_or_link_is_ever_kept() {
        for form in [
            "/sign-in",
            "/account/password",
            "/account/recovery-codes",
            "/join/abc",
            "/lists/try",
            "/people/grant",
        ] {
            for field in [
                "password",
                "again",
                "present",
                "codes-present",
                "code",
                "secret",
                "words",
                "text",
                "csrf",
            ] {
                assert!(!is_kept(form, field), "{form} {field}");
            }
        }
        for form in ["/concerns/new", "/concerns/x/note", PREVIEW] {
            for field in ["csrf", "version", "password", "secret"] {
                assert!(!is_kept(form, field), "{form} {field}");
            }
        }
    }

    #[test]
    fn a_draft_comes_back_on_the_page_where_it_was_written() {
        let draft = |form: &str, fields: &[(&str, &str)]| {
            let fields = fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Zeroizing::new((*value).to_owned())));
            Draft {
                form: form.to_owned(),
                fields: fields.collect(),
            }
        };
        assert_eq!(draft("/concerns/new", &[]).page(), "/concerns/new");
        assert_eq!(draft("/concerns/x/close", &[]).page(), "/concerns/x");
        assert_eq!(draft("/concerns/x/reassign", &[]).page(), "/concerns/x/reassign");
        assert_eq!(draft("/people/conflicts", &[]).page(), "/people");
        assert_eq!(draft("/people/x/change", &[]).page(), "/people/x");
        assert_eq!(draft("/safe/records/x", &[]).page(), "/safe/records/x");
        assert_eq!(draft(PREVIEW, &[("do", "add-term")]).page(), PROPOSE);
        assert_eq!(
            draft(PREVIEW, &[("list", "l"), ("term", "t-1")]).page(),
            "/lists/l/t-1"
        );
    }
}
