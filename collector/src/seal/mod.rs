//! Content at rest (invariant 10): what readers may see is sealed to their group's key before it reaches the store.

mod aead;
pub mod content;
pub mod groups;
pub mod specialist;
pub use groups::{GroupPrivateKey, GroupPublicKey, SealError};
