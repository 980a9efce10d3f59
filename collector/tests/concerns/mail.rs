//! Notices by mail, with a real receiver: at least once, always under the same Message-ID, and saying nothing they
//! must not say (INVARIANT 9).

use crate::school::{Concern, DAY, MINUTE, School, monday};
use pastoral_collector::clock::now_ms;
use pastoral_collector::concerns::kind::Kind;
use pastoral_collector::config::{self, MailTls};
use pastoral_collector::notify::mail::Mailer;
use pastoral_collector::notify::{text, worker};
use pastoral_collector::retention;
use pastoral_collector::store::outbox;
use pastoral_support::mail::{Mail, Message};
use pastoral_support::poll::comes_true;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The worker goes by the real clock.
pub(crate) fn a_concern() -> Concern<'static> {
    Concern {
        event_at: now_ms(),
        now: now_ms(),
        ..Concern::default()
    }
}

pub(crate) struct Running {
    stop: CancellationToken,
    worker: JoinHandle<Result<(), sqlx::Error>>,
}

impl Running {
    /// Waits until it has ended: one that is only told to may take up what is queued next.
    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        (&mut self.worker).await.unwrap().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn run(school: &School, receiver: &Mail) -> Running {
    worker_of(school, &settings(receiver.port()))
}

/// A server of this machine that asks for nothing.
pub(crate) fn settings(port: u16) -> config::Mail {
    config::Mail {
        host: "127.0.0.1".into(),
        port,
        from: "pastoral@oak.example".into(),
        tls: MailTls::None,
        login: None,
    }
}

/// Runs until it is dropped.
pub(crate) fn worker_of(school: &School, mail: &config::Mail) -> Running {
    let stop = CancellationToken::new();
    let mailer = Mailer::new(mail).unwrap();
    let worker = tokio::spawn(worker::run(school.app.clone(), mailer, stop.clone()));
    Running { stop, worker }
}

pub(crate) async fn waiting(school: &School) -> i64 {
    school
        .number("SELECT COUNT(*) FROM outbox WHERE sent_at IS NULL")
        .await
        .unwrap()
}

/// P19, INVARIANT 9.
#[tokio::test]
async fn a_notice_reaches_the_reader_and_names_nobody_and_quotes_nothing() {
    let (school, receiver) = (School::new().await, Mail::alone().unwrap());
    let _worker = run(&school, &receiver);
    for (number, kind) in (0..).zip(Kind::ALL) {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        school
            .open(&Concern {
                id: &id,
                kind,
                ..a_concern()
            })
            .await;
    }
    let messages = receiver.arrived(Kind::ALL.len()).await.unwrap();
    let first = messages
        .iter()
        .find(|message| message.text.contains("8000-000000000000"))
        .unwrap();
    assert_eq!(first.to, "dsl@oak.example");
    let plain = &first.text;
    assert!(
        plain.contains("http://localhost:8443/concerns/00000000-0000-4000-8000-000000000000"),
        "{plain}"
    );
    for message in &messages {
        let plain = message.text.to_lowercase();
        for said in [
            "ibbotson",
            "leigh",
            " ann",
            "self-harm",
            "suicide",
            "bullying",
            "abuse",
            "kind",
            "pupil",
            "child",
        ] {
            assert!(!plain.contains(said), "{said}: {plain}");
        }
    }
    // Whatever the kind, it is the same but for the address.
    let body = |message: &Message| {
        let (_, body) = message.text.split_once("\n\n").unwrap();
        body.lines()
            .filter(|line| !line.contains("/concerns/") && !line.contains("acknowledges it by"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert!(messages.iter().all(|message| body(message) == body(first)));
}

/// P19: it says what happens when nobody answers, by the school's clock.
#[tokio::test]
async fn a_notice_says_until_when_somebody_must_answer_and_what_follows() {
    let school = School::new().await;
    school.open(&Concern::default()).await;
    let due = outbox::due(&school.app.store, monday(), 9)
        .await
        .unwrap()
        .remove(0);
    let says = |now| text::leaving(&school.telling(), &due, now).body;
    let body = says(monday());
    assert!(
        body.contains("If nobody acknowledges it by 10:30 on Monday 23 November, the next person"),
        "{body}"
    );
    // One that waited for longer names no time that is over.
    let body = says(monday() + 3 * DAY);
    assert!(
        !body.contains("10:30") && body.contains("The next person who may see it is told now."),
        "{body}"
    );
    assert!(monday() < school.next_due("c1").await.unwrap());
}

/// Never lost, and once only when nothing went wrong in between.
#[tokio::test]
async fn with_the_mail_server_away_every_notice_waits_and_is_delivered_when_it_is_back() {
    let (school, mut receiver) = (School::new().await, Mail::alone().unwrap());
    receiver.kill().unwrap();
    let _worker = run(&school, &receiver);
    for id in ["c1", "c2", "c3"] {
        school.open(&Concern { id, ..a_concern() }).await;
    }
    let tried = "SELECT COUNT(*) FROM outbox WHERE attempts > 0 AND ended_at IS NULL";
    comes_true("all are tried", async || school.number(tried).await == Some(3)).await;
    assert_eq!(waiting(&school).await, 3);
    receiver.start_again().unwrap();
    // Not to wait for the delay.
    school.run("UPDATE outbox SET due_at = created_at", &[]).await;
    school.app.outbox_wake.notify_one();
    comes_true("nothing waits", async || waiting(&school).await == 0).await;
    assert_eq!(receiver.messages().unwrap().len(), 3);
}

/// A server that takes a message but whose answer is lost gets it once more, under the same Message-ID.
#[tokio::test]
async fn a_notice_whose_taking_is_not_known_comes_once_more_with_the_same_message_id() {
    let (school, receiver) = (School::new().await, Mail::alone().unwrap());
    receiver.drop_next_answer().unwrap();
    let _worker = run(&school, &receiver);
    school.open(&a_concern()).await;
    comes_true("it is tried", async || {
        school.number("SELECT MAX(attempts) FROM outbox").await == Some(1)
    })
    .await;
    assert_eq!(waiting(&school).await, 1);
    school.run("UPDATE outbox SET due_at = created_at", &[]).await;
    school.app.outbox_wake.notify_one();
    comes_true("nothing waits", async || waiting(&school).await == 0).await;
    let messages = receiver.messages().unwrap();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].header("Message-ID"), messages[1].header("Message-ID"));
}

/// A reader who cannot be reached is visible, the next one is told at once, and they themselves later.
#[tokio::test]
async fn a_reader_whose_address_is_refused_is_told_later_and_the_next_one_at_once() {
    let (school, receiver) = (School::new().await, Mail::alone().unwrap());
    receiver.know_nobody().unwrap();
    let worker = run(&school, &receiver);
    school.open(&a_concern()).await;
    comes_true("a reader is skipped", async || {
        school.number("SELECT COUNT(skipped_at) FROM outbox").await == Some(1)
    })
    .await;
    worker.end().await;
    let now = now_ms();
    assert!(school.next_due("c1").await.unwrap() <= now);
    pastoral_collector::escalate::step_due(&school.app, now)
        .await
        .unwrap();
    assert_eq!(school.notices("c1").await, ["dsl new", "deputy unanswered"]);
    let mut connection = school.app.store.read().await.unwrap();
    let seen = async |connection: &mut sqlx::SqliteConnection, reader| {
        let school_id = crate::school::SCHOOL;
        pastoral_collector::store::outbox::undelivered(connection, school_id, reader, 10)
            .await
            .unwrap()
    };
    let shown = seen(&mut connection, "head").await;
    assert!(
        shown
            .iter()
            .any(|notice| notice.skipped_at.is_some() && notice.last_error.contains("550")),
        "{shown:?}"
    );
    // INVARIANT 4: not even that there was one.
    assert!(seen(&mut connection, "chair").await.is_empty());
    receiver.know_everybody().unwrap();
    let _restarted = run(&school, &receiver);
    comes_true("nothing waits", async || waiting(&school).await == 0).await;
    let mut to: Vec<_> = receiver
        .messages()
        .unwrap()
        .iter()
        .map(|message| message.to.clone())
        .collect();
    to.sort();
    assert_eq!(to, ["deputy@oak.example", "dsl@oak.example"]);
}

/// INVARIANT 4: who may not see it any more at the moment of sending is not told.
#[tokio::test]
async fn a_notice_does_not_leave_to_somebody_who_stopped_being_a_reader() {
    let (school, mut receiver) = (School::new().await, Mail::alone().unwrap());
    receiver.kill().unwrap();
    school.open(&a_concern()).await;
    school
        .run("DELETE FROM concern_reader WHERE person_id = ?", &["dsl"])
        .await;
    school
        .open(&Concern {
            id: "c2",
            ..a_concern()
        })
        .await;
    receiver.start_again().unwrap();
    let _worker = run(&school, &receiver);
    let messages = receiver.arrived(1).await.unwrap();
    comes_true("one waits", async || waiting(&school).await == 1).await;
    assert!(messages.len() == 1 && messages[0].text.contains("/concerns/c2"));
}

/// INVARIANT 5: the head of the audit chain leaves the machine daily, to headteacher and chair.
#[tokio::test]
async fn the_head_of_the_audit_chain_goes_to_headteacher_and_chair_once_a_day() {
    let (school, receiver) = (School::new().await, Mail::alone().unwrap());
    let _worker = run(&school, &receiver);
    // The worker's clock is the real one; what is queued for earlier leaves at once.
    assert!(retention::daily(&school.app, monday() - 7 * DAY).await.unwrap());
    assert!(
        !retention::daily(&school.app, monday() - 7 * DAY + MINUTE)
            .await
            .unwrap()
    );
    let mut messages = receiver.arrived(2).await.unwrap();
    messages.sort_by_key(|message| message.to.clone());
    let to: Vec<_> = messages.iter().map(|message| message.to.as_str()).collect();
    assert_eq!(to, ["chair@oak.example", "head@oak.example"]);
    let mut connection = school.app.store.read().await.unwrap();
    let head = pastoral_collector::store::audit::head(&mut connection, crate::school::SCHOOL)
        .await
        .unwrap()
        .unwrap();
    let number = pastoral_collector::chain::number::of_head(&head.hash);
    assert!(messages[0].text.contains(&format!("Number  {number}\n")));
}
