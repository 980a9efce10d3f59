//! P16, P43, P26: what is kept, what is not, and what stays for ever.

use crate::school::{Concern, DAY, MINUTE, SCHOOL, School, monday};
use pastoral_collector::chain::Deed;
use pastoral_collector::store::audit::{self, Entry};
use pastoral_collector::store::retention::{Erased, erase};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Puts a delivered flag of a concern into the store.
async fn flag(school: &School, concern_id: &str, sequence: i64) {
    let sequence = sequence.to_string();
    school
        .run(
            "INSERT INTO flag (school_id, concern_id, device_id, account_id, epoch_no, sequence, audience, source,
                               provenance, topic, severity, observed_at, clock_offset_ms, received_at, data_key_id, sealed)
             VALUES ('school-1', ?, 'd1', 1, 1, ?, 'ks2', 'search', 'typed', 'self-harm', 4, 0, 0, 0, x'01', x'5EC7E7')",
            &[concern_id, &sequence],
        )
        .await;
    delivered(school, &sequence).await;
}

async fn delivered(school: &School, sequence: &str) {
    school
        .run(
            "INSERT INTO delivered (school_id, epoch_no, sequence, digest) VALUES ('school-1', 1, CAST(? AS INTEGER), x'00')",
            &[sequence],
        )
        .await;
}

async fn epoch(school: &School) {
    school
        .run(
            "INSERT INTO epoch (school_id, epoch_no, device_id, epoch, first_seen_at) VALUES ('school-1', 1, ?, x'00', 0)",
            &["d1"],
        )
        .await;
}

async fn erase_before(school: &School, cutoff: i64) -> Erased {
    erase(&school.app.store, SCHOOL, cutoff, monday()).await.unwrap()
}

/// P16.
#[tokio::test]
async fn what_is_older_than_the_school_keeps_is_gone_and_what_is_younger_stays() {
    let school = School::new().await;
    epoch(&school).await;
    let old = monday() - 400 * DAY;
    school
        .open(&Concern {
            id: "old",
            event_at: old,
            now: old,
            ..Concern::default()
        })
        .await;
    school
        .open(&Concern {
            id: "young",
            ..Concern::default()
        })
        .await;
    for (sequence, id) in [(0, "old"), (1, "old"), (2, "young")] {
        flag(&school, id, sequence).await;
    }
    for id in ["old", "young"] {
        school
            .run(
                "INSERT INTO action (school_id, concern_id, at, by_id, action, detail, data_key_id, sealed)
                 VALUES ('school-1', ?, 0, 'dsl', 'note', '{\"to\":\"x\"}', x'01', x'5EC7E7')",
                &[id],
            )
            .await;
        school
            .run(
                "INSERT INTO data_key (school_id, data_key_id, concern_id, reader_group, sealed, created_at)
                 VALUES ('school-1', CAST(?1 AS BLOB), ?1, 'pupil', x'00', 0)",
                &[id],
            )
            .await;
    }
    let erased = erase_before(&school, monday() - 365 * DAY).await;
    assert_eq!((erased.concerns, erased.flags, erased.notices), (1, 2, 0));
    assert_eq!(
        school
            .texts("SELECT DISTINCT concern_id FROM flag WHERE school_id = ?", SCHOOL)
            .await,
        ["young"]
    );
    assert_eq!(
        school
            .texts("SELECT concern_id FROM data_key WHERE school_id = ?", SCHOOL)
            .await,
        ["young"]
    );
    assert_eq!(
        school
            .texts(
                "SELECT concern_id FROM action WHERE sealed IS NOT NULL AND school_id = ?",
                SCHOOL
            )
            .await,
        ["young"]
    );
    assert!(school.readers("old").await.is_empty() && school.notices("old").await.is_empty());
    // The number of concerns stays, whose they were does not (P33).
    let kept =
        "SELECT kind || ' ' || severity || ' ' || COALESCE(person_id, '-') FROM concern WHERE concern_id = ?";
    assert_eq!(school.texts(kept, "old").await, ["self-harm 4 -"]);
    assert_eq!(school.readers("young").await, ["dsl", "deputy", "head"]);
    assert_eq!(
        erase_before(&school, monday() - 365 * DAY).await,
        Erased::default()
    );
}

