//! Who may join, and what everybody else is told.

use pastoral_collector::ca::Authority;
use pastoral_proto::device::{
    EnrolRequest, FetchRulesRequest, RefusalReason, RenewRequest, collector_message, enrol_reply, renew_reply,
};
use pastoral_support::clock::now_ms;
use pastoral_support::collector::Collector;
use pastoral_support::device::{Device, fingerprint, next};
use pastoral_support::records::{flag, is_committed};
use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;

const DAY: i64 = 24 * 60 * 60 * 1000;

fn refused(outcome: enrol_reply::Outcome) -> RefusalReason {
    match outcome {
        enrol_reply::Outcome::Refusal(refusal) => {
            assert!(refusal.advice.len() > 20, "advice: {}", refusal.advice);
            RefusalReason::try_from(refusal.reason).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

async fn turned_away(device: &Device, collector: &Collector) -> RefusalReason {
    let mut stream = device.connect(collector, [1; 16]).await;
    match stream.next().await {
        collector_message::Message::Refusal(refusal) => RefusalReason::try_from(refusal.reason).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_device_waits_for_a_person_and_is_let_in_the_moment_one_approves() {
    let collector = Collector::start();
    let (mut device, token) = (Device::stranger(), collector.token());
    let mut replies = device.ask(&collector, &token).await;
    let enrol_reply::Outcome::Pending(pending) = next(&mut replies).await else {
        panic!("not pending")
    };
    let listed = collector.run(&["device", "list"]);
    assert!(
        listed.contains(&pending.confirm_code) && listed.contains("pending"),
        "{listed}"
    );
    collector.run(&["device", "approve", &pending.confirm_code]);
    let enrol_reply::Outcome::Issued(issued) = next(&mut replies).await else {
        panic!("not issued")
    };
    assert_eq!(issued.device_id, pending.device_id);
    assert_eq!(
        digest(&SHA256, &issued.chain_der[1]).as_ref(),
        fingerprint(&token)
    );
    device.take(issued);
    let mut stream = device.connect(&collector, [1; 16]).await;
    assert!(matches!(
        stream.next().await,
        collector_message::Message::Welcome(_)
    ));
    collector
        .until("SELECT count(*) FROM device WHERE connected = 1", 1)
        .await;
}

#[tokio::test]
async fn asking_again_with_the_same_key_is_the_same_device_and_takes_no_further_use() {
    let collector = Collector::start();
    let (device, token) = (Device::stranger(), collector.token());
    let _first = next(&mut device.ask(&collector, &token).await).await;
    let enrol_reply::Outcome::Pending(_) = next(&mut device.ask(&collector, &token).await).await else {
        panic!("not pending")
    };
    assert_eq!(collector.count("SELECT count(*) FROM device").await, 1);
}

#[tokio::test]
async fn a_wrong_token_and_one_used_up_withdrawn_or_expired_are_refused_and_say_which() {
    let collector = Collector::start();
    let token = collector.token();
    let mut parts: Vec<_> = token.split('.').collect();
    parts[2] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let wrong = next(&mut Device::stranger().ask(&collector, &parts.join(".")).await).await;
    assert_eq!(refused(wrong), RefusalReason::TokenUnknown);
    let _takes_the_one_use = next(&mut Device::stranger().ask(&collector, &token).await).await;
    let used_up = next(&mut Device::stranger().ask(&collector, &token).await).await;
    assert_eq!(refused(used_up), RefusalReason::TokenUsedUp);
    let withdrawn = collector.token();
    collector.run(&["token", "withdraw", withdrawn.split('.').nth(1).unwrap()]);
    let withdrawn = next(&mut Device::stranger().ask(&collector, &withdrawn).await).await;
    assert_eq!(refused(withdrawn), RefusalReason::TokenUsedUp);
    let expired = collector.token();
    sqlx::query("UPDATE token SET expires_at = 1")
        .execute(&collector.database().await)
        .await
        .unwrap();
    let expired = next(&mut Device::stranger().ask(&collector, &expired).await).await;
    assert_eq!(refused(expired), RefusalReason::TokenExpired);
}

#[tokio::test]
async fn a_request_not_signed_with_its_own_key_is_refused() {
    let collector = Collector::start();
    let (device, token) = (Device::stranger(), collector.token());
    let parts: Vec<_> = token.split('.').collect();
    let secret = data_encoding::BASE64URL_NOPAD
        .decode(parts[2].as_bytes())
        .unwrap();
    for csr_der in [b"nonsense".to_vec(), vec![0; 9_000]] {
        let request = EnrolRequest {
            token_id: parts[1].into(),
            token_secret: secret.clone(),
            csr_der,
            ..EnrolRequest::default()
        };
        let mut replies = device
            .client(&collector)
            .await
            .enrol(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(refused(next(&mut replies).await), RefusalReason::Malformed);
    }
}

#[tokio::test]
async fn no_device_is_approved_before_the_school_says_who_answers_for_it() {
    let collector = Collector::unaccountable();
    let device = Device::stranger();
    let enrol_reply::Outcome::Pending(pending) =
        next(&mut device.ask(&collector, &collector.open_token()).await).await
    else {
        panic!("not pending")
    };
    let (code, said) = collector.try_run(&["device", "approve", &pending.device_id]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("data_protection_officer") && said.contains("on_call"),
        "{said}"
    );
}

#[tokio::test]
async fn a_rejected_device_is_told_so_and_a_revoked_one_loses_its_stream_at_once() {
    let collector = Collector::start();
    let rejected = Device::stranger();
    let mut replies = rejected.ask(&collector, &collector.token()).await;
    let enrol_reply::Outcome::Pending(pending) = next(&mut replies).await else {
        panic!("not pending")
    };
    collector.run(&["device", "reject", &pending.device_id]);
    assert_eq!(refused(next(&mut replies).await), RefusalReason::Rejected);

    let revoked = Device::joined(&collector).await;
    let mut stream = revoked.connect(&collector, [1; 16]).await;
    collector.run(&["device", "revoke", &revoked.device_id]);
    let reason = stream
        .until(|message| match message {
            collector_message::Message::Refusal(refusal) => Some(refusal.reason),
            _ => None,
        })
        .await;
    assert_eq!(RefusalReason::try_from(reason).unwrap(), RefusalReason::Revoked);
    assert_eq!(turned_away(&revoked, &collector).await, RefusalReason::Revoked);
    let renewed = revoked
        .client(&collector)
        .await
        .renew(RenewRequest {
            csr_der: revoked.csr(),
        })
        .await
        .unwrap();
    let Some(renew_reply::Outcome::Refusal(refusal)) = renewed.into_inner().outcome else {
        panic!("renewed")
    };
    assert_eq!(refusal.reason, i32::from(RefusalReason::Revoked));
}

#[tokio::test]
async fn without_a_certificate_nothing_but_asking_to_join_is_possible() {
    let collector = Collector::start();
    let stranger = Device::stranger();
    assert_eq!(
        turned_away(&stranger, &collector).await,
        RefusalReason::CertificateUnknown
    );
    let list = stranger
        .client(&collector)
        .await
        .fetch_rules(FetchRulesRequest { sha256: vec![0; 32] })
        .await;
    assert_eq!(list.unwrap_err().code(), tonic::Code::PermissionDenied);
}

#[tokio::test]
async fn a_forged_certificate_does_not_get_past_the_handshake_and_an_unlisted_one_is_told_so() {
    let collector = Collector::start();
    let mut device = Device::joined(&collector).await;
    let genuine = device.chain.clone();
    let elsewhere = tempfile::tempdir().unwrap();
    let forger = Authority::create(elsewhere.path(), "another school", now_ms()).unwrap();
    device.chain = vec![
        forger
            .issue(&device.csr(), &device.device_id, now_ms())
            .unwrap()
            .der,
    ];
    let forged = match device.try_client(&collector).await {
        Ok(mut client) => client
            .fetch_rules(FetchRulesRequest { sha256: vec![0; 32] })
            .await
            .is_err(),
        Err(_) => true,
    };
    assert!(forged);
    // Somebody else's genuine certificate does not help without its key.
    let thief = Device {
        key: rcgen::KeyPair::generate().unwrap(),
        chain: genuine,
        device_id: String::new(),
        group: String::new(),
    };
    let refused = match thief.try_client(&collector).await {
        Ok(mut client) => client
            .fetch_rules(FetchRulesRequest { sha256: vec![0; 32] })
            .await
            .is_err(),
        Err(_) => true,
    };
    assert!(refused);
    let school_id: String = sqlx::query_scalar("SELECT school_id FROM school")
        .fetch_one(&collector.database().await)
        .await
        .unwrap();
    let authority = Authority::open(&collector.data_dir, &school_id).unwrap();
    device.chain = vec![
        authority
            .issue(&device.csr(), &device.device_id, now_ms())
            .unwrap()
            .der,
    ];
    assert_eq!(
        turned_away(&device, &collector).await,
        RefusalReason::CertificateUnknown
    );
}

/// Gives a device a certificate that ended some days ago.
async fn age(device: &mut Device, collector: &Collector, days_over: i64) {
    let database = collector.database().await;
    let school_id: String = sqlx::query_scalar("SELECT school_id FROM school")
        .fetch_one(&database)
        .await
        .unwrap();
    let authority = Authority::open(&collector.data_dir, &school_id).unwrap();
    let made = authority
        .issue(
            &device.csr(),
            &device.device_id,
            now_ms() - (90 + days_over) * DAY,
        )
        .unwrap();
    sqlx::query(
        "INSERT INTO device_certificate (school_id, sha256, device_id, not_before, not_after, issued_at)
         VALUES (?, ?, ?, ?, ?, 0)",
    )
    .bind(school_id)
    .bind(&made.sha256)
    .bind(&device.device_id)
    .bind(made.not_before)
    .bind(made.not_after)
    .execute(&database)
    .await
    .unwrap();
    device.chain = vec![made.der];
}

#[tokio::test]
async fn an_expired_certificate_may_only_renew_and_not_for_ever() {
    let collector = Collector::start();
    let mut device = Device::joined(&collector).await;
    age(&mut device, &collector, 60).await;
    assert_eq!(
        turned_away(&device, &collector).await,
        RefusalReason::CertificateExpired
    );
    let renewed = device
        .client(&collector)
        .await
        .renew(RenewRequest {
            csr_der: device.csr(),
        })
        .await
        .unwrap();
    let Some(renew_reply::Outcome::Issued(issued)) = renewed.into_inner().outcome else {
        panic!("not renewed")
    };
    device.chain = issued.chain_der.into_iter().map(CertificateDer::from).collect();
    let mut stream = device.connect(&collector, [1; 16]).await;
    assert!(matches!(
        stream.next().await,
        collector_message::Message::Welcome(_)
    ));

    age(&mut device, &collector, 401).await;
    let refused = device
        .client(&collector)
        .await
        .renew(RenewRequest {
            csr_der: device.csr(),
        })
        .await
        .unwrap();
    let Some(renew_reply::Outcome::Refusal(refusal)) = refused.into_inner().outcome else {
        panic!("renewed")
    };
    assert_eq!(refusal.reason, i32::from(RefusalReason::CertificateExpired));
}

#[tokio::test]
async fn a_certificate_past_two_thirds_of_its_life_is_told_to_renew_on_connect() {
    let collector = Collector::start();
    let mut device = Device::joined(&collector).await;
    age(&mut device, &collector, -20).await;
    let mut stream = device.connect(&collector, [1; 16]).await;
    stream
        .until(|message| match message {
            collector_message::Message::RenewNow(_) => Some(()),
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn a_clock_a_day_off_is_reported_and_loses_nothing() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect_at(&collector, [1; 16], now_ms() - DAY).await;
    let collector_message::Message::Welcome(welcome) = stream.next().await else {
        panic!("not welcome")
    };
    assert!(welcome.collector_time_ms > now_ms() - DAY / 2);
    let answers = stream.deliver(&[(0, &flag("1001", "text", 3))]).await;
    assert!(is_committed(&answers[0]));
    collector
        .until("SELECT count(*) FROM device WHERE clock_offset_ms > 86000000", 1)
        .await;
    let (code, said) = collector.try_run(&["check"]);
    assert_eq!(code, Some(3));
    assert!(said.contains("the clocks are wrong on: laptop-7"), "{said}");
}

#[tokio::test]
async fn a_device_is_told_its_group_when_it_joins_and_whenever_it_connects() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    assert_eq!(device.group, "pupils");
    for group in ["pupils", "office"] {
        sqlx::query("UPDATE device SET group_name = ?")
            .bind(group)
            .execute(&collector.database().await)
            .await
            .unwrap();
        let mut stream = device.connect(&collector, [1; 16]).await;
        let told = stream.until(|message| match message {
            collector_message::Message::Welcome(welcome) => welcome.standing,
            _ => None,
        });
        assert_eq!(told.await.group, group);
    }
}
