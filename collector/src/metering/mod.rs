//! What one device may do to the collector in a day, and how much of it was done. In memory; `store::uses` writes it down.

mod limited;
mod meter;

pub use limited::{BYTES_OF_A_ROW, Limited};
pub use meter::{AccountKey, HeldBack, Meter, Told, Use, Written};
