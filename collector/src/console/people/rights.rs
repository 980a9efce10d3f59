//! What somebody may do about another's duties.

use crate::concerns::model::Duty;
use crate::console::who::SignedIn;
use crate::store::overview::HeldDuty;

/// The duties that somebody may propose: they must hold every key that goes with it.
pub(super) fn may_grant(who: &SignedIn) -> Vec<Duty> {
    let holds = |duty: &Duty| match duty {
        Duty::Technician => who.has(Duty::Headteacher),
        _ => {
            who.is_reader()
                && duty
                    .reader_groups()
                    .iter()
                    .all(|group| who.session.key(*group).is_some())
        }
    };
    Duty::ALL.into_iter().filter(holds).collect()
}

/// Whether somebody may end a duty of their own, or propose the end of another's.
pub(super) fn may_end(who: &SignedIn, held: &HeldDuty) -> bool {
    let own = who.id() == held.person_id;
    match held.duty {
        Duty::Technician => own || who.has(Duty::Headteacher),
        Duty::Headteacher | Duty::Independent => own || who.has(Duty::Chair),
        Duty::Chair => own || who.has(Duty::Independent) || who.has(Duty::Headteacher),
        Duty::Dsl | Duty::Deputy => own || who.has(Duty::Headteacher) || who.has(Duty::Chair),
    }
}
