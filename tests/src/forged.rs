//! Certificates that a device should not have: by nobody's authority, or out of date.

use crate::laptop::Laptop;
use crate::site::Site;
use anyhow::{Context as _, Result};
use data_encoding::{BASE64, HEXLOWER};
use nix::unistd::chown;
use pastoral_support::authority::Authority;
use pastoral_support::clock::now_ms;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyUsagePurpose};
use ring::digest::{SHA256, digest};
use serde_json::Value;
use std::fs;
use std::ops::Range;

/// From when and until when a certificate holds today, in days from now.
pub const IN_FORCE: Range<i64> = -10..80;
/// It held until a month ago.
pub const EXPIRED: Range<i64> = -120..-30;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Gives a laptop, which must not run, a new key and a certificate in its own name; gives the certificate.
pub fn certify(by: &Authority, laptop: &Laptop, days: Range<i64>) -> Result<Vec<u8>> {
    let file = laptop.state_dir().join("identity.json");
    let mut identity: Value = serde_json::from_slice(&fs::read(&file)?)?;
    let text = |name: &str| identity[name].as_str().context("an identity without names");
    let mut params = CertificateParams::default();
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, text("device_id")?);
    name.push(DnType::OrganizationName, text("school_id")?);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let made = by.leaf(params, days);
    identity["pairs"] = serde_json::json!([{
        "key": BASE64.encode(&made.key.serialize_der()),
        "chain": [BASE64.encode(&made.der), BASE64.encode(&by.ca_der)],
    }]);
    fs::write(&file, serde_json::to_vec(&identity)?)?;
    chown(
        &file,
        Some(laptop.user().uid.into()),
        Some(laptop.user().gid.into()),
    )?;
    Ok(made.der)
}

/// Enters a certificate of the site's laptop among those the collector has issued.
pub fn enter(site: &Site, certificate: &[u8], days: Range<i64>) -> Result<()> {
    let at = |day: i64| now_ms() + day * DAY_MS;
    let entered = format!(
        "INSERT INTO device_certificate (school_id, sha256, device_id, not_before, not_after, issued_at)
         SELECT school_id, x'{}', device_id, {}, {}, {} FROM device LIMIT 1",
        HEXLOWER.encode(digest(&SHA256, certificate).as_ref()),
        at(days.start),
        at(days.end),
        at(days.start),
    );
    site.store()?.rows(&entered).map(drop)
}
