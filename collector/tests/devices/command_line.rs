//! What the technician is told by the command line.

use data_encoding::BASE32_NOPAD;
use pastoral_collector::concerns::model::ReaderGroup;
use pastoral_collector::seal::GroupPrivateKey;
use pastoral_collector::seal::content::{DataKeyRow, open};
use pastoral_proto::device as proto;
use pastoral_support::collector::Collector;
use pastoral_support::device::Device;
use pastoral_support::records::{flag, is_committed};
use prost::Message as _;
use sqlx::Row as _;

#[test]
fn a_wrong_configuration_is_refused_with_its_line_and_what_to_write() {
    let collector = Collector::start();
    collector.write_config("data_dir = \"/x\"\n[console]\nlisten = \"0.0.0.0:1\"\n");
    let (code, said) = collector.try_run(&["check"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("console.listen") && said.contains("tls_certificate"),
        "{said}"
    );
    collector.write_config("[devices]\nnames = [\"a\"]\nlisten = \"0.0.0.0:1\"\nport = 3\n");
    let (code, said) = collector.try_run(&["check"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("collector.toml:4") && said.contains("`port`") && said.contains("`names`"),
        "{said}"
    );
}

#[test]
fn a_school_is_made_once_and_served_once() {
    let collector = Collector::start();
    let init = [
        "init",
        "--profile",
        "st-marks",
        "--headteacher",
        "A B <a@b.example>",
    ];
    let more = [
        "--technician",
        "C D <c@d.example>",
        "--chair",
        "E F <e@f.example>",
    ];
    let (code, said) = collector.try_run(&[&init[..], &more[..]].concat());
    assert_eq!(code, Some(1));
    assert!(said.contains("already holds a school"), "{said}");
    let (code, said) = collector.try_run(&["serve"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("another collector is already running"), "{said}");
}

#[test]
fn before_init_every_command_says_what_to_run_first() {
    let collector = Collector::start();
    for command in [
        &["device", "list"][..],
        &["token", "list"],
        &["user", "list"],
        &["check"],
        &["serve"],
    ] {
        let (code, said) = collector.try_run(&[&["--data-dir", "/nonexistent/pastoral"], command].concat());
        assert_eq!(code, Some(1));
        assert!(said.contains("init"), "{said}");
    }
}

#[test]
fn a_wrong_call_is_answered_with_code_2_and_a_group_that_is_not_there_with_those_that_are() {
    let collector = Collector::start();
    assert_eq!(collector.try_run(&["token", "create"]).0, Some(2));
    let (code, said) = collector.try_run(&["token", "create", "--group", "pets"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("pupils, staff, administration"), "{said}");
}

#[test]
fn the_command_line_makes_technicians_and_no_readers() {
    let collector = Collector::start();
    let said = collector.run(&["user", "invite-technician", "Tess Newcome <tess@oak.example>"]);
    assert!(
        said.contains("goes to tess@oak.example") && !said.contains("/join/"),
        "{said}"
    );
    assert!(
        collector
            .run(&["user", "list"])
            .contains("Tess Newcome <tess@oak.example>  technician")
    );
    collector.run(&["user", "disable", "tess@oak.example"]);
    assert!(!collector.run(&["user", "list"]).contains("Tess"));
    let (code, said) = collector.try_run(&["user", "disable", "cy@oak.example"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("by two readers"), "{said}");
    let recover = [
        "user",
        "recover",
        "--duty",
        "dsl",
        "Dan Newcome <dan@oak.example>",
    ];
    let (code, said) = collector.run_with(&recover, "pupil AAAA-BBBB\n");
    assert_eq!(code, Some(1));
    assert!(said.contains("mistyped"), "{said}");
}

#[tokio::test]
async fn init_shows_codes_and_no_link_and_mails_each_link_to_its_person() {
    let collector = Collector::start();
    let said = &collector.init;
    assert!(
        !said.contains("/join/") && said.contains("never send it"),
        "{said}"
    );
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT address, matter FROM outbox WHERE notice = 'link' ORDER BY address")
            .fetch_all(&collector.database().await)
            .await
            .unwrap();
    let to: Vec<_> = rows.iter().map(|(address, _)| address.as_str()).collect();
    assert_eq!(to, ["cy@oak.example", "di@oak.example", "ed@oak.example"]);
    for (name, (_, body)) in ["Cy Dunstan", "Di Everard", "Ed Farrow"].iter().zip(&rows) {
        let code = said
            .split(&format!("{name}: "))
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap();
        assert_eq!(code.len(), 11, "{code}");
        assert!(
            body.contains("/join/") && !body.contains(code),
            "the mail does not hold the code"
        );
    }
    let (_, check) = collector.try_run(&["check"]);
    assert!(check.contains("3 links") && check.contains("[mail]"), "{check}");
}

#[test]
fn init_refuses_one_mailbox_for_two_duties() {
    let collector = Collector::start();
    let other = collector.data_dir.with_file_name("other");
    for technician in ["Cy@Oak.Example", "cy+it@oak.example"] {
        let (code, said) = collector.try_run(&[
            "--data-dir",
            other.to_str().unwrap(),
            "init",
            "--profile",
            "purley-oaks",
            "--headteacher",
            "Cy Dunstan <cy@oak.example>",
            "--technician",
            &format!("Ed Farrow <{technician}>"),
            "--chair",
            "Di Everard <di@oak.example>",
        ]);
        assert_eq!(code, Some(1));
        assert!(
            said.contains("Headteacher and Technician have the same e-mail address"),
            "{said}"
        );
        assert!(!other.exists(), "nothing is left behind");
    }
}

/// The way by which the headteacher's sign-in was taken over: by naming their address.
#[test]
fn the_command_line_touches_no_reader_s_access() {
    let collector = Collector::start();
    for person in ["Xavier Newcome <cy@oak.example>", "Cy Dunstan <CY@oak.example>"] {
        let (code, said) = collector.try_run(&["user", "invite-technician", person]);
        assert_eq!(code, Some(1), "{said}");
    }
    for who in ["cy@oak.example", "di@oak.example"] {
        let (code, said) = collector.try_run(&["user", "disable", who]);
        assert!(code == Some(1) && said.contains("two readers"), "{said}");
    }
    let elsewhere = [
        "user",
        "recover",
        "--duty",
        "headteacher",
        "Cy Dunstan <ada@elsewhere.example>",
    ];
    let (code, said) = collector.run_with(&elsewhere, &collector.init);
    assert!(
        code == Some(1) && said.contains("recorded with another address"),
        "{said}"
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let count = |query| runtime.block_on(collector.count(query));
    assert_eq!(
        count("SELECT count(*) FROM outbox WHERE notice = 'link'"),
        3,
        "those of `init`"
    );
    assert_eq!(count("SELECT count(*) FROM duty WHERE ended_at IS NULL"), 3);
    assert_eq!(
        count("SELECT count(*) FROM person WHERE email LIKE '%elsewhere%'"),
        0
    );
}

#[test]
fn the_recovery_copy_makes_a_reader_and_that_is_recorded() {
    let collector = Collector::start();
    let recover = [
        "user",
        "recover",
        "--duty",
        "headteacher",
        "Nia Newcome <nia@oak.example>",
    ];
    let (code, said) = collector.run_with(&recover, &collector.init);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("goes to nia@oak.example") && !said.contains("/join/"),
        "{said}"
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let recorded =
        runtime.block_on(collector.count("SELECT count(*) FROM audit WHERE action = 'recovery-copy-used'"));
    assert_eq!(recorded, 1);
}

#[tokio::test]
async fn what_was_sealed_opens_with_the_recovery_copy_and_is_what_was_sent() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, [5; 16]).await;
    let answers = stream.deliver(&[(0, &flag("1001", "the very words", 4))]).await;
    assert!(is_committed(&answers[0]));
    let row = sqlx::query(
        "SELECT k.data_key_id, k.concern_id, k.reader_group, k.sealed, f.sealed FROM flag AS f JOIN data_key AS k
         ON k.data_key_id = f.data_key_id",
    )
    .fetch_one(&collector.database().await)
    .await
    .unwrap();
    let group = ReaderGroup::from_code(row.get(2)).unwrap();
    assert_eq!(group, ReaderGroup::Pupil);
    let printed = collector
        .init
        .lines()
        .find_map(|line| line.strip_prefix("pupil "))
        .unwrap();
    let key = BASE32_NOPAD.decode(printed.replace('-', "").as_bytes()).unwrap();
    let key = GroupPrivateKey::from_bytes(&key).unwrap();
    let data_key = DataKeyRow {
        data_key_id: row.get(0),
        concern_id: row.get(1),
        group,
        sealed: row.get(3),
    };
    let opened = open(&|asked| (asked == group).then_some(&key), &data_key, row.get(4)).unwrap();
    let content = proto::Flag::decode(opened.as_slice()).unwrap();
    assert_eq!(
        (content.text.as_str(), content.program.as_str()),
        ("the very words", "chromium")
    );
}
