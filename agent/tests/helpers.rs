//! The service's side of `session.sock`, spoken to byte by byte.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests, and what they use")]

mod common;

use common::{Service, can, copy_program, settings};
use pastoral_agent::helpers::{HelperFault, PER_USER};
use pastoral_agent::platform;
use pastoral_keywords::{Provenance, Source};
use pastoral_proto::LocalFrames;
use pastoral_proto::local::{
    FromHelper, HelperHello, Overrun, TextSeen, ToHelper, from_helper::Message, to_helper,
};
use pastoral_support::poll::PATIENCE;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::watch;

/// A peer that says what it likes.
struct Peer(UnixStream);

impl Peer {
    async fn connect(socket: &Path) -> Self {
        Self(UnixStream::connect(socket).await.unwrap())
    }

    async fn greet(socket: &Path) -> Self {
        let mut peer = Self::connect(socket).await;
        peer.say(hello()).await;
        peer
    }

    async fn say(&mut self, message: Message) {
        let bytes = LocalFrames::encode(&FromHelper {
            message: Some(message),
        })
        .unwrap();
        self.0.write_all(&bytes).await.unwrap();
    }

    async fn say_bytes(&mut self, bytes: &[u8]) {
        // The service may have closed before all of it was taken.
        let _ = self.0.write_all(bytes).await;
    }

    async fn hear(&mut self) -> Option<ToHelper> {
        let mut frames = LocalFrames::default();
        loop {
            if let Some(message) = frames.take().unwrap() {
                return Some(message);
            }
            let mut bytes = [0; 64];
            match tokio::time::timeout(PATIENCE, self.0.read(&mut bytes))
                .await
                .unwrap()
            {
                Ok(0) | Err(_) => return None,
                Ok(length) => frames.push(&bytes[..length]),
            }
        }
    }

    /// Waits until the service has closed, whatever it asked before.
    async fn is_closed(&mut self) {
        while self.hear().await.is_some() {}
    }
}

fn hello() -> Message {
    Message::Hello(HelperHello {
        version: "0".into(),
        titles_by: "x11".into(),
        not_watched: vec![],
    })
}

fn title(text: impl Into<Vec<u8>>) -> Message {
    Message::Text(TextSeen {
        text: text.into(),
        program: "chromium".into(),
        source: String::new(),
    })
}

fn seen(source: Source, text: &str) -> Message {
    Message::Text(TextSeen {
        text: text.into(),
        program: "files".into(),
        source: source.code().into(),
    })
}

#[tokio::test]
async fn a_title_is_observed_with_the_account_that_the_kernel_names() {
    let mut service = Service::start(settings());
    let mut peer = Peer::greet(&service.socket).await;
    peer.say(title("Rivers of Wales - Chromium")).await;
    let seen = service.observation().await;
    assert_eq!(seen.account.authority, "local");
    assert_eq!(seen.account.stable_id, nix::unistd::getuid().to_string());
    assert_eq!((seen.source, seen.provenance), (Source::Title, Provenance::Page));
    assert_eq!(
        (seen.program.as_str(), seen.observed_at_ms),
        ("chromium", 1_790_000_000_000)
    );
}

#[tokio::test]
async fn a_search_is_told_from_other_titles() {
    let mut service = Service::start(settings());
    let mut peer = Peer::greet(&service.socket).await;
    peer.say(title("rivers of wales - Google Search - Chromium"))
        .await;
    let seen = service.observation().await;
    assert_eq!(
        (seen.source, seen.provenance),
        (Source::Search, Provenance::Typed)
    );
    assert_eq!(seen.text, "rivers of wales");
}

#[tokio::test]
async fn what_is_seen_elsewhere_than_in_a_title_keeps_its_source_and_is_no_search() {
    let mut service = Service::start(settings());
    let mut peer = Peer::greet(&service.socket).await;
    peer.say(seen(
        Source::FileName,
        "rivers of wales - Google Search - Chromium",
    ))
    .await;
    let seen = service.observation().await;
    assert_eq!(
        (seen.source, seen.provenance),
        (Source::FileName, Provenance::Medium)
    );
    assert_eq!(seen.text, "rivers of wales - Google Search - Chromium");
}

