//! Which concern a flag joins, and what that changes about it.

use super::batch::Batch;
use super::touched::{self, Stands, Touched};
use crate::concerns::escalation::{ConcernChange, is_backlog};
use crate::concerns::grouping::{self, Candidate, Key, Placement, Whose};
use crate::concerns::kind::Kind;
use crate::concerns::model::{ReaderGroup, SealedTo};
use crate::concerns::naming::Named;
use crate::concerns::routing::Subject;
use crate::seal::content::DataKey;
use crate::store::escalation::Anew;
use crate::store::{escalation, false_alarms, keys, references, rerouting, routing};
use pastoral_keywords::{Severity, Topic};
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Concerns whose topics are kept in memory.
const CONCERNS_IN_MEMORY: usize = 5_000;

/// The concerns a batch has to do with.
#[derive(Default)]
pub(super) struct Placed {
    candidates: HashMap<Whose, Vec<Candidate>>,
    /// Open concerns as they stand in the store.
    open: HashMap<String, Stands>,
    touched: BTreeMap<String, Touched>,
    keys: HashMap<Vec<u8>, Arc<DataKey>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    concern_id: String,
    kind: Kind,
    apart: String,
    first_event_at: i64,
    last_event_at: i64,
    severity: u8,
    reader_group: ReaderGroup,
    also_group: Option<ReaderGroup>,
    backlog: bool,
}

impl Placed {
    /// Finds where a flag goes.
    pub(super) async fn find(
        &mut self,
        batch: &mut Batch<'_>,
        key: &Key,
        event_at: i64,
    ) -> Result<Placement, sqlx::Error> {
        if !self.candidates.contains_key(&key.whose) {
            self.read(batch, &key.whose, None).await?;
        }
        let window = batch.telling.profile.grouping_window_ms;
        let choose = |placed: &Self| {
            grouping::place(
                placed.candidates.get(&key.whose).map_or(&[], Vec::as_slice),
                key,
                event_at,
                window,
            )
        };
        let mut placement = choose(self);
        if matches!(placement, Placement::Open { .. }) {
            self.read(batch, &key.whose, Some((key.kind, event_at))).await?;
            placement = choose(self);
        }
        Ok(placement)
    }

    /// Gives the concern a flag goes to, and the groups its content is sealed to. Opens one when there is none.
    #[expect(clippy::too_many_arguments, reason = "what a flag is, as far as placing goes")]
    pub(super) async fn place(
        &mut self,
        batch: &mut Batch<'_>,
        (key, placement): (Key, Placement),
        subject: &Subject,
        named: Named,
        event_at: i64,
        topic: Topic,
        severity: Severity,
    ) -> Result<(String, SealedTo), sqlx::Error> {
        let backlog = is_backlog(severity.get(), event_at, batch.now);
        let mut anew = Vec::new();
        let concern_id = match placement {
            Placement::Join(concern_id) => {
                anew = self.name(batch, &concern_id, &named).await?;
                concern_id
            }
            Placement::Open { linked_to } => {
                self.open(
                    batch,
                    &key,
                    subject,
                    &named,
                    (event_at, severity, backlog),
                    linked_to,
                )
                .await?
            }
        };
        let nowhere = Stands {
            severity: 0,
            sealed_to: ReaderGroup::Safe.into(),
            backlog: false,
        };
        let before = self.open.get(&concern_id).copied().unwrap_or(nowhere);
        let touched = self
            .touched
            .entry(concern_id.clone())
            .or_insert_with(|| Touched::new(false, before, event_at));
        touched.severity = touched.severity.max(severity.get());
        touched.flags += 1;
        touched.first_event_at = touched.first_event_at.min(event_at);
        touched.last_event_at = touched.last_event_at.max(event_at);
        touched.backlog &= backlog;
        touched.anew.extend(anew);
        touched.topics.insert(topic);
        self.widen(&key.whose, &concern_id, event_at);
        Ok((concern_id, before.sealed_to))
    }

