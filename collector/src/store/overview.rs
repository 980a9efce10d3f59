//! What the console says of the whole: what is wrong, who has access, what was recorded.

use super::{Read, Write};
use crate::concerns::kind::SubjectRole;
use crate::concerns::model::Duty;
use crate::concerns::reference::Reference;
use sqlx::AssertSqlSafe;

/// How many open concerns nobody can read who has an address and a sign-in; without those about the viewer, or that name them or whom they
/// are in conflict with, and for those who read pupils' concerns only without those of adults (invariant 4).
pub async fn without_reader(db: &mut Read, school_id: &str, viewer: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM concern c WHERE c.school_id = $1 AND c.state <> 'closed'
         AND NOT EXISTS (SELECT 1 FROM concern_reader r
            JOIN person rp ON rp.school_id = r.school_id AND rp.person_id = r.person_id AND rp.active AND rp.email <> ''
            JOIN \"user\" ru ON ru.school_id = r.school_id AND ru.person_id = r.person_id AND ru.disabled_at IS NULL
            WHERE r.concern_id = c.concern_id)
         AND c.person_id IS NOT $2
         AND NOT EXISTS (SELECT 1 FROM concern_named n WHERE n.concern_id = c.concern_id AND n.person_id = $2)
         AND NOT EXISTS (SELECT 1 FROM conflict x WHERE x.school_id = c.school_id AND x.reader_id = $2
            AND x.ended_at IS NULL AND x.in_force AND (x.about_id = c.person_id OR x.about_id = c.concern_id OR x.about_id IN
                (SELECT person_id FROM concern_named WHERE concern_id = c.concern_id)))
         AND (EXISTS (SELECT 1 FROM person p WHERE p.school_id = c.school_id AND p.person_id = c.person_id
                AND p.role = 'pupil')
            OR EXISTS (SELECT 1 FROM duty d WHERE d.school_id = c.school_id AND d.person_id = $2
                AND d.ended_at IS NULL AND d.duty IN ('headteacher', 'chair', 'independent')))",
    )
    .bind(school_id)
    .bind(viewer)
    .fetch_one(db)
    .await
}

/// Whether notices fail or wait long. Says nothing of how many, nor about what. INVARIANT 4: a notice about a concern counts
/// only for who may see the concern; with `all`, for those who run the mail server and see in its log what it is given.
pub async fn mail_is_failing(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    all: bool,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM outbox o
         WHERE o.school_id = $1 AND o.sent_at IS NULL AND o.ended_at IS NULL AND o.attempts >= 3
         AND ($3 OR o.person_id = $2 OR o.notice = 'audit-head' OR EXISTS
            (SELECT 1 FROM concern_reader r WHERE r.concern_id = o.concern_id AND r.person_id = $2)))",
    )
    .bind(school_id)
    .bind(viewer)
    .bind(all)
    .fetch_one(db)
    .await
}

/// When the daily mail about the audit record last left: whether mail gets out, and nothing of what else it is about.
pub async fn daily_mail_left(db: &mut Read, school_id: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT max(sent_at) FROM outbox WHERE school_id = $1 AND notice = 'audit-head'")
        .bind(school_id)
        .fetch_one(db)
        .await
}

/// A person to choose from.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Candidate {
    /// The id.
    pub person_id: String,
    /// Given and family name.
    pub name: String,
    /// What they are to the school.
    pub role: SubjectRole,
    /// Of a pupil; may be empty.
    pub year_group: String,
    /// Of a pupil; may be empty.
    pub class_name: String,
    /// On the school's devices; may be empty.
    pub username: String,
    /// Another pupil has this name and is in this year.
    pub shares_name: bool,
    /// Still at the school.
    pub active: bool,
}

/// The columns of a [`Candidate`], of a person `p`.
const CANDIDATE: &str = "p.person_id, p.given_name || ' ' || p.family_name AS name, p.role, p.year_group, p.active,
    p.class_name, p.username, p.role = 'pupil' AND EXISTS (SELECT 1 FROM person o WHERE o.school_id = p.school_id
        AND o.person_id <> p.person_id AND o.active AND o.role = p.role AND o.year_group = p.year_group
        AND lower(o.given_name) = lower(p.given_name) AND lower(o.family_name) = lower(p.family_name)) AS shares_name";

/// Pupils by year, then adults; by family name.
const IN_ORDER: &str =
    "p.role <> 'pupil', p.role, p.year_group <> 'R', CAST(p.year_group AS INTEGER), p.family_name,
    p.given_name, p.person_id";

impl Candidate {
    /// What tells a pupil from another of the same name and year; empty where there is none.
    #[must_use]
    pub fn apart(&self) -> String {
        told_apart(self.shares_name, &self.class_name, &self.username)
    }
}

