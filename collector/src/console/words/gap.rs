//! What a device did not keep, or did not see.

use super::clock::Clock;
use crate::store::gaps::GapRow;
use std::collections::HashMap;

/// A gap with its device, its time and its cause.
pub(in crate::console) fn gap(gap: &GapRow, names: &HashMap<String, String>, clock: &Clock) -> String {
    let device = names
        .get(&gap.device_id)
        .map_or("A device that is gone", String::as_str);
    let (from, to) = (clock.when(&gap.from_at), clock.when(&gap.to_at));
    let when = if from == to {
        from
    } else {
        format!("{from} to {to}")
    };
    format!("{device}, {when}: {}", cause(&gap.cause))
}

/// Why something was not kept, and what to do.
fn cause(code: &str) -> String {
    match code {
        "spool-full" => "what it keeps until it is delivered was full, so the least serious was not kept. Let it reach the \
                         collector more often."
            .to_owned(),
        "spool-unreadable" | "spool-damaged" => {
            "what it had kept was damaged and is lost in part. Look at its disk.".to_owned()
        }
        "flood" => "so much matched at once that not all of it was kept.".to_owned(),
        "records-missing" => "what it had kept before it started again never arrived. Look at its disk.".to_owned(),
        other => format!("something was not seen or not kept ({other})."),
    }
}