    /// INVARIANT 4: whom a flag names, and who is in conflict with them, counts for the whole concern from this moment on.
    async fn name(
        &mut self,
        batch: &mut Batch<'_>,
        concern_id: &str,
        named: &Named,
    ) -> Result<Vec<Anew>, sqlx::Error> {
        let school_id = Arc::clone(&batch.telling.school_id);
        if !routing::add_named(&mut batch.tx, &school_id, concern_id, named).await? {
            return Ok(Vec::new());
        }
        let (tx, telling, directory) = (&mut batch.tx, &batch.telling, &batch.directory);
        let moved = rerouting::decide(tx, telling, directory, concern_id, batch.now).await?;
        if let Some(stands) = self.open.get_mut(concern_id) {
            stands.sealed_to = routing::sealed_to(&mut batch.tx, &school_id, concern_id).await?;
        }
        Ok(moved.anew)
    }

    /// The flag that was placed last is counted on another of its concern, and not kept.
    pub(super) fn was_counted(&mut self, concern_id: &str) {
        if let Some(touched) = self.touched.get_mut(concern_id) {
            touched.flags = touched.flags.saturating_sub(1);
        }
    }

    /// A data key was used, so its row belongs to the transaction.
    pub(super) fn use_key(&mut self, key: Arc<DataKey>) {
        self.keys.entry(key.id().to_vec()).or_insert(key);
    }

    /// The concerns that opened or changed.
    pub(super) fn into_changed(self) -> Vec<String> {
        self.touched.into_keys().collect()
    }

    fn widen(&mut self, whose: &Whose, concern_id: &str, event_at: i64) {
        let candidates = self.candidates.get_mut(whose).into_iter().flatten();
        for candidate in candidates.filter(|candidate| candidate.concern_id == concern_id) {
            candidate.first_event_at = candidate.first_event_at.min(event_at);
            candidate.last_event_at = candidate.last_event_at.max(event_at);
        }
    }

    /// Reads the open concerns of somebody, or the closed ones of a kind that a late flag may be linked to.
    async fn read(
        &mut self,
        batch: &mut Batch<'_>,
        whose: &Whose,
        closed: Option<(Kind, i64)>,
    ) -> Result<(), sqlx::Error> {
        let of = match whose {
            Whose::Person(_) => "person_id = $2",
            Whose::Account(_) => "person_id IS NULL AND account_id = $2",
        };
        let which = match closed {
            None => "state <> 'closed'",
            Some(_) => {
                "state = 'closed' AND kind = $3 ORDER BY
                    CASE WHEN first_event_at - $4 > $4 - last_event_at THEN first_event_at - $4 ELSE $4 - last_event_at END LIMIT 20"
            }
        };
        let query = AssertSqlSafe(format!(
            "SELECT concern_id, kind, apart, first_event_at, last_event_at, severity, reader_group, backlog, also_group
             FROM concern WHERE school_id = $1 AND {of} AND NOT by_hand AND {which}"
        ));
        let mut query = sqlx::query_as(query);
        query = query.bind(&*batch.telling.school_id);
        query = match whose {
            Whose::Person(person_id) => query.bind(person_id),
            Whose::Account(account_id) => query.bind(account_id),
        };
        if let Some((kind, event_at)) = closed {
            query = query.bind(kind).bind(event_at);
        }
        let rows: Vec<Row> = query.fetch_all(&mut *batch.tx).await?;
        let candidates = self.candidates.entry(whose.clone()).or_default();
        for row in rows {
            if candidates
                .iter()
                .any(|candidate| candidate.concern_id == row.concern_id)
            {
                continue;
            }
            if closed.is_none() {
                let stands = Stands {
                    severity: row.severity,
                    sealed_to: SealedTo {
                        group: row.reader_group,
                        also: row.also_group,
                    },
                    backlog: row.backlog,
                };
                self.open.insert(row.concern_id.clone(), stands);
            }
            candidates.push(Candidate {
                concern_id: row.concern_id,
                key: Key {
                    whose: whose.clone(),
                    kind: row.kind,
                    apart: row.apart,
                },
                closed: closed.is_some(),
                first_event_at: row.first_event_at,
                last_event_at: row.last_event_at,
            });
        }
        Ok(())
    }

