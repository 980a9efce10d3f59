//! Whether content is sealed for the readers: at every sign-in the keys in a reader's vault are compared with those that
//! the collector seals with, and all of them with those that were mailed first. Somebody with root who puts in a key of
//! theirs is found by whoever signs in next.

use crate::app::App;
use crate::chain::Deed;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::seal::{self, GroupPrivateKey, GroupPublicKey};
use crate::store::outbox::Matter;
use crate::store::{Write, audit, holders, keys};
use serde_json::json;
use std::collections::HashMap;

/// Compares, and says whether something differs: then it is recorded, and headteacher and chair are told once. `held` are
/// the keys of whoever signs in; none when the collector looks by itself.
pub(crate) async fn differ(
    app: &App,
    tx: &mut Write,
    (actor, held): (&str, &[(ReaderGroup, GroupPrivateKey)]),
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let publics = keys::publics(tx, &app.school_id).await?;
    let as_mailed = are_as_mailed(app, tx, &publics).await?;
    let own: HashMap<ReaderGroup, GroupPublicKey> =
        held.iter().map(|(group, key)| (*group, key.public())).collect();
    // In the store, and in this program since it began.
    let is_own = |group: &ReaderGroup| {
        let own = own.get(group)?;
        Some(publics.get(group) == Some(own) && app.sealer.public(*group) == Ok(own))
    };
    let (mut right, mut strange) = (Vec::new(), Vec::new());
    for group in ReaderGroup::ALL {
        match (is_own(&group), as_mailed) {
            (Some(true), _) | (None, Some(true)) => right.push(group),
            (Some(false), _) | (None, Some(false)) => strange.push(group),
            (None, None) => {}
        }
    }
    keys::end_doubts(tx, &app.school_id, &right).await?;
    if strange.is_empty() {
        return Ok(false);
    }
    let is_new = keys::note_doubts(tx, &app.school_id, &strange, now_ms).await?;
    let entry = audit::Entry {
        school_id: &app.school_id,
        actor,
        deed: Deed::KeysDiffer,
        concern_id: None,
        detail: json!({ "groups": strange }),
    };
    audit::append(tx, now_ms, &entry).await?;
    tracing::error!("content is sealed for a key that is not the readers'; run `check`");
    if is_new {
        let duties = [Duty::Headteacher, Duty::Chair];
        let keys = seal::fingerprint(&publics);
        holders::tell(tx, &app.telling(), &duties, &Matter::KeysDiffer { keys }, now_ms).await?;
        app.outbox_wake.notify_one();
    }
    Ok(true)
}

/// Whether all keys are those whose fingerprint was recorded first; none when none was.
async fn are_as_mailed(
    app: &App,
    tx: &mut Write,
    publics: &HashMap<ReaderGroup, GroupPublicKey>,
) -> Result<Option<bool>, sqlx::Error> {
    let first = audit::first_keys(tx, &app.school_id).await?;
    Ok(first.map(|first| first == seal::fingerprint(publics) && first == app.sealer.fingerprint()))
}
