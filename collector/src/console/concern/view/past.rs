//! What was done with a concern, and other concerns that have to do with it, a page at a time.

use super::known::Known;
use crate::console::answer::Failure;
use crate::console::opened::{Entry, Opener, entry};
use crate::console::place::{Place, count};
use crate::console::words::Clock;
use crate::store::queue::{self, Summary};

/// Entries of the history on one page.
const ENTRIES_SHOWN: i64 = 200;
/// Related concerns on one page, and at all.
const RELATED_SHOWN: i64 = 20;
const RELATED_MOST: i64 = 1_000;

pub(super) struct History {
    pub(super) entries: Vec<Entry>,
    pub(super) place: Place,
}

impl History {
    pub(super) fn of(known: &Known<'_>, opener: &Opener<'_>, clock: &Clock, page: i64) -> Self {
        let place = Place::of(page, ENTRIES_SHOWN, count(known.done.len()));
        let name_of = |id: &str| known.name_of(id);
        let entries = place.slice(&known.done).iter();
        Self {
            entries: entries
                .map(|row| entry(row, opener, clock, known.who.id(), &name_of))
                .collect(),
            place,
        }
    }
}

pub(super) struct Related {
    pub(super) concerns: Vec<Other>,
    pub(super) place: Place,
}

/// Another concern that has to do with this one.
pub(super) struct Other {
    pub(super) concern_id: String,
    pub(super) words: String,
}

impl Related {
    pub(super) async fn of(known: &Known<'_>, page: i64) -> Result<Self, Failure> {
        let (store, school_id) = (&known.console.app.store, &known.console.app.school_id);
        let (viewer, concern) = (known.who.id(), &known.concern);
        let related = queue::related(
            &mut *store.read().await?,
            school_id,
            viewer,
            concern,
            (0, RELATED_MOST),
        )
        .await?;
        let place = Place::of(page, RELATED_SHOWN, count(related.len()));
        Ok(Self {
            concerns: place
                .slice(&related)
                .iter()
                .map(|other| related_to(concern, other))
                .collect(),
            place,
        })
    }
}

fn related_to(concern: &Summary, other: &Summary) -> Other {
    let kind = other.kind.words();
    let number = other.reference;
    let links = |one: &Summary, to: &Summary| one.linked_to.as_deref() == Some(&to.concern_id);
    let are_linked = links(concern, other) || links(other, concern);
    let words = match (are_linked, other.state.is_open()) {
        (true, false) if links(concern, other) => {
            format!("It continues concern {number}, which is closed")
        }
        (true, false) => format!("Concern {number}, which is closed, belongs with it"),
        (true, true) => format!("It belongs together with concern {number}, which is open"),
        (false, _) => format!("Also open about this person: concern {number}, {kind}"),
    };
    Other {
        concern_id: other.concern_id.clone(),
        words,
    }
}
