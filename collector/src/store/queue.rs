//! What a reader sees of concerns. INVARIANT 4: every query here joins `concern_reader` for the viewer.

use crate::concerns::reference::Reference;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, SqliteExecutor};

/// What stands readable of a concern: everything but what was seen and what was written about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its random id.
    pub concern_id: String,
    /// What people call it by.
    pub reference: Reference,
    /// The person, where known.
    pub person: Option<Whom>,
    /// The account of an unknown person.
    pub account_name: Option<String>,
    /// The account's id.
    pub account_id: Option<i64>,
    /// The kind's code.
    pub kind: String,
    /// Whose key its content is sealed to.
    pub reader_group: String,
    /// 1 to 5.
    pub severity: i64,
    /// That it ever had, where that is higher than now; 0 otherwise.
    pub once_severity: i64,
    /// Every flag is marked as a false alarm: its timers stand until then.
    pub quiet_until: Option<i64>,
    /// Acknowledged: when its owner is asked how it stands.
    pub review_at: Option<i64>,
    /// `new`, `acknowledged` or `closed`.
    pub state: String,
    /// Who deals with it.
    pub owner_id: Option<String>,
    /// Their name.
    pub owner: Option<String>,
    /// Recorded by hand.
    pub by_hand: bool,
    /// Came out of a backlog.
    pub backlog: bool,
    /// How many flags.
    pub flag_count: i64,
    /// The first event.
    pub first_event_at: i64,
    /// The last event.
    pub last_event_at: i64,
    /// When it was opened here.
    pub opened_at: i64,
    /// Its version: every change moves it.
    pub changed_at: i64,
    /// When it was acknowledged.
    pub acknowledged_at: Option<i64>,
    /// What the rules propose.
    pub category_proposed: Option<String>,
    /// Why.
    pub category_reason: Option<String>,
    /// What a person confirmed.
    pub category_confirmed: Option<String>,
    /// How many readers have been told.
    pub told: i64,
    /// When escalation looks again.
    pub next_due_at: Option<i64>,
    /// Who proposes to close it.
    pub close_proposed_by: Option<String>,
    /// When it was closed.
    pub closed_at: Option<i64>,
    /// A code.
    pub outcome: Option<String>,
    /// The device of its latest flag.
    pub device: Option<String>,
    /// When its latest flag arrived.
    pub arrived_at: Option<i64>,
    /// The concern that it continues, or belongs together with.
    pub linked_to: Option<String>,
    /// Handed over as what a child disclosed, who may not be known yet.
    pub about_child: bool,
}

impl Summary {
    /// The highest severity that it ever had: by it, a second person is asked before it closes.
    #[must_use]
    pub fn highest_severity(&self) -> i64 {
        self.severity.max(self.once_severity)
    }

    /// Whether every flag is marked as a false alarm.
    #[must_use]
    pub fn all_marked(&self) -> bool {
        self.quiet_until.is_some()
    }
}

/// A person, as a reader needs to know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom {
    /// The id.
    pub person_id: String,
    /// Given and family name.
    pub name: String,
    /// `pupil`, `staff`, `governor` or `outside`.
    pub role: String,
    /// Of a pupil; may be empty.
    pub year_group: String,
    /// Is not at the school any more.
    pub has_left: bool,
}

/// A reader of a concern, in the order in which they are told.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Told {
    /// The concern.
    pub concern_id: String,
    /// Who.
    pub person_id: String,
    /// Given and family name.
    pub name: String,
    /// May be meant by what was seen, and closes nothing alone.
    pub doubtful: bool,
}

const SUMMARY: &str =
    "SELECT c.*, p.given_name || ' ' || p.family_name AS name, p.role, p.year_group, p.active,
        a.name AS account_name, o.given_name || ' ' || o.family_name AS owner,
        d.host_name AS device, f.received_at AS arrived_at
    FROM concern c
    JOIN concern_reader r ON r.school_id = c.school_id AND r.concern_id = c.concern_id AND r.person_id = ?2
    LEFT JOIN person p ON p.school_id = c.school_id AND p.person_id = c.person_id
    LEFT JOIN account a ON a.school_id = c.school_id AND a.account_id = c.account_id
    LEFT JOIN person o ON o.school_id = c.school_id AND o.person_id = c.owner_id
    LEFT JOIN flag f ON f.flag_id = (SELECT max(flag_id) FROM flag WHERE concern_id = c.concern_id)
    LEFT JOIN device d ON d.school_id = c.school_id AND d.device_id = f.device_id
    WHERE c.school_id = ?1 AND ";

