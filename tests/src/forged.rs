//! Certificates that a device should not have: by nobody's authority, or out of date.

use crate::laptop::Laptop;
use crate::site::Site;
use anyhow::{Context as _, Result};
use data_encoding::{BASE64, HEXLOWER};
use nix::unistd::chown;
use pastoral_support::collector::Collector;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use std::fs;
use std::time::Duration;

/// From when and until when a certificate holds, in days from now.
pub type Days = (i64, i64);
/// It holds today.
pub const IN_FORCE: Days = (-10, 80);
/// It held until a month ago.
pub const EXPIRED: Days = (-120, -30);

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Somebody who issues certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
}

/// This machine's time, in milliseconds since 1970.
#[must_use]
pub fn now_ms() -> i64 {
    pastoral_support::clock::now_ms()
}

impl Authority {
    /// Nobody whom a collector trusts.
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key)?.der().to_vec();
        let issuer = Issuer::from_ca_cert_der(&CertificateDer::from(certificate.clone()), key)?;
        Ok(Self { issuer, certificate })
    }

    /// The school's own, whose key is where the collector keeps it.
    pub fn of(collector: &Collector) -> Result<Self> {
        let folder = collector.data_dir().join("ca");
        let certificate = fs::read(folder.join("ca.der"))?;
        let key = KeyPair::from_pem(&fs::read_to_string(folder.join("ca.key.pem"))?)?;
        let issuer = Issuer::from_ca_cert_der(&CertificateDer::from(certificate.clone()), key)?;
        Ok(Self { issuer, certificate })
    }

    /// Gives a laptop, which must not run, a new key and a certificate in its own name; gives the certificate.
    pub fn certify(&self, laptop: &Laptop, days: Days) -> Result<Vec<u8>> {
        let file = laptop.state_dir().join("identity.json");
        let mut identity: Value = serde_json::from_slice(&fs::read(&file)?)?;
        let text = |name: &str| {
            identity[name]
                .as_str()
                .map(str::to_owned)
                .context("an identity without names")
        };
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, text("device_id")?);
        name.push(DnType::OrganizationName, text("school_id")?);
        let mut params = CertificateParams::default();
        params.distinguished_name = name;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let at = |day: i64| {
            let ms = u64::try_from(now_ms() + day * DAY_MS).unwrap_or_default();
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(ms / 1000)
        };
        (params.not_before, params.not_after) = (at(days.0), at(days.1));
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.der().to_vec();
        identity["pairs"] = serde_json::json!([{
            "key": BASE64.encode(&key.serialize_der()),
            "chain": [BASE64.encode(&certificate), BASE64.encode(&self.certificate)],
        }]);
        fs::write(&file, serde_json::to_vec(&identity)?)?;
        chown(
            &file,
            Some(laptop.user().uid.into()),
            Some(laptop.user().gid.into()),
        )?;
        Ok(certificate)
    }

    /// Enters a certificate of the site's laptop among those the collector has issued.
    pub fn enter(&self, site: &Site, certificate: &[u8], days: Days) -> Result<()> {
        let entered = format!(
            "INSERT INTO device_certificate (school_id, sha256, device_id, not_before, not_after, issued_at)
             SELECT school_id, x'{}', device_id, {}, {}, {} FROM device LIMIT 1",
            HEXLOWER.encode(digest(&SHA256, certificate).as_ref()),
            now_ms() + days.0 * DAY_MS,
            now_ms() + days.1 * DAY_MS,
            now_ms() + days.0 * DAY_MS,
        );
        site.store()?.rows(&entered).map(drop)
    }
}
