//! What the end to end tests, the demo and the benchmarks are played with: one file for every actor, each the real
//! thing, started by its own program and stopped by its own process id. What other tests use too is in `tests/support`.

pub mod browser;
pub mod capture;
pub mod crawl;
pub mod desktop;
pub mod forged;
pub mod forms;
pub mod laptop;
pub mod leftovers;
pub mod looks;
pub mod reader;
pub mod search_site;
pub mod shifted;
pub mod site;
pub mod speaker;
pub mod staff;
pub mod store;
pub mod trace;
pub mod whole_school;
pub mod window;
pub mod x_requests;
