//! Mail servers as schools have them: what each refuses, how it is said, and that nothing is given up for it.

use crate::mail::{a_concern, settings, waiting, worker_of};
use crate::school::{Concern, DAY, MINUTE, School};
use crate::scripted::{Does, Heard, Scripted};
use pastoral_collector::clock::now_ms;
use pastoral_collector::config::{Mail, MailTls};
use pastoral_collector::notify::text;
use pastoral_collector::store::outbox;
use pastoral_support::poll::comes_true;
use std::time::{Duration, Instant};

/// The fault that was written down.
async fn fault(school: &School) -> Option<String> {
    school
        .texts(
            "SELECT fault FROM outbox WHERE fault IS NOT NULL AND school_id = ?",
            crate::school::SCHOOL,
        )
        .await
        .pop()
}

/// Not to wait for the pause.
async fn try_now(school: &School) {
    school
        .run("UPDATE outbox SET due_at = created_at WHERE sent_at IS NULL", &[])
        .await;
    school.app.outbox_wake.notify_one();
}

/// Refuses with an answer until it was asked so often, and says what is written down about it meanwhile.
async fn refused_for_a_while(at: &'static str, says: &'static str) -> (School, Scripted, String) {
    let school = School::new().await;
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let server = Scripted::start(move |heard: &Heard<'_>| {
        let refuses =
            heard.line.starts_with(at) && asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 8;
        if refuses { Does::Says(says) } else { Does::Usual }
    })
    .await;
    let _worker = worker_of(&school, &settings(server.port));
    school.open(&a_concern()).await;
    comes_true("the fault is written down", async || {
        fault(&school).await.is_some()
    })
    .await;
    let fault = fault(&school).await.unwrap();
    comes_true("nothing waits", async || {
        try_now(&school).await;
        waiting(&school).await == 0
    })
    .await;
    (school, server, fault)
}

/// However a server refuses, it is tried until the server takes it; nothing is given up early.
#[tokio::test]
async fn whatever_a_server_refuses_leaves_when_it_takes_it_and_the_fault_is_told_apart() {
    for (at, says, fault) in [
        (
            ".",
            "550 5.7.60 Client does not have permissions to send as this sender",
            "sender",
        ),
        (".", "554 5.2.0 STOREDRV.Submission.Exception", "limit"),
        (".", "552 too much", "limit"),
        (".", "451 4.3.0 try again", "later"),
        (".", "550-5.7.1 first line\r\n550 5.7.1 second line", "refused"),
        (
            "MAIL",
            "432 4.3.2 Concurrent connections limit exceeded",
            "too-many",
        ),
        ("MAIL", "553 sender not owned", "sender"),
        (
            "MAIL",
            "530 5.7.0 Must issue a STARTTLS command first",
            "login-wanted",
        ),
        ("RCPT", "451 4.7.1 Greylisted, come back later", "greylisted"),
        ("RCPT", "450 4.2.0 Greylisted", "greylisted"),
        ("DATA", "421 4.3.2 closing", "too-many"),
    ] {
        let (_school, server, said) = refused_for_a_while(at, says).await;
        assert_eq!((said.as_str(), server.taken().len()), (fault, 1), "{says}");
    }
}

/// A refusal for good has a pause that grows to four hours, and no end but the sort's own; it survives a restart.
#[tokio::test]
async fn after_a_week_of_refusals_it_is_still_tried_and_a_restart_tries_at_once() {
    let (school, server) = (
        School::new().await,
        Scripted::start(|heard| match heard.line {
            "." if heard.connection < 3 => Does::Says("550 5.7.60 not as this sender"),
            _ => Does::Usual,
        })
        .await,
    );
    let worker = worker_of(&school, &settings(server.port));
    school.open(&a_concern()).await;
    comes_true("the fault is written down", async || {
        fault(&school).await.is_some()
    })
    .await;
    // As after a week.
    let week = now_ms() - 7 * DAY;
    school
        .run(
            "UPDATE outbox SET created_at = CAST(?1 AS INTEGER), first_tried_at = CAST(?1 AS INTEGER), due_at = CAST(?1 AS INTEGER)",
            &[&week.to_string()],
        )
        .await;
    school.app.outbox_wake.notify_one();
    comes_true("it is tried", async || {
        school.number("SELECT MAX(attempts) FROM outbox").await >= Some(2)
    })
    .await;
    let next = school.number("SELECT MAX(due_at) FROM outbox").await.unwrap() - now_ms();
    assert!(next > 239 * MINUTE && next <= 240 * MINUTE, "{next}");
    assert_eq!(waiting(&school).await, 1);
    worker.end().await;
    let _worker = worker_of(&school, &settings(server.port));
    comes_true("it is tried", async || {
        school.number("SELECT MAX(attempts) FROM outbox").await >= Some(3)
    })
    .await;
    comes_true("nothing waits", async || {
        try_now(&school).await;
        waiting(&school).await == 0
    })
    .await;
}

