//! The flags of a concern, a page at a time. Who looks at them is recorded before they are sent (invariant 5).

use crate::access::Look;
use crate::chain::Deed;
use crate::clock;
use crate::console::Console;
use crate::console::answer::Failure;
use crate::console::who::SignedIn;
use crate::store::audit;
use crate::store::flags::{self as rows, FlagRow};
use crate::store::queue::Summary;
use serde_json::json;

const SHOWN: i64 = 50;

/// A page of a concern's flags.
pub(super) struct Flags {
    pub(super) rows: Vec<FlagRow>,
    pub(super) at: At,
}

/// Where in a concern's flags a page is.
pub(super) struct At {
    /// The page's number, from 1.
    pub(super) page: i64,
    /// The page before and the one after.
    pub(super) before: Option<i64>,
    pub(super) after: Option<i64>,
    /// Which flags these are, where they are not all.
    pub(super) range: String,
}

impl Flags {
    pub(super) async fn read(
        console: &Console,
        viewer: &str,
        concern: &Summary,
        page: i64,
    ) -> Result<Self, Failure> {
        let (store, school_id) = (&console.app.store, &console.app.school_id);
        let first = (page - 1) * SHOWN;
        let mut rows = rows::of(
            &mut *store.read().await?,
            school_id,
            viewer,
            &concern.concern_id,
            (first, SHOWN + 1),
        )
        .await?;
        let more = i64::try_from(rows.len()).is_ok_and(|found| found > SHOWN);
        rows.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
        let last = first + i64::try_from(rows.len()).unwrap_or_default();
        let range = match (page, more) {
            (1, false) => String::new(),
            _ if last == first => format!("There are only {} flags.", concern.flag_count),
            _ => format!(
                "Flags {} to {last} of {}.",
                first + 1,
                concern.flag_count.max(last)
            ),
        };
        Ok(Self {
            rows,
            at: At {
                page,
                before: (page > 1).then(|| page - 1),
                after: more.then(|| page + 1),
                range,
            },
        })
    }
}

/// INVARIANT 5: on disk before anything is shown.
pub(super) async fn look(
    console: &Console,
    who: &SignedIn,
    concern: &Summary,
    page: i64,
    flags: usize,
) -> Result<(), Failure> {
    let look = Look {
        concern_id: concern.concern_id.clone(),
        page,
        version: concern.changed_at,
    };
    if who.session.answers_form(&look) {
        return Ok(());
    }
    let mut tx = console.app.store.write().await?;
    let entry = audit::Entry {
        school_id: &console.app.school_id,
        actor: who.id(),
        deed: Deed::Viewed,
        concern_id: Some(&concern.concern_id),
        detail: json!({ "flags": flags, "page": page }),
    };
    audit::append(&mut tx, clock::now_ms(), &entry).await?;
    tx.commit().await?;
    who.session.looked(look);
    Ok(())
}
