//! The policy of each group of devices: made from the profile, numbered, signed, and kept until the profile changes.

use crate::app::App;
use crate::ca::Pair;
use crate::clock;
use crate::profile::Profile;
use crate::store::lists::{self, ListRow};
use pastoral_keywords::{Audience, KeywordList, shipped};
use pastoral_proto::device::{ListReference, Policy, SignedPolicy};
use prost::Message as _;
use rcgen::SigningKey as _;
use ring::digest::{SHA256, digest};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// How often a device says how it is.
const HEALTH_INTERVAL_S: u32 = 60;
/// How often a device proves that it still hears titles (P35).
const CANARY_INTERVAL_S: u32 = 600;
/// Accounts below this uid are the system's, not people's.
const LOWEST_USER_ID: u32 = 1000;

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

/// The policies of one profile, by group.
#[derive(Default)]
struct Kept {
    profile: Option<Arc<Profile>>,
    made: HashMap<String, Made>,
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
        let profile = self.app.profile.load_full();
        let mut kept = self.kept.lock().await;
        if !kept
            .profile
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, &profile))
        {
            *kept = Kept {
                profile: Some(Arc::clone(&profile)),
                made: HashMap::new(),
            };
        }
        if let Some(made) = kept.made.get(group) {
            return Ok(made.clone());
        }
        let made = self.make(&profile, group).await?;
        kept.made.insert(group.to_owned(), made.clone());
        Ok(made)
    }

    async fn make(&self, profile: &Profile, group: &str) -> anyhow::Result<Made> {
        let now = clock::now_ms();
        let mut tx = self.app.store.write().await?;
        let mut policy = settings(profile, &self.app.school_id, group);
        for list in lists_of(profile)? {
            let row = lists::add(
                &mut tx,
                &self.app.school_id,
                (&list.id, list.version),
                list.toml.as_bytes(),
                now,
            )
            .await?;
            policy.lists.push(reference(row));
        }
        let fingerprint = digest(&SHA256, &policy.encode_to_vec());
        let (generation, counter) =
            lists::policy_number(&mut tx, &self.app.school_id, group, fingerprint.as_ref(), now).await?;
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

struct Shipped {
    id: String,
    version: u32,
    toml: &'static str,
}

/// The lists the profile names, by their identity or by the first part of it: `pastoral-en` is the list of that name and
/// every one whose name begins with `pastoral-en-`. What comes with the program is all there is so far.
fn lists_of(profile: &Profile) -> anyhow::Result<Vec<Shipped>> {
    let mut lists = Vec::new();
    for (file, toml) in shipped::FILES {
        let list = KeywordList::parse(toml, file)?;
        if profile.lists.iter().any(|name| is_meant(&list.id, name)) {
            lists.push(Shipped {
                id: list.id,
                version: list.version,
                toml,
            });
        }
    }
    for name in &profile.lists {
        anyhow::ensure!(
            lists.iter().any(|list| is_meant(&list.id, name)),
            "the profile names the keyword list `{name}`, which does not come with this program; `lists` may hold pastoral-en"
        );
    }
    Ok(lists)
}

fn is_meant(id: &str, name: &str) -> bool {
    let rest = id.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn reference(row: ListRow) -> ListReference {
    ListReference {
        list_id: row.list_id,
        version: row.version,
        sha256: row.sha256,
    }
}
