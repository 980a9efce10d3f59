//! A school's certificate authority, and whoever would like to be one.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SigningKey as _,
};
use ring::digest::{SHA256, digest};
use std::fs;
use std::ops::Range;
use std::path::Path;

/// Seconds since 1970, as the certificates count.
const DAY: i64 = 24 * 3600;

/// Whoever has its key.
pub struct Authority {
    /// Its certificate.
    pub ca_der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

/// A key and its certificate.
pub struct Leaf {
    /// The certificate.
    pub der: Vec<u8>,
    /// Its key.
    pub key: KeyPair,
}

impl Authority {
    /// Whom nobody trusts yet.
    #[must_use]
    pub fn invented() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "an invented school");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).unwrap();
        Self {
            ca_der: certificate.der().to_vec(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A collector's own, whose key is where it keeps it.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let ca_der = fs::read(folder.join("ca.der")).unwrap();
        let key = KeyPair::from_pem(&fs::read_to_string(folder.join("ca.key.pem")).unwrap()).unwrap();
        let issuer = Issuer::from_ca_cert_der(&ca_der.as_slice().into(), key).unwrap();
        Self { ca_der, issuer }
    }

    /// The hash of its certificate.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        digest(&SHA256, &self.ca_der).as_ref().try_into().unwrap()
    }

    /// For a server; days from now until it begins and ends.
    #[must_use]
    pub fn server(&self, name: &str, days: Range<i64>) -> Leaf {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.leaf(params, days)
    }

    /// For who signs policies, or should not.
    #[must_use]
    pub fn policy_signer(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Leaf {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        self.leaf(params, -1..365)
    }

    /// Certifies a device's request; the certificate first, then the CA's.
    #[must_use]
    pub fn device(&self, csr_der: &[u8], days: Range<i64>) -> Vec<Vec<u8>> {
        let mut request = CertificateSigningRequestParams::from_der(&csr_der.to_vec().into()).unwrap();
        request.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        set_days(&mut request.params, days);
        vec![
            request.signed_by(&self.issuer).unwrap().der().to_vec(),
            self.ca_der.clone(),
        ]
    }

    /// Of what is asked for, with a new key.
    #[must_use]
    pub fn leaf(&self, mut params: CertificateParams, days: Range<i64>) -> Leaf {
        set_days(&mut params, days);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Leaf {
            der: certificate.der().to_vec(),
            key,
        }
    }
}

impl Leaf {
    /// Signs with the key.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.key.sign(bytes).unwrap()
    }
}

fn set_days(params: &mut CertificateParams, days: Range<i64>) {
    let now = crate::clock::now_ms() / 1000;
    let at = |days: i64| {
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        epoch + std::time::Duration::from_secs(u64::try_from(now + days * DAY).unwrap())
    };
    (params.not_before, params.not_after) = (at(days.start), at(days.end));
}
