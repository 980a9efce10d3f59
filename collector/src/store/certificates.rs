//! Devices' certificates.

use super::{Store, Write};
use crate::ca::DeviceCertificate;
use crate::store::devices::DeviceState;

/// What a certificate says about its device now.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CertificateStanding {
    /// The device.
    pub device_id: String,
    /// Its group.
    pub group: String,
    /// Its state.
    pub state: DeviceState,
    /// The certificate's validity.
    pub not_before: i64,
    /// The certificate's validity.
    pub not_after: i64,
    /// Whether this certificate was revoked.
    pub certificate_revoked: bool,
    /// Whether another device uses this one's identity.
    pub cloned: bool,
    /// When a person retired it, and when it last spoke since.
    pub retired_at: Option<i64>,
    /// When it last spoke although it is retired.
    pub retired_heard_at: Option<i64>,
}

/// Marks every certificate of a device as revoked.
pub async fn revoke_certificates(
    tx: &mut Write,
    school_id: &str,
    device_id: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE device_certificate SET revoked_at = $1 WHERE school_id = $2 AND device_id = $3 AND revoked_at IS NULL",
    )
    .bind(now_ms)
    .bind(school_id)
    .bind(device_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Keeps a certificate that was made for a device.
pub async fn add_certificate(
    tx: &mut Write,
    school_id: &str,
    device_id: &str,
    certificate: &DeviceCertificate,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO device_certificate (school_id, sha256, device_id, not_before, not_after, issued_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(school_id)
    .bind(&certificate.sha256)
    .bind(device_id)
    .bind(certificate.not_before)
    .bind(certificate.not_after)
    .bind(now_ms)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What the rows say about a certificate; none when we never made it.
pub async fn standing(
    store: &Store,
    school_id: &str,
    certificate_sha256: &[u8],
) -> Result<Option<CertificateStanding>, sqlx::Error> {
    sqlx::query_as(
        "SELECT d.device_id, d.group_name AS \"group\", d.state, c.not_before, c.not_after,
         c.revoked_at IS NOT NULL AS certificate_revoked, d.cloned_at IS NOT NULL AS cloned, d.retired_at,
         d.retired_heard_at
         FROM device_certificate c JOIN device d ON d.school_id = c.school_id AND d.device_id = c.device_id
         WHERE c.school_id = $1 AND c.sha256 = $2",
    )
    .bind(school_id)
    .bind(certificate_sha256)
    .fetch_optional(&mut *store.read().await?)
    .await
}
