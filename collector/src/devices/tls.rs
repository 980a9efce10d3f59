//! Who is on the other end of a device's connection.
//!
//! The TLS handshake asks for a certificate without requiring one, and checks that it is of the school's authority
//! and that the peer holds its key. It does not look at expiry or revocation: those are answered in the protocol, in
//! words, so that a device can be told what to do.

use crate::ca::Pair;
use anyhow::Context as _;
use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, TrustAnchor, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
};
use std::sync::Arc;
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The certificate shown to devices; replaced while running.
#[derive(Debug)]
pub(super) struct ServerCertificate(ArcSwap<CertifiedKey>);

impl ServerCertificate {
    /// Shows this certificate first.
    pub(super) fn new(pair: &Pair, authority: &CertificateDer<'static>) -> anyhow::Result<Arc<Self>> {
        Ok(Arc::new(Self(ArcSwap::from_pointee(certified(pair, authority)?))))
    }

    /// Shows this one to whoever connects from now on.
    pub(super) fn replace(&self, pair: &Pair, authority: &CertificateDer<'static>) -> anyhow::Result<()> {
        self.0.store(Arc::new(certified(pair, authority)?));
        Ok(())
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// With the authority's own certificate behind it: a device that joins knows that by its fingerprint only.
fn certified(pair: &Pair, authority: &CertificateDer<'static>) -> anyhow::Result<CertifiedKey> {
    let key = PrivateKeyDer::try_from(pair.key.serialize_der()).map_err(|error| anyhow::anyhow!(error))?;
    let key = rustls::crypto::ring::sign::any_supported_type(&key)
        .context("the server's key is of no known type")?;
    Ok(CertifiedKey::new(
        vec![pair.certificate.clone(), authority.clone()],
        key,
    ))
}

/// The settings of the devices' listener.
pub(super) fn server_config(
    authority: &CertificateDer<'static>,
    certificate: Arc<ServerCertificate>,
) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(DeviceVerifier::new(authority, &provider)?);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec()];
    // Resumption would spare little and cost memory for every device.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// INVARIANT 7: a device is who its certificate says, and nobody else.
#[derive(Debug)]
struct DeviceVerifier {
    anchor: TrustAnchor<'static>,
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl DeviceVerifier {
    fn new(authority: &CertificateDer<'static>, provider: &CryptoProvider) -> anyhow::Result<Self> {
        let anchor = anchor_from_trusted_cert(authority)
            .context("the authority's certificate is damaged")?
            .to_owned();
        let hints = vec![DistinguishedName::in_sequence(&anchor.subject)];
        Ok(Self {
            anchor,
            hints,
            algorithms: provider.signature_verification_algorithms,
        })
    }
}

impl ClientCertVerifier for DeviceVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
        let certificate = EndEntityCert::try_from(end_entity).map_err(bad)?;
        // Checked as of its own first second: whether that is long ago is for the protocol to say.
        let (_, parsed) = X509Certificate::from_der(end_entity)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let begins = u64::try_from(parsed.validity().not_before.timestamp()).unwrap_or_default();
        certificate
            .verify_for_usage(
                self.algorithms.all,
                std::slice::from_ref(&self.anchor),
                intermediates,
                UnixTime::since_unix_epoch(Duration::from_secs(begins)),
                KeyUsage::client_auth(),
                None,
                None,
            )
            .map_err(|_| Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
