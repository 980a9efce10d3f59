//! From a title to the collector's answer, and everything that can come between.

use crate::collector::{Answering, Collector};
use crate::device::Device;
use crate::{LIST, built, collector_with_policy, named, policy, sha256, signed, signer};
use pastoral_proto::device::collector_message::Message as Down;
use pastoral_proto::{Flag, Record};
use pastoral_support::poll::comes_true;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A title that a browser makes of a search.
fn search(words: &str) -> String {
    format!("{words} - Google Search - Chromium")
}

fn flags(collector: &Collector) -> Vec<Flag> {
    collector.see(|script| {
        let flag = |record: &Record| match record {
            Record::Flag(flag) => Some(flag.clone()),
            _ => None,
        };
        script.records.iter().filter_map(flag).collect()
    })
}

async fn watched(collector: &Collector) -> Device {
    let device = Device::joined(collector).await;
    device
        .until_status("policy in force", |status| status["detail"]["policy"] == "1.1")
        .await;
    device
}

async fn empty(device: &Device) {
    device
        .until_status("empty", |status| status["detail"]["spool_records"] == 0)
        .await;
}

#[tokio::test]
async fn what_matches_is_delivered_with_its_audience_and_deleted_and_nothing_else_leaves() {
    let collector = collector_with_policy().await;
    let device = watched(&collector).await;
    let mut helper = device.helper();
    comes_true("the audience was asked", async || {
        collector.see(|script| !script.asked.is_empty())
    })
    .await;
    helper.title("Fractions - a harmless page - Chromium");
    helper.title(&search("how to go zorbling deep"));
    comes_true("delivered", async || flags(&collector).len() == 1).await;
    let flag = flags(&collector).remove(0);
    assert_eq!(
        (flag.text.as_str(), flag.severity.get()),
        ("how to go zorbling deep", 5)
    );
    assert_eq!((flag.audience.code(), flag.provenance.code()), ("ks2", "typed"));
    assert_eq!(flag.account.stable_id, nix::unistd::getuid().to_string());
    empty(&device).await;
    assert!(!device.log().contains("zorbling") && !device.log().contains("harmless"));
    collector.see(|script| assert!(!format!("{:?}", script.records).contains("harmless")));
}

#[tokio::test]
async fn rules_change_while_titles_arrive_and_every_one_that_matches_is_flagged() {
    let collector = collector_with_policy().await;
    let device = watched(&collector).await;
    let other = built(&LIST.replace("quandle one", "quandle two"));
    collector.set(|script| {
        script.rules.insert(sha256(&other), other.clone());
    });
    let mut helper = device.helper();
    for counter in 2..10 {
        let mut next = policy(counter);
        if counter % 2 == 0 {
            next.rules = Some(named(&other));
        }
        let next = signed(&next, &signer(&collector.authority));
        for number in 0..10 {
            helper.title(&search(&format!("zorbling deep {counter} before {number}")));
        }
        collector.send(Down::Policy(next)).await;
        for number in 0..10 {
            helper.title(&search(&format!("zorbling deep {counter} meanwhile {number}")));
        }
        device
            .until_status("in force", |status| {
                status["detail"]["policy"] == format!("1.{counter}")
            })
            .await;
    }
    comes_true("every title to be flagged", async || {
        flags(&collector).len() == 8 * 20
    })
    .await;
}

#[tokio::test]
async fn a_flag_says_what_lowered_its_severity_and_which_exceptions_do_not_cover_it() {
    let collector = collector_with_policy().await;
    let device = watched(&collector).await;
    let mut helper = device.helper();
    helper.title("Zorbling deep sea, then zorbling deep - Chromium");
    comes_true("delivered", async || flags(&collector).len() == 1).await;
    let flag = flags(&collector).remove(0);
    let found = &flag.matches[0];
    assert_eq!((flag.severity.get(), flag.provenance.code()), (4, "page"));
    assert_eq!(
        found.severity_note.as_deref(),
        Some("lowered from 5 to 4: written by a page, not typed")
    );
    assert_eq!(found.considered, ["zorbling deep sea"]);
    assert_eq!((found.view.as_str(), found.span.clone()), ("plain", 24..37));
}

