//! Connections: whom they come from, how many there may be, how long they may take, and how many the system allows.

pub mod files;
pub mod http;
pub mod places;
pub mod rate;
pub mod source;
