//! What a reader sees of concerns. INVARIANT 4: every query here joins `concern_reader` for the viewer.

mod summary;

pub use summary::{Summary, Whom};

use crate::concerns::kind::Kind;
use crate::concerns::reference::Reference;
use crate::store::Read;
use sqlx::{AssertSqlSafe, Encode, Sqlite, Type};
use summary::SUMMARY;

/// The open concerns of a viewer, most urgent first, from a place on.
pub async fn open(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    (from, most): (i64, i64),
) -> Result<Vec<Summary>, sqlx::Error> {
    let which = "c.state <> 'closed' ORDER BY c.severity DESC, c.state = 'new' DESC, c.last_event_at DESC, c.concern_id";
    listed(db, (school_id, viewer), which, (from, most)).await
}

/// The closed concerns of a viewer, the latest first, from a place on.
pub async fn closed(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    (from, most): (i64, i64),
) -> Result<Vec<Summary>, sqlx::Error> {
    let which = "c.state = 'closed' ORDER BY c.closed_at DESC, c.concern_id";
    listed(db, (school_id, viewer), which, (from, most)).await
}

async fn listed(
    db: &mut Read,
    (school_id, viewer): (&str, &str),
    which: &'static str,
    (from, most): (i64, i64),
) -> Result<Vec<Summary>, sqlx::Error> {
    let query = AssertSqlSafe(format!("{SUMMARY} {which} LIMIT $3 OFFSET $4"));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(viewer)
        .bind(most)
        .bind(from)
        .fetch_all(db)
        .await
}

/// One concern, if the viewer may see it.
pub async fn one(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    concern_id: &str,
) -> Result<Option<Summary>, sqlx::Error> {
    let query = AssertSqlSafe(format!("{SUMMARY} c.concern_id = $3"));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(viewer)
        .bind(concern_id)
        .fetch_optional(db)
        .await
}

/// Concerns that a viewer may see and that have to do with one of theirs: linked with it, or open and about the same
/// person; the open ones first, from a place on. With one more than asked for, whether there are further ones is known.
pub async fn related(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    concern: &Summary,
    (from, most): (i64, i64),
) -> Result<Vec<Summary>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "{SUMMARY} c.concern_id <> $3
         AND (c.concern_id = $4 OR c.linked_to = $3 OR (c.person_id = $5 AND c.state <> 'closed'))
         ORDER BY c.state = 'closed', c.severity DESC, c.opened_at DESC, c.concern_id LIMIT $6 OFFSET $7"
    ));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(viewer)
        .bind(&concern.concern_id)
        .bind(&concern.linked_to)
        .bind(concern.person.as_ref().map(|person| &person.person_id))
        .bind(most)
        .bind(from)
        .fetch_all(db)
        .await
}

/// The concern of a viewer that has this reference, or had this number before.
pub(super) async fn called(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    reference: Option<Reference>,
    number: Option<i64>,
) -> Result<Option<Summary>, sqlx::Error> {
    let which = "(c.reference = $3 OR c.number = $4) ORDER BY c.reference = $3 DESC, c.opened_at DESC";
    first(db, (school_id, viewer), which, (reference, number)).await
}

/// The open concern of a person and kind that a viewer may see; of several the latest.
pub async fn open_of(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    (person_id, kind): (&str, Kind),
) -> Result<Option<Summary>, sqlx::Error> {
    let which = "c.state <> 'closed' AND c.person_id = $3 AND c.kind = $4 ORDER BY c.last_event_at DESC";
    first(db, (school_id, viewer), which, (person_id, kind)).await
}

/// The first of a viewer's concerns of which something holds; `$3` and `$4` are the two values.
async fn first<'q, A, B>(
    db: &mut Read,
    (school_id, viewer): (&'q str, &'q str),
    which: &'static str,
    (third, fourth): (A, B),
) -> Result<Option<Summary>, sqlx::Error>
where
    A: Encode<'q, Sqlite> + Type<Sqlite> + Send + 'q,
    B: Encode<'q, Sqlite> + Type<Sqlite> + Send + 'q,
{
    let query = AssertSqlSafe(format!("{SUMMARY} {which} LIMIT 1"));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(viewer)
        .bind(third)
        .bind(fourth)
        .fetch_optional(db)
        .await
}

/// Whether a viewer may see a concern.
pub async fn may_see(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    concern_id: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM concern_reader WHERE school_id = $1 AND person_id = $2 AND concern_id = $3)",
    )
    .bind(school_id)
    .bind(viewer)
    .bind(concern_id)
    .fetch_one(db)
    .await
}

/// How many closed concerns a viewer has.
pub async fn count_closed(db: &mut Read, school_id: &str, viewer: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM concern c
         JOIN concern_reader r ON r.school_id = c.school_id AND r.concern_id = c.concern_id AND r.person_id = $1
         WHERE c.school_id = $2 AND c.state = 'closed'",
    )
    .bind(viewer)
    .bind(school_id)
    .fetch_one(db)
    .await
}

/// How many open concerns a viewer has.
pub async fn count_open(db: &mut Read, school_id: &str, viewer: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM concern c
         JOIN concern_reader r ON r.school_id = c.school_id AND r.concern_id = c.concern_id AND r.person_id = $1
         WHERE c.school_id = $2 AND c.state <> 'closed'",
    )
    .bind(viewer)
    .bind(school_id)
    .fetch_one(db)
    .await
}
