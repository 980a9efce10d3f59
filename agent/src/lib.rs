//! The agent: the service on a school laptop, and the helper in the user's desktop session.
//!
//! The service ([`service`]) hears observations from the helpers ([`helpers`]), matches and keeps them ([`flagging`],
//! [`spool`]), and delivers flags ([`uplink`]). The helper ([`session`]) sees titles ([`watch`]) as the user.

pub mod helpers;
pub mod platform;
pub mod session;
pub mod watch;
