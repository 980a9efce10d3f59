//! The real service against a collector of its own: joining, delivering, refusals, renewal and what `status` says.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod collector;
mod commands;
mod connection;
mod delivery;
mod device;
mod joining;
mod policies;
mod words;

use collector::Collector;
use pastoral_keywords::{Engine, KeywordList};
use pastoral_proto::device::{ListReference, Policy, RulesReference, SignedPolicy};
use pastoral_support::authority::{Authority, Leaf};
use prost::Message as _;
use rcgen::ExtendedKeyUsagePurpose;
use ring::digest::{SHA256, digest};
use std::sync::Arc;

/// Invented words, so that nothing here depends on the shipped list.
const LIST: &str = include_str!("list.toml");

async fn collector() -> Collector {
    Collector::start(Arc::new(Authority::invented()), -1..365).await
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// The rules as a collector builds them from a list.
fn built(list: &str) -> Vec<u8> {
    let list = KeywordList::parse(list, "list.toml").unwrap();
    Engine::build(&[list]).unwrap().to_bytes()
}

/// How a policy names rules.
fn named(rules: &[u8]) -> RulesReference {
    RulesReference {
        sha256: sha256(rules),
        bytes: u32::try_from(rules.len()).unwrap(),
    }
}

/// Lets every account be watched, also this process's own.
fn policy(counter: u64) -> Policy {
    Policy {
        school_id: "school-1".into(),
        device_id: "device-1".into(),
        group: String::new(),
        generation: 1,
        counter,
        lists: vec![ListReference {
            list_id: "invented".into(),
            version: 1,
        }],
        rules: Some(named(&built(LIST))),
        unknown_audience: "ks1".into(),
        health_interval_s: 10,
        canary_interval_s: 0,
        lock_after_s: 0,
        lowest_user_id: 0,
    }
}

fn signer(authority: &Authority) -> Leaf {
    authority.policy_signer("policy", ExtendedKeyUsagePurpose::CodeSigning)
}

fn signed(policy: &Policy, signer: &Leaf) -> SignedPolicy {
    let policy = policy.encode_to_vec();
    let signature = signer.sign(&policy);
    SignedPolicy {
        policy,
        signature,
        signer_certificate_der: signer.der.clone(),
    }
}

/// A collector whose policy lets a test speak for a session helper.
async fn collector_with_policy() -> Collector {
    let collector = collector().await;
    let policy = signed(&policy(1), &signer(&collector.authority));
    collector.set(|script| {
        script.policy = Some(policy);
        script.rules.insert(sha256(&built(LIST)), built(LIST));
    });
    collector
}
