//! Mail servers that are slow, wordy, speak another alphabet or promise what they do not keep: each notice leaves once, and
//! nothing is said unprotected that was to be protected.

use crate::mail::{a_concern, settings, waiting, worker_of};
use crate::school::School;
use crate::scripted::{Does, Heard, Scripted, usual};
use pastoral_collector::config::{Mail, MailTls};
use pastoral_collector::store::outbox;
use pastoral_support::poll::comes_true;
use std::sync::{Arc, Mutex};

/// A notice leaves to a server at the first try, once.
async fn leaves_once(script: impl Fn(&Heard<'_>) -> Does + Send + Sync + 'static, what: &str) {
    let (school, server) = (School::new().await, Scripted::start(script).await);
    let _worker = worker_of(&school, &settings(server.port));
    school.open(&a_concern()).await;
    comes_true("all are tried", async || {
        let tried = "SELECT COUNT(*) FROM outbox WHERE attempts > 0";
        school.number(tried).await == Some(1)
    })
    .await;
    let said = outbox::last_error(&school.app.store, crate::school::SCHOOL)
        .await
        .unwrap();
    assert_eq!((waiting(&school).await, said), (0, None), "{what}");
    assert_eq!(server.taken().len(), 1, "{what}");
}

#[tokio::test]
async fn a_server_that_drips_one_byte_at_a_time_gets_each_notice_once() {
    leaves_once(
        |heard| match heard.line {
            "DATA" => Does::Usual,
            line => Does::Drips(usual(line)),
        },
        "drips",
    )
    .await;
}

/// The code in front of the words is all that counts, however many they are and in whatever alphabet: who does not see that
/// a message was taken sends it again and again.
#[tokio::test]
async fn a_reply_of_any_length_or_alphabet_is_understood_and_the_notice_does_not_come_twice() {
    let lines: String = (0..90).map(|number| format!("250-line {number}\r\n")).collect();
    for (reply, what) in [
        (b"250 angenommen f\xfcr Sie".to_vec(), "another alphabet"),
        ("250 übernommen".into(), "not ASCII"),
        ([b"250 ".to_vec(), vec![b'x'; 200_000]].concat(), "one long line"),
        (format!("{lines}250 at last").into(), "many lines"),
        (b"250".to_vec(), "no words"),
    ] {
        for at in ["EHLO", "MAIL", "RCPT", "."] {
            // A server says its name.
            if (at, what) == ("EHLO", "no words") {
                continue;
            }
            let reply = reply.clone();
            leaves_once(
                move |heard| match heard.line.starts_with(at) {
                    true => Does::SaysBytes(reply.clone()),
                    false => Does::Usual,
                },
                &format!("{what} at {at}"),
            )
            .await;
        }
    }
    // Of a refusal the code and nothing else is kept, whatever stands behind it.
    let school = School::new().await;
    let server = Scripted::start(|heard| match heard.line {
        "." => Does::SaysBytes(b"550 5.7.60 nicht f\xfcr dora@oak.example".to_vec()),
        _ => Does::Usual,
    })
    .await;
    let _worker = worker_of(&school, &settings(server.port));
    school.open(&a_concern()).await;
    let failed = "SELECT COUNT(*) FROM outbox WHERE fault = 'sender' AND last_error NOT LIKE '%dora%'";
    comes_true("it is refused", async || school.number(failed).await == Some(1)).await;
}

/// Neither the password nor a message is said to a server that does not keep its word about protection.
#[tokio::test]
async fn a_server_that_offers_starttls_and_does_not_keep_it_learns_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "correct horse").unwrap();
    for (answer, fault) in [
        ("454 4.7.0 TLS not available", "tls-refused"),
        ("502 5.5.1 not implemented", "tls-refused"),
        // Then nothing that is TLS, or the end.
        ("220 go on", "unreachable"),
        ("220 go on\r\n250 injected", "unreachable"),
    ] {
        let (school, heard) = (School::new().await, Arc::new(Mutex::new(Vec::new())));
        let hears = Arc::clone(&heard);
        let server = Scripted::start(move |heard: &Heard<'_>| {
            hears.lock().unwrap().push(heard.line.to_owned());
            match heard.line {
                "STARTTLS" => Does::Says(answer),
                line if line.starts_with("EHLO") => {
                    Does::Says("250-scripted.test\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS")
                }
                _ => Does::Usual,
            }
        })
        .await;
        let settings = Mail {
            tls: MailTls::Starttls,
            login: Some(("pastoral".into(), password.clone())),
            ..settings(server.port)
        };
        let _worker = worker_of(&school, &settings);
        school.open(&a_concern()).await;
        comes_true("it is tried", async || {
            school.number("SELECT MAX(attempts) FROM outbox").await >= Some(1)
        })
        .await;
        let codes = school
            .texts(
                "SELECT fault FROM outbox WHERE school_id = ?",
                crate::school::SCHOOL,
            )
            .await;
        assert_eq!(codes, [fault], "{answer}");
        let heard = heard.lock().unwrap().join("\n");
        for word in ["AUTH", "MAIL", "RCPT", "DATA", "correct"] {
            assert!(!heard.contains(word), "{answer}: {heard}");
        }
        assert!(server.taken().is_empty());
    }
}
