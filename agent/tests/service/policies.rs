//! Policies: in force offline and after a restart; a bad one is refused and said, and the last good one stays.

use crate::device::Device;
use crate::{LIST, built, collector_with_policy, named, policy, sha256, signed, signer};
use pastoral_agent::identity::{Identity, Pair, Request};
use pastoral_agent::policy::{PolicyRefused, PolicyStore, verify};
use pastoral_agent::rules::PolicyNumber;
use pastoral_proto::device::collector_message::Message as Down;
use pastoral_proto::device::{Issued, Policy, PolicyReport, RulesReference, SignedPolicy, Standing};
use pastoral_proto::limits;
use pastoral_support::authority::Authority;
use pastoral_support::poll::comes_true;
use rcgen::ExtendedKeyUsagePurpose;
use std::path::Path;

fn identity(authority: &Authority) -> Identity {
    let request = Request::new().unwrap();
    let issued = Issued {
        device_id: "device-1".into(),
        school_id: "school-1".into(),
        chain_der: authority.device(&request.csr_der, -1..365),
        group: "laptops".into(),
    };
    let pair = Pair::issued(&issued, request.key_der, &authority.ca_der).unwrap();
    Identity {
        school_id: issued.school_id,
        device_id: issued.device_id,
        group: issued.group,
        collector: "https://localhost:1".into(),
        ca_der: authority.ca_der.clone(),
        pairs: vec![pair],
    }
}

fn now_ms() -> i64 {
    pastoral_agent::clock::now_ms()
}

#[test]
fn a_policy_by_anybody_else_or_for_anybody_else_is_refused_and_says_why() {
    let (school, stranger) = (Authority::invented(), Authority::invented());
    let us = identity(&school);
    let number = PolicyNumber {
        group: String::new(),
        generation: 1,
        counter: 1,
    };
    let in_force = Some(&number);
    let good = signed(&policy(2), &signer(&school));
    assert!(verify(&good, &us, in_force, now_ms()).is_ok());
    let changed = |change: &dyn Fn(&mut Policy)| {
        let mut policy = policy(2);
        change(&mut policy);
        signed(&policy, &signer(&school))
    };
    let mut tampered = good.clone();
    *tampered.policy.last_mut().unwrap() ^= 1;
    let table: Vec<(&str, SignedPolicy, &str)> = vec![
        (
            "another CA's signer",
            signed(&policy(2), &signer(&stranger)),
            "not a policy key",
        ),
        (
            "a device's certificate",
            signed(
                &policy(2),
                &school.policy_signer("policy", ExtendedKeyUsagePurpose::ClientAuth),
            ),
            "not a policy key",
        ),
        (
            "another of the CA's signers",
            signed(
                &policy(2),
                &school.policy_signer("updates", ExtendedKeyUsagePurpose::CodeSigning),
            ),
            "for something else",
        ),
        ("changed bytes", tampered, "signature"),
        (
            "no certificate",
            SignedPolicy {
                signer_certificate_der: Vec::new(),
                ..good.clone()
            },
            "no certificate",
        ),
        (
            "another school",
            changed(&|policy| policy.school_id = "school-2".into()),
            "another school",
        ),
        (
            "another device",
            changed(&|policy| policy.device_id = "device-2".into()),
            "another device",
        ),
        (
            "another group",
            changed(&|policy| (policy.device_id, policy.group) = (String::new(), "office".into())),
            "another group",
        ),
        ("nobody", changed(&|policy| policy.device_id.clear()), "neither"),
        (
            "the same again",
            changed(&|policy| policy.counter = 1),
            "not above",
        ),
        (
            "an older generation",
            changed(&|policy| (policy.generation, policy.counter) = (0, 99)),
            "not above",
        ),
    ];
    for (what, signed, why) in table {
        let refused = verify(&signed, &us, in_force, now_ms())
            .expect_err(what)
            .to_string();
        assert!(refused.contains(why), "{what}: {refused}");
    }
    let group = changed(&|policy| (policy.device_id, policy.group) = (String::new(), "laptops".into()));
    assert!(verify(&group, &us, in_force, now_ms()).is_ok());
}

