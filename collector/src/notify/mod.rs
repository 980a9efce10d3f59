//! Telling people: the words of notices, and the worker that brings them from the outbox to the mail server.

pub mod fault;
pub mod mail;
mod session;
pub mod text;
mod wire;
pub mod worker;
