//! The heavy work of passwords and links, bounded.

use super::Refused;
use super::vault::{Owner, Vault};
use crate::store::access::SealedVault;
use crate::store::access::User;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Passwords worked on at a time; each takes 19 MiB and a processor.
const AT_A_TIME: usize = 2;
/// How many more may wait.
const WAITING: usize = 32;
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Does the heavy work of passwords off the async threads, a bounded amount at a time (invariant 8).
#[derive(Clone)]
pub struct Work {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(AT_A_TIME)),
            waiting: Arc::new(Semaphore::new(AT_A_TIME + WAITING)),
        }
    }
}

impl Work {
    /// A queue of its own for the same work, which the others cannot fill.
    #[must_use]
    pub fn another_queue(&self) -> Self {
        Self {
            running: Arc::clone(&self.running),
            ..Self::default()
        }
    }

    /// Runs something that takes long, when it is its turn.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let _place = self.waiting.try_acquire().map_err(|_| Refused::Busy)?;
        let turn = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&self.running).acquire_owned()).await;
        let turn = turn.map_err(|_| Refused::Busy)?.map_err(|_| Refused::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _held_while_working = turn;
            work()
        });
        done.await.map_err(|_| Refused::Busy)
    }

    pub(super) async fn open(
        &self,
        school_id: &str,
        user: Option<&User>,
        password: Zeroizing<String>,
    ) -> Result<Option<Vault>, Refused> {
        let (school_id, user) = (school_id.to_owned(), user.cloned());
        self.run(move || {
            let Some(user) = user else {
                Vault::open_nothing(&password);
                return None;
            };
            let owner = Owner {
                school_id: &school_id,
                person_id: &user.person_id,
            };
            Vault::open(&password, owner, &user.vault).ok()
        })
        .await
    }

    pub(super) async fn seal(
        &self,
        school_id: &str,
        person_id: &str,
        vault: Vault,
        password: Zeroizing<String>,
    ) -> Result<(Vault, SealedVault), Refused> {
        let (school_id, person_id) = (school_id.to_owned(), person_id.to_owned());
        self.run(move || {
            let owner = Owner {
                school_id: &school_id,
                person_id: &person_id,
            };
            vault
                .seal(&password, owner)
                .map(|sealed| (vault, sealed))
                .map_err(|_| Refused::Busy)
        })
        .await?
    }
}
