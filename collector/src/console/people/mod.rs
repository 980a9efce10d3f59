//! People with access, and how they got it (P37): acts of two on access, and conflicts.

mod conflicts;
mod deciding;
mod doing;
pub(super) mod import;
mod person;
mod proposing;
mod rights;
mod view;
mod waiting;

pub(super) use conflicts::{add_conflict, agree_conflict, end_conflict};
pub(super) use deciding::decide;
pub(super) use person::person;
pub(super) use proposing::{change, end_duty, give_keys, grant, link};
pub(super) use view::people;
