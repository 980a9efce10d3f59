//! Who this device is: its key, its certificate and the school's CA, in one file that is replaced whole.
//!
//! # Format
//! `identity.json` in the state folder: school, device, its group, collector, the CA's certificate, and one or two pairs of key
//! and certificate chain, the newest first (base64 of DER). There are two between a renewal and the first connection
//! with the new pair: should the new one not work, the old one still does.

use crate::config::Address;
use crate::files::{read_state_file, write_state_file};
use anyhow::{Context as _, bail, ensure};
use data_encoding::BASE64;
use pastoral_proto::device::Issued;
use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData as _};
use rustls_pki_types::{CertificateDer, UnixTime};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

/// By its own clock, a device asks for a certificate at most once in this time: one that is far ahead finds every
/// certificate out of date, and would ask thousands of times a minute. The collector, which knows the time, may say
/// otherwise.
const BY_OWN_CLOCK: Duration = Duration::from_secs(24 * 60 * 60);

/// The file's name.
pub const FILE: &str = "identity.json";

/// Who the device is.
#[derive(Clone)]
pub struct Identity {
    /// The school.
    pub school_id: String,
    /// The device.
    pub device_id: String,
    /// The group of devices that it is in, as the collector last said.
    pub group: String,
    /// The collector's address, as `https://host:port`.
    pub collector: String,
    /// The certificate of the school's CA.
    pub ca_der: Vec<u8>,
    /// One or two, the newest first.
    pub pairs: Vec<Pair>,
}

/// A key and its certificate.
#[derive(Clone)]
pub struct Pair {
    /// PKCS #8.
    pub key_der: Zeroizing<Vec<u8>>,
    /// The device's certificate, then its issuers.
    pub chain: Vec<Vec<u8>>,
    /// From when the certificate holds, in milliseconds since 1970.
    pub not_before_ms: i64,
    /// Until when.
    pub not_after_ms: i64,
}

/// A key of the device's own, and the request to certify it.
pub struct Request {
    /// PKCS #8.
    pub key_der: Zeroizing<Vec<u8>>,
    /// The request.
    pub csr_der: Vec<u8>,
}

impl Request {
    /// Makes a key that never leaves this device.
    pub fn new() -> anyhow::Result<Self> {
        let key = KeyPair::generate().context("cannot make a key")?;
        let mut params = CertificateParams::default();
        // Who the device is, the collector decides.
        params
            .distinguished_name
            .push(DnType::CommonName, "pastoral device");
        let csr = params
            .serialize_request(&key)
            .context("cannot make a certificate request")?;
        Ok(Self {
            key_der: Zeroizing::new(key.serialize_der()),
            csr_der: csr.der().to_vec(),
        })
    }
}

impl Pair {
    /// Checks what was issued: for our key, by the school's CA.
    pub fn issued(issued: &Issued, key_der: Zeroizing<Vec<u8>>, ca_der: &[u8]) -> anyhow::Result<Self> {
        let pair = Self::new(key_der, issued.chain_der.clone())?;
        let key = KeyPair::try_from(pair.key_der.as_slice()).context("the key cannot be read")?;
        let (_, leaf) = X509Certificate::from_der(&pair.chain[0])?;
        ensure!(
            leaf.public_key().subject_public_key.data.as_ref() == key.der_bytes(),
            "the certificate is for another key"
        );
        let ca = CertificateDer::from(ca_der);
        let anchor = webpki::anchor_from_trusted_cert(&ca).context("the CA's certificate cannot be read")?;
        let chain: Vec<_> = pair
            .chain
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        let at = u64::try_from(pair.not_before_ms / 1000).unwrap_or(0);
        EndEntityCert::try_from(&chain[0])
            .and_then(|leaf| {
                let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
                leaf.verify_for_usage(
                    webpki::ALL_VERIFICATION_ALGS,
                    &[anchor],
                    &chain[1..],
                    at,
                    KeyUsage::client_auth(),
                    None,
                    None,
                )
                .map(|_| ())
            })
            .context("the certificate is not the school's")?;
        Ok(pair)
    }

