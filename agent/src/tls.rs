//! Whom the device trusts on the network: the school's own certificate authority and nobody else's.

use ring::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use std::sync::{Arc, OnceLock};
use webpki::{EndEntityCert, KeyUsage};

/// How the school's CA is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// By the fingerprint in the enrolment token: the collector presents the certificate.
    Fingerprint([u8; 32]),
    /// By the certificate kept since enrolment.
    Ca(Vec<u8>),
}

/// The collector's certificate is right in all but its time: either this device's clock or the certificate is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeFault;

/// What answers showed a certificate that the school's CA did not issue, or not for this name, or speaks something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the other end is not the school's collector: {0}")]
pub(crate) struct NotTheCollector(pub String);

/// A client's TLS settings, and what its verifier finds out about time.
pub(crate) struct ClientTls {
    /// For the connector.
    pub config: Arc<ClientConfig>,
    /// Filled during the handshake when only the time is wrong. Nothing but a hello may then be sent.
    pub time_fault: Arc<OnceLock<TimeFault>>,
}

/// Makes the settings for one connection: with the device's own certificate, or without for enrolment.
pub(crate) fn client(trust: Trust, own: Option<(&[Vec<u8>], &[u8])>) -> Result<ClientTls, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let time_fault = Arc::new(OnceLock::new());
    let verifier = CollectorVerifier {
        trust,
        provider: Arc::clone(&provider),
        time_fault: Arc::clone(&time_fault),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = chain
                .iter()
                .map(|der| CertificateDer::from(der.clone()))
                .collect();
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.to_vec()));
            builder.with_client_auth_cert(chain, key)?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(ClientTls {
        config: Arc::new(config),
        time_fault,
    })
}

/// The certificate with this fingerprint among those that were presented.
#[must_use]
pub(crate) fn find_by_fingerprint<'a>(
    presented: &'a [CertificateDer<'static>],
    fingerprint: &[u8; 32],
) -> Option<&'a CertificateDer<'static>> {
    presented
        .iter()
        .find(|der| digest(&SHA256, der).as_ref() == fingerprint)
}

#[derive(Debug)]
struct CollectorVerifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
    time_fault: Arc<OnceLock<TimeFault>>,
}

impl CollectorVerifier {
    fn check(
        &self,
        leaf: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        at: UnixTime,
    ) -> Result<(), webpki::Error> {
        let ca = match &self.trust {
            Trust::Ca(der) => CertificateDer::from(der.as_slice()),
            Trust::Fingerprint(wanted) => issuers
                .iter()
                .find(|der| digest(&SHA256, der).as_ref() == wanted)
                .cloned()
                .ok_or(webpki::Error::UnknownIssuer)?,
        };
        let anchor = webpki::anchor_from_trusted_cert(&ca)?;
        let leaf = EndEntityCert::try_from(leaf)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        leaf.verify_for_usage(
            algorithms,
            &[anchor],
            issuers,
            at,
            KeyUsage::server_auth(),
            None,
            None,
        )?;
        leaf.verify_is_valid_for_subject_name(name)
    }
}

impl ServerCertVerifier for CollectorVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let checked = match self.check(leaf, issuers, name, now) {
            // A device whose clock is out must be able to learn the right time: from its own collector, proven in
            // everything but the time, and before anything is sent to it.
            Err(
                webpki::Error::CertExpired {
                    not_after: possible, ..
                }
                | webpki::Error::CertNotValidYet {
                    not_before: possible, ..
                },
            ) => self.check(leaf, issuers, name, possible).inspect(|()| {
                let _ = self.time_fault.set(TimeFault);
            }),
            checked => checked,
        };
        checked
            .map(|()| ServerCertVerified::assertion())
            .map_err(|error| {
                let error = NotTheCollector(error.to_string());
                rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
