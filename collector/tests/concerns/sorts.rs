//! Every sort of notice leaves to a real mail server, also those that come later.

use crate::mail::{a_concern, run};
use crate::school::{Concern, DAY, MINUTE, School};
use pastoral_collector::clock::now_ms;
use pastoral_collector::concerns::escalation::Why;
use pastoral_collector::retention;
use pastoral_collector::store::acts::{AccessChange, Act};
use pastoral_collector::store::outbox::{self, Laptops, Matter, Notice, Sort};
use pastoral_support::mail::Mail;
use pastoral_support::poll::comes_true;

/// Every sort that there is, also those that come later, leaves when there is something to tell.
#[tokio::test]
async fn every_sort_of_notice_leaves_to_a_real_mail_server() {
    let (school, receiver) = (School::new().await, Mail::alone().unwrap());
    everything_to_tell(&school).await;
    let (telling, now) = (school.telling(), now_ms());
    let mut tx = school.app.store.write().await.unwrap();
    for sort in Sort::ALL {
        let (matter, gathers) = example(sort, now);
        assert_eq!(matter.sort(), sort);
        if gathers {
            let gathered = outbox::Gathered {
                person_id: "head",
                matter,
                concern_id: Some("c1"),
                due_at: now,
                every_ms: MINUTE,
            };
            outbox::gather(&mut tx, &telling, &gathered, now).await.unwrap();
        } else {
            let notice = Notice {
                concern_id: Some("c1"),
                ..Notice::to("head", matter, now)
            };
            outbox::queue(&mut tx, &telling, &notice, now).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    let _worker = run(&school, &receiver);
    comes_true("nothing waits", async || {
        school
            .number("SELECT COUNT(*) FROM outbox WHERE sent_at IS NULL AND ended_at IS NULL")
            .await
            == Some(0)
    })
    .await;
    let left = school
        .texts(
            "SELECT notice FROM outbox WHERE sent_at IS NOT NULL AND person_id = ?",
            "head",
        )
        .await;
    for sort in Sort::ALL {
        assert!(
            left.iter().any(|code| code == sort.code()),
            "{sort:?} never leaves"
        );
    }
    let kept = school.number("SELECT COUNT(*) FROM outbox WHERE matter IS NOT NULL");
    assert_eq!(kept.await, Some(0), "what left stands there no longer");
    let messages = receiver.messages().unwrap();
    assert_eq!(messages.len(), Sort::ALL.len());
    let says = |words| messages.iter().any(|message| message.text.contains(words));
    assert!(says("ended since stands again"));
    assert!(
        messages
            .iter()
            .all(|message| message.header("Subject").is_some() && message.to == "head@oak.example")
    );
}

/// What a notice of a sort tells, and whether it gathers.
fn example(sort: Sort, at: i64) -> (Matter, bool) {
    let own = |matter| (matter, false);
    let gathers = |matter| (matter, true);
    let keys = || "AAAA BBBB".to_owned();
    let what = AccessChange::Agreed(Act::Grant);
    match sort {
        Sort::New => own(Matter::New(Why::New)),
        Sort::Risen => own(Matter::Risen),
        Sort::Corrected => own(Matter::Corrected),
        Sort::Unanswered => own(Matter::Unanswered),
        Sort::Several => gathers(Matter::Several),
        Sort::Digest => gathers(Matter::Digest),
        Sort::Reminder => gathers(Matter::Reminder),
        Sort::Yours => gathers(Matter::Yours),
        Sort::Review => gathers(Matter::Review),
        Sort::AgreementWanted => gathers(Matter::AgreementWanted),
        Sort::Conflict => own(Matter::Conflict { lapses_at: Some(at) }),
        Sort::Unread => own(Matter::Unread { to_technician: false }),
        Sort::Siege => own(Matter::Siege),
        Sort::AuditHead => own(Matter::AuditHead {
            number: "1-AAAA".into(),
            keys: keys(),
            at,
        }),
        Sort::AuditBroken => own(Matter::AuditBroken),
        Sort::KeysDiffer => own(Matter::KeysDiffer { keys: keys() }),
        Sort::OwnKeyDiffers => own(Matter::OwnKeyDiffers),
        Sort::Restored => own(Matter::Restored { from: at }),
        Sort::SafeOpened => own(Matter::SafeOpened),
        Sort::Link => own(Matter::Link {
            path: "/join/i1".into(),
            until: at,
        }),
        Sort::Access => own(Matter::Access { what, own: true }),
        Sort::LaptopsDaily => own(Matter::LaptopsDaily(Laptops::default())),
        Sort::LaptopsWeekly => own(Matter::LaptopsWeekly(Laptops::default())),
    }
}

/// What each sort is about: an old new concern, an acknowledged one of the headteacher's, a broken chain, a proposal.
async fn everything_to_tell(school: &School) {
    for id in ["c1", "c2"] {
        school.open(&Concern { id, ..a_concern() }).await;
    }
    for statement in [
        "DELETE FROM outbox",
        "UPDATE concern SET backlog = 1, escalation_step = 9, unread_told_at = 1 WHERE concern_id = 'c1'",
        "UPDATE concern SET state = 'acknowledged', owner_id = 'head', review_at = 1 WHERE concern_id = 'c2'",
        "UPDATE school SET chain_broken_at = 1",
        "INSERT INTO key_doubt (school_id, reader_group, found_at) VALUES ('school-1', 'safe', 1)",
        "INSERT INTO list_change (school_id, operation, reason, state, proposed_by, proposed_at)
         VALUES ('school-1', '{}', 'why', 'proposed', 'dsl', 1)",
        "INSERT INTO invitation (school_id, invitation_id, person_id, resets, vouched, link_hash, code_hash, proposed_by,
                                 code_with, made_at, ready_at, expires_at)
         VALUES ('school-1', 'i1', 'head', FALSE, TRUE, x'00', x'00', 'init', 'init', 1, 1, 9000000000000)",
    ] {
        school.run(statement, &[]).await;
    }
}

/// INVARIANT 5: who must learn that the chain is broken does, and hears of it until it is whole again.
#[tokio::test]
async fn the_mail_about_a_broken_audit_chain_leaves() {
    let (school, receiver) = (School::new().await, Mail::alone().unwrap());
    assert!(retention::daily(&school.app, now_ms() - 2 * DAY).await.unwrap());
    school.run("DELETE FROM outbox", &[]).await;
    school.run("UPDATE audit SET actor = 'nobody'", &[]).await;
    assert!(retention::daily(&school.app, now_ms()).await.unwrap());
    let _worker = run(&school, &receiver);
    let messages = receiver.arrived(4).await.unwrap();
    let about = |word: &str| {
        let about = messages
            .iter()
            .filter(|message| message.header("Subject").unwrap().contains(word));
        about.map(|message| message.to.clone()).collect::<Vec<_>>()
    };
    let mut told = about("was changed");
    told.sort();
    assert_eq!(told, ["chair@oak.example", "head@oak.example"]);
}
