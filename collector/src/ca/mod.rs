//! The school's certificate authority: certificates for devices, for the collector's own listener, and for the key
//! that signs policies.
//!
//! In `data_dir/ca`, readable by the collector alone: `ca.key.pem`, `ca.der`, `server.key.pem`, `server.der`,
//! `policy.key.pem`, `policy.der`. A file is written beside, synced and renamed, and the folder synced. A key is
//! always in place before its certificate; a certificate whose key does not fit is made again.

pub(crate) mod files;
mod issue;

pub(crate) use issue::public_key_sha256;
pub use issue::{DeviceCertificate, IssueError};

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use ring::digest::{SHA256, digest};
use rustls_pki_types::CertificateDer;
use std::path::{Path, PathBuf};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long a device's certificate is in force.
pub const DEVICE_LIFE_MS: i64 = 90 * DAY_MS;
/// How long after its end a device's certificate still serves to ask for the next: laptops come back after summer.
pub const RENEWABLE_MS: i64 = 400 * DAY_MS;
/// Every certificate begins this much earlier, for clocks that are behind.
const BACKDATE_MS: i64 = DAY_MS;
const CA_LIFE_MS: i64 = 30 * 365 * DAY_MS;
/// Also how far the authority itself is backdated.
const YEAR_MS: i64 = 365 * DAY_MS;
const SERVER_LIFE_MS: i64 = 2 * YEAR_MS;
const POLICY_LIFE_MS: i64 = 5 * YEAR_MS;

/// A school's certificate authority, open.
pub struct Authority {
    dir: PathBuf,
    school_id: String,
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// A certificate and its key.
pub struct Pair {
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// The key.
    pub key: KeyPair,
}

impl Authority {
    /// Makes a school's authority in `data_dir/ca`.
    ///
    /// # Errors
    /// When there is one already, or the files cannot be written.
    pub fn create(data_dir: &Path, school_id: &str, now_ms: i64) -> anyhow::Result<Self> {
        let dir = data_dir.join("ca");
        anyhow::ensure!(
            !dir.join("ca.der").exists(),
            "{} already holds a certificate authority; devices trust it, so it is never overwritten",
            dir.display()
        );
        files::private_dir(&dir)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name(school_id, "Pastoral school authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        issue::validity(&mut params, now_ms - YEAR_MS, now_ms + CA_LIFE_MS);
        let certificate = params.self_signed(&key)?;
        files::write(&dir, "ca.key.pem", key.serialize_pem().as_bytes())?;
        files::write(&dir, "ca.der", certificate.der())?;
        Self::open(data_dir, school_id)
    }

    /// Opens a school's authority.
    ///
    /// # Errors
    /// When the files are not there or are damaged.
    pub fn open(data_dir: &Path, school_id: &str) -> anyhow::Result<Self> {
        let dir = data_dir.join("ca");
        let certificate = CertificateDer::from(files::read(&dir, "ca.der")?);
        let pem = String::from_utf8(files::read(&dir, "ca.key.pem")?).context("ca.key.pem is no PEM file")?;
        let key =
            KeyPair::from_pem(&pem).context("ca.key.pem is damaged; restore data_dir/ca from a backup")?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key)
            .context("ca.der is damaged; restore data_dir/ca from a backup")?;
        Ok(Self {
            dir,
            school_id: school_id.to_owned(),
            issuer,
            certificate,
        })
    }

    /// The authority's own certificate, which devices trust.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// SHA-256 of the authority's certificate: what a token carries.
    #[must_use]
    pub fn fingerprint(&self) -> Vec<u8> {
        digest(&SHA256, &self.certificate).as_ref().to_vec()
    }

    /// The collector's own certificate for the given names: the one at hand, or a new one when it is past two
    /// thirds of its life or the names are others.
    ///
    /// # Errors
    /// When a name cannot stand in a certificate or the files cannot be written.
    pub fn server(&self, names: &[String], now_ms: i64) -> anyhow::Result<Pair> {
        let mut sorted = names.to_vec();
        sorted.sort();
        let wanted = sorted.join("\n");
        let same_names = files::read(&self.dir, "server.names").is_ok_and(|kept| kept == wanted.as_bytes());
        if same_names && let Some(pair) = self.kept("server", now_ms) {
            return Ok(pair);
        }
        let mut params =
            CertificateParams::new(names.to_vec()).context("devices.names holds no valid name")?;
        params.distinguished_name = name(&self.school_id, "collector");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let pair = self.make("server", params, SERVER_LIFE_MS, now_ms)?;
        files::write(&self.dir, "server.names", wanted.as_bytes())?;
        Ok(pair)
    }

    /// The key that signs policies, with its certificate.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn policy_signer(&self, now_ms: i64) -> anyhow::Result<Pair> {
        if let Some(pair) = self.kept("policy", now_ms) {
            return Ok(pair);
        }
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&self.school_id, "policy");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        self.make("policy", params, POLICY_LIFE_MS, now_ms)
    }

    /// The pair at hand, unless it is damaged, past two thirds of its life, or from a clock that was ahead.
    fn kept(&self, which: &str, now_ms: i64) -> Option<Pair> {
        let certificate = CertificateDer::from(files::read(&self.dir, &format!("{which}.der")).ok()?);
        let pem = String::from_utf8(files::read(&self.dir, &format!("{which}.key.pem")).ok()?).ok()?;
        let key = KeyPair::from_pem(&pem).ok()?;
        let facts = issue::facts(&certificate)?;
        let fits = facts.public_key == rcgen::PublicKeyData::subject_public_key_info(&key);
        let renew_at = facts.not_before + (facts.not_after - facts.not_before) / 3 * 2;
        let is_time = (facts.not_before..renew_at).contains(&now_ms);
        (fits && is_time).then_some(Pair { certificate, key })
    }

    fn make(
        &self,
        which: &str,
        mut params: CertificateParams,
        life_ms: i64,
        now_ms: i64,
    ) -> anyhow::Result<Pair> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        issue::validity(&mut params, now_ms - BACKDATE_MS, now_ms + life_ms);
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?.der().clone();
        files::write(
            &self.dir,
            &format!("{which}.key.pem"),
            key.serialize_pem().as_bytes(),
        )?;
        files::write(&self.dir, &format!("{which}.der"), &certificate)?;
        Ok(Pair { certificate, key })
    }
}

fn name(school_id: &str, common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name.push(DnType::OrganizationName, school_id);
    name
}

#[cfg(test)]
mod tests;
