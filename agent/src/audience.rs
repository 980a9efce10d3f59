//! Who is in front of the device: asked of the collector per log-in, kept so that a restart without network knows it.
//!
//! The school's directory is never on a device: only the audience of accounts that logged in here is.

use crate::files::{read_state_file, write_state_file};
use pastoral_keywords::Audience;
use pastoral_proto::Account;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

const FILE: &str = "audiences.json";
/// Accounts remembered and questions waiting; the ones longest unused are forgotten first.
const ACCOUNTS: usize = 1024;

/// The audiences of the accounts of this device.
pub struct Audiences {
    path: PathBuf,
    inner: Mutex<Inner>,
    asked: Notify,
}

#[derive(Default)]
struct Inner {
    known: HashMap<(String, String), Known>,
    /// Accounts that were seen since the start, and are asked about on every connection.
    present: BTreeSet<Account>,
    questions: BTreeSet<Account>,
    uses: u64,
}

#[derive(Clone, Copy)]
struct Known {
    audience: Audience,
    used: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    authority: String,
    stable_id: String,
    audience: Audience,
}

impl Audiences {
    /// What is known from earlier. A file that cannot be read only means that everyone is asked about again.
    #[must_use]
    pub fn load(state_dir: &Path) -> Self {
        let path = state_dir.join(FILE);
        let bytes = read_state_file(&path).ok().flatten().unwrap_or_default();
        let stored: Vec<Stored> = serde_json::from_slice(&bytes).unwrap_or_default();
        let known = stored.into_iter().take(ACCOUNTS).map(|stored| {
            (
                (stored.authority, stored.stable_id),
                Known {
                    audience: stored.audience,
                    used: 0,
                },
            )
        });
        let inner = Inner {
            known: known.collect(),
            ..Inner::default()
        };
        Self {
            path,
            inner: Mutex::new(inner),
            asked: Notify::new(),
        }
    }

    /// The account's audience if the collector has said it; the first time an account is seen, it is asked about.
    pub fn of(&self, account: &Account) -> Option<Audience> {
        let mut inner = self.lock();
        if !inner.present.contains(account) {
            self.ask(&mut inner, account);
        }
        inner.uses += 1;
        let used = inner.uses;
        let known = inner.known.get_mut(&key(account))?;
        known.used = used;
        Some(known.audience)
    }

    /// A log-in: the account is asked about again, since its audience may have changed.
    pub fn logged_in(&self, account: &Account) {
        self.ask(&mut self.lock(), account);
    }

    /// A new connection: everyone present is asked about again.
    pub fn connected(&self) {
        let mut inner = self.lock();
        inner.questions = inner.present.clone();
        self.asked.notify_one();
    }

    /// The next account to ask about.
    pub async fn question(&self) -> Account {
        loop {
            if let Some(account) = self.lock().questions.pop_first() {
                return account;
            }
            self.asked.notified().await;
        }
    }

    /// What the collector answered: an audience, or that nobody knows the account. Says whether it is new.
    ///
    /// # Errors
    /// When it cannot be stored; it is in force all the same.
    pub fn answered(&self, account: &Account, audience: Option<Audience>) -> std::io::Result<bool> {
        let mut inner = self.lock();
        let key = key(account);
        let before = inner.known.get(&key).map(|known| known.audience);
        if before == audience {
            return Ok(false);
        }
        match audience {
            None => {
                inner.known.remove(&key);
            }
            Some(audience) => {
                if inner.known.len() >= ACCOUNTS && before.is_none() {
                    let oldest = inner.known.iter().min_by_key(|(_, known)| known.used);
                    if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                        inner.known.remove(&oldest);
                    }
                }
                let used = inner.uses;
                inner.known.insert(key, Known { audience, used });
            }
        }
        let stored: Vec<Stored> = inner
            .known
            .iter()
            .map(|(key, known)| stored(key, *known))
            .collect();
        drop(inner);
        let bytes = serde_json::to_vec(&stored).map_err(std::io::Error::other)?;
        write_state_file(&self.path, &bytes)?;
        Ok(true)
    }

    fn ask(&self, inner: &mut Inner, account: &Account) {
        if inner.present.len() >= ACCOUNTS {
            inner.present.pop_first();
        }
        inner.present.insert(account.clone());
        if inner.questions.len() < ACCOUNTS {
            inner.questions.insert(account.clone());
            self.asked.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(account: &Account) -> (String, String) {
    (account.authority.clone(), account.stable_id.clone())
}

fn stored((authority, stable_id): &(String, String), known: Known) -> Stored {
    Stored {
        authority: authority.clone(),
        stable_id: stable_id.clone(),
        audience: known.audience,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> Account {
        Account {
            authority: "local".into(),
            stable_id: id.into(),
            name: format!("user-{id}"),
        }
    }

    #[test]
    fn an_answer_outlives_a_restart_without_network() {
        let folder = tempfile::tempdir().unwrap();
        let audiences = Audiences::load(folder.path());
        assert_eq!(audiences.of(&account("1001")), None);
        audiences
            .answered(&account("1001"), Some(Audience::Staff))
            .unwrap();
        drop(audiences);
        let audiences = Audiences::load(folder.path());
        assert_eq!(audiences.of(&account("1001")), Some(Audience::Staff));
        audiences.answered(&account("1001"), None).unwrap();
        assert_eq!(Audiences::load(folder.path()).of(&account("1001")), None);
    }

    #[tokio::test]
    async fn an_account_is_asked_about_when_first_seen_and_at_every_log_in_and_connection() {
        let folder = tempfile::tempdir().unwrap();
        let audiences = Audiences::load(folder.path());
        audiences.of(&account("1001"));
        audiences.of(&account("1001"));
        assert_eq!(audiences.question().await, account("1001"));
        assert!(audiences.lock().questions.is_empty());
        audiences.logged_in(&account("1001"));
        assert_eq!(audiences.question().await, account("1001"));
        audiences.connected();
        assert_eq!(audiences.question().await, account("1001"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let audiences = Audiences::load(folder.path());
        for id in 0..ACCOUNTS + 9 {
            audiences.of(&account(&id.to_string()));
        }
        let inner = audiences.lock();
        assert_eq!((inner.present.len(), inner.questions.len()), (ACCOUNTS, ACCOUNTS));
    }
}
