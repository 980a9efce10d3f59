//! What somebody sent with a form.

use super::answer::Failure;
use super::cookies::form_cookie;
use super::{Console, words};
use crate::people::FILE_MOST;
use axum::Form;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use std::collections::{BTreeSet, HashMap};
use zeroize::Zeroizing;

/// The longest text somebody may type into a form, in characters.
pub(super) const TEXT_MOST: usize = 4_000;

/// The form that somebody sent, its token checked against their cookie; empty where nobody sent one.
#[derive(Default, Clone)]
pub(super) struct Fields(HashMap<String, Zeroizing<String>>);

impl Fields {
    /// A field as it is; empty when it is missing.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.as_str())
    }

    /// A field without the space around it.
    pub(super) fn trimmed(&self, name: &str) -> &str {
        self.get(name).trim()
    }

    /// All that was typed, to be shown again in a form.
    pub(super) fn typed(&self) -> Vec<(String, String)> {
        let typed = self.0.iter().filter(|(name, _)| *name != "csrf");
        typed
            .map(|(name, value)| (name.clone(), value.as_str().to_owned()))
            .collect()
    }

    /// A password or code.
    pub(super) fn secret(&self, name: &str) -> Zeroizing<String> {
        Zeroizing::new(self.get(name).to_owned())
    }

    /// What somebody wrote, without the space around it; otherwise how much too long it is.
    pub(super) fn text(&self, name: &str, most: usize) -> Result<String, String> {
        let text = self.trimmed(name).replace("\r\n", "\n");
        match text.chars().count() {
            length if length > most => Err(format!(
                "What you wrote is {} too long. Shorten it to {most} characters.",
                words::count((length - most).try_into().unwrap_or(i64::MAX), "character")
            )),
            _ => Ok(text),
        }
    }

    /// The numbers of the boxes that were ticked, of those whose names begin so.
    pub(super) fn ticked(&self, begin: &str) -> BTreeSet<usize> {
        let ticked = self.0.iter().filter(|(_, value)| value.trim() == "yes");
        ticked
            .filter_map(|(name, _)| name.strip_prefix(begin)?.parse().ok())
            .collect()
    }

    /// What was kept of a form.
    pub(super) fn kept(fields: impl Iterator<Item = (String, Zeroizing<String>)>) -> Self {
        Self(fields.collect())
    }
}

impl FromRequest<Console> for Fields {
    type Rejection = Failure;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Failure> {
        let cookie = form_cookie(request.headers(), console.app.secure_cookies);
        let form = Form::<Vec<(String, String)>>::from_request(request, &()).await;
        let Form(pairs) = form.map_err(|_| Failure::BadForm)?;
        let fields = Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name, Zeroizing::new(value)))
                .collect(),
        );
        let cookie = cookie.ok_or(Failure::Forged)?;
        if !console.sessions.form_token_fits(&cookie, fields.get("csrf")) {
            return Err(Failure::Forged);
        }
        Ok(fields)
    }
}

/// Files that somebody sent with a form, its token checked before they are read.
pub(super) struct Files(pub(super) Vec<(String, Vec<u8>)>);

/// What stands around files in a form.
const FORM_AROUND: u64 = 16 * 1024;

impl FromRequest<Console> for Files {
    type Rejection = Failure;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Failure> {
        let cookie = form_cookie(request.headers(), console.app.secure_cookies).ok_or(Failure::Forged)?;
        let kind = request.headers().get(header::CONTENT_TYPE);
        let boundary = kind
            .and_then(|kind| kind.to_str().ok())
            .and_then(|kind| multer::parse_boundary(kind).ok())
            .ok_or(Failure::BadForm)?;
        // INVARIANT 8: not more is read than is ever taken.
        let most = u64::try_from(FILE_MOST)
            .unwrap_or(u64::MAX)
            .saturating_add(FORM_AROUND);
        let limits = multer::Constraints::new().size_limit(multer::SizeLimit::new().whole_stream(most));
        let body = request.into_body().into_data_stream();
        let mut form = multer::Multipart::with_constraints(body, boundary, limits);
        let token = form
            .next_field()
            .await
            .map_err(no_form)?
            .ok_or(Failure::BadForm)?;
        let is_token = token.name() == Some("csrf");
        let token = token.text().await.map_err(no_form)?;
        if !is_token || !console.sessions.form_token_fits(&cookie, &token) {
            return Err(Failure::Forged);
        }
        let mut files = Vec::new();
        while let Some(field) = form.next_field().await.map_err(no_form)? {
            let name = field.file_name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.map_err(no_form)?;
            // A browser sends an empty file where none was chosen.
            if !name.is_empty() {
                files.push((name, bytes.to_vec()));
            }
        }
        Ok(Self(files))
    }
}

fn no_form(error: multer::Error) -> Failure {
    match error {
        multer::Error::StreamSizeExceeded { .. } => Failure::TooLarge,
        _ => Failure::BadForm,
    }
}
