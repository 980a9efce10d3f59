//! What tests share, and the demo and the benchmarks with them: an invented school, its collector as a program, devices
//! that speak for themselves, a mail server, processes and users of the machine, waiting.
//!
//! It depends on neither the collector nor the agent, so that a change of theirs builds none of it anew; both are started
//! as the programs they are. Everything made here (processes, users, folders) is undone when it is dropped, and also on
//! Ctrl-C: see [`cleanup`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what fails, fails the test"
)]

pub mod authority;
pub mod cleanup;
pub mod clock;
pub mod disk;
pub mod poll;
pub mod process;
pub mod users;

#[cfg(feature = "collector")]
pub mod collector;
#[cfg(feature = "collector")]
pub mod device;
#[cfg(feature = "collector")]
pub mod mail;
#[cfg(feature = "collector")]
pub mod records;
#[cfg(feature = "collector")]
pub mod school;