/// The class and user name of a pupil who shares name and year with another.
pub(super) fn told_apart(shares_name: bool, class_name: &str, username: &str) -> String {
    let mut known = Vec::new();
    if shares_name && !class_name.is_empty() {
        known.push(format!("class {class_name}"));
    }
    if shares_name && !username.is_empty() {
        known.push(format!("user name {username}"));
    }
    known.join(", ")
}

/// Everybody at the school: pupils by year, then adults; by family name.
pub async fn candidates(db: &mut Read, school_id: &str) -> Result<Vec<Candidate>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "SELECT {CANDIDATE} FROM person p WHERE p.school_id = $1 AND p.active ORDER BY {IN_ORDER}"
    ));
    sqlx::query_as(query).bind(school_id).fetch_all(db).await
}

/// Everybody who is or was at the school, in the same order: for names in what is recorded.
pub async fn everybody(db: &mut Read, school_id: &str) -> Result<Vec<Candidate>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "SELECT {CANDIDATE} FROM person p WHERE p.school_id = $1 ORDER BY {IN_ORDER}"
    ));
    sqlx::query_as(query).bind(school_id).fetch_all(db).await
}

/// One person at the school.
pub async fn person(
    db: &mut Read,
    school_id: &str,
    person_id: &str,
) -> Result<Option<Candidate>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "SELECT {CANDIDATE} FROM person p WHERE p.school_id = $1 AND p.person_id = $2 AND p.active"
    ));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(person_id)
        .fetch_optional(db)
        .await
}

/// A duty that somebody has, and how they got it (P37).
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HeldDuty {
    /// The duty's id.
    pub duty_id: String,
    /// Who has it.
    pub person_id: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// The duty.
    pub duty: Duty,
    /// A person_id, `init` or `command line`.
    pub granted_by: String,
    /// The second person.
    pub agreed_by: Option<String>,
    /// Since when.
    pub granted_at: i64,
    /// Whether they have set a password.
    pub can_sign_in: bool,
    /// When they last signed in.
    pub last_sign_in_at: Option<i64>,
}

/// Every duty in force.
pub async fn duties(db: &mut Read, school_id: &str) -> Result<Vec<HeldDuty>, sqlx::Error> {
    sqlx::query_as(
        "SELECT d.duty_id, d.person_id, p.given_name || ' ' || p.family_name AS name, p.email, d.duty, d.granted_by,
                d.agreed_by, d.granted_at, u.person_id IS NOT NULL AS can_sign_in, u.last_sign_in_at
         FROM duty d
         JOIN person p ON p.school_id = d.school_id AND p.person_id = d.person_id
         LEFT JOIN \"user\" u ON u.school_id = d.school_id AND u.person_id = d.person_id AND u.disabled_at IS NULL
         WHERE d.school_id = $1 AND d.ended_at IS NULL ORDER BY p.family_name, p.given_name, d.granted_at",
    )
    .bind(school_id)
    .fetch_all(db)
    .await
}

/// Ends a duty of a person. False when it had ended.
pub async fn end_duty_of(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    duty: Duty,
    by: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE duty SET ended_at = $1, ended_by = $2
         WHERE school_id = $3 AND person_id = $4 AND duty = $5 AND ended_at IS NULL",
    )
    .bind(now_ms)
    .bind(by)
    .bind(school_id)
    .bind(person_id)
    .bind(duty)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Logged {
    /// When.
    pub at: i64,
    /// A person_id, `pastoral`, or `command line`.
    pub actor: String,
    /// A code.
    pub action: String,
    /// What the concern is called by, where there is one.
    pub reference: Option<Reference>,
    /// Its id.
    pub concern_id: Option<String>,
    /// JSON without content; none once retention erased it.
    pub detail: Option<String>,
}

/// The audit log for a viewer, newest first, from a place on. INVARIANT 4: entries of a concern only for who may see it.
/// Numbers of entries are not given: their gaps would count what is hidden.
pub async fn audit_log(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    (from, most): (i64, i64),
) -> Result<Vec<Logged>, sqlx::Error> {
    sqlx::query_as(
        "SELECT a.at, a.actor, a.action, c.reference, a.concern_id, a.detail FROM audit a
         LEFT JOIN concern_reader r ON r.school_id = a.school_id AND r.concern_id = a.concern_id AND r.person_id = $1
         LEFT JOIN concern c ON c.school_id = a.school_id AND c.concern_id = r.concern_id
         WHERE a.school_id = $2 AND (a.concern_id IS NULL OR r.person_id IS NOT NULL)
         ORDER BY a.sequence DESC LIMIT $3 OFFSET $4",
    )
    .bind(viewer)
    .bind(school_id)
    .bind(most)
    .bind(from)
    .fetch_all(db)
    .await
}

/// Whether the audit chain was found broken when it was last verified.
pub async fn chain_is_broken(db: &mut Read, school_id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM school WHERE school_id = $1 AND chain_broken_at IS NOT NULL)",
    )
    .bind(school_id)
    .fetch_one(db)
    .await
}
