//! What the collector promises to devices, and about them: the real program, spoken to as an agent speaks to it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends at the first surprise"
)]

mod command_line;
mod commands;
mod delivering;
mod faults;
mod floods;
mod harm;
mod hidden;
mod joining;
mod policy;
mod restoring;
#[path = "../school/mod.rs"]
mod school;
mod shared;
mod siege;
mod silence;
mod specialist;
mod watching;