/// The open concerns of a viewer, most urgent first, from a place on.
///
/// # Errors
/// When the database cannot be read.
pub async fn open(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    viewer: &str,
    (from, most): (i64, i64),
) -> Result<Vec<Summary>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "{SUMMARY} c.state <> 'closed'
         ORDER BY c.severity DESC, c.state = 'new' DESC, c.last_event_at DESC, c.concern_id LIMIT ?3 OFFSET ?4"
    ));
    let rows = sqlx::query(query)
        .bind(school_id)
        .bind(viewer)
        .bind(most)
        .bind(from)
        .fetch_all(db)
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// The closed concerns of a viewer, the latest first, from a place on.
///
/// # Errors
/// When the database cannot be read.
pub async fn closed(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    viewer: &str,
    (from, most): (i64, i64),
) -> Result<Vec<Summary>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "{SUMMARY} c.state = 'closed' ORDER BY c.closed_at DESC, c.concern_id LIMIT ?3 OFFSET ?4"
    ));
    let rows = sqlx::query(query)
        .bind(school_id)
        .bind(viewer)
        .bind(most)
        .bind(from)
        .fetch_all(db)
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// One concern, if the viewer may see it.
///
/// # Errors
/// When the database cannot be read.
pub async fn one(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    viewer: &str,
    concern_id: &str,
) -> Result<Option<Summary>, sqlx::Error> {
    let query = AssertSqlSafe(format!("{SUMMARY} c.concern_id = ?3"));
    let row = sqlx::query(query)
        .bind(school_id)
        .bind(viewer)
        .bind(concern_id)
        .fetch_optional(db)
        .await?;
    Ok(row.as_ref().map(read))
}

/// Concerns that a viewer may see and that have to do with one of theirs: linked with it, or open and about the same
/// person; the open ones first, from a place on. With one more than asked for, whether there are further ones is known.
///
/// # Errors
/// When the database cannot be read.
pub async fn related(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    viewer: &str,
    concern: &Summary,
    (from, most): (i64, i64),
) -> Result<Vec<Summary>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "{SUMMARY} c.concern_id <> ?3
         AND (c.concern_id = ?4 OR c.linked_to = ?3 OR (c.person_id = ?5 AND c.state <> 'closed'))
         ORDER BY c.state = 'closed', c.severity DESC, c.opened_at DESC, c.concern_id LIMIT ?6 OFFSET ?7"
    ));
    let rows = sqlx::query(query)
        .bind(school_id)
        .bind(viewer)
        .bind(&concern.concern_id)
        .bind(&concern.linked_to)
        .bind(concern.person.as_ref().map(|person| &person.person_id))
        .bind(most)
        .bind(from)
        .fetch_all(db)
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// The concern of a viewer that has this reference, or had this number before.
pub(super) async fn called(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    viewer: &str,
    reference: Option<Reference>,
    number: Option<i64>,
) -> Result<Option<Summary>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "{SUMMARY} (c.reference = $3 OR c.number = $4) ORDER BY c.reference = $3 DESC, c.opened_at DESC LIMIT 1"
    ));
    let row = sqlx::query(query)
        .bind(school_id)
        .bind(viewer)
        .bind(reference)
        .bind(number)
        .fetch_optional(db)
        .await?;
    Ok(row.as_ref().map(read))
}

/// The open concern of a person and kind that a viewer may see; of several the latest.
///
/// # Errors
/// When the database cannot be read.
pub async fn open_of(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    viewer: &str,
    (person_id, kind): (&str, &str),
) -> Result<Option<Summary>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "{SUMMARY} c.state <> 'closed' AND c.person_id = ?3 AND c.kind = ?4 ORDER BY c.last_event_at DESC LIMIT 1"
    ));
    let row = sqlx::query(query)
        .bind(school_id)
        .bind(viewer)
        .bind(person_id)
        .bind(kind)
        .fetch_optional(db)
        .await?;
    Ok(row.as_ref().map(read))
}

