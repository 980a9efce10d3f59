//! The ways in which people write of whoever holds a duty, without a name.

use super::forms::words;
use crate::concerns::model::Duty;
use std::collections::BTreeSet;

const CALLED: [(&[&str], Duty); 12] = [
    (&["headteacher"], Duty::Headteacher),
    (&["head", "teacher"], Duty::Headteacher),
    (&["headmaster"], Duty::Headteacher),
    (&["headmistress"], Duty::Headteacher),
    (&["the", "principal"], Duty::Headteacher),
    (&["our", "principal"], Duty::Headteacher),
    (&["my", "principal"], Duty::Headteacher),
    (&["chair", "of", "governors"], Duty::Chair),
    (&["chair", "of", "the", "governors"], Duty::Chair),
    (&["safeguarding", "lead"], Duty::Dsl),
    (&["designated", "safeguarding", "lead"], Duty::Dsl),
    (&["dsl"], Duty::Dsl),
];
/// Before these words, they make somebody else of whom is meant.
const OTHERS: [&str; 4] = ["deputy", "assistant", "vice", "acting"];

/// The duties whose holders a text speaks of.
pub(super) fn found_in(text: &str) -> BTreeSet<Duty> {
    let words = words(text);
    let mut found = BTreeSet::new();
    for at in 0..words.len() {
        let is_another = at > 0 && OTHERS.contains(&words[at - 1].as_str());
        for (called, duty) in CALLED {
            let stands = words[at..].iter().map(String::as_str).take(called.len());
            let last = called.len() - 1;
            let is_it = stands.clone().count() == called.len()
                && stands.zip(called).enumerate().all(|(place, (word, wanted))| {
                    word == *wanted || (place == last && word.strip_suffix('s') == Some(*wanted))
                });
            if is_it && !is_another {
                found.insert(duty);
            }
        }
    }
    found
}
