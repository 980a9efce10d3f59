//! Content at rest (invariant 10): what readers may see is sealed to their group's key before it reaches the store.

mod aead;
pub mod content;
pub mod groups;
pub mod sheet;
pub mod specialist;
pub use groups::{GroupPrivateKey, GroupPublicKey, SealError};

use crate::chain::number;
use crate::concerns::model::ReaderGroup;
use ring::digest::{Context, SHA256};
use std::collections::HashMap;

/// The fingerprint of the keys that a school's content is sealed to, for people to compare: on the printed sheets, in the
/// daily mail, and on the console. It stays the same for ever.
#[must_use]
pub fn fingerprint(publics: &HashMap<ReaderGroup, GroupPublicKey>) -> String {
    let mut context = Context::new(&SHA256);
    context.update(b"pastoral reader keys v1");
    for (group, key) in ReaderGroup::ALL
        .iter()
        .filter_map(|group| Some((group, publics.get(group)?)))
    {
        context.update(&[0]);
        context.update(group.code().as_bytes());
        context.update(&[0]);
        context.update(&key.to_bytes());
    }
    number::of_keys(context.finish().as_ref())
}
