//! Policies: signed by a key that the school's authority vouches for, and renewed when the profile changes.

use pastoral_keywords::Engine;
use pastoral_proto::device::{
    FetchRulesRequest, ListReference, Policy, SignedPolicy, collector_message::Message as Down,
};
use pastoral_proto::limits;
use pastoral_support::collector::Collector;
use pastoral_support::device::Device;
use prost::Message as _;
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use tonic::Status;
use x509_parser::prelude::{FromDer as _, X509Certificate};

fn policy(message: Down) -> Option<SignedPolicy> {
    match message {
        Down::Policy(policy) => Some(policy),
        _ => None,
    }
}

fn checked(signed: &SignedPolicy, collector: &Collector) -> Policy {
    let authority = std::fs::read(collector.data_dir.join("ca/ca.der")).unwrap();
    let (_, authority) = X509Certificate::from_der(&authority).unwrap();
    let (_, signer) = X509Certificate::from_der(&signed.signer_certificate_der).unwrap();
    signer.verify_signature(Some(authority.public_key())).unwrap();
    assert!(signer.subject().to_string().contains("CN=policy"));
    assert!(signer.extended_key_usage().unwrap().unwrap().value.code_signing);
    let key = UnparsedPublicKey::new(
        &ECDSA_P256_SHA256_ASN1,
        signer.public_key().subject_public_key.data.as_ref(),
    );
    key.verify(&signed.policy, &signed.signature).unwrap();
    Policy::decode(&*signed.policy).unwrap()
}

/// The rules with a hash, put together from their pieces.
async fn fetched(device: &Device, collector: &Collector, sha256: &[u8]) -> Result<Vec<u8>, Status> {
    let request = FetchRulesRequest {
        sha256: sha256.to_vec(),
    };
    let answer = device.client(collector).await.fetch_rules(request).await?;
    let mut pieces = answer.into_inner();
    let mut built = Vec::new();
    while let Some(piece) = pieces.message().await? {
        assert!(piece.content.len() <= limits::RULES_PIECE);
        built.extend(piece.content);
    }
    Ok(built)
}

#[tokio::test]
async fn a_policy_is_signed_and_names_rules_that_can_be_fetched() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, [1; 16]).await;
    let policy = checked(&stream.until(policy).await, &collector);
    assert_eq!(
        (
            policy.group.as_str(),
            policy.lock_after_s,
            policy.unknown_audience.as_str()
        ),
        ("pupils", 1800, "ks1")
    );
    let rules = policy.rules.unwrap();
    let built = fetched(&device, &collector, &rules.sha256).await.unwrap();
    assert_eq!(digest(&SHA256, &built).as_ref(), rules.sha256);
    assert_eq!(u32::try_from(built.len()), Ok(rules.bytes));
    let engine = Engine::load(&built).unwrap();
    let shipped = pastoral_keywords::shipped::lists().unwrap();
    let of_list = |list: &ListReference| {
        shipped
            .iter()
            .find(|shipped| shipped.id == list.list_id)
            .unwrap()
            .terms()
            .len()
    };
    assert_eq!(
        engine.term_count(),
        policy.lists.iter().map(of_list).sum::<usize>()
    );
    let refused = fetched(&device, &collector, &[0; 32]).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn a_device_that_was_just_told_of_the_rules_before_can_still_fetch_them() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, [1; 16]).await;
    let before = checked(&stream.until(policy).await, &collector).rules.unwrap();
    collector.change_profile("lists = [\"pastoral-en\"]", "lists = [\"pastoral-cy\"]");
    let after = checked(&stream.until(policy).await, &collector).rules.unwrap();
    assert_ne!(before.sha256, after.sha256);
    for rules in [before, after] {
        let built = fetched(&device, &collector, &rules.sha256).await.unwrap();
        assert_eq!(digest(&SHA256, &built).as_ref(), rules.sha256);
    }
}

#[tokio::test]
async fn a_policy_keeps_its_number_over_a_restart_and_takes_the_next_when_the_profile_changes() {
    let mut collector = Collector::start();
    let device = Device::joined(&collector).await;
    let first = checked(
        &device.connect(&collector, [1; 16]).await.until(policy).await,
        &collector,
    );
    collector.kill();
    collector.serve();
    let mut stream = device.connect(&collector, [2; 16]).await;
    let same = checked(&stream.until(policy).await, &collector);
    assert_eq!((first.generation, first.counter), (same.generation, same.counter));
    collector.change_profile("lock_after_minutes = 30", "lock_after_minutes = 5");
    let pushed = checked(&stream.until(policy).await, &collector);
    assert_eq!(pushed.lock_after_s, 300);
    assert!(pushed.counter > first.counter);
}

#[tokio::test]
async fn a_broken_profile_is_refused_with_its_line_and_the_last_good_one_stays() {
    let mut collector = Collector::start();
    let device = Device::joined(&collector).await;
    collector.change_profile("lock_after_minutes = 30", "lock_after_minutes = \"soon\"");
    collector.until_logged("the last good one stays in force").await;
    let policy = checked(
        &device.connect(&collector, [1; 16]).await.until(policy).await,
        &collector,
    );
    assert_eq!(policy.lock_after_s, 1800);
    let (code, said) = collector.try_run(&["check"]);
    assert_eq!(code, Some(3));
    assert!(said.contains("profile.toml:"), "{said}");
    // Also when it is started with it.
    collector.kill();
    collector.serve();
    let mut stream = device.connect(&collector, [2; 16]).await;
    assert_eq!(
        checked(&stream.until(self::policy).await, &collector).lock_after_s,
        1800
    );
}