#[tokio::test]
async fn a_source_that_nobody_knows_is_of_no_helper() {
    let service = Service::start(settings());
    let mut peer = Peer::greet(&service.socket).await;
    peer.say(Message::Text(TextSeen {
        source: "dreams".into(),
        ..TextSeen::default()
    }))
    .await;
    peer.is_closed().await;
    assert_eq!(service.board.counters().malformed, 1);
}

#[tokio::test]
async fn a_peer_outside_the_services_group_is_refused_and_counted() {
    let mut settings = settings();
    if !can("root, to give the socket another group", platform::is_root()) {
        return;
    }
    // The socket itself is open to root; what refuses is the group of the peer.
    settings.group += 1;
    let service = Service::start(settings);
    let mut peer = Peer::connect(&service.socket).await;
    peer.say_bytes(
        &LocalFrames::encode(&FromHelper {
            message: Some(hello()),
        })
        .unwrap(),
    )
    .await;
    peer.is_closed().await;
    assert_eq!(service.board.counters().refused_strangers, 1);
    assert_eq!(service.board.helpers(), []);
}

#[tokio::test]
async fn a_system_account_is_not_watched() {
    let mut settings = settings();
    let mut rules = *settings.rules.borrow();
    rules.lowest_user_id = nix::unistd::getuid().as_raw() + 1;
    settings.rules = watch::channel(rules).1;
    let service = Service::start(settings);
    Peer::connect(&service.socket).await.is_closed().await;
    assert_eq!(service.board.counters().refused_system_users, 1);
}

#[tokio::test]
async fn one_user_has_so_many_helpers_and_no_more() {
    let service = Service::start(settings());
    let mut peers = Vec::new();
    for _ in 0..PER_USER {
        peers.push(Peer::greet(&service.socket).await);
    }
    service
        .until("all are there", |board| board.helpers().len() == PER_USER)
        .await;
    Peer::connect(&service.socket).await.is_closed().await;
    assert_eq!(service.board.counters().refused_too_many, 1);
    peers.pop();
    service
        .until("one has gone", |board| board.helpers().len() == PER_USER - 1)
        .await;
    let _again = Peer::greet(&service.socket).await;
    service
        .until("another is let in", |board| board.helpers().len() == PER_USER)
        .await;
}

#[tokio::test]
async fn a_malformed_message_ends_that_peer_alone_and_is_counted() {
    let mut service = Service::start(settings());
    let mut good = Peer::greet(&service.socket).await;
    let bad: [&[u8]; 4] = [
        b"\x00\x00\x00\x03\xff\xff\xff", // No message.
        b"\xff\xff\xff\xff",             // 4 GiB to come.
        b"\x00\x00\x40\x01",             // One byte over the bound.
        b"\x00\x00\x00\x00",             // A message of no known sort.
    ];
    for (count, bytes) in (1..).zip(bad) {
        let mut peer = Peer::greet(&service.socket).await;
        peer.say_bytes(bytes).await;
        peer.is_closed().await;
        assert_eq!(service.board.counters().malformed, count);
    }
    // Neither is what says anything before hello.
    let mut peer = Peer::connect(&service.socket).await;
    peer.say(title("Rivers of Wales")).await;
    peer.is_closed().await;
    assert_eq!(service.board.counters().malformed, 5);
    good.say(title("Hills of Wales")).await;
    assert_eq!(service.observation().await.text, "Hills of Wales");
}

#[tokio::test]
async fn an_endless_hello_is_refused() {
    let service = Service::start(settings());
    for hello in [
        HelperHello {
            not_watched: vec![String::new(); 17],
            ..HelperHello::default()
        },
        HelperHello {
            titles_by: "x".repeat(513),
            ..HelperHello::default()
        },
    ] {
        let mut peer = Peer::connect(&service.socket).await;
        peer.say(Message::Hello(hello)).await;
        peer.is_closed().await;
    }
    assert_eq!(service.board.counters().malformed, 2);
}

