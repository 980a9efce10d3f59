//! What holds for a concern, for its page as for what is done with it.

use crate::concerns::kind::Kind;
use crate::profile::REVIEW_MOST_DAYS;
use crate::store::queue::Summary;
use pastoral_keywords::Severity;

/// Whether parents or carers may have to be told: not those of an adult.
pub(super) fn has_parents(concern: &Summary) -> bool {
    match &concern.person {
        Some(person) => person.role.is_pupil(),
        None => concern.about_child || concern.kind != Kind::StaffMisuse,
    }
}

/// Whether a concern of this severity closes only with a second person.
pub(super) fn needs_second(from: Severity, severity: i64) -> bool {
    severity >= from.get().into()
}

/// In how many days the owner of a concern may choose to be asked: by the highest severity that it ever had.
pub(super) fn review_days(concern: &Summary) -> Vec<u32> {
    let at = usize::try_from(concern.highest_severity().clamp(1, 5) - 1).unwrap_or_default();
    let most = REVIEW_MOST_DAYS[at];
    [1, 2, 7, 14, 30, 90]
        .into_iter()
        .filter(|days| *days <= most)
        .collect()
}
