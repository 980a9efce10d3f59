//! P3, P4, P37: people from the school's own system.

use crate::school::{Concern, MINUTE, SCHOOL, School, monday};
use pastoral_collector::concerns::kind::Kind;
use pastoral_collector::people::{File, Reader, Reading};
use pastoral_collector::profile::Profile;
use pastoral_collector::store::audit;
use pastoral_collector::store::import::{self, ImportError, Imported};
use pastoral_keywords::Audience;

const HEADER: &str = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,\
                      familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password";

pub(crate) fn line(id: &str, role: &str, username: &str, family: &str, email: &str, grades: &str) -> String {
    format!("{id},active,2026-09-01,true,org,{role},{username},,Invented,{family},,,{email},,,,{grades},")
}

pub(crate) fn file(lines: &[String]) -> String {
    format!("{HEADER}\n{}\n", lines.join("\n"))
}

pub(crate) fn reading(text: &str, profile: &Profile) -> Reading {
    let file = File {
        name: "users.csv",
        bytes: text.as_bytes(),
    };
    Reader::on(monday(), profile).read(&[file]).unwrap()
}

/// Takes a file, as after everybody has confirmed it.
async fn take(school: &School, lines: &[String]) -> Result<Imported, ImportError> {
    let mut tx = school.app.store.write().await.unwrap();
    let reading = reading(&file(lines), &school.app.profile.load());
    let telling = school.telling();
    let (plan, directory) = import::plan(&mut tx, &telling, &reading).await?;
    let imported = import::take(
        &mut tx,
        &telling,
        &plan,
        &directory,
        "technician",
        monday() + MINUTE,
    )
    .await?;
    tx.commit().await.unwrap();
    Ok(imported)
}

/// P3.
#[tokio::test]
async fn year_groups_decide_the_audience() {
    let school = School::new().await;
    let years = [
        ("R", Audience::Ks1),
        ("KG", Audience::Ks1),
        ("01", Audience::Ks1),
        ("2", Audience::Ks1),
        ("Year 3", Audience::Ks2),
        ("06", Audience::Ks2),
        ("7", Audience::Secondary),
        ("13", Audience::Secondary),
        ("", Audience::Ks1),
    ];
    let mut lines: Vec<_> = (0..)
        .zip(years)
        .map(|(number, (grade, _))| {
            line(
                &format!("s{number}"),
                "student",
                &format!("user{number}"),
                "Kid",
                "",
                grade,
            )
        })
        .collect();
    lines.push(line("t", "teacher", "teach", "Adult", "", ""));
    lines.push(line("a", "administrator", "office", "Adult", "", ""));
    take(&school, &lines).await.unwrap();
    let directory = school.directory().await;
    let audience = |username: &str| directory.person_of_username(username).unwrap().audience();
    for (number, (grade, expected)) in (0..).zip(years) {
        assert_eq!(audience(&format!("user{number}")), expected, "{grade}");
    }
    assert_eq!(audience("SCHOOL\\Teach"), Audience::Staff);
    assert_eq!(audience("office@oak.example"), Audience::Administration);
    assert_eq!(directory.audience(None, "administration"), Audience::Ks1);
}

#[tokio::test]
async fn an_import_adds_changes_and_makes_leavers_of_those_who_are_gone() {
    let school = School::new().await;
    let first = [
        line("s1", "student", "a", "Kid", "", "5"),
        line("s2", "student", "b", "Kid", "", "5"),
    ];
    let imported = take(&school, &first).await.unwrap();
    assert_eq!((imported.added, imported.changed, imported.left), (2, 0, 0));
    let second = [
        line("s1", "student", "a", "Kid", "", "6"),
        line("s3", "student", "c", "Kid", "", "6"),
    ];
    let imported = take(&school, &second).await.unwrap();
    assert_eq!((imported.added, imported.changed, imported.left), (1, 1, 1));
    let again = take(&school, &second).await.unwrap();
    assert_eq!((again.added, again.changed, again.left), (0, 0, 0));
    assert!(school.directory().await.person_of_username("b").is_none());
    assert!(
        audit::verify(&school.app.store, SCHOOL, monday())
            .await
            .unwrap()
            .is_ok()
    );
}

