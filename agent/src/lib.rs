//! The agent: the service on a school laptop, and the helper in the user's desktop session.
//!
//! The service ([`service`]) hears observations from the helpers ([`helpers`]), matches and keeps them ([`flagging`],
//! [`spool`]), and delivers flags ([`uplink`]). The helper ([`session`]) sees titles ([`watch`]) as the user.

pub mod audience;
pub mod cli;
pub mod clock;
mod commands;
mod condition;
pub mod config;
mod connector;
mod context;
mod control;
mod enrolment;
mod explain;
pub mod files;
pub mod flagging;
mod health;
pub mod helpers;
pub mod identity;
pub mod platform;
pub mod policy;
pub mod rules;
mod seal;
pub mod service;
pub mod session;
pub mod spool;
mod status;
mod tls;
mod token;
mod uplink;
pub mod watch;
