//! Sealing content again for those who read it now.

use super::Console;
use super::answer::Failure;
use crate::access::Session;
use crate::seal::content::{DataKeyRow, reseal};
use crate::store::rerouting::GroupChanged;
use crate::store::{Write, actions, keys};
use std::collections::BTreeSet;

/// Concerns sealed again at one sign-in at most.
const RESEAL_MOST: i64 = 500;

/// Seals what was sealed to another group's key to that of those who read it now, where this session holds the key.
pub(super) async fn seal_again(
    console: &Console,
    tx: &mut Write,
    session: &Session,
    changed: &[GroupChanged],
) -> Result<(), Failure> {
    if session.keys_differ {
        // It would be sealed for a stranger.
        return Ok(());
    }
    for change in changed {
        let rows = keys::data_keys(tx, &console.app.school_id, &change.concern_id).await?;
        let mut again = Vec::new();
        let ids: BTreeSet<&[u8]> = rows.iter().map(|row| &*row.data_key_id).collect();
        for id in ids {
            let of_it: Vec<_> = rows.iter().filter(|row| row.data_key_id == id).collect();
            // Without the key it stays as it is, until somebody signs in who holds it.
            again.extend(sealed_to(console, session, &of_it, change).unwrap_or_default());
        }
        keys::replace_data_keys(tx, &console.app.school_id, &again).await?;
    }
    Ok(())
}

/// One data key for each group that should hold it now; none when this session cannot open it.
fn sealed_to(
    console: &Console,
    session: &Session,
    rows: &[&DataKeyRow],
    change: &GroupChanged,
) -> Option<Vec<DataKeyRow>> {
    let wanted = std::iter::once(change.to).chain(change.also);
    let (held, from) = rows
        .iter()
        .find_map(|row| Some((*row, session.key(row.group)?)))?;
    let mut sealed = Vec::new();
    for group in wanted {
        match rows.iter().find(|row| row.group == group) {
            Some(row) => sealed.push((*row).clone()),
            None => {
                let to = console.app.sealer.public(group).ok()?;
                sealed.extend(reseal(std::slice::from_ref(held), from, group, to).ok()?);
            }
        }
    }
    Some(sealed)
}

/// At sign-in: seals again what others read now, which nobody who held the key was there to do when that changed.
pub(super) async fn seal_pending(console: &Console, session: &Session) -> Result<(), Failure> {
    let pending = actions::sealed_elsewhere(
        &mut *console.app.store.read().await?,
        &console.app.school_id,
        RESEAL_MOST,
    )
    .await?;
    let changed: Vec<_> = pending
        .into_iter()
        .map(|(concern_id, to, also)| GroupChanged {
            concern_id,
            from: to,
            to,
            also,
        })
        .collect();
    if changed.is_empty() || session.keys.is_empty() {
        return Ok(());
    }
    let mut tx = console.app.store.write().await?;
    seal_again(console, &mut tx, session, &changed).await?;
    tx.commit().await?;
    Ok(())
}
