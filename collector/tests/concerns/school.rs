//! The invented school as the tests about concerns have it: everybody called by what they are, and no sign-ins.

#[path = "../school/mod.rs"]
mod begun;

pub(crate) use begun::{SCHOOL, School, letters};

use begun::email;
use jiff::Timestamp;
use pastoral_collector::concerns::escalation::ConcernChange;
use pastoral_collector::concerns::kind::Kind;
use pastoral_collector::concerns::model::Duty;
use pastoral_collector::concerns::naming::{Named, Strength};
use pastoral_collector::store::people::Directory;
use pastoral_collector::store::{escalation, routing};
use pastoral_collector::telling::Telling;
use pastoral_support::school::{CHAIR, DEPUTY, HEADTEACHER, INDEPENDENT, LEAD, PUPIL, TEACHER, TECHNICIAN};
use sqlx::Row;

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;

/// A Monday in term, with cover.
pub(crate) fn monday() -> i64 {
    "2026-11-23T10:00:00Z"
        .parse::<Timestamp>()
        .unwrap()
        .as_millisecond()
}

impl School {
    /// With all who have a duty, a teacher and a pupil, called by what they are.
    pub(crate) async fn new() -> Self {
        let school = Self::begun(0).await;
        for (id, person) in [
            ("dsl", LEAD),
            ("deputy", DEPUTY),
            ("head", HEADTEACHER),
            ("chair", CHAIR),
            ("outsider", INDEPENDENT),
            ("technician", TECHNICIAN),
            ("teacher", TEACHER),
            ("pupil", PUPIL),
        ] {
            school
                .add_person(id, person.role, person.given, person.family)
                .await;
            if let Some(duty) = person.duty {
                school.give_duty(id, Duty::from_code(duty).unwrap()).await;
            }
        }
        school
    }

