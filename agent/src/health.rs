//! What the device tells of itself, who has logged in, and the memory that a burst leaves behind.

use crate::context::Context;
use crate::spool::SpoolHandle;
use crate::{clock, platform, status};
use pastoral_proto::device::Health;
use pastoral_proto::{Account, DeviceFault};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Without a change of the spool for so long, a burst is over.
const QUIET: Duration = Duration::from_secs(1);

#[must_use]
pub(crate) fn message(context: &Context) -> Health {
    let usage = context.spool.standing().borrow().usage;
    let troubles = status::troubles(context).into_iter();
    Health {
        spool_records: usage.records,
        spool_bytes: usage.bytes,
        troubles: troubles
            .map(|trouble| format!("{}; {}", trouble.what, trouble.to_do))
            .collect(),
        helpers: context.board.health(),
        device_time_ms: clock::now_ms(),
        fault: status::fault_now(context).map_or("", DeviceFault::code).into(),
    }
}

/// Asks the collector about an account's audience at each of its log-ins, before it has done anything.
pub(crate) async fn watch_log_ins(context: Arc<Context>, token: CancellationToken) -> anyhow::Result<()> {
    let mut known = BTreeSet::new();
    loop {
        let present: BTreeSet<_> = context
            .board
            .helpers()
            .into_iter()
            .filter(|helper| helper.alive)
            .map(|helper| (helper.stable_id, helper.name, helper.since_ms))
            .collect();
        for (stable_id, name, _) in present.difference(&known) {
            let (stable_id, name) = (stable_id.clone(), name.clone());
            context.audiences.logged_in(&Account {
                authority: "local".into(),
                stable_id,
                name,
            });
        }
        known = present;
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Gives memory back to the system after each burst, and once the service has started.
pub(crate) async fn give_memory_back(spool: SpoolHandle, token: CancellationToken) -> anyhow::Result<()> {
    let mut standing = spool.standing();
    loop {
        while let Ok(changed) = tokio::time::timeout(QUIET, standing.changed()).await {
            changed?;
        }
        platform::give_memory_back();
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            changed = standing.changed() => changed?,
        }
    }
}
