//! What every part of the running collector shares.

use crate::faults::Faults;
use crate::lists::Rules;
use crate::live::{Live, LiveChange};
use crate::profile::Profile;
use crate::seal::content::Sealer;
use crate::seal::specialist::ListKey;
use crate::store::{Store, ingest};
use crate::telling::Telling;
use arc_swap::ArcSwap;
use std::sync::Arc;
use tokio::sync::Notify;

/// What every part of the running collector shares. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub store: Store,
    /// Tells open consoles of changes.
    pub live: Live,
    /// The school.
    pub school_id: Arc<str>,
    /// What the school is called.
    pub school_name: Arc<str>,
    /// The profile in force, checked. Swapped when the school changes its file.
    pub profile: Arc<ArcSwap<Profile>>,
    /// The keyword lists in force. Swapped when the profile or the school's changes to the lists do.
    pub lists: Arc<ArcSwap<Rules>>,
    /// Opens the specialist lists that the school has imported.
    pub list_key: ListKey,
    /// Seals content to reader groups.
    pub sealer: Arc<Sealer>,
    /// Where people reach the console, without a slash at the end.
    pub console_url: Arc<str>,
    /// Woken when a notice was queued.
    pub outbox_wake: Arc<Notify>,
    /// Woken when a concern's timers changed.
    pub escalation_wake: Arc<Notify>,
    /// Whether cookies are for https only.
    pub secure_cookies: bool,
    /// What is wrong with the collector itself, for the console.
    pub faults: Arc<Faults>,
}

impl App {
    /// What telling people takes, as things are now.
    #[must_use]
    pub fn telling(&self) -> Telling {
        Telling {
            school_id: Arc::clone(&self.school_id),
            school_name: Arc::clone(&self.school_name),
            console_url: Arc::clone(&self.console_url),
            profile: self.profile.load_full(),
        }
    }

    /// What the writer of delivered records needs.
    #[must_use]
    pub fn ingest(&self) -> ingest::Context {
        ingest::Context {
            store: self.store.clone(),
            telling: self.telling(),
            profile: Arc::clone(&self.profile),
            sealer: Arc::clone(&self.sealer),
            live: self.live.clone(),
            outbox_wake: Arc::clone(&self.outbox_wake),
            escalation_wake: Arc::clone(&self.escalation_wake),
        }
    }

    /// After a commit: open consoles are told that something changed, of one concern or in general, and those who tell
    /// people are woken.
    pub fn changed(&self, concern_id: Option<String>) {
        self.live.tell(LiveChange {
            school_id: self.school_id.to_string(),
            concern_id,
        });
        self.escalation_wake.notify_one();
        self.outbox_wake.notify_one();
    }
}
