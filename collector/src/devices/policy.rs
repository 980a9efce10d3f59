//! The policy of each group of devices: made from the profile and the lists, numbered, signed, and kept
//! until one of them changes.

use crate::app::App;
use crate::ca::Pair;
use crate::clock;
use crate::lists::Rules;
use crate::profile::Profile;
use crate::store::policies;
use pastoral_keywords::{Audience, KeywordList};
use pastoral_proto::device::{ListReference, Policy, RulesReference, SignedPolicy};
use prost::Message as _;
use rcgen::SigningKey as _;
use ring::digest::{SHA256, digest};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::Mutex;

/// How often a device says how it is.
const HEALTH_INTERVAL_S: u32 = 60;
/// How often a device proves that it still hears titles (P35).
const CANARY_INTERVAL_S: u32 = 600;
/// Accounts below this uid are the system's, not people's.
const LOWEST_USER_ID: u32 = 1000;
/// Built rules that are served: those in force, and the ones before for devices that were just told of them.
const SERVED: usize = 3;

/// A policy ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) generation: u64,
    pub(super) counter: u64,
    pub(super) signed: Arc<SignedPolicy>,
}

/// Makes and keeps policies.
pub(super) struct Policies {
    app: App,
    signer: Pair,
    kept: Mutex<Kept>,
}

/// The policies of one profile and its rules, by group.
#[derive(Default)]
struct Kept {
    of: Option<(Arc<Profile>, Arc<Rules>)>,
    made: HashMap<String, Made>,
    /// Built rules by their hash, the latest first. In memory alone: at rest the words of the lists stand nowhere.
    served: VecDeque<([u8; 32], Arc<[u8]>)>,
}

impl Kept {
    /// Forgets the policies of what is no longer in force.
    fn follow(&mut self, profile: &Arc<Profile>, rules: &Arc<Rules>) {
        let is_of =
            |(of, by): &(Arc<Profile>, Arc<Rules>)| Arc::ptr_eq(of, profile) && Arc::ptr_eq(by, rules);
        if self.of.as_ref().is_some_and(is_of) {
            return;
        }
        self.of = Some((Arc::clone(profile), Arc::clone(rules)));
        self.made.clear();
        self.served.retain(|(sha256, _)| *sha256 != rules.sha256);
        self.served.push_front((rules.sha256, Arc::clone(&rules.built)));
        self.served.truncate(SERVED);
    }
}

impl Policies {
    /// Signs with the given key.
    pub(super) fn new(app: App, signer: Pair) -> Self {
        Self {
            app,
            signer,
            kept: Mutex::default(),
        }
    }

    /// The policy in force for a group of devices.
    pub(super) async fn for_group(&self, group: &str) -> anyhow::Result<Made> {
        let (profile, rules) = (self.app.profile.load_full(), self.app.lists.load_full());
        let mut kept = self.kept.lock().await;
        kept.follow(&profile, &rules);
        if let Some(made) = kept.made.get(group) {
            return Ok(made.clone());
        }
        let made = self.make(&profile, &rules, group).await?;
        kept.made.insert(group.to_owned(), made.clone());
        Ok(made)
    }

    /// The bytes of rules that a policy names, or named until lately.
    pub(super) async fn rules(&self, sha256: &[u8]) -> Option<Arc<[u8]>> {
        let (profile, rules) = (self.app.profile.load_full(), self.app.lists.load_full());
        let mut kept = self.kept.lock().await;
        kept.follow(&profile, &rules);
        let named = kept.served.iter().find(|(of, _)| of == sha256);
        named.map(|(_, content)| Arc::clone(content))
    }

    async fn make(&self, profile: &Profile, built: &Rules, group: &str) -> anyhow::Result<Made> {
        let mut policy = settings(profile, &self.app.school_id, group);
        policy.rules = Some(RulesReference {
            sha256: built.sha256.to_vec(),
            bytes: u32::try_from(built.built.len())?,
        });
        policy.lists = built.changed.lists.iter().map(reference).collect();
        let fingerprint = digest(&SHA256, &policy.encode_to_vec());
        let mut tx = self.app.store.write().await?;
        let (generation, counter) = policies::number(
            &mut tx,
            &self.app.school_id,
            group,
            fingerprint.as_ref(),
            clock::now_ms(),
        )
        .await?;
        tx.commit().await?;
        policy.generation = u64::try_from(generation)?;
        policy.counter = u64::try_from(counter)?;
        let bytes = policy.encode_to_vec();
        let signed = SignedPolicy {
            signature: self.signer.key.sign(&bytes)?,
            policy: bytes,
            signer_certificate_der: self.signer.certificate.to_vec(),
        };
        Ok(Made {
            generation: policy.generation,
            counter: policy.counter,
            signed: Arc::new(signed),
        })
    }
}

fn settings(profile: &Profile, school_id: &str, group: &str) -> Policy {
    let settings = profile.group(group);
    Policy {
        school_id: school_id.to_owned(),
        device_id: String::new(),
        group: group.to_owned(),
        generation: 0,
        counter: 0,
        lists: Vec::new(),
        rules: None,
        unknown_audience: settings
            .map_or(Audience::STRICTEST, |group| group.unknown_audience)
            .code()
            .into(),
        health_interval_s: HEALTH_INTERVAL_S,
        canary_interval_s: CANARY_INTERVAL_S,
        lock_after_s: settings.map_or(0, |group| group.lock_after_minutes * 60),
        lowest_user_id: LOWEST_USER_ID,
    }
}

fn reference(list: &KeywordList) -> ListReference {
    ListReference {
        list_id: list.id.clone(),
        version: list.version,
    }
}
