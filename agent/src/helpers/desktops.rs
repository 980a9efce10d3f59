//! Desktops that no helper watches: one whose helper ended, and one where none ever ran.

use super::HelperSettings;
use super::board::{Board, HelperEvent, HelperFault, Missing};
use crate::platform;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Looks, now and then, for desktops without a helper.
///
/// There is no event for this without logind, and it costs a look at the process list; once a minute is enough to notice
/// a session that nobody watches.
pub(super) async fn watch(settings: HelperSettings, board: Arc<Board>, shutdown: CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = look_around(&settings, &board) => {}
    }
}

async fn look_around(settings: &HelperSettings, board: &Board) {
    let mut before = BTreeSet::new();
    loop {
        tokio::time::sleep(settings.patience.desktops).await;
        let lowest = settings.rules.borrow().lowest_user_id;
        let mut users = platform::desktop_users();
        users.retain(|uid| *uid >= lowest && !board.has_helper(*uid));
        // Twice in a row: a desktop that is just starting has not had the time to start its helper.
        for uid in users.intersection(&before) {
            missing(board, settings, *uid).await;
        }
        let ended = board.forget_missing(|uid, fault| match fault {
            HelperFault::Missing => users.contains(&uid),
            _ => platform::user_has_processes(uid),
        });
        for missing in ended.into_iter().filter(|missing| missing.told) {
            board.tell(until(missing, (settings.now_ms)())).await;
        }
        before = users;
    }
}

/// After a helper has ended: gives the session time to end too, then tells if it went on without its helper.
pub(super) async fn helper_ended(uid: u32, ended: Missing, settings: &HelperSettings, board: &Board) {
    // Another helper of the same user may be in another desktop: this one's end is told all the same.
    let another = board.has_helper(uid);
    if !another && !board.mark_missing(uid, ended.clone()) {
        return;
    }
    tokio::time::sleep(settings.patience.leaving).await;
    let told = match (platform::user_has_processes(uid), another) {
        (true, true) => Some(until(ended.clone(), ended.since_ms)),
        // None when it came back: its arrival has told of the time between.
        (true, false) => board.told_until(uid, (settings.now_ms)()),
        (false, _) => {
            board.forget_missing(|other, _| other != uid);
            None
        }
    };
    if let Some(event) = told {
        board.tell(event).await;
    }
}

/// What was missing, as an event that ends now.
pub(super) fn until(missing: Missing, to_ms: i64) -> HelperEvent {
    HelperEvent {
        account: missing.account,
        fault: missing.fault,
        from_ms: missing.since_ms,
        to_ms,
    }
}

async fn missing(board: &Board, settings: &HelperSettings, uid: u32) {
    let account = platform::account_of_uid(uid);
    let now = (settings.now_ms)();
    let missing = Missing {
        account,
        fault: HelperFault::Missing,
        since_ms: now,
        told: true,
    };
    if board.mark_missing(uid, missing.clone()) {
        board.tell(until(missing, now)).await;
    }
}