async fn accept(
    state: &Path,
    policy: &Policy,
    school: &Authority,
    content: &[u8],
) -> Result<(), PolicyRefused> {
    let signed = signed(policy, &signer(school));
    let content = content.to_vec();
    let fetch = |_| {
        let content = content.clone();
        async move { Ok(content) }
    };
    PolicyStore::new(state)
        .accept(&signed, policy, fetch)
        .await
        .map(|_| ())
}

#[tokio::test]
async fn bad_rules_or_settings_are_refused_and_the_last_good_one_stays_over_a_restart() {
    let school = Authority::invented();
    let us = identity(&school);
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    assert!(PolicyStore::new(state).load(&us).unwrap().is_none());
    let rules = built(LIST);
    accept(state, &policy(1), &school, &rules).await.unwrap();
    let broken = &rules[..rules.len() - 1];
    let mut with_broken = policy(2);
    with_broken.rules = Some(named(broken));
    let refused = accept(state, &with_broken, &school, broken)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("damaged"), "{refused}");
    let mut unfetched = policy(2);
    unfetched.rules = Some(named(b"what nobody has"));
    let refused = accept(state, &unfetched, &school, b"something else")
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("hash"), "{refused}");
    for (change, why) in [
        (
            &(|policy: &mut Policy| policy.lists.clear()) as &dyn Fn(&mut Policy),
            "names 0 lists",
        ),
        (
            &|policy: &mut Policy| policy.unknown_audience = "ks9".into(),
            "ks2",
        ),
        (
            &|policy: &mut Policy| policy.health_interval_s = 0,
            "health_interval_s",
        ),
        (
            &|policy: &mut Policy| policy.canary_interval_s = 1,
            "canary_interval_s",
        ),
        (&|policy: &mut Policy| policy.rules = None, "names none"),
        (
            &|policy: &mut Policy| policy.rules.as_mut().unwrap().sha256.truncate(20),
            "SHA-256",
        ),
        (
            &|policy: &mut Policy| policy.rules.as_mut().unwrap().bytes = u32::MAX,
            "too large",
        ),
    ] {
        let mut wrong = policy(2);
        change(&mut wrong);
        let refused = accept(state, &wrong, &school, &rules)
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    let rules = PolicyStore::new(state).load(&us).unwrap().unwrap();
    assert_eq!(
        rules.policy,
        Some(PolicyNumber {
            group: String::new(),
            generation: 1,
            counter: 1
        })
    );
    assert_eq!(rules.lists, [("invented".to_owned(), 1)]);
}

#[tokio::test]
async fn a_refused_policy_is_reported_shown_and_leaves_the_last_one_in_force_offline() {
    let collector = collector_with_policy().await;
    let mut device = Device::joined(&collector).await;
    device
        .until_status("in force", |status| status["detail"]["policy"] == "1.1")
        .await;
    comes_true("reported", async || {
        collector.see(|script| script.reports.iter().any(|report| report.in_force))
    })
    .await;
    let mut bad = policy(2);
    bad.unknown_audience = "everybody".into();
    collector
        .send(Down::Policy(signed(&bad, &signer(&collector.authority))))
        .await;
    comes_true("refused", async || {
        collector.see(|script| {
            let refused =
                |report: &&pastoral_proto::device::PolicyReport| !report.in_force && report.counter == 2;
            script
                .reports
                .iter()
                .find(refused)
                .is_some_and(|report| report.refusal.contains("unknown_audience"))
        })
    })
    .await;
    let refused = |status: &serde_json::Value| {
        status["detail"]["troubles"]
            .to_string()
            .contains("policy was refused")
    };
    assert_eq!(
        device.until_status("said", refused).await["detail"]["policy"],
        "1.1"
    );
    collector.stop();
    device.stop();
    device.start();
    let status = device.status();
    assert_eq!(
        (
            status["detail"]["policy"].as_str(),
            status["detail"]["lists"][0].as_str()
        ),
        (Some("1.1"), Some("invented 1"))
    );
}

