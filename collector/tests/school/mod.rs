//! An invented school in a store of its own, for tests of the console and for looking at it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: what fails, fails the test"
)]
#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod browser;
pub(crate) mod letters;

use arc_swap::ArcSwap;
use pastoral_collector::access;
use pastoral_collector::app::App;
use pastoral_collector::concerns::kind::kind_of;
use pastoral_collector::concerns::model::{Duty, ReaderGroup};
use pastoral_collector::concerns::naming::Circumstances;
use pastoral_collector::lists::Rules;
use pastoral_collector::live::Live;
use pastoral_collector::profile::Profile;
use pastoral_collector::seal::GroupPrivateKey;
use pastoral_collector::seal::content::Sealer;
use pastoral_collector::seal::specialist::ListKey;
use pastoral_collector::store::access::grant_duty;
use pastoral_collector::store::people::Directory;
use pastoral_collector::store::{Store, escalation, keys, members, routing};
use pastoral_keywords::Topic;
use pastoral_proto::device;
use pastoral_support::school::{DOMAIN, PEOPLE};
use prost::Message;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub(crate) const SCHOOL: &str = "school-1";

/// A school with its people, its keys and a folder that goes when it is dropped.
pub(crate) struct School {
    pub(crate) app: App,
    pub(crate) privates: HashMap<ReaderGroup, GroupPrivateKey>,
    pub(crate) now: i64,
    next: AtomicI64,
    folder: tempfile::TempDir,
}

/// A link, and the code that its person is told.
pub(crate) struct Invited {
    pub(crate) path: String,
    pub(crate) code: String,
}

/// A flag to come in.
#[derive(Clone)]
pub(crate) struct Seen<'a> {
    pub(crate) account: &'a str,
    pub(crate) device: &'a str,
    pub(crate) topic: Topic,
    pub(crate) severity: u8,
    pub(crate) text: &'a str,
    pub(crate) marked: &'a str,
    pub(crate) provenance: &'a str,
    pub(crate) minutes_ago: i64,
    /// Whether a specialist list raised it, whose words are not shown.
    pub(crate) specialist: bool,
}

/// Where a person's mail goes.
pub(crate) fn email(person: &str) -> String {
    format!("{person}@{DOMAIN}")
}

impl School {
    /// A school with its people and two devices, where nobody has a sign-in yet.
    pub(crate) async fn with_people(now: i64) -> Self {
        let school = Self::begun(now).await;
        let mut tx = school.app.store.write().await.unwrap();
        for person in PEOPLE {
            sqlx::query(
                "INSERT INTO person (school_id, person_id, source_id, role, year_group, username, given_name, family_name, email)
                 VALUES (?1, ?2, ?2, ?3, ?4, ?2, ?5, ?6, ?7)",
            )
            .bind(SCHOOL).bind(person.id).bind(person.role).bind(person.year).bind(person.given).bind(person.family)
            .bind(email(person.id))
            .execute(&mut *tx).await.unwrap();
        }
        for (device, group) in [("LAPTOP-12", "pupils"), ("STAFF-3", "staff")] {
            sqlx::query(
                "INSERT INTO device (school_id, device_id, host_name, os, group_name, state, confirm_code,
                 public_key_sha256, csr_der, asked_at, connected, last_seen_at, clock_offset_ms)
                 VALUES (?, ?, ?, 'Debian GNU/Linux 12', ?, 'approved', '', x'00', x'00', ?, 1, ?, 0)",
            )
            .bind(SCHOOL)
            .bind(device)
            .bind(device)
            .bind(group)
            .bind(now)
            .bind(now)
            .execute(&mut *tx)
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        school
    }

