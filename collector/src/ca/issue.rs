//! Certificates for devices.

use super::{Authority, BACKDATE_MS, DEVICE_LIFE_MS, name};
use rcgen::{
    CertificateParams, CertificateSigningRequestParams, ExtendedKeyUsagePurpose, KeyUsagePurpose,
    PublicKeyData as _,
};
use ring::digest::{SHA256, digest};
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Why a request is not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The bytes are no request, or its signature does not prove that the asker holds the key.
    #[error(
        "the certificate request is malformed or not signed with its own key; let the agent make another"
    )]
    Request,
    /// The certificate could not be made.
    #[error("the certificate could not be made; see the collector's log")]
    Authority,
}

/// A certificate made for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCertificate {
    /// The certificate.
    pub der: CertificateDer<'static>,
    /// Its SHA-256.
    pub sha256: Vec<u8>,
    /// In force from.
    pub not_before: i64,
    /// In force until.
    pub not_after: i64,
}

/// What is read from a certificate.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    /// The whole SubjectPublicKeyInfo.
    pub(super) public_key: Vec<u8>,
}

impl Authority {
    /// Signs a device's request. Only its public key is taken from it: the names are ours.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue(
        &self,
        csr_der: &[u8],
        device_id: &str,
        now_ms: i64,
    ) -> Result<DeviceCertificate, IssueError> {
        let request = read_request(csr_der)?;
        let (not_before, not_after) = (now_ms - BACKDATE_MS, now_ms + DEVICE_LIFE_MS);
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&self.school_id, device_id);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        validity(&mut params, not_before, not_after);
        params.use_authority_key_identifier_extension = true;
        let made = params
            .signed_by(&request.public_key, &self.issuer)
            .map_err(|_| IssueError::Authority)?;
        let der = made.der().clone();
        let sha256 = digest(&SHA256, &der).as_ref().to_vec();
        Ok(DeviceCertificate {
            der,
            sha256,
            not_before,
            not_after,
        })
    }
}

/// SHA-256 of the public key (SubjectPublicKeyInfo) that a request proves to hold.
///
/// # Errors
/// [`IssueError::Request`].
pub(crate) fn public_key_sha256(csr_der: &[u8]) -> Result<Vec<u8>, IssueError> {
    let request = read_request(csr_der)?;
    Ok(digest(&SHA256, &request.public_key.subject_public_key_info())
        .as_ref()
        .to_vec())
}

fn read_request(csr_der: &[u8]) -> Result<CertificateSigningRequestParams, IssueError> {
    CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr_der))
        .map_err(|_| IssueError::Request)
}

/// What is read from a certificate; none when it cannot be read.
pub(super) fn facts(der: &[u8]) -> Option<Facts> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(Facts {
        not_before: certificate.validity().not_before.timestamp() * 1000,
        not_after: certificate.validity().not_after.timestamp() * 1000,
        public_key: certificate.public_key().raw.to_vec(),
    })
}

/// Sets when a certificate begins and ends.
pub(super) fn validity(params: &mut CertificateParams, not_before: i64, not_after: i64) {
    let at = |ms: i64| {
        rcgen::date_time_ymd(1970, 1, 1)
            + std::time::Duration::from_millis(u64::try_from(ms).unwrap_or_default())
    };
    params.not_before = at(not_before);
    params.not_after = at(not_after);
}
