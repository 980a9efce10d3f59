//! The keys that open it.

use crate::access::Session;
use crate::concerns::model::ReaderGroup;
use crate::lists::Rules;
use crate::seal::GroupPrivateKey;
use crate::seal::content::{self, DataKeyRow};
use crate::store::actions::ActionRow;
use zeroize::Zeroizing;

/// Opens what is sealed for the concerns of a reader.
pub(in crate::console) struct Opener<'a> {
    session: &'a Session,
    keys: &'a [DataKeyRow],
    pub(super) rules: &'a Rules,
    /// The school safe's key, while it is open.
    safe: Option<GroupPrivateKey>,
}

impl<'a> Opener<'a> {
    pub(in crate::console) fn new(session: &'a Session, keys: &'a [DataKeyRow], rules: &'a Rules) -> Self {
        Self {
            session,
            keys,
            rules,
            safe: None,
        }
    }

    /// Opens what lies in the school safe as well.
    pub(in crate::console) fn with_safe(mut self, key: GroupPrivateKey) -> Self {
        self.safe = Some(key);
        self
    }

    /// The words of an action; none when there are none, or this reader's keys do not open them.
    pub(in crate::console) fn words(&self, action: &ActionRow) -> Option<String> {
        let opened = self.open(action.data_key_id.as_deref()?, action.sealed.as_deref()?)?;
        String::from_utf8(opened.to_vec()).ok()
    }

    /// What a data key of theirs sealed.
    pub(super) fn open(&self, data_key_id: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let private = |group| match group {
            ReaderGroup::Safe => self.safe.as_ref(),
            group => self.session.key(group),
        };
        content::open_any(&private, self.keys, data_key_id, sealed).ok()
    }
}
