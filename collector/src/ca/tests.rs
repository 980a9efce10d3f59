//! Made with the real authority in a folder of its own.

use super::*;
use std::os::unix::fs::PermissionsExt as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

const NOW: i64 = 1_795_000_000_000;

fn authority() -> (tempfile::TempDir, Authority) {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::create(dir.path(), "school-1", NOW).unwrap();
    (dir, authority)
}

fn request() -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["root.example".to_owned()]).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "somebody else");
    params.serialize_request(&key).unwrap().der().to_vec()
}

#[test]
fn a_device_s_certificate_carries_our_names_and_not_those_it_asked_for() {
    let (_dir, authority) = authority();
    let made = authority.issue(&request(), "device-7", NOW).unwrap();
    let (_, read) = X509Certificate::from_der(&made.der).unwrap();
    assert_eq!(read.subject().to_string(), "CN=device-7, O=school-1");
    assert!(read.subject_alternative_name().unwrap().is_none());
    assert!(made.not_before < NOW && made.not_after == NOW + DEVICE_LIFE_MS);
}

#[test]
fn a_request_that_is_not_signed_with_its_own_key_is_refused() {
    let (_dir, authority) = authority();
    let mut damaged = request();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    assert_eq!(
        authority.issue(&damaged, "device-7", NOW),
        Err(IssueError::Request)
    );
    assert_eq!(
        authority.issue(b"no request", "device-7", NOW),
        Err(IssueError::Request)
    );
}

#[test]
fn an_authority_is_never_overwritten() {
    let (dir, _authority) = authority();
    assert!(Authority::create(dir.path(), "school-1", NOW).is_err());
}

#[test]
fn keys_are_readable_by_the_collector_alone() {
    let (dir, authority) = authority();
    authority.policy_signer(NOW).unwrap();
    for entry in std::fs::read_dir(dir.path().join("ca")).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}

#[test]
fn the_server_certificate_is_kept_until_two_thirds_of_its_life_or_other_names() {
    let (_dir, authority) = authority();
    let names = ["collector.example".to_owned()];
    let first = authority.server(&names, NOW).unwrap().certificate;
    assert_eq!(authority.server(&names, NOW + DAY_MS).unwrap().certificate, first);
    assert_ne!(
        authority
            .server(&["10.0.0.1".to_owned()], NOW)
            .unwrap()
            .certificate,
        first
    );
    let second = authority.server(&names, NOW).unwrap().certificate;
    assert_ne!(
        authority
            .server(&names, NOW + SERVER_LIFE_MS / 4 * 3)
            .unwrap()
            .certificate,
        second
    );
}

#[test]
fn the_policy_signer_stays_the_same() {
    let (_dir, authority) = authority();
    let first = authority.policy_signer(NOW).unwrap().certificate;
    assert_eq!(authority.policy_signer(NOW + DAY_MS).unwrap().certificate, first);
}

#[test]
fn a_certificate_from_a_clock_that_was_ahead_is_made_anew_when_it_comes_back() {
    let (_dir, authority) = authority();
    let names = ["collector.school.example".to_owned()];
    let ahead = NOW + 365 * 86_400_000;
    authority.server(&names, ahead).unwrap();
    let made = authority.server(&names, NOW).unwrap();
    let facts = issue::facts(&made.certificate).unwrap();
    assert!((facts.not_before..facts.not_after).contains(&NOW));
}