/// What somebody still works on is kept; it counts from when it was closed.
#[tokio::test]
async fn a_concern_that_changed_lately_is_kept_however_old_its_beginning() {
    let school = School::new().await;
    let old = monday() - 400 * DAY;
    school
        .open(&Concern {
            event_at: old,
            now: old,
            ..Concern::default()
        })
        .await;
    let recently = (monday() - DAY).to_string();
    school
        .run(
            "UPDATE concern SET changed_at = CAST(? AS INTEGER) WHERE concern_id = 'c1'",
            &[&recently],
        )
        .await;
    assert_eq!(erase_before(&school, monday() - 365 * DAY).await.concerns, 0);
}

/// INVARIANT 5: the chain verifies after what its entries stood for was erased.
#[tokio::test]
async fn the_audit_chain_holds_after_its_details_are_erased() {
    let school = School::new().await;
    let mut tx = school.app.store.write().await.unwrap();
    for number in 0..900 {
        let detail = serde_json::json!({ "number": number });
        let entry = Entry {
            school_id: SCHOOL,
            actor: "dsl",
            deed: Deed::Viewed,
            concern_id: None,
            detail,
        };
        audit::append(&mut tx, monday() - 900 * DAY + number * DAY, &entry)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let erased = erase_before(&school, monday() - 365 * DAY).await;
    assert_eq!(erased.audit, 535);
    assert_eq!(
        school
            .number("SELECT COUNT(*) FROM audit WHERE detail IS NULL AND salt IS NULL")
            .await,
        Some(535)
    );
    assert!(
        audit::verify(&school.app.store, SCHOOL, monday())
            .await
            .unwrap()
            .is_ok()
    );
}

#[tokio::test]
async fn old_notices_keep_neither_words_nor_address() {
    let school = School::new().await;
    let old = monday() - 400 * DAY;
    school
        .open(&Concern {
            event_at: old,
            now: old,
            ..Concern::default()
        })
        .await;
    school
        .run(
            "UPDATE outbox SET sent_at = created_at, matter = 'words', address = 'a@b.example'",
            &[],
        )
        .await;
    let erased = erase_before(&school, monday() - 365 * DAY).await;
    assert_eq!(erased.notices, 1);
    assert_eq!(
        school
            .texts(
                "SELECT COALESCE(matter, '') || address FROM outbox WHERE school_id = ?",
                SCHOOL
            )
            .await,
        [""]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// INVARIANT 2: nothing that was delivered once can come twice, and nothing that was not is taken for delivered,
    /// whatever is erased, with holes and with concerns that are kept.
    #[test]
    fn what_was_delivered_is_known_as_delivered_after_erasing(
        flags in proptest::collection::btree_map(0i64..30, proptest::bool::weighted(0.7), 1..25),
        others in proptest::collection::btree_set(0i64..30, 0..10),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let school = School::new().await;
            epoch(&school).await;
            let old = monday() - 400 * DAY;
            school.open(&Concern { id: "old", event_at: old, now: old, ..Concern::default() }).await;
            school.open(&Concern { id: "young", now: monday() - MINUTE, ..Concern::default() }).await;
            for (sequence, is_old) in &flags {
                flag(&school, if *is_old { "old" } else { "young" }, *sequence).await;
            }
            for sequence in others.iter().filter(|sequence| !flags.contains_key(sequence)) {
                delivered(&school, &sequence.to_string()).await;
            }
            let all: BTreeSet<i64> = flags.keys().copied().chain(others.iter().copied()).collect();
            erase_before(&school, monday() - 365 * DAY).await;
            let below = school.number("SELECT forgotten_below FROM epoch").await.unwrap();
            let kept: BTreeSet<String> =
                school.texts("SELECT CAST(sequence AS TEXT) FROM delivered WHERE school_id = ?", SCHOOL).await.into_iter().collect();
            for sequence in 0..31 {
                let known = sequence < below || kept.contains(&sequence.to_string());
                assert_eq!(known, all.contains(&sequence), "{sequence}, forgotten below {below}");
            }
            // What is kept can still be told from a clone's.
            let young = flags.iter().filter(|(_, is_old)| !**is_old).map(|(sequence, _)| *sequence).min();
            assert!(young.is_none_or(|young| below <= young));
        });
    }
}
