//! What the collector promises about people, profiles, who sees what, who is told, and how long anything is kept,
//! on the real store and with a real mail receiver.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod audit;
mod conflicts;
mod escalation;
mod false_alarms;
mod faults;
mod imports;
mod mail;
mod odd_servers;
mod p20;
mod people;
mod profiles;
mod reading;
mod reminders;
mod rerouting;
mod retention;
mod routing;
mod school;
mod scripted;
mod silence;
mod sorts;
