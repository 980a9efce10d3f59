//! What the collector promises to devices, and about them: the real program, spoken to as an agent speaks to it.

mod collector;
mod command_line;
mod delivering;
mod device;
mod faults;
mod joining;
mod policy;
