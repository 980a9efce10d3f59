//! What a reviewer handles. Everything here is pure: no I/O, clock or randomness.

pub mod action;
pub mod category;
pub mod cover;
pub mod ending;
pub mod escalation;
pub mod grouping;
pub mod kind;
pub mod model;
pub mod naming;
pub mod procedure;
pub mod reference;
pub mod review;
pub mod routing;

#[cfg(test)]
mod tests;
