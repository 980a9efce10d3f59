//! Policies: checked, with their lists, before they come into force, and kept.
//!
//! INVARIANT 6: a policy or list that is not right in every respect is refused with the reason, and the last good one
//! stays in force, offline and after a restart.
//!
//! # Format
//! `policy.pb` in the state folder is the `SignedPolicy` in force, as it came; `lists/` holds its lists, each named by
//! its SHA-256. The lists are written before the policy that names them, and removed after the one that no longer does.

use crate::identity::Identity;
use crate::platform::{read_state_file, write_state_file};
use crate::rules::{PolicyNumber, Rules, names};
use data_encoding::HEXLOWER;
use pastoral_keywords::{Audience, Engine, KeywordList};
use pastoral_proto::device::{ListReference, Policy, SignedPolicy};
use pastoral_proto::limits;
use prost::Message as _;
use ring::digest::{SHA256, digest};
use rustls_pki_types::{CertificateDer, UnixTime};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::prelude::{FromDer as _, X509Certificate};

const POLICY_FILE: &str = "policy.pb";
const LISTS_FOLDER: &str = "lists";
const LISTS: usize = 32;
const SIGNER_NAME: &str = "policy";
/// 1.3.6.1.5.5.7.3.3: what the school's CA issues a policy signer for.
const CODE_SIGNING: &[u8] = &[43, 6, 1, 5, 5, 7, 3, 3];

/// Why a policy was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRefused {
    /// The certificate of the key that signed it.
    #[error(
        "its signer is not a policy key of this school's CA ({0}); check that the collector is the right one"
    )]
    Signer(String),
    /// The signature.
    #[error("its signature does not fit its content; send it again")]
    Signature,
    /// The bytes.
    #[error("it cannot be read")]
    Unreadable,
    /// It is for someone else.
    #[error("it is for another {0}")]
    NotForUs(&'static str),
    /// An old policy must not come back.
    #[error("it is numbered {0}.{1}, which is not above the one in force, {2}.{3}")]
    NotNewer(u64, u64, u64, u64),
    /// A setting.
    #[error("{0}")]
    Setting(String),
    /// A list.
    #[error("list {0}: {1}")]
    List(String, String),
    /// It is right, but could not be kept.
    #[error("it cannot be stored on this device: {0}")]
    NotStored(String),
}

/// Checks signer, signature and addressee, and that the policy is above the one in force.
///
/// # Errors
/// See [`PolicyRefused`].
pub fn verify(
    signed: &SignedPolicy,
    identity: &Identity,
    in_force: Option<&PolicyNumber>,
    now_ms: i64,
) -> Result<Policy, PolicyRefused> {
    let policy = read(signed, identity, Some(now_ms))?;
    let number = number(&policy);
    if let Some(last) = in_force.filter(|last| number.is_not_above(last)) {
        return Err(PolicyRefused::NotNewer(
            number.generation,
            number.counter,
            last.generation,
            last.counter,
        ));
    }
    Ok(policy)
}

/// The policy and its lists, on disk.
pub struct PolicyStore {
    state_dir: PathBuf,
}

impl PolicyStore {
    /// In this state folder.
    #[must_use]
    pub fn new(state_dir: &Path) -> Self {
        Self {
            state_dir: state_dir.to_owned(),
        }
    }

    /// The policy in force, from the disk; none if none was accepted yet.
    ///
    /// # Errors
    /// When it is damaged or another school's; the shipped rules then apply.
    pub fn load(&self, identity: &Identity) -> Result<Option<Rules>, PolicyRefused> {
        let bytes = read_state_file(&self.state_dir.join(POLICY_FILE));
        let Some(bytes) = bytes.map_err(|error| PolicyRefused::NotStored(error.to_string()))? else {
            return Ok(None);
        };
        let signed = SignedPolicy::decode(&*bytes).map_err(|_| PolicyRefused::Unreadable)?;
        // It was in time when it was accepted: a policy does not end with its signer's certificate.
        let policy = read(&signed, identity, None)?;
        let mut contents = Vec::new();
        for list in &policy.lists {
            let content = self
                .kept_list(list)
                .ok_or_else(|| fault(list, "it is missing on this device"))?;
            contents.push(content);
        }
        build(&policy, &contents).map(Some)
    }