    /// When it is to be renewed: at two thirds of its life.
    #[must_use]
    pub fn renew_at_ms(&self) -> i64 {
        self.not_before_ms + (self.not_after_ms - self.not_before_ms) / 3 * 2
    }

    fn new(key_der: Zeroizing<Vec<u8>>, chain: Vec<Vec<u8>>) -> anyhow::Result<Self> {
        let leaf = chain.first().context("the certificate is missing")?;
        let (_, parsed) = X509Certificate::from_der(leaf).context("the certificate cannot be read")?;
        let validity = parsed.validity();
        let (not_before_ms, not_after_ms) = (
            validity.not_before.timestamp() * 1000,
            validity.not_after.timestamp() * 1000,
        );
        Ok(Self {
            key_der,
            chain,
            not_before_ms,
            not_after_ms,
        })
    }
}

impl Identity {
    /// Reads the identity; none before the device has joined.
    ///
    /// # Errors
    /// When the file is damaged: enrolling again mends it.
    pub fn load(state_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = state_dir.join(FILE);
        let Some(bytes) =
            read_state_file(&path).with_context(|| format!("cannot read {}", path.display()))?
        else {
            return Ok(None);
        };
        let stored: Stored = serde_json::from_slice(&Zeroizing::new(bytes))
            .map_err(|error| anyhow::anyhow!("line {}", error.line()))
            .with_context(|| format!("{} is damaged; enrol this device again", path.display()))?;
        stored
            .read()
            .map(Some)
            .with_context(|| format!("{} is damaged; enrol this device again", path.display()))
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// When it cannot be written; the old one is untouched.
    pub fn save(&self, state_dir: &Path) -> anyhow::Result<()> {
        let bytes = Zeroizing::new(serde_json::to_vec_pretty(&Stored::of(self))?);
        write_state_file(&state_dir.join(FILE), &bytes).context("cannot store the device's identity")
    }

    /// The collector's address.
    pub fn address(&self) -> anyhow::Result<Address> {
        Address::parse("https", &self.collector)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    school_id: String,
    device_id: String,
    group: String,
    collector: String,
    ca: String,
    pairs: Vec<StoredPair>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPair {
    key: String,
    chain: Vec<String>,
}

impl Stored {
    fn of(identity: &Identity) -> Self {
        let pair = |pair: &Pair| StoredPair {
            key: BASE64.encode(&pair.key_der),
            chain: pair.chain.iter().map(|der| BASE64.encode(der)).collect(),
        };
        Self {
            school_id: identity.school_id.clone(),
            device_id: identity.device_id.clone(),
            group: identity.group.clone(),
            collector: identity.collector.clone(),
            ca: BASE64.encode(&identity.ca_der),
            pairs: identity.pairs.iter().map(pair).collect(),
        }
    }

    fn read(self) -> anyhow::Result<Identity> {
        let decode = |text: &str| BASE64.decode(text.as_bytes()).context("not base64");
        let mut pairs = Vec::new();
        for pair in self.pairs {
            let chain = pair
                .chain
                .iter()
                .map(|der| decode(der))
                .collect::<anyhow::Result<_>>()?;
            pairs.push(Pair::new(Zeroizing::new(decode(&pair.key)?), chain)?);
        }
        if pairs.is_empty() {
            bail!("there is no key in it");
        }
        Ok(Identity {
            school_id: self.school_id,
            device_id: self.device_id,
            group: self.group,
            collector: self.collector,
            ca_der: decode(&self.ca)?,
            pairs,
        })
    }
}

/// When the last certificate of this run was issued, by a clock that nobody sets.
#[derive(Debug, Default)]
pub(crate) struct Renewals(Mutex<Option<Instant>>);

impl Renewals {
    /// Whether this device's own clock may be a reason to ask for another certificate.
    pub(crate) fn may_ask(&self) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_none_or(|last| last.elapsed() >= BY_OWN_CLOCK)
    }

    /// One was issued now.
    pub(crate) fn issued(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}
