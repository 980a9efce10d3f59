//! What the end to end tests, the demo and the benchmarks are played with: one file for every actor, each the real
//! thing, started by its own program and stopped by its own process id.
//!
//! Everything made here (processes, users, folders, mounts) is undone when it is dropped, and also on Ctrl-C: see
//! [`cleanup`].

pub mod browser;
pub mod capture;
pub mod cleanup;
pub mod clock;
pub mod collector;
pub mod crawl;
pub mod desktop;
pub mod device;
pub mod disk;
pub mod forged;
pub mod forms;
pub mod laptop;
pub mod leftovers;
pub mod looks;
pub mod mail;
pub mod poll;
pub mod process;
pub mod reader;
pub mod school;
pub mod search_site;
pub mod shifted;
pub mod site;
pub mod speaker;
pub mod staff;
pub mod store;
pub mod trace;
pub mod users;
pub mod whole_school;
pub mod window;
pub mod x_requests;
