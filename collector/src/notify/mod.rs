//! Telling people: the words of notices, and the worker that brings them from the outbox to the mail server.

pub mod fault;
pub mod laptops;
pub mod mail;
mod session;
pub mod text;
mod wire;
pub mod worker;

use crate::app::App;
use crate::profile::Profile;
use std::sync::Arc;

/// What a notice needs to know besides its concern.
#[derive(Debug, Clone)]
pub struct Telling {
    /// The school.
    pub school_id: Arc<str>,
    /// What the school is called.
    pub school_name: Arc<str>,
    /// Where people reach the console, without a slash at the end.
    pub console_url: Arc<str>,
    /// The profile in force.
    pub profile: Arc<Profile>,
}

impl Telling {
    /// As things are now.
    #[must_use]
    pub fn of(app: &App) -> Self {
        Self {
            school_id: app.school_id.clone(),
            school_name: app.school_name.clone(),
            console_url: app.console_url.clone(),
            profile: app.profile.load_full(),
        }
    }

    /// The console's host, for Message-IDs.
    pub(crate) fn host(&self) -> &str {
        let url = self
            .console_url
            .split_once("://")
            .map_or(&*self.console_url, |(_, rest)| rest);
        let host = url.split(['/', ':']).next().unwrap_or_default();
        if host.is_empty() || host.starts_with('[') {
            "pastoral.invalid"
        } else {
            host
        }
    }
}
