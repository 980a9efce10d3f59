//! The collector: certificate authority, device service, store, concerns, escalation, notices and the console.

pub mod clock;
pub mod concerns;
pub mod live;
pub mod seal;
pub mod store;
