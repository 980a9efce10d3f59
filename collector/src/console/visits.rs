//! Lists of concerns are looks too (invariant 5): they show names and kinds. One entry in the audit log a visit.
//!
//! A visit begins when somebody opens a list, and ends when their session has not shown it to them for ten minutes. What an
//! open page shows when it keeps itself current belongs to the visit, as long as that page is open.

use super::Console;
use super::answer::Failure;
use super::who::SignedIn;
use crate::chain::Deed;
use crate::clock;
use crate::store::audit;
use serde_json::json;

/// A list of concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// A page of the open ones.
    Open(i64),
    /// A page of the closed ones.
    Closed(i64),
    /// What lies in the school safe.
    Safe,
}

impl List {
    const fn deed(self) -> Deed {
        match self {
            Self::Open(_) => Deed::OpenListed,
            Self::Closed(_) => Deed::ClosedListed,
            Self::Safe => Deed::SafeListed,
        }
    }

    /// What a session knows it by.
    fn place(self) -> String {
        match self {
            Self::Open(page) | Self::Closed(page) => format!("{} {page}", self.deed().code()),
            Self::Safe => self.deed().code().to_owned(),
        }
    }
}

impl Console {
    /// INVARIANT 5: on disk before the list is shown. `concerns` are those on it.
    pub(super) async fn visit(&self, who: &SignedIn, list: List, concerns: &[&str]) -> Result<(), Failure> {
        let now = clock::now_ms();
        if who.session.visits.goes_on(&list.place(), now) {
            return Ok(());
        }
        let mut tx = self.app.store.write().await?;
        let entry = audit::Entry {
            school_id: &self.app.school_id,
            actor: who.id(),
            deed: list.deed(),
            concern_id: None,
            detail: json!({ "concerns": concerns }),
        };
        audit::append(&mut tx, now, &entry).await?;
        tx.commit().await?;
        who.session.visits.begin(list.place(), now);
        Ok(())
    }
}
