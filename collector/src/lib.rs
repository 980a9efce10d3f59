//! The collector: certificate authority, device service, store, concerns, escalation, notices and the console.

pub mod access;
pub mod app;
pub mod backup;
pub mod ca;
pub mod chain;
pub mod cli;
pub mod clock;
mod codes;
pub mod concerns;
pub mod config;
pub mod console;
pub mod devices;
pub mod escalate;
pub mod faults;
pub mod lists;
pub mod live;
pub mod metering;
pub mod net;
pub mod notify;
pub mod people;
pub mod profile;
pub mod retention;
pub mod seal;
pub mod silence;
pub mod store;
pub mod telling;