    /// Whether this very policy is the one that is kept.
    #[must_use]
    pub fn is_in_force(&self, signed: &SignedPolicy) -> bool {
        let kept = read_state_file(&self.state_dir.join(POLICY_FILE)).ok().flatten();
        let kept = kept.and_then(|bytes| SignedPolicy::decode(&*bytes).ok());
        kept.is_some_and(|kept| kept.policy == signed.policy)
    }

    /// Fetches what is missing, builds the rules, and keeps policy and lists.
    ///
    /// # Errors
    /// See [`PolicyRefused`]; nothing has then changed.
    pub async fn accept<F>(
        &self,
        signed: &SignedPolicy,
        policy: &Policy,
        fetch: impl Fn(Vec<u8>) -> F,
    ) -> Result<Rules, PolicyRefused>
    where
        F: Future<Output = Result<Vec<u8>, String>>,
    {
        check_settings(policy)?;
        let mut contents = Vec::new();
        for list in &policy.lists {
            let content = match self.kept_list(list) {
                Some(content) => content,
                None => fetch(list.sha256.clone())
                    .await
                    .map_err(|error| fault(list, &error))?,
            };
            check_hash(list, &content)?;
            contents.push(content);
        }
        // Building takes its time, and what is flagged meanwhile must not wait for it.
        let (named, built) = (policy.clone(), contents.clone());
        let built = tokio::task::spawn_blocking(move || build(&named, &built)).await;
        let rules = built.map_err(|error| PolicyRefused::Setting(error.to_string()))??;
        self.keep(signed, policy, &contents)
            .map_err(|error| PolicyRefused::NotStored(error.to_string()))?;
        Ok(rules)
    }

    /// From the last policy, or one that came with Pastoral.
    fn kept_list(&self, list: &ListReference) -> Option<Vec<u8>> {
        let kept = read_state_file(&self.list_path(list)).ok().flatten();
        let shipped = || {
            let files = pastoral_keywords::shipped::FILES.iter();
            files
                .map(|(_, content)| content.as_bytes().to_vec())
                .find(|content| check_hash(list, content).is_ok())
        };
        kept.filter(|content| check_hash(list, content).is_ok())
            .or_else(shipped)
    }

    fn keep(&self, signed: &SignedPolicy, policy: &Policy, contents: &[Vec<u8>]) -> std::io::Result<()> {
        let folder = self.state_dir.join(LISTS_FOLDER);
        if !folder.exists() {
            std::fs::create_dir(&folder)?;
            crate::platform::sync_folder(&self.state_dir)?;
        }
        for (list, content) in policy.lists.iter().zip(contents) {
            if read_state_file(&self.list_path(list))?.as_deref() != Some(content) {
                write_state_file(&self.list_path(list), content)?;
            }
        }
        write_state_file(&self.state_dir.join(POLICY_FILE), &signed.encode_to_vec())?;
        let wanted: Vec<PathBuf> = policy.lists.iter().map(|list| self.list_path(list)).collect();
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if !wanted.contains(&path) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn list_path(&self, list: &ListReference) -> PathBuf {
        self.state_dir
            .join(LISTS_FOLDER)
            .join(format!("{}.toml", HEXLOWER.encode(&list.sha256)))
    }
}

/// The policy, if the school signed it for this device. `at_ms`: the time at which the signer must be valid; none: any.
fn read(signed: &SignedPolicy, identity: &Identity, at_ms: Option<i64>) -> Result<Policy, PolicyRefused> {
    check_signer(signed, &identity.ca_der, at_ms)?;
    let policy = Policy::decode(&*signed.policy).map_err(|_| PolicyRefused::Unreadable)?;
    // INVARIANT 7: who we are is what the certificate says, and the policy must be for that.
    if policy.school_id != identity.school_id {
        return Err(PolicyRefused::NotForUs("school"));
    }
    match (policy.device_id.as_str(), policy.group.as_str()) {
        ("", "") => Err(PolicyRefused::Setting(
            "it names neither a device nor a group".into(),
        )),
        // One that was in force stays so until there is one for the new group.
        ("", group) if group == identity.group || at_ms.is_none() => Ok(policy),
        ("", _) => Err(PolicyRefused::NotForUs("group")),
        (device, _) if device == identity.device_id => Ok(policy),
        _ => Err(PolicyRefused::NotForUs("device")),
    }
}

fn check_signer(signed: &SignedPolicy, ca_der: &[u8], at_ms: Option<i64>) -> Result<(), PolicyRefused> {
    let signer = |error: String| PolicyRefused::Signer(error);
    let der = CertificateDer::from(signed.signer_certificate_der.as_slice());
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| signer("no certificate".into()))?;
    let at_s = at_ms.map_or(parsed.validity().not_before.timestamp(), |ms| ms / 1000);
    let at = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at_s).unwrap_or(0)));
    let ca = CertificateDer::from(ca_der);
    let anchor = webpki::anchor_from_trusted_cert(&ca).map_err(|error| signer(error.to_string()))?;
    let leaf = EndEntityCert::try_from(&der).map_err(|error| signer(error.to_string()))?;
    let usage = KeyUsage::required(CODE_SIGNING);
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[anchor],
        &[],
        at,
        usage,
        None,
        None,
    )
    .map_err(|error| signer(error.to_string()))?;
    let name = parsed
        .subject()
        .iter_common_name()
        .next()
        .and_then(|name| name.as_str().ok());
    if name != Some(SIGNER_NAME) {
        return Err(signer("its certificate is for something else".into()));
    }
    leaf.verify_signature(webpki::ring::ECDSA_P256_SHA256, &signed.policy, &signed.signature)
        .map_err(|_| PolicyRefused::Signature)
}

