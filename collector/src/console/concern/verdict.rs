//! What closing a concern says about the terms that raised it, so that those which cry wolf are found.
//!
//! A term is sealed content, so it is counted here, in the session of whoever closes: by list, term and month alone,
//! without person or concern, and never for staff.

use super::doing::Doing;
use crate::concerns::ending::Ending;
use crate::concerns::model::ReaderGroup;
use crate::console::answer::Failure;
use crate::seal::content;
use crate::store::{flags, keys, subject, verdicts};
use pastoral_keywords::changes::TermName;
use pastoral_proto::device;
use prost::Message as _;
use std::collections::BTreeSet;

/// Flags of a concern that are counted, the most serious first.
const FLAGS: i64 = 500;

/// Counts the terms of a concern's flags by how it ended. Where nothing more was needed, only marked flags count.
pub(super) async fn count(doing: &mut Doing<'_>, outcome: Ending) -> Result<(), Failure> {
    let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
    let data_keys = keys::data_keys(&mut doing.tx, school_id, &concern_id).await?;
    // INVARIANT 4: nothing of staff is counted, whoever reads it, nor of pupils' flags that name an adult.
    let of_pupil = subject::is_pupil(&mut doing.tx, school_id, &doing.telling.profile, &concern_id).await?;
    if !of_pupil || data_keys.iter().any(|key| key.group != ReaderGroup::Pupil) {
        return Ok(());
    }
    if verdicts::is_kept_from_somebody(&mut doing.tx, school_id, &concern_id).await? {
        return Ok(());
    }
    if !verdicts::begin(&mut doing.tx, school_id, &concern_id).await? {
        return Ok(());
    }
    let reader = doing.who.id().to_owned();
    let flags = flags::of(&mut doing.tx, school_id, &reader, &concern_id, (0, FLAGS)).await?;
    let month = doing.console.clock().month(&doing.now);
    for flag in &flags {
        if !flag.false_alarm && outcome == Ending::NoAction {
            continue;
        }
        let held = |group| doing.who.session.key(group);
        let opened = content::open_any(&held, &data_keys, &flag.data_key_id, &flag.sealed).ok();
        let Some(flagged) = opened.and_then(|bytes| device::Flag::decode(bytes.as_slice()).ok()) else {
            continue;
        };
        let terms: BTreeSet<TermName> = flagged
            .matches
            .into_iter()
            .map(|found| TermName {
                list: found.list_id,
                id: found.term_id,
            })
            .collect();
        for term in &terms {
            verdicts::count(&mut doing.tx, school_id, term, &month, flag.false_alarm).await?;
        }
    }
    Ok(())
}
