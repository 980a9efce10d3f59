//! The collector: certificate authority, device service, store, concerns, escalation, notices and the console.

pub mod access;
pub mod app;
pub mod ca;
pub mod clock;
pub mod concerns;
pub mod config;
pub mod console;
pub mod live;
pub mod profile;
pub mod seal;
pub mod store;