/// What waited for the same server leaves as soon as it takes anything again.
#[tokio::test]
async fn when_a_server_takes_mail_again_all_that_waited_leaves_at_once() {
    let school = School::new().await;
    let server = Scripted::start(|heard| match heard.line {
        "." if heard.connection < 2 => Does::Says("550 5.7.60 not as this sender"),
        _ => Does::Usual,
    })
    .await;
    let worker = worker_of(&school, &settings(server.port));
    for id in ["c1", "c2"] {
        school.open(&Concern { id, ..a_concern() }).await;
    }
    comes_true("both faults are written down", async || {
        school.number("SELECT COUNT(fault) FROM outbox").await == Some(2)
    })
    .await;
    school
        .run("UPDATE outbox SET due_at = due_at + 10000000", &[])
        .await;
    worker.end().await;
    school
        .open(&Concern {
            id: "c3",
            ..a_concern()
        })
        .await;
    // Without the start's own try of everything: only the third is due.
    let stop = pastoral_collector::notify::mail::Mailer::new(&settings(server.port)).unwrap();
    let due = outbox::due(&school.app.store, now_ms(), 9).await.unwrap();
    assert_eq!(due.len(), 1);
    let text = text::leaving(&school.telling(), &due[0], now_ms());
    stop.send(&due[0], &text, now_ms()).await.unwrap();
    outbox::sent(&school.app.store, &due[0].notice_id, now_ms())
        .await
        .unwrap();
    assert_eq!(
        outbox::due(&school.app.store, now_ms(), 9).await.unwrap().len(),
        2
    );
}

/// A server that ends a connection that waited costs no try: the next notice leaves by a fresh one.
#[tokio::test]
async fn a_connection_that_the_server_ended_costs_no_try_and_no_time() {
    for ending in ["221", "ends", "421", "waits"] {
        let school = School::new().await;
        let server = Scripted::start(move |heard| match ending {
            _ if heard.message == 0 || heard.line.is_empty() => Does::Usual,
            "221" => Does::SaysAndEnds("221 2.0.0 timed out, bye"),
            "421" => Does::SaysAndEnds("421 4.4.2 idle for too long"),
            "waits" => Does::Waits,
            _ => Does::Ends,
        })
        .await;
        let _worker = worker_of(&school, &settings(server.port));
        school.open(&a_concern()).await;
        comes_true("nothing waits", async || waiting(&school).await == 0).await;
        let began = Instant::now();
        school
            .open(&Concern {
                id: "c2",
                ..a_concern()
            })
            .await;
        comes_true("nothing waits", async || waiting(&school).await == 0).await;
        assert!(began.elapsed() < Duration::from_secs(30), "{ending}");
        assert_eq!(server.taken().len(), 2, "{ending}");
        assert_eq!(
            school.number("SELECT MAX(attempts) FROM outbox").await,
            Some(1),
            "{ending}"
        );
        assert_eq!(server.connections(), 2, "{ending}");
    }
}

/// A server that breaks off in the middle of a message may have taken it: that counts as a try, and it comes once more.
#[tokio::test]
async fn a_server_that_ends_in_the_middle_of_a_message_gets_it_again() {
    let school = School::new().await;
    let server = Scripted::start(|heard| match heard.line {
        "." if heard.connection == 0 => Does::Ends,
        _ => Does::Usual,
    })
    .await;
    let _worker = worker_of(&school, &settings(server.port));
    school.open(&a_concern()).await;
    comes_true("the fault is written down", async || {
        fault(&school).await.as_deref() == Some("unreachable")
    })
    .await;
    try_now(&school).await;
    comes_true("nothing waits", async || waiting(&school).await == 0).await;
    assert_eq!(server.taken().len(), 1);
}