#[tokio::test]
async fn a_device_moved_to_another_group_takes_that_groups_policy_and_no_other() {
    let collector = collector_with_policy().await;
    let of_group = |group: &str, counter| {
        let mut policy = policy(counter);
        (policy.device_id, policy.group) = (String::new(), group.into());
        signed(&policy, &signer(&collector.authority))
    };
    collector.set(|script| script.policy = Some(of_group("laptops", 7)));
    let device = Device::joined(&collector).await;
    let in_force = |number: &'static str| {
        move |status: &serde_json::Value| status["detail"]["policy"].as_str() == Some(number)
    };
    device.until_status("its group's", in_force("1.7")).await;
    collector.send(Down::Policy(of_group("office", 9))).await;
    comes_true("refused", async || {
        collector.see(|script| {
            let refused =
                |report: &PolicyReport| !report.in_force && report.refusal.contains("another group");
            script.reports.iter().any(refused)
        })
    })
    .await;
    let moved = Standing {
        group: "office".into(),
        cloned: false,
    };
    collector.send(Down::Standing(moved)).await;
    // Numbered below the one in force, which is another group's.
    collector.send(Down::Policy(of_group("office", 2))).await;
    device.until_status("the new group's", in_force("1.2")).await;
    let stored = std::fs::read_to_string(device.state().join("identity.json")).unwrap();
    assert!(stored.contains("\"group\": \"office\""), "{stored}");
}

#[tokio::test]
async fn rules_of_many_pieces_arrive_whole_and_more_than_was_signed_is_not_taken() {
    let collector = collector_with_policy().await;
    let device = Device::joined(&collector).await;
    device
        .until_status("in force", |status| status["detail"]["policy"] == "1.1")
        .await;
    let mut list = LIST.to_owned();
    for number in 0..3_000 {
        list.push_str(&format!(
            "\n[[term]]\ntext = \"invented{number} words{number}\"\ntopic = \"bullying\"\nseverity = 1\nreason = \"Invented\"\n"
        ));
    }
    let rules = built(&list);
    assert!(rules.len() > 3 * limits::RULES_PIECE, "{}", rules.len());
    let mut with_many = policy(2);
    with_many.rules = Some(named(&rules));
    let mut with_more = policy(3);
    with_more.rules = Some(RulesReference {
        sha256: vec![3; 32],
        bytes: 1_000,
    });
    collector.set(|script| {
        script.rules.insert(vec![3; 32], rules.clone());
        script.rules.insert(sha256(&rules), rules);
    });
    for policy in [&with_more, &with_many] {
        let signed = signed(policy, &signer(&collector.authority));
        collector.send(Down::Policy(signed)).await;
    }
    device
        .until_status("in force", |status| status["detail"]["policy"] == "1.2")
        .await;
    let refusals = collector.see(|script| {
        script
            .reports
            .iter()
            .map(|report| report.refusal.clone())
            .collect::<Vec<_>>()
    });
    assert!(
        refusals
            .iter()
            .any(|refusal| refusal.contains("more of them than the policy says")),
        "{refusals:?}"
    );
}

/// The one file of rules in a state folder.
fn rules_file(state: &Path) -> std::path::PathBuf {
    let mut files = std::fs::read_dir(state.join("rules")).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    file
}

#[tokio::test]
async fn rules_lie_on_disk_sealed_and_what_is_damaged_there_is_fetched_again() {
    let school = Authority::invented();
    let us = identity(&school);
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let rules = built(LIST);
    accept(state, &policy(1), &school, &rules).await.unwrap();
    let key = std::fs::metadata(state.join("rules.key")).unwrap();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o777,
        0o600
    );
    let file = rules_file(state);
    let holds = |part: &[u8]| {
        let bytes = std::fs::read(&file).unwrap();
        bytes.windows(part.len()).any(|window| window == part)
    };
    for word in [&b"zorbling"[..], b"quandle", b"PASTORKW"] {
        assert!(
            rules.windows(word.len()).any(|window| window == word),
            "not in the rules themselves"
        );
        assert!(!holds(word), "a word of a list stands in the file");
    }
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let refused = PolicyStore::new(state).load(&us).unwrap_err();
    assert!(
        refused.to_string().contains("missing on this device"),
        "{refused}"
    );
    let other = built(&LIST.replace("zorbling", "blorping"));
    assert!(
        accept(state, &policy(1), &school, &other).await.is_err(),
        "it was not fetched again"
    );
    accept(state, &policy(1), &school, &rules).await.unwrap();
    assert!(PolicyStore::new(state).load(&us).unwrap().is_some());
}
