//! Whose the accounts on devices are, after a list of people was taken.

use crate::imports::take;
use crate::people::line;
use crate::school::{Concern, SCHOOL, School};
use pastoral_collector::store::accounts::{self, Unknown};
use pastoral_keywords::Audience;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

async fn seen_on(school: &School, device: &str, names: &[&str]) {
    school
        .run(
            "INSERT OR IGNORE INTO device (school_id, device_id, host_name, os, group_name, state, confirm_code,
                                 public_key_sha256, csr_der, asked_at)
             VALUES ('school-1', ?1, 'h', 'linux', 'pupils', 'approved', '', x'', x'', 0)",
            &[device],
        )
        .await;
    for name in names {
        school
            .run(
                "INSERT INTO account (school_id, device_id, authority, stable_id, name, first_seen_at)
                 VALUES ('school-1', ?1, 'directory', ?2, ?2, 0)",
                &[device, name],
            )
            .await;
    }
}

/// Both ways, whichever side writes the domain.
#[tokio::test]
async fn accounts_are_known_however_either_side_writes_their_domain() {
    let school = School::new().await;
    let names = [
        "aash",
        "aash@ad.oak.example",
        "SCHOOL\\BBee",
        "bbee",
        "SCHOOL\\jhill",
        "ZOE\u{308}",
        "nobody",
    ];
    seen_on(&school, "d1", &names).await;
    take(
        &school,
        &[
            line("s1", "student", "aash@oak.example", "Ash", "", "5"),
            line("s2", "student", "SCHOOL\\bbee", "Bee", "", "7"),
            line("s3", "student", "zo\u{eb}", "Zed", "", "5"),
            line("t1", "teacher", "jhill", "Hill", "j.hill@oak.example", ""),
        ],
    )
    .await;
    let directory = school.directory().await;
    let seen = accounts::seen(&mut school.app.store.read().await.unwrap(), SCHOOL, &directory)
        .await
        .unwrap();
    assert_eq!(seen.known, 6);
    assert_eq!(seen.unknown.keys().collect::<Vec<_>>(), [&Unknown::Nobodys]);
    let audience = |name: &str| directory.person_of_username(name).map(|person| person.audience());
    assert_eq!(audience("OTHER\\jhill"), Some(Audience::Staff));
    assert_eq!(audience("aash@oak.example"), Some(Audience::Ks2));
    assert_eq!(audience("aash@elsewhere.example"), None);
}

/// INVARIANT 4: a teacher is not taken for a pupil, nor a pupil for a teacher.
#[tokio::test]
async fn a_name_that_two_people_can_mean_is_nobody_s() {
    let school = School::new().await;
    let names = [
        "jhill",
        "jhill@staff.oak.example",
        "jhill@pupils.oak.example",
        "CURRIC\\abel",
        "ADMIN\\abel",
        "twice",
    ];
    seen_on(&school, "d1", &names).await;
    take(
        &school,
        &[
            line("s1", "student", "jhill@pupils.oak.example", "Hill", "", "5"),
            line("t1", "teacher", "jhill@staff.oak.example", "Hill", "", ""),
            // Two domains, and the file does not say which.
            line("s2", "student", "abel", "Abel", "", "5"),
            line("s3", "student", "twice", "One", "", "5"),
            line("s4", "student", "TWICE", "Two", "", "5"),
        ],
    )
    .await;
    let directory = school.directory().await;
    let role = |name: &str| {
        directory
            .person_of_username(name)
            .map(|person| person.source_id.clone())
    };
    assert_eq!(role("jhill@staff.oak.example").as_deref(), Some("t1"));
    assert_eq!(role("jhill@pupils.oak.example").as_deref(), Some("s1"));
    assert_eq!((role("jhill"), role("twice")), (None, None));
    let seen = accounts::seen(&mut school.app.store.read().await.unwrap(), SCHOOL, &directory)
        .await
        .unwrap();
    assert_eq!(seen.known, 2);
    let several: Vec<_> = seen.unknown[&Unknown::Several]
        .iter()
        .map(String::as_str)
        .collect();
    assert_eq!(several, ["ADMIN\\abel", "CURRIC\\abel", "jhill", "twice"]);
    // The first domain that is known keeps the second one out, also when it comes in later.
    school.run("UPDATE account SET person_id = (SELECT person_id FROM person WHERE source_id = 's2'), identified_by = 'user name'
                WHERE name = ?1", &["CURRIC\\abel"]).await;
    for (name, known) in [("ADMIN\\abel", false), ("CURRIC\\abel", true), ("abel", true)] {
        let person = accounts::person_of(
            &mut school.app.store.read().await.unwrap(),
            SCHOOL,
            &directory,
            name,
        )
        .await
        .unwrap();
        assert_eq!(person.is_some(), known, "{name}");
    }
}

/// Counts the statements that begin with some words.
#[derive(Clone)]
struct Statements {
    begin: &'static str,
    count: Arc<AtomicUsize>,
}

impl Statements {
    fn watch(begin: &'static str) -> Self {
        let watch = Self {
            begin,
            count: Arc::default(),
        };
        let writer = watch.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || writer.clone())
            .init();
        watch
    }

    fn take(&self) -> usize {
        self.count.swap(0, Ordering::Relaxed)
    }
}

impl std::io::Write for Statements {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let found = String::from_utf8_lossy(line).matches(self.begin).count();
        self.count.fetch_add(found, Ordering::Relaxed);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An unknown account's concern, of one flag.
async fn flagged(school: &School, name: &str) {
    let account = school
        .number_of("SELECT account_id FROM account WHERE name = ?", name)
        .await;
    school
        .open(&Concern {
            id: name,
            person: None,
            account: Some(account),
            ..Concern::default()
        })
        .await;
    school
        .run(
            "INSERT INTO flag (school_id, concern_id, device_id, account_id, epoch_no, sequence, audience, source, provenance,
                               topic, severity, observed_at, clock_offset_ms, received_at, data_key_id, sealed)
             SELECT school_id, name, device_id, account_id, 1, account_id, 'ks2', 'search', 'typed', 'self-harm', 4, 0, 0, 0,
                    x'', x'' FROM account WHERE name = ?",
            &[name],
        )
        .await;
}

/// Whoever flags something waits for the whole of an import. For a school of 2,000 with 3,000 accounts it took four minutes
/// while the names of everybody were read anew for each account.
#[tokio::test]
async fn an_import_reads_everybody_as_often_for_many_accounts_as_for_few_and_tells_each_reader_once() {
    let people_read = Statements::watch("SELECT person_id, source_id, role,");
    let mut read = Vec::new();
    for accounts in [2, 20] {
        let school = School::new().await;
        let names: Vec<_> = (0..accounts).map(|n| format!("u{n}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        seen_on(&school, "d1", &names).await;
        for name in &names {
            flagged(&school, name).await;
        }
        let adults: Vec<_> = names
            .iter()
            .map(|name| line(name, "teacher", name, "Hill", "", ""))
            .collect();
        people_read.take();
        take(&school, &adults).await;
        read.push(people_read.take());
        assert_eq!(school.readers("u1").await, ["head"]);
        let told = "SELECT notice FROM outbox WHERE person_id = ? AND notice IN ('new', 'yours')";
        assert_eq!(school.texts(told, "head").await, ["yours"]);
    }
    assert!(read[0] > 0 && read[0] == read[1], "{read:?}");
}