    /// One with its keys and profile, and nobody in it.
    pub(crate) async fn begun(now: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("collector.db")).await.unwrap();
        let toml = Profile::shipped("purley-oaks").unwrap().replace(
            "retention_days = 365",
            "retention_days = 365\ndata_protection_officer = \"Ida Jonas\"\nassessment_date = 2026-09-01\n\
             lawful_basis = \"public task\"\non_call = [\"ann@oak.example\", \"bo@oak.example\"]",
        );
        let profile = Profile::parse(&toml, "purley-oaks.toml").unwrap();
        let (mut privates, mut publics) = (HashMap::new(), HashMap::new());
        let mut tx = store.write().await.unwrap();
        sqlx::query(
            "INSERT INTO school (school_id, name, profile, created_at) VALUES (?, 'Oak Lane Primary', ?, ?)",
        )
        .bind(SCHOOL)
        .bind(&toml)
        .bind(now)
        .execute(&mut *tx)
        .await
        .unwrap();
        for group in ReaderGroup::ALL {
            let (private, public) = GroupPrivateKey::generate();
            keys::add_public(&mut tx, SCHOOL, group, &public, now)
                .await
                .unwrap();
            privates.insert(group, private);
            publics.insert(group, public);
        }
        tx.commit().await.unwrap();
        let app = App {
            store,
            live: Live::default(),
            school_id: SCHOOL.into(),
            school_name: "Oak Lane Primary".into(),
            profile: Arc::new(ArcSwap::from_pointee(profile)),
            lists: Arc::new(ArcSwap::from_pointee(
                Rules::build(Vec::new(), Vec::new(), &[], 0, "2026-11-23").unwrap(),
            )),
            list_key: ListKey::new(folder.path().join("ca")),
            sealer: Arc::new(Sealer::new(publics)),
            console_url: "http://localhost:8443".into(),
            outbox_wake: Arc::default(),
            escalation_wake: Arc::default(),
            secure_cookies: false,
            faults: Arc::default(),
        };
        Self {
            app,
            privates,
            now,
            next: AtomicI64::new(0),
            folder,
        }
    }

    /// Where the store's files are.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A duty from the first set-up, with a link that its person can use at once.
    pub(crate) async fn invite(&self, person: &str, duty: Duty) -> Invited {
        let keys: Vec<_> = duty
            .reader_groups()
            .iter()
            .map(|group| (*group, self.privates[group].clone()))
            .collect();
        let made = access::NewLink::make(&keys).unwrap();
        let mut tx = self.app.store.write().await.unwrap();
        grant_duty(&mut tx, SCHOOL, person, duty, "init", None, self.now)
            .await
            .unwrap();
        let about = access::acts::Issued {
            person: &members::find(&mut tx, SCHOOL, person).await.unwrap().unwrap(),
            proposal_id: None,
            proposed_by: "init",
            agreed_by: None,
            vouched: true,
        };
        let telling = self.app.telling();
        access::acts::issue(&mut tx, &telling, &made, &about, self.now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        Invited {
            path: made.link.path(),
            code: made.code.shown(),
        }
    }

    /// The link that was mailed to a person and has not left.
    pub(crate) async fn mailed_link(&self, person: &str) -> String {
        let letters = letters::waiting(&self.app, "link").await;
        let letter = letters.iter().find(|letter| letter.person_id == person).unwrap();
        let rest = letter.words.split("/join/").nth(1).unwrap();
        format!("/join/{}", rest.split_whitespace().next().unwrap())
    }

    /// A concern with one flag, routed and told as it would be on arrival. Gives its id.
    pub(crate) async fn concern(&self, seen: &Seen<'_>) -> String {
        let app = &self.app;
        let concern_id = uuid::Uuid::new_v4().to_string();
        let observed_at = self.now - seen.minutes_ago * 60_000;
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut tx = app.store.write().await.unwrap();
        let directory = Directory::load(&mut tx, SCHOOL, &app.profile.load_full())
            .await
            .unwrap();
        let person = directory
            .person_of_username(seen.account)
            .map(|person| person.person_id.clone());
        let group = if seen.device.starts_with("STAFF") {
            "staff"
        } else {
            "pupils"
        };
        let subject = directory.subject(person.as_deref(), group);
        let kind = kind_of(seen.topic, subject.role);
        let provenance = seen.provenance.parse().unwrap();
        let circumstances = Circumstances::of(subject.role, provenance, [seen.topic]);
        let named = directory.named_in(seen.text, &circumstances);
        let route = directory.route(&concern_id, &subject, kind, &named);
        let account: i64 = sqlx::query_scalar(
            "INSERT INTO account (school_id, device_id, authority, stable_id, name, person_id, first_seen_at)
             VALUES (?, ?, 'local', ?, ?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name RETURNING account_id",
        )
        .bind(SCHOOL).bind(seen.device).bind(seen.account).bind(seen.account).bind(&person).bind(observed_at)
        .fetch_one(&mut *tx).await.unwrap();
        sqlx::query(
            "INSERT INTO concern (school_id, concern_id, reference, person_id, account_id, kind, reader_group, apart,
             severity, state, flag_count, first_event_at, last_event_at, opened_at, changed_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'new', 1, ?, ?, ?, ?)",
        )
        .bind(SCHOOL).bind(&concern_id).bind(number).bind(&person).bind(account).bind(kind.code())
        .bind(route.group.code()).bind(directory.apart(&named)).bind(seen.severity)
        .bind(observed_at).bind(observed_at).bind(self.now).bind(self.now)
        .execute(&mut *tx).await.unwrap();
        routing::add_named(&mut tx, SCHOOL, &concern_id, &named)
            .await
            .unwrap();
        routing::set_readers(&mut tx, SCHOOL, &concern_id, &route)
            .await
            .unwrap();
        let content = content(seen).encode_to_vec();
        let of = (SCHOOL, concern_id.as_str());
        let (key, sealed) = keys::seal_for(&mut tx, &app.sealer, of, route.sealed_to(), &content)
            .await
            .unwrap();
        sqlx::query(
            "INSERT INTO flag (school_id, concern_id, device_id, account_id, epoch_no, sequence, audience, source,
             provenance, topic, severity, observed_at, clock_offset_ms, received_at, data_key_id, sealed)
             VALUES (?, ?, ?, ?, 1, ?, 'ks2', 'search', ?, ?, ?, ?, 0, ?, ?, ?)",
        )
        .bind(SCHOOL).bind(&concern_id).bind(seen.device).bind(account).bind(number).bind(seen.provenance)
        .bind(seen.topic.code()).bind(seen.severity).bind(observed_at).bind(self.now).bind(key).bind(sealed)
        .execute(&mut *tx).await.unwrap();
        let telling = app.telling();
        let change = pastoral_collector::concerns::escalation::ConcernChange::Opened;
        escalation::opened_or_risen(&mut tx, &telling, &concern_id, change, self.now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        app.live.tell(pastoral_collector::live::LiveChange {
            school_id: SCHOOL.into(),
            concern_id: Some(concern_id.clone()),
        });
        concern_id
    }
}