/// What only a technician can put right is said so that they can.
#[tokio::test]
async fn a_server_that_offers_no_login_or_no_tls_or_no_mail_is_said_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "correct horse").unwrap();
    let login = Some(("pastoral".to_owned(), password));
    let greets = |says| {
        move |heard: &Heard<'_>| {
            if heard.line.is_empty() {
                Does::Says(says)
            } else {
                Does::Usual
            }
        }
    };
    let offers_login = |says: &'static str| {
        move |heard: &Heard<'_>| match heard.line.get(..4) {
            Some("EHLO") => Does::Says("250-scripted.test\r\n250 AUTH PLAIN LOGIN"),
            Some("AUTH") => Does::Says(says),
            _ => Does::Usual,
        }
    };
    type Script = Box<dyn Fn(&Heard<'_>) -> Does + Send + Sync>;
    let cases: [(Script, MailTls, bool, &str); 7] = [
        (
            Box::new(|_| Does::Usual),
            MailTls::None,
            true,
            "remove `user` and",
        ),
        (
            Box::new(|_| Does::Usual),
            MailTls::Starttls,
            false,
            "offers no STARTTLS",
        ),
        (
            Box::new(offers_login(
                "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled",
            )),
            MailTls::None,
            true,
            "it is not a wrong password",
        ),
        (
            Box::new(offers_login("535 5.7.8 bad credentials")),
            MailTls::None,
            true,
            "does not accept the user and password",
        ),
        (
            Box::new(greets("HTTP/1.1 400 Bad Request")),
            MailTls::None,
            false,
            "does not speak as a mail server",
        ),
        (
            Box::new(|_| Does::Usual),
            MailTls::Tls,
            false,
            "check `port` and `tls`",
        ),
        (
            Box::new(greets("554 5.7.1 blocked")),
            MailTls::None,
            false,
            "refused the message (code 554 5.7.1)",
        ),
    ];
    for (script, tls, logs_in, words) in cases {
        let (school, server) = (School::new().await, Scripted::start(script).await);
        let settings = Mail {
            tls,
            login: login.clone().filter(|_| logs_in),
            ..settings(server.port)
        };
        let _worker = worker_of(&school, &settings);
        school.open(&a_concern()).await;
        comes_true("the fault is written down", async || {
            fault(&school).await.is_some()
        })
        .await;
        let said = outbox::last_error(&school.app.store, crate::school::SCHOOL)
            .await
            .unwrap();
        assert!(
            said.as_ref().is_some_and(|said| said.contains(words)),
            "{words}: {said:?}"
        );
        assert!(server.taken().is_empty());
        // INVARIANT 9: of the server's own words nothing.
        assert!(!said.unwrap().contains("SmtpClientAuthentication"));
    }
}

/// One reader's refused address keeps nobody else from being told, and they are told later themselves.
#[tokio::test]
async fn a_refused_address_skips_one_reader_and_tells_the_next_at_once_also_without_an_address() {
    for address in ["dsl@oak.example", ""] {
        let school = School::new().await;
        school
            .run("UPDATE person SET email = ? WHERE person_id = 'dsl'", &[address])
            .await;
        let server = Scripted::start(|heard| match heard.line {
            line if line.starts_with("RCPT") && line.contains("dsl@") => Does::Says("550 5.1.1 no such user"),
            _ => Does::Usual,
        })
        .await;
        let _worker = worker_of(&school, &settings(server.port));
        school.open(&a_concern()).await;
        comes_true("a reader is skipped", async || {
            school.number("SELECT COUNT(skipped_at) FROM outbox").await == Some(1)
        })
        .await;
        pastoral_collector::escalate::step_due(&school.app, now_ms())
            .await
            .unwrap();
        assert_eq!(school.notices("c1").await, ["dsl new", "deputy unanswered"]);
        comes_true("it is taken", async || server.taken().len() == 1).await;
        // The people's list is put right.
        school
            .run(
                "UPDATE person SET email = 'd.leigh@oak.example' WHERE person_id = 'dsl'",
                &[],
            )
            .await;
        comes_true("nothing waits", async || {
            try_now(&school).await;
            waiting(&school).await == 0
        })
        .await;
        assert!(
            server
                .taken()
                .iter()
                .any(|message| message.contains("To: d.leigh@oak.example"))
        );
    }
}

/// What was answered meanwhile is not sent, and what is sent has the date of that day.
#[tokio::test]
async fn what_was_held_leaves_with_the_date_of_sending_and_only_while_it_is_wanted() {
    let (school, server) = (School::new().await, Scripted::start(|_| Does::Usual).await);
    let saturday = now_ms() - 9 * DAY;
    for id in ["c1", "c2"] {
        school
            .open(&Concern {
                id,
                event_at: saturday,
                now: saturday,
                ..Concern::default()
            })
            .await;
    }
    school
        .run(
            "UPDATE concern SET state = 'acknowledged' WHERE concern_id = 'c2'",
            &[],
        )
        .await;
    let _worker = worker_of(&school, &settings(server.port));
    comes_true("nothing waits", async || {
        school
            .number("SELECT COUNT(*) FROM outbox WHERE sent_at IS NULL AND ended_at IS NULL")
            .await
            == Some(0)
    })
    .await;
    let taken = server.taken();
    assert_eq!(taken.len(), 1);
    let date = taken[0]
        .lines()
        .find_map(|line| line.strip_prefix("Date: "))
        .unwrap();
    let sent = jiff::fmt::rfc2822::parse(date)
        .unwrap()
        .timestamp()
        .as_millisecond();
    assert!((now_ms() - sent).abs() < 10 * MINUTE, "{date}");
}