    /// INVARIANT 4: a concern has its readers from its first moment, in the transaction that opens it.
    async fn open(
        &mut self,
        batch: &mut Batch<'_>,
        key: &Key,
        subject: &Subject,
        named: &Named,
        (event_at, severity, backlog): (i64, Severity, bool),
        linked_to: Option<String>,
    ) -> Result<String, sqlx::Error> {
        let concern_id = uuid::Uuid::new_v4().to_string();
        let route = batch.directory.route(&concern_id, subject, key.kind, named);
        let (person_id, account_id) = match &key.whose {
            Whose::Person(person_id) => (Some(person_id), None),
            Whose::Account(account_id) => (None, Some(*account_id)),
        };
        let reference = references::draw(&mut batch.tx, &batch.telling.school_id).await?;
        sqlx::query(
            "INSERT INTO concern (school_id, concern_id, reference, person_id, account_id, kind, reader_group, apart,
             severity, state, backlog, first_event_at, last_event_at, opened_at, changed_at, linked_to, names_version)
             VALUES ($1, $2, $13, $3, $4, $5, $6, $7,
             $8, 'new', $9, $10, $10, $11, $11, $12, (SELECT names_version FROM school WHERE school_id = $1))",
        )
        .bind(&*batch.telling.school_id)
        .bind(&concern_id)
        .bind(person_id)
        .bind(account_id)
        .bind(key.kind)
        .bind(route.group)
        .bind(&key.apart)
        .bind(severity.get())
        .bind(backlog)
        .bind(event_at)
        .bind(batch.now)
        .bind(linked_to)
        .bind(reference)
        .execute(&mut *batch.tx)
        .await?;
        routing::add_named(&mut batch.tx, &batch.telling.school_id, &concern_id, named).await?;
        routing::set_readers(&mut batch.tx, &batch.telling.school_id, &concern_id, &route).await?;
        let stands = Stands {
            severity: severity.get(),
            sealed_to: route.sealed_to(),
            backlog,
        };
        self.open.insert(concern_id.clone(), stands);
        self.candidates
            .entry(key.whose.clone())
            .or_default()
            .push(Candidate {
                concern_id: concern_id.clone(),
                key: key.clone(),
                closed: false,
                first_event_at: event_at,
                last_event_at: event_at,
            });
        self.touched
            .insert(concern_id.clone(), Touched::new(true, stands, event_at));
        Ok(concern_id)
    }
}

/// Writes what a batch changed about concerns: their data keys, ranges, severities and names, the proposed category,
/// and who is told. Says whether somebody may have to be told now.
pub(super) async fn settle(batch: &mut Batch<'_>, placed: &mut Placed) -> Result<bool, sqlx::Error> {
    if placed.touched.is_empty() {
        return Ok(false);
    }
    let school_id = Arc::clone(&batch.telling.school_id);
    let used: Vec<_> = placed.keys.values().map(Arc::clone).collect();
    keys::save_data_keys(&mut batch.tx, &school_id, &used).await?;
    touched::write(&mut batch.tx, &placed.touched, batch.now).await?;
    if batch.caches.topics.len() > CONCERNS_IN_MEMORY {
        batch.caches.topics.clear();
    }
    let mut notices = false;
    let all_marked = false_alarms::all_marked(&mut batch.tx, &school_id).await?;
    let mut anew = Vec::new();
    for (concern_id, touched) in &mut placed.touched {
        let known = batch.caches.topics.entry(concern_id.clone()).or_default();
        let topics_before = known.len();
        known.extend(touched.topics.iter().copied());
        let change = match touched.change() {
            ConcernChange::Joined if all_marked.contains(concern_id) => ConcernChange::Risen,
            change => change,
        };
        // Who is told that it is new, or has risen, need not be told that it is theirs.
        if change == ConcernChange::Joined {
            anew.append(&mut touched.anew);
        }
        notices |= change != ConcernChange::Joined;
        // What merely joins changes nothing but the proposed category, and that only by a further topic.
        if change != ConcernChange::Joined || known.len() > topics_before {
            escalation::opened_or_risen(&mut batch.tx, &batch.telling, concern_id, change, batch.now).await?;
        }
    }
    notices |= !anew.is_empty();
    escalation::tell_anew(&mut batch.tx, &batch.telling, anew, batch.now).await?;
    Ok(notices)
}