/// Those who were made at `init` are the same people as in the school's own list.
#[tokio::test]
async fn people_made_before_are_recognised_by_their_address_and_keep_their_duties() {
    let school = School::new().await;
    let imported = take(
        &school,
        &[line("t9", "teacher", "d.lind", "Leigh", "DSL@oak.example", "")],
    )
    .await
    .unwrap();
    assert_eq!((imported.added, imported.changed), (0, 1));
    let directory = school.directory().await;
    assert_eq!(directory.person_of_username("d.lind").unwrap().person_id, "dsl");
    assert!(directory.duties().is_reader("dsl"));
}

/// P37: leavers lose access, and their concerns another reader; but a school is never left without one.
#[tokio::test]
async fn a_leaver_loses_duties_unless_nobody_would_be_left_to_do_them() {
    let school = School::new().await;
    school
        .give_duty("teacher", pastoral_collector::concerns::model::Duty::Deputy)
        .await;
    let staff = |id: &str, email: &str| line(id, "teacher", id, "Adult", email, "");
    let both = [staff("t1", "dsl@oak.example"), staff("t2", "teacher@oak.example")];
    take(&school, &both).await.unwrap();
    school.open(&Concern::default()).await;
    assert_eq!(school.readers("c1").await, ["dsl", "deputy", "teacher", "head"]);
    let error = take(&school, &[staff("t2", "teacher@oak.example")])
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("Designated Safeguarding Lead"),
        "{error}"
    );
    assert_eq!(school.readers("c1").await, ["dsl", "deputy", "teacher", "head"]);
    take(&school, &[staff("t1", "dsl@oak.example")]).await.unwrap();
    assert_eq!(school.readers("c1").await, ["dsl", "deputy", "head"]);
}

/// P4: an account is a person's by user name, on an approved device only, and it is recorded how.
#[tokio::test]
async fn accounts_are_known_by_user_name_after_an_import_and_their_concerns_routed_again() {
    let school = School::new().await;
    for (device, account, state) in [("d1", "1", "approved"), ("d2", "2", "pending")] {
        school
            .run(
                "INSERT INTO device (school_id, device_id, host_name, os, group_name, state, confirm_code,
                                     public_key_sha256, csr_der, asked_at)
                 VALUES ('school-1', ?1, 'h', 'linux', 'pupils', ?2, '', x'', x'', 0)",
                &[device, state],
            )
            .await;
        school
            .run(
                "INSERT INTO account (school_id, account_id, device_id, authority, stable_id, name, first_seen_at)
                 VALUES ('school-1', ?2, ?1, 'local', '1001', 'M.Teach', 0)",
                &[device, account],
            )
            .await;
    }
    let concern = Concern {
        person: None,
        account: Some(1),
        kind: Kind::SelfHarm,
        ..Concern::default()
    };
    school.open(&concern).await;
    school
        .run(
            "INSERT INTO flag (school_id, concern_id, device_id, account_id, epoch_no, sequence, audience, source,
                               provenance, topic, severity, observed_at, clock_offset_ms, received_at, data_key_id, sealed)
             VALUES ('school-1', ?, 'd1', 1, 1, 1, 'ks2', 'search', 'typed', 'self-harm', 4, 0, 0, 0, x'', x'')",
            &["c1"],
        )
        .await;
    assert_eq!(school.readers("c1").await, ["dsl", "deputy", "head"]);
    let imported = take(&school, &[line("t1", "teacher", "m.teach", "Adult", "", "")])
        .await
        .unwrap();
    assert_eq!((imported.accounts_known, imported.group_changed.len()), (1, 1));
    assert_eq!(school.readers("c1").await, ["head"]);
    let how = school.texts(
        "SELECT COALESCE(identified_by, '-') FROM account WHERE name = ? ORDER BY account_id",
        "M.Teach",
    );
    assert_eq!(how.await, ["user name", "-"]);
}