    /// Runs one statement with text parameters.
    pub(crate) async fn run(&self, statement: &'static str, parameters: &[&str]) {
        let mut tx = self.app.store.write().await.unwrap();
        let mut query = sqlx::query(statement);
        for parameter in parameters {
            query = query.bind((*parameter).to_owned());
        }
        query.execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn add_person(&self, id: &str, role: &str, given: &str, family: &str) {
        let (source, email) = (format!("pastoral:{id}"), email(id));
        self.run(
            "INSERT INTO person (school_id, person_id, source_id, role, given_name, family_name, email, username)
             VALUES ('school-1', ?1, ?2, ?3, ?4, ?5, ?6, ?1)",
            &[id, &source, role, given, family, &email],
        )
        .await;
    }

    pub(crate) async fn give_duty(&self, person: &str, duty: Duty) {
        self.run(
            "INSERT INTO duty (school_id, duty_id, person_id, duty, granted_by, granted_at)
             VALUES ('school-1', ?1 || ?2, ?1, ?2, 'init', 0)",
            &[person, duty.code()],
        )
        .await;
        self.run(
            "INSERT INTO user (school_id, person_id, vault_salt, vault, password_set_at, created_at)
             VALUES ('school-1', ?, x'', x'', 0, 0) ON CONFLICT DO NOTHING",
            &[person],
        )
        .await;
    }

    pub(crate) fn telling(&self) -> Telling {
        self.app.telling()
    }

    pub(crate) async fn directory(&self) -> Directory {
        let mut tx = self.app.store.write().await.unwrap();
        Directory::load(&mut tx, SCHOOL, &self.app.profile.load_full())
            .await
            .unwrap()
    }

    /// Opens a concern as the ingest does: concern, readers, notices and timer in one transaction.
    pub(crate) async fn open(&self, concern: &Concern<'_>) -> String {
        let directory = self.directory().await;
        let subject = directory.subject(concern.person, "pupils");
        let named: Named = concern
            .named
            .iter()
            .map(|(person, strength)| ((*person).to_owned(), *strength))
            .collect();
        let route = directory.route(concern.id, &subject, concern.kind, &named);
        let mut tx = self.app.store.write().await.unwrap();
        sqlx::query(
            "INSERT INTO concern (school_id, concern_id, reference, person_id, account_id, kind, reader_group, severity,
                                  state, first_event_at, last_event_at, opened_at, changed_at)
             VALUES (?1, ?2, (SELECT COUNT(*) + 1 FROM concern), ?3, ?4, ?5, ?6, ?7, 'new', ?8, ?8, ?9, ?9)",
        )
        .bind(SCHOOL)
        .bind(concern.id)
        .bind(concern.person)
        .bind(concern.account)
        .bind(concern.kind.code())
        .bind(route.group.code())
        .bind(concern.severity)
        .bind(concern.event_at)
        .bind(concern.now)
        .execute(&mut *tx)
        .await
        .unwrap();
        routing::set_readers(&mut tx, SCHOOL, concern.id, &route)
            .await
            .unwrap();
        routing::add_named(&mut tx, SCHOOL, concern.id, &named)
            .await
            .unwrap();
        escalation::opened_or_risen(
            &mut tx,
            &self.telling(),
            concern.id,
            ConcernChange::Opened,
            concern.now,
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        self.app.outbox_wake.notify_one();
        concern.id.into()
    }

    pub(crate) async fn readers(&self, concern_id: &str) -> Vec<String> {
        self.texts(
            "SELECT person_id FROM concern_reader WHERE concern_id = ? ORDER BY place",
            concern_id,
        )
        .await
    }

    /// Whom notices of a concern are for, in the order they were queued, with what they are.
    pub(crate) async fn notices(&self, concern_id: &str) -> Vec<String> {
        self.texts(
            "SELECT person_id || ' ' || notice FROM outbox WHERE concern_id = ? ORDER BY rowid",
            concern_id,
        )
        .await
    }

    pub(crate) async fn digests(&self) -> Vec<String> {
        self.texts(
            "SELECT person_id FROM outbox WHERE notice = ? ORDER BY rowid",
            "digest",
        )
        .await
    }

    pub(crate) async fn texts(&self, query: &'static str, parameter: &str) -> Vec<String> {
        let rows = sqlx::query(query)
            .bind(parameter.to_owned())
            .fetch_all(&mut *self.app.store.read().await.unwrap())
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    pub(crate) async fn number(&self, query: &'static str) -> Option<i64> {
        sqlx::query(query)
            .fetch_one(&mut *self.app.store.read().await.unwrap())
            .await
            .unwrap()
            .get(0)
    }

    pub(crate) async fn number_of(&self, query: &'static str, parameter: &str) -> i64 {
        let query = sqlx::query(query).bind(parameter.to_owned());
        query
            .fetch_one(&mut *self.app.store.read().await.unwrap())
            .await
            .unwrap()
            .get(0)
    }

    pub(crate) async fn next_due(&self, concern_id: &str) -> Option<i64> {
        let query = "SELECT next_due_at FROM concern WHERE concern_id = ?";
        let query = sqlx::query(query).bind(concern_id.to_owned());
        query
            .fetch_one(&mut *self.app.store.read().await.unwrap())
            .await
            .unwrap()
            .get(0)
    }
}

/// A concern to open.
pub(crate) struct Concern<'a> {
    pub(crate) id: &'a str,
    pub(crate) person: Option<&'a str>,
    pub(crate) account: Option<i64>,
    pub(crate) kind: Kind,
    pub(crate) severity: u8,
    pub(crate) named: &'a [(&'a str, Strength)],
    pub(crate) event_at: i64,
    pub(crate) now: i64,
}

impl Default for Concern<'_> {
    fn default() -> Self {
        Self {
            id: "c1",
            person: Some("pupil"),
            account: None,
            kind: Kind::SelfHarm,
            severity: 4,
            named: &[],
            event_at: monday(),
            now: monday(),
        }
    }
}