#[tokio::test]
async fn a_flag_of_a_list_held_in_confidence_carries_its_severity_and_none_of_its_words() {
    let list = LIST.replacen("version = 1", "version = 1\nconfidential = true", 1);
    let rules = built(&list);
    let mut confidential = policy(2);
    confidential.rules = Some(named(&rules));
    let collector = collector_with_policy().await;
    collector.set(|script| {
        script.policy = Some(signed(&confidential, &signer(&collector.authority)));
        script.rules.insert(sha256(&rules), rules);
    });
    let device = Device::joined(&collector).await;
    device
        .until_status("policy in force", |status| status["detail"]["policy"] == "1.2")
        .await;
    let mut helper = device.helper();
    helper.title(&search("how to go zorbl1ng d33p"));
    comes_true("delivered", async || flags(&collector).len() == 1).await;
    let flag = flags(&collector).remove(0);
    assert_eq!(
        (flag.text.as_str(), flag.severity.get()),
        ("how to go zorbl1ng d33p", 5)
    );
    assert!(flag.matches[0].confidential);
    let said = format!("{:?}", flag.matches);
    assert!(!said.contains("zorbling") && !said.contains("five"), "{said}");
}

#[tokio::test]
async fn away_from_the_collector_everything_is_kept_and_severity_five_comes_first() {
    let collector = collector_with_policy().await;
    let mut device = watched(&collector).await;
    empty(&device).await;
    collector.stop();
    device
        .until_status("away", |status| status["detail"]["connection"] == "away")
        .await;
    let mut helper = device.helper();
    for number in 0..40 {
        helper.title(&search(&format!("quandle one {number}")));
    }
    helper.title(&search("zorbling deep now"));
    device
        .until_status("kept", |status| {
            status["detail"]["spool_records"].as_u64() >= Some(41)
        })
        .await;
    device.kill();
    device.start();
    device
        .until_status("kept still", |status| {
            status["detail"]["spool_records"].as_u64() >= Some(41)
        })
        .await;
    let back = Collector::start_at(Arc::clone(&collector.authority), -1..365, collector.port).await;
    comes_true("all delivered", async || flags(&back).len() == 41).await;
    back.see(|script| assert_eq!(script.severities[0], 5));
    let texts: BTreeSet<_> = flags(&back).into_iter().map(|flag| flag.text).collect();
    assert_eq!(texts.len(), 41, "each once");
    empty(&device).await;
}

#[tokio::test]
async fn a_record_that_is_put_off_is_sent_again_and_one_that_cannot_be_read_blocks_nothing() {
    let collector = collector_with_policy().await;
    let device = watched(&collector).await;
    empty(&device).await;
    collector.set(|script| script.answering = Answering::NotNow);
    let mut helper = device.helper();
    helper.title(&search("quandle one"));
    device
        .until_status("put off", |status| {
            status["detail"]["troubles"]
                .to_string()
                .contains("cannot store records")
        })
        .await;
    assert!(flags(&collector).is_empty());
    collector.set(|script| script.answering = Answering::QuarantineThrees);
    comes_true("sent again", async || flags(&collector).len() == 1).await;
    helper.title(&search("fimbul three"));
    helper.title(&search("quandle one again"));
    comes_true("not blocked", async || flags(&collector).len() == 2).await;
    device
        .until_status("counted", |status| status["detail"]["quarantined"] == 1)
        .await;
    empty(&device).await;
}

