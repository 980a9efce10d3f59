//! The only place with OS calls and `unsafe`. Each system has the same shape.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;
