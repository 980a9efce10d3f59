//! Whether content is sealed for the readers: at every sign-in the keys in a reader's vault are compared with those that
//! the collector seals with. Somebody with root who puts in a key of theirs is found by whoever signs in next.

use crate::app::App;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::notify::{Telling, text};
use crate::retention::tell_holders;
use crate::seal::{self, GroupPrivateKey};
use crate::store::outbox::Sort;
use crate::store::{Write, audit, keys};
use serde_json::json;

/// Compares, and says whether something differs: then it is recorded, and headteacher and chair are told once.
pub(super) async fn differ(
    app: &App,
    tx: &mut Write,
    person_id: &str,
    held: &[(ReaderGroup, GroupPrivateKey)],
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let publics = keys::publics(&mut **tx, &app.school_id).await?;
    let (mut right, mut strange) = (Vec::new(), Vec::new());
    for (group, private) in held {
        let own = private.public();
        // In the store, and in this program since it began.
        let is_own = publics.get(group) == Some(&own) && app.sealer.public(*group) == Ok(&own);
        if is_own {
            right.push(*group);
        } else {
            strange.push(*group);
        }
    }
    keys::end_doubts(tx, &app.school_id, &right).await?;
    if strange.is_empty() {
        return Ok(false);
    }
    let is_new = keys::note_doubts(tx, &app.school_id, &strange, now_ms).await?;
    let groups: Vec<&str> = strange.iter().map(|group| group.code()).collect();
    let entry = audit::Entry {
        school_id: &app.school_id,
        actor: person_id,
        action: "keys-differ",
        concern_id: None,
        detail: json!({ "groups": groups }),
    };
    audit::append(tx, now_ms, &entry).await?;
    tracing::error!("content is sealed for a key that is not the readers'; run `check`");
    if is_new {
        let telling = Telling::of(app);
        let text = text::keys_differ(&telling, &seal::fingerprint(&publics));
        let duties = [Duty::Headteacher, Duty::Chair];
        tell_holders(tx, &telling, &duties, (Sort::KeysDiffer, &text), now_ms).await?;
        app.outbox_wake.notify_one();
    }
    Ok(true)
}
