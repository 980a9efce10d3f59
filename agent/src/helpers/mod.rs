//! The service's side of `session.sock`: takes what the session helpers see, and notices when one is not doing its work.
//!
//! - Whose session it is comes from the kernel alone (INVARIANT 7). A peer that is not in the service's group is refused:
//!   only the installed, setgid helper is.
//! - Nothing is dropped here (INVARIANT 8). Each connection has its own task, which waits until its title is taken; a
//!   flood therefore fills the flooding helper's own socket, and the titles of others pass it: the channel is served in
//!   turn, and no account has more than [`PER_USER`] titles waiting for it.
//! - A helper that ends, falls silent or does not see its canary title is on the [`Board`] and sent as a [`HelperEvent`].

mod board;
mod connection;
mod desktops;
mod door;

pub use board::{Board, Counters, HelperEvent, HelperFault, HelperView};

use crate::platform;
use crate::watch::Observation;
use crate::watch::search::SearchSites;
use connection::Connection;
use door::Door;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Helpers at once on one machine.
pub const AT_ONCE: usize = 64;
/// Helpers at once of one user: one for each desktop session.
pub const PER_USER: usize = 4;

/// What the service tells its side of the socket.
#[derive(Clone)]
pub struct HelperSettings {
    /// The service's group, in which only the installed helper runs besides the service.
    pub group: u32,
    /// What the policy in force says; may change at any time.
    pub rules: watch::Receiver<HelperRules>,
    /// How searches are told from other titles.
    pub sites: Arc<SearchSites>,
    /// Device time, in milliseconds since 1970.
    pub now_ms: fn() -> i64,
    /// How long things may take.
    pub patience: Patience,
}

/// The part of the policy that concerns helpers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HelperRules {
    /// Users below this number are the system's own, and not watched.
    pub lowest_user_id: u32,
    /// How often a helper is asked to show itself a canary title.
    pub canary_interval: Duration,
}

impl Default for HelperRules {
    fn default() -> Self {
        Self {
            lowest_user_id: 1000,
            canary_interval: Duration::from_secs(300),
        }
    }
}

/// How long things may take before they count as a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A helper silent for longer is frozen.
    pub silence: Duration,
    /// A canary title not seen within this is missed.
    pub canary: Duration,
    /// How long after a helper ended its session may take to end too, as when the user logs out.
    pub leaving: Duration,
    /// How often desktops are looked for that have no helper.
    pub desktops: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(15),
            canary: Duration::from_secs(30),
            leaving: Duration::from_secs(10),
            desktops: Duration::from_secs(60),
        }
    }
}

/// Serves helpers until told to stop. Every observation goes to `observations`, in the order its helper saw them.
///
/// One account can put no more than twice the capacity of `observations` ahead of another's next title: keep it small.
pub async fn serve(
    listener: UnixListener,
    settings: HelperSettings,
    observations: mpsc::Sender<Observation>,
    board: Arc<Board>,
    shutdown: CancellationToken,
) {
    let door = Arc::new(Door::default());
    let tasks = TaskTracker::new();
    tasks.spawn(desktops::watch(
        settings.clone(),
        Arc::clone(&board),
        shutdown.clone(),
    ));
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                if let Some(connection) = admit(stream, &settings, &door, &observations, &board) {
                    tasks.spawn(connection.run(shutdown.clone()));
                }
            }
            Err(error) => {
                // Out of file handles, usually: it passes when a peer goes, and trying at once would only burn time.
                tracing::warn!(%error, "cannot take a session helper's connection; trying again");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// Checks who knocks, by the kernel's word, and refuses in doubt.
fn admit(
    stream: UnixStream,
    settings: &HelperSettings,
    door: &Arc<Door>,
    observations: &mpsc::Sender<Observation>,
    board: &Arc<Board>,
) -> Option<Connection> {
    // INVARIANT 7: account and right to speak come from the kernel, never from a message.
    let peer = platform::peer_of(&stream)
        .ok()
        .filter(|peer| peer.gid == settings.group);
    let Some(peer) = peer else {
        board.count(|counters| counters.refused_strangers += 1);
        return None;
    };
    if peer.uid < settings.rules.borrow().lowest_user_id {
        board.count(|counters| counters.refused_system_users += 1);
        return None;
    }
    // INVARIANT 8: connections are bounded, and one user's never take another's place.
    let Some(place) = door.enter(peer.uid) else {
        board.count(|counters| counters.refused_too_many += 1);
        return None;
    };
    Some(Connection::new(
        stream,
        peer,
        place,
        settings.clone(),
        observations.clone(),
        Arc::clone(board),
    ))
}
