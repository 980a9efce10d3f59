//! A concern's page, everything that is done with a concern, and making one by hand.

mod actions;
mod acts;
pub(super) mod by_hand;
mod doing;
mod facts;
mod flags;
mod identify;
mod pupil;
mod reassign;
mod steps;
mod verdict;
mod view;

pub(super) use actions::act;
pub(super) use identify::form as identify_form;
pub(super) use reassign::{act as reassign, form as reassign_form};
pub(super) use view::page;
