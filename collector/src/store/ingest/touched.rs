//! What a batch changes about the concerns it has to do with.

use super::batch::ROWS;
use crate::concerns::escalation::ConcernChange;
use crate::concerns::model::SealedTo;
use crate::store::Write;
use crate::store::escalation::Anew;
use pastoral_keywords::Topic;
use sqlx::QueryBuilder;
use std::collections::{BTreeMap, BTreeSet};

/// A concern as it stands in the store.
#[derive(Clone, Copy)]
pub(super) struct Stands {
    pub(super) severity: u8,
    pub(super) sealed_to: SealedTo,
    pub(super) backlog: bool,
}

/// What a batch adds to a concern.
pub(super) struct Touched {
    pub(super) opened: bool,
    pub(super) before: Stands,
    pub(super) severity: u8,
    pub(super) flags: u32,
    pub(super) first_event_at: i64,
    pub(super) last_event_at: i64,
    /// Every flag of the batch belongs to a backlog.
    pub(super) backlog: bool,
    /// To whom it came by a name in one of the flags.
    pub(super) anew: Vec<Anew>,
    pub(super) topics: BTreeSet<Topic>,
}

impl Touched {
    pub(super) const fn new(opened: bool, before: Stands, event_at: i64) -> Self {
        Self {
            opened,
            before,
            severity: before.severity,
            flags: 0,
            first_event_at: event_at,
            last_event_at: event_at,
            backlog: true,
            anew: Vec::new(),
            topics: BTreeSet::new(),
        }
    }

    /// The first flag that is no backlog opens a concern that so far only waited for the digest.
    pub(super) const fn change(&self) -> ConcernChange {
        if self.opened || (self.before.backlog && !self.backlog) {
            ConcernChange::Opened
        } else if self.severity > self.before.severity {
            ConcernChange::Risen
        } else {
            ConcernChange::Joined
        }
    }
}

/// Writes it down.
pub(super) async fn write(
    tx: &mut Write,
    touched: &BTreeMap<String, Touched>,
    now: i64,
) -> Result<(), sqlx::Error> {
    let touched: Vec<_> = touched.iter().collect();
    for touched in touched.chunks(ROWS) {
        let mut update =
            QueryBuilder::new("WITH given (concern_id, severity, flags, first_at, last_at, backlog) AS (");
        update.push_values(touched, |mut row, (concern_id, touched)| {
            row.push_bind(*concern_id)
                .push_bind(touched.severity)
                .push_bind(touched.flags)
                .push_bind(touched.first_event_at)
                .push_bind(touched.last_event_at)
                .push_bind(touched.backlog);
        });
        update.push(
            ") UPDATE concern SET flag_count = flag_count + given.flags,
                severity = CASE WHEN concern.severity < given.severity THEN given.severity ELSE concern.severity END,
                first_event_at = CASE WHEN first_event_at > given.first_at THEN given.first_at ELSE first_event_at END,
                last_event_at = CASE WHEN last_event_at < given.last_at THEN given.last_at ELSE last_event_at END,
                backlog = CASE WHEN given.backlog THEN concern.backlog ELSE FALSE END, changed_at = ",
        );
        update.push_bind(now);
        update.push(" FROM given WHERE concern.concern_id = given.concern_id");
        update
            .build()
            .persistent(touched.len() == ROWS)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