#[tokio::test]
async fn a_title_that_is_not_utf8_harms_itself_alone_and_what_can_be_read_is_kept() {
    let mut service = Service::start(settings());
    let mut peer = Peer::greet(&service.socket).await;
    peer.say(title(b"Rivers \xff of Wales".to_vec())).await;
    peer.say(title(vec![0xff; 10_000])).await;
    peer.say(title("Hills of Wales")).await;
    assert_eq!(service.observation().await.text, "Rivers \u{fffd} of Wales");
    assert!(service.observation().await.text.len() <= pastoral_proto::limits::TEXT);
    assert_eq!(service.observation().await.text, "Hills of Wales");
    assert_eq!(service.board.counters().titles_not_utf8, 2);
    assert_eq!(service.board.counters().malformed, 0);
}

#[tokio::test]
async fn titles_that_a_helper_could_not_hand_over_are_told() {
    let mut service = Service::start(settings());
    let mut peer = Peer::greet(&service.socket).await;
    peer.say(Message::Overrun(Overrun { titles: 7 })).await;
    let event = service.event().await;
    assert_eq!(event.fault, HelperFault::Overrun { titles: 7 });
    assert_eq!((event.fault.cause(), event.fault.count()), ("titles-overrun", 7));
    assert_eq!(service.board.counters().titles_overrun, 7);
}

#[tokio::test]
async fn a_canary_that_is_not_seen_is_told() {
    let mut settings = settings();
    settings.patience.canary = Duration::from_millis(100);
    let mut service = Service::start(settings);
    let mut peer = Peer::greet(&service.socket).await;
    let asked = peer.hear().await.unwrap();
    assert!(matches!(asked.message, Some(to_helper::Message::Canary(_))));
    assert_eq!(service.event().await.fault, HelperFault::CanaryMissed);
    assert!(!service.board.helpers()[0].canary_seen);
}

#[tokio::test]
async fn a_flood_of_one_account_delays_no_title_of_another_and_loses_none_of_its_own() {
    if !can("root, to have two users", platform::is_root()) {
        return;
    }
    const FLOOD: usize = 10_000;
    let mut service = Service::start_open(settings(), 0o666);
    let program = service.folder.path().join("peer");
    copy_program(&std::env::current_exe().unwrap(), &program);
    let start = |uid: u32, titles: usize| {
        let mut peer = Command::new(&program);
        peer.args(["--exact", "a_peer_of_another_user", "--nocapture"])
            .env(
                "PASTORAL_TEST_PEER",
                format!("{titles} {}", service.socket.display()),
            )
            .uid(uid)
            .gid(platform::own_group());
        common::Running::start(&mut peer)
    };
    let flooding = start(4001, FLOOD);
    // Nothing is taken yet: the flood fills all there is to fill.
    service
        .until("the flood has come", |board| board.counters().titles > 16)
        .await;
    let other = start(4002, 1);
    service
        .until("the other is here", |board| board.helpers().len() == 2)
        .await;
    service
        .until("its title too", |board| board.counters().titles > 17)
        .await;
    let (mut before, mut own, mut severe) = (0, 0, 0);
    let mut found = false;
    while own < FLOOD || !found {
        let seen = service.observation().await;
        match seen.account.stable_id.as_str() {
            "4001" => {
                own += 1;
                before += usize::from(!found);
                severe += usize::from(seen.text == "the one that matters");
            }
            "4002" => found = true,
            other => panic!("whose is {other}?"),
        }
    }
    // What was in the channel, and what went into its room before the other's turn came.
    assert!(
        before <= 2 * 16 + PER_USER,
        "{before} of the flood came before the other's title"
    );
    assert_eq!((own, severe), (FLOOD, 1));
    drop((flooding, other));
}

/// Not a test of its own: what the test above starts as another user.
#[tokio::test]
async fn a_peer_of_another_user() {
    let Ok(task) = std::env::var("PASTORAL_TEST_PEER") else {
        return;
    };
    let (titles, socket) = task.split_once(' ').unwrap();
    let titles: usize = titles.parse().unwrap();
    let mut peer = Peer::greet(Path::new(socket)).await;
    for n in 0..titles {
        let text = if n == titles / 2 {
            "the one that matters".into()
        } else {
            format!("title {n}")
        };
        peer.say(title(text)).await;
    }
    // Stays until it is ended.
    while peer.hear().await.is_some() {}
}