#[tokio::test]
async fn the_same_again_is_one_flag_and_a_count_that_a_stop_does_not_lose() {
    let collector = collector_with_policy().await;
    let mut device = watched(&collector).await;
    let mut helper = device.helper();
    for _ in 0..3 {
        helper.title(&search("zorbling deep"));
        helper.title("something else - Chromium");
    }
    helper.title(&search("quandle one"));
    comes_true("delivered", async || flags(&collector).len() == 2).await;
    device.stop();
    device.start();
    let repeats = || {
        collector.see(|script| {
            script.records.iter().find_map(|record| match record {
                Record::Repeats(repeats) => Some(repeats.clone()),
                _ => None,
            })
        })
    };
    comes_true("the count", async || repeats().is_some()).await;
    assert_eq!(repeats().unwrap().count, 2);
    assert_eq!(flags(&collector).len(), 2);
}

#[tokio::test]
async fn a_flood_of_notes_is_counted_and_hides_nothing_severe() {
    let collector = collector_with_policy().await;
    let mut device = watched(&collector).await;
    let mut helper = device.helper();
    for number in 0..2000 {
        helper.title(&search(&format!("quandle one {number}")));
    }
    helper.title(&search("zorbling deep"));
    comes_true("the severe one", async || {
        flags(&collector).iter().any(|flag| flag.severity.get() == 5)
    })
    .await;
    device.stop();
    device.start();
    let counted = || {
        collector.see(|script| {
            let gap = |record: &Record| match record {
                Record::Gap(gap) if gap.cause == "flood" => Some(gap.count),
                _ => None,
            };
            script.records.iter().filter_map(gap).sum::<u64>()
        })
    };
    comes_true("all accounted for", async || {
        flags(&collector).len() as u64 + counted() == 2001
    })
    .await;
    assert!(counted() > 1500);
}

#[tokio::test]
async fn each_start_names_the_epoch_before_and_its_last_sequence() {
    let collector = collector_with_policy().await;
    let mut device = watched(&collector).await;
    empty(&device).await;
    device.kill();
    device.start();
    let starts = || {
        collector.see(|script| {
            let start = |record: &Record| match record {
                Record::EpochStart(start) => Some(start.clone()),
                _ => None,
            };
            script.records.iter().filter_map(start).collect::<Vec<_>>()
        })
    };
    comes_true("two starts", async || starts().len() == 2).await;
    let first_epoch = collector.see(|script| script.hellos[0].epoch.clone());
    assert_eq!(starts()[0].previous, None);
    assert_eq!(starts()[1].previous.unwrap().epoch.0.to_vec(), first_epoch);
}

#[tokio::test]
async fn the_device_tells_how_it_is() {
    let collector = collector_with_policy().await;
    let device = watched(&collector).await;
    let _helper = device.helper();
    comes_true("health", async || {
        collector.see(|script| script.health.iter().any(|health| !health.helpers.is_empty()))
    })
    .await;
}

/// A proxy that passes CONNECT on; gives its port and how often it was asked.
async fn proxy() -> (u16, Arc<AtomicU32>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(client.read_u8().await.unwrap());
                }
                let request = String::from_utf8(request).unwrap();
                let to = request
                    .strip_prefix("CONNECT ")
                    .unwrap()
                    .split(' ')
                    .next()
                    .unwrap()
                    .to_owned();
                let mut server = tokio::net::TcpStream::connect(to).await.unwrap();
                client
                    .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    .await
                    .unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, asked)
}

#[tokio::test]
async fn it_works_through_a_proxy_and_says_when_the_proxy_does_not_let_it() {
    let collector = collector_with_policy().await;
    let (port, asked) = proxy().await;
    let mut device = Device::new();
    device.proxy = Some(format!("http://127.0.0.1:{port}"));
    device.start();
    device.enrol(&collector);
    device
        .until_status("policy in force", |status| status["detail"]["policy"] == "1.1")
        .await;
    assert!(asked.load(Ordering::SeqCst) >= 2);
    device.stop();
    // Something that listens and is no proxy: the collector itself.
    device.proxy = Some(format!("http://127.0.0.1:{}", collector.port));
    device.start();
    device
        .until_status("no way through", |status| {
            let troubles = status["detail"]["troubles"].to_string();
            troubles.contains("does not let this device through") && troubles.contains("CONNECT")
        })
        .await;
}