/// Whether a viewer may see a concern.
pub async fn may_see(
    db: impl SqliteExecutor<'_>,
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
pub async fn count_closed(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    viewer: &str,
) -> Result<i64, sqlx::Error> {
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
///
/// # Errors
/// When the database cannot be read.
pub async fn count_open(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    viewer: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM concern c
         JOIN concern_reader r ON r.school_id = c.school_id AND r.concern_id = c.concern_id AND r.person_id = ?
         WHERE c.school_id = ? AND c.state <> 'closed'",
    )
    .bind(viewer)
    .bind(school_id)
    .fetch_one(db)
    .await
}

/// Who reads the viewer's open concerns, in the order in which they are told.
///
/// # Errors
/// When the database cannot be read.
pub async fn readers_of_open(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    viewer: &str,
) -> Result<Vec<Told>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "{READERS} AND c.state <> 'closed' ORDER BY all_r.concern_id, all_r.place"
    ));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(viewer)
        .fetch_all(db)
        .await
}

/// Who reads one of the viewer's concerns, in the order in which they are told.
///
/// # Errors
/// When the database cannot be read.
pub async fn readers_of(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    viewer: &str,
    concern_id: &str,
) -> Result<Vec<Told>, sqlx::Error> {
    let query = AssertSqlSafe(format!("{READERS} AND c.concern_id = ?3 ORDER BY all_r.place"));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(viewer)
        .bind(concern_id)
        .fetch_all(db)
        .await
}

const READERS: &str =
    "SELECT all_r.concern_id, all_r.person_id, p.given_name || ' ' || p.family_name AS name,
        all_r.doubtful
    FROM concern c
    JOIN concern_reader r ON r.school_id = c.school_id AND r.concern_id = c.concern_id AND r.person_id = ?2
    JOIN concern_reader all_r ON all_r.school_id = c.school_id AND all_r.concern_id = c.concern_id
    JOIN person p ON p.school_id = c.school_id AND p.person_id = all_r.person_id
    WHERE c.school_id = ?1";

fn read(row: &SqliteRow) -> Summary {
    let person_id: Option<String> = row.get("person_id");
    let name: Option<String> = row.get("name");
    Summary {
        concern_id: row.get("concern_id"),
        reference: row.get("reference"),
        person: person_id.zip(name).map(|(person_id, name)| Whom {
            person_id,
            name,
            role: row.get("role"),
            year_group: row.get("year_group"),
            has_left: !row.get::<bool, _>("active"),
        }),
        account_name: row.get("account_name"),
        account_id: row.get("account_id"),
        kind: row.get("kind"),
        reader_group: row.get("reader_group"),
        severity: row.get("severity"),
        once_severity: row.get("highest_severity"),
        quiet_until: row.get("quiet_until"),
        review_at: row.get("review_at"),
        state: row.get("state"),
        owner_id: row.get("owner_id"),
        owner: row.get("owner"),
        by_hand: row.get("by_hand"),
        backlog: row.get("backlog"),
        flag_count: row.get("flag_count"),
        first_event_at: row.get("first_event_at"),
        last_event_at: row.get("last_event_at"),
        opened_at: row.get("opened_at"),
        changed_at: row.get("changed_at"),
        acknowledged_at: row.get("acknowledged_at"),
        category_proposed: row.get("category_proposed"),
        category_reason: row.get("category_reason"),
        category_confirmed: row.get("category_confirmed"),
        told: row.get("escalation_step"),
        next_due_at: row.get("next_due_at"),
        close_proposed_by: row.get("close_proposed_by"),
        closed_at: row.get("closed_at"),
        outcome: row.get("outcome"),
        device: row.get("device"),
        arrived_at: row.get("arrived_at"),
        linked_to: row.get("linked_to"),
        about_child: row.get("about_child"),
    }
}
