//! What crosses a boundary: the messages between device and collector and between the agent's own processes,
//! and their checked conversion to domain types.
//!
//! Whatever comes from the other side is bounded and checked here, once: code past this crate works with
//! [`Record`], [`Flag`] and [`Account`], never with a raw message.

#[allow(
    missing_docs,
    clippy::all,
    reason = "generated; documented in the .proto files"
)]
pub mod device {
    //! `pastoral.device.v1`: between a device and the collector.
    tonic::include_proto!("pastoral.device.v1");
}

#[allow(
    missing_docs,
    clippy::all,
    reason = "generated; documented in the .proto files"
)]
pub mod local {
    //! `pastoral.local.v1`: on one device.
    tonic::include_proto!("pastoral.local.v1");
}

mod conversion;
mod domain;
mod fault;
mod framing;
pub mod limits;

pub use conversion::{InvalidMessage, decode_record, encode_record};
pub use domain::{Account, Epoch, EpochStart, Flag, FlagId, Gap, Match, Record, Repeats};
pub use fault::DeviceFault;
pub use framing::{FrameError, LocalFrames};
