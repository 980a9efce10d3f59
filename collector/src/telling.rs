//! Of whom and where people are told.

use crate::profile::Profile;
use std::sync::Arc;

/// What telling people takes besides what they are told.
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