fn content(seen: &Seen<'_>) -> device::Flag {
    let start = seen.text.find(seen.marked).unwrap();
    let offset = |at: usize| u32::try_from(at).unwrap();
    device::Flag {
        text: seen.text.to_owned(),
        program: "chromium".to_owned(),
        site: "Example Search".to_owned(),
        provenance: seen.provenance.to_owned(),
        matches: vec![device::Match {
            list_id: if seen.specialist {
                "specialist"
            } else {
                "pastoral-en"
            }
            .to_owned(),
            list_version: 1,
            term_id: if seen.specialist { "1" } else { "t-1" }.to_owned(),
            term: if seen.specialist { "" } else { seen.marked }.to_owned(),
            topic: seen.topic.code().to_owned(),
            severity: seen.severity.into(),
            start: offset(start),
            end: offset(start + seen.marked.len()),
            view: "plain".to_owned(),
            reason: "An invented reason for an invented term".to_owned(),
            severity_note: if seen.provenance == "page" {
                "lowered from 5 to 4: written by a page, not typed".to_owned()
            } else {
                String::new()
            },
            considered: if seen.specialist {
                Vec::new()
            } else {
                vec![format!("{} poster", seen.marked)]
            },
            confidential: seen.specialist,
        }],
        ..device::Flag::default()
    }
}
