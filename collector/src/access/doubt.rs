//! Whether whoever signs in holds the key that is recorded of them: reader keys and drafts are sealed to it. Somebody with
//! root who writes a key of theirs into the record, or puts a sign-in of theirs in the place of somebody's, is found at the
//! next sign-in. Which of the two is the true one, no program can tell: nothing is sealed to either until two readers have
//! reset the sign-in.

use crate::app::App;
use crate::concerns::model::Duty;
use crate::seal::GroupPublicKey;
use crate::store::outbox::Matter;
use crate::store::person_keys::{self, Recorded};
use crate::store::{Write, holders};

/// Compares, and gives what is recorded from now on; none where a key is yet to be made. `own` is what the vault holds.
pub(super) async fn compare(
    app: &App,
    tx: &mut Write,
    (person_id, own): (&str, Option<&GroupPublicKey>),
    now: i64,
) -> Result<Option<Recorded>, sqlx::Error> {
    let school_id = &*app.school_id;
    let found = match (person_keys::of(tx, school_id, person_id).await?, own) {
        (Some(Recorded::Key(key)), Some(own)) if key == *own => return Ok(Some(Recorded::Key(key))),
        (Some(Recorded::Doubt), _) => return Ok(Some(Recorded::Doubt)),
        (Some(Recorded::Key(_)), _) => Recorded::Doubt,
        (None, _) if !person_keys::has_joined(tx, school_id, person_id).await? => Recorded::Doubt,
        // A sign-in from before keys were recorded, or from before there were any.
        (None, Some(own)) => Recorded::Key(own.clone()),
        (None, None) => return Ok(None),
    };
    person_keys::record(tx, school_id, person_id, &found, now).await?;
    if found == Recorded::Doubt {
        tracing::error!("somebody signed in with another key than the one recorded of them; run `check`");
        let duties = [Duty::Headteacher, Duty::Chair];
        holders::tell(tx, &app.telling(), &duties, &Matter::OwnKeyDiffers, now).await?;
        app.outbox_wake.notify_one();
    }
    Ok(Some(found))
}
