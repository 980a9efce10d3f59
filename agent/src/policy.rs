//! Policies: checked, with the rules they name, before they come into force, and kept.
//!
//! INVARIANT 6: a policy or rules that are not right in every respect are refused with the reason, and the last good one
//! stays in force, offline and after a restart.
//!
//! # Format
//! `policy.pb` in the state folder is the `SignedPolicy` in force, as it came; `rules/` holds the rules it names: what the
//! collector built from the lists, named by its SHA-256 and sealed (a nonce of 12 bytes, then the ciphertext, associated with
//! the hash) with the key in `rules.key`, so that neither a user nor whoever copies the file reads a list. They are written
//! before the policy that names them, and removed after the one that no longer does. Only the service and root read these
//! files. Rules that cannot be opened are fetched again.

use crate::files::{RealFilesystem, read_state_file, write_state_file};
use crate::identity::Identity;
use crate::rules::{PolicyNumber, Rules};
use crate::seal::{NonceBytes, SealKey};
use data_encoding::HEXLOWER;
use pastoral_keywords::{Audience, Engine};
use pastoral_proto::device::{Policy, RulesReference, SignedPolicy};
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
const RULES_FOLDER: &str = "rules";
const RULES_KEY: &str = "rules.key";
const LISTS: usize = 256;
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
    /// What texts are matched with.
    #[error("its rules: {0}")]
    Rules(String),
    /// It is right, but could not be kept.
    #[error("it cannot be stored on this device: {0}")]
    NotStored(String),
}

/// Checks signer, signature and addressee, and that the policy is above the one in force.
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

/// The policy and its rules, on disk.
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
        let named = check_settings(&policy)?.1;
        let content = self.kept_rules(named);
        let content =
            content.ok_or_else(|| PolicyRefused::Rules("they are missing on this device".into()))?;
        build(&policy, &content).map(Some)
    }

    /// Whether this very policy is the one that is kept.
    #[must_use]
    pub fn is_in_force(&self, signed: &SignedPolicy) -> bool {
        let kept = read_state_file(&self.state_dir.join(POLICY_FILE)).ok().flatten();
        let kept = kept.and_then(|bytes| SignedPolicy::decode(&*bytes).ok());
        kept.is_some_and(|kept| kept.policy == signed.policy)
    }

    /// Fetches the rules unless they are here, loads them, and keeps policy and rules.
    ///
    /// # Errors
    /// See [`PolicyRefused`]; nothing has then changed.
    pub async fn accept<F>(
        &self,
        signed: &SignedPolicy,
        policy: &Policy,
        fetch: impl FnOnce(RulesReference) -> F,
    ) -> Result<Rules, PolicyRefused>
    where
        F: Future<Output = Result<Vec<u8>, String>>,
    {
        let named = check_settings(policy)?.1;
        let content = match self.kept_rules(named) {
            Some(content) => content,
            None => fetch(named.clone()).await.map_err(PolicyRefused::Rules)?,
        };
        check_hash(named, &content)?;
        // Loading takes its time, and what is flagged meanwhile must not wait for it.
        let of = policy.clone();
        let loaded = tokio::task::spawn_blocking(move || build(&of, &content).map(|rules| (rules, content)));
        let (rules, content) = loaded
            .await
            .map_err(|error| PolicyRefused::Setting(error.to_string()))??;
        self.keep(signed, named, &content)
            .map_err(|error| PolicyRefused::NotStored(error.to_string()))?;
        Ok(rules)
    }

    /// The rules, where they are here and whole.
    fn kept_rules(&self, named: &RulesReference) -> Option<Vec<u8>> {
        let sealed = read_state_file(&self.rules_path(named)).ok().flatten()?;
        let (nonce, sealed) = sealed.split_first_chunk()?;
        let kept = self.key().ok().flatten()?.open(*nonce, &[&named.sha256], sealed);
        kept.filter(|content| check_hash(named, content).is_ok())
    }

    /// The key of the rules, where there is one.
    fn key(&self) -> std::io::Result<Option<SealKey>> {
        let bytes = read_state_file(&self.state_dir.join(RULES_KEY))?;
        Ok(bytes.and_then(|bytes| SealKey::of(&bytes)))
    }

    fn sealed(&self, named: &RulesReference, content: &[u8]) -> std::io::Result<Vec<u8>> {
        let key = match self.key()? {
            Some(key) => key,
            None => SealKey::create(&RealFilesystem, &self.state_dir.join(RULES_KEY))?,
        };
        let nonce: NonceBytes = SealKey::nonce()?;
        let sealed = key.seal(nonce, &[&named.sha256], content.to_vec());
        let sealed = sealed.ok_or_else(|| std::io::Error::other("the rules cannot be sealed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    fn keep(&self, signed: &SignedPolicy, named: &RulesReference, content: &[u8]) -> std::io::Result<()> {
        let folder = self.state_dir.join(RULES_FOLDER);
        if !folder.exists() {
            std::fs::create_dir(&folder)?;
            crate::platform::sync_folder(&self.state_dir)?;
        }
        let wanted = self.rules_path(named);
        if self.kept_rules(named).as_deref() != Some(content) {
            write_state_file(&wanted, &self.sealed(named, content)?)?;
        }
        write_state_file(&self.state_dir.join(POLICY_FILE), &signed.encode_to_vec())?;
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path != wanted {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn rules_path(&self, named: &RulesReference) -> PathBuf {
        self.state_dir
            .join(RULES_FOLDER)
            .join(HEXLOWER.encode(&named.sha256))
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

/// The audience of accounts that nobody knows, and the rules that the policy names.
fn check_settings(policy: &Policy) -> Result<(Audience, &RulesReference), PolicyRefused> {
    let setting = |text: String| Err(PolicyRefused::Setting(text));
    if policy.lists.is_empty() || policy.lists.len() > LISTS {
        return setting(format!(
            "it names {} lists; name 1 to {LISTS}",
            policy.lists.len()
        ));
    }
    let Some(named) = &policy.rules else {
        return Err(PolicyRefused::Rules("it names none".into()));
    };
    if named.sha256.len() != 32 {
        return Err(PolicyRefused::Rules("their hash is not a SHA-256".into()));
    }
    if named.bytes as usize > limits::RULES {
        return Err(PolicyRefused::Rules("they are too large".into()));
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
    let audience = policy
        .unknown_audience
        .parse()
        .map_err(|error: pastoral_keywords::UnknownCode| {
            PolicyRefused::Setting(format!("unknown_audience: {error}"))
        })?;
    Ok((audience, named))
}

fn check_hash(named: &RulesReference, content: &[u8]) -> Result<(), PolicyRefused> {
    if digest(&SHA256, content).as_ref() != named.sha256 {
        return Err(PolicyRefused::Rules(
            "they are not what the policy's hash says".into(),
        ));
    }
    Ok(())
}

fn build(policy: &Policy, content: &[u8]) -> Result<Rules, PolicyRefused> {
    let (unknown_audience, _) = check_settings(policy)?;
    let engine = Engine::load(content).map_err(|error| PolicyRefused::Rules(error.to_string()))?;
    let lists = policy
        .lists
        .iter()
        .map(|list| (list.list_id.clone(), list.version));
    Ok(Rules {
        engine,
        lists: lists.collect(),
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