fn check_settings(policy: &Policy) -> Result<Audience, PolicyRefused> {
    let setting = |text: String| Err(PolicyRefused::Setting(text));
    if policy.lists.is_empty() || policy.lists.len() > LISTS {
        return setting(format!(
            "it names {} lists; name 1 to {LISTS}",
            policy.lists.len()
        ));
    }
    if let Some(list) = policy.lists.iter().find(|list| list.sha256.len() != 32) {
        return Err(fault(list, "its hash is not a SHA-256"));
    }
    if !(10..=86_400).contains(&policy.health_interval_s) {
        return setting(format!(
            "health_interval_s is {}; set 10 to 86400",
            policy.health_interval_s
        ));
    }
    if policy.canary_interval_s != 0 && !(10..=86_400).contains(&policy.canary_interval_s) {
        return setting(format!(
            "canary_interval_s is {}; set 10 to 86400, or 0",
            policy.canary_interval_s
        ));
    }
    policy
        .unknown_audience
        .parse()
        .map_err(|error: pastoral_keywords::UnknownCode| {
            PolicyRefused::Setting(format!("unknown_audience: {error}"))
        })
}

fn check_hash(list: &ListReference, content: &[u8]) -> Result<(), PolicyRefused> {
    if content.len() > limits::LIST {
        return Err(fault(list, "it is too large"));
    }
    if digest(&SHA256, content).as_ref() != list.sha256 {
        return Err(fault(list, "its content is not what the policy's hash says"));
    }
    Ok(())
}

fn build(policy: &Policy, contents: &[Vec<u8>]) -> Result<Rules, PolicyRefused> {
    let unknown_audience = check_settings(policy)?;
    let mut lists = Vec::new();
    for (reference, content) in policy.lists.iter().zip(contents) {
        let text = std::str::from_utf8(content).map_err(|_| fault(reference, "it is not text"))?;
        let list = KeywordList::parse(text, &reference.list_id)
            .map_err(|error| fault(reference, &error.to_string()))?;
        if (list.id.as_str(), list.version) != (reference.list_id.as_str(), reference.version) {
            return Err(fault(
                reference,
                &format!("its content is {} version {}", list.id, list.version),
            ));
        }
        lists.push(list);
    }
    let engine = Engine::build(&lists).map_err(|error| PolicyRefused::Setting(error.to_string()))?;
    Ok(Rules {
        engine,
        lists: names(&lists),
        policy: Some(number(policy)),
        unknown_audience,
        health_interval_s: policy.health_interval_s,
        canary_interval_s: policy.canary_interval_s,
        lowest_user_id: policy.lowest_user_id,
    })
}

fn number(policy: &Policy) -> PolicyNumber {
    PolicyNumber {
        group: policy.group.clone(),
        generation: policy.generation,
        counter: policy.counter,
    }
}

fn fault(list: &ListReference, fault: &str) -> PolicyRefused {
    PolicyRefused::List(format!("{} version {}", list.list_id, list.version), fault.into())
}
