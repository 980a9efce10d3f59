//! Specialist lists on the command line: refused with their line, sealed, proposed, and carried by backups.

use pastoral_support::collector::Collector;
use std::path::Path;

const WORD: &str = "zebrafinch";
const LIST: &str = r#"id = "specialist"
version = 3
title = "Invented watch list"
language = "en"
author = "An invented publisher"
date = 2026-01-31

[[term]]
text = "zebrafinch bassoon"
topic = "suicide"
severity = 5
reason = "The zebrafinch of the reason"
"#;

fn import(collector: &Collector, text: &str) -> (Option<i32>, String) {
    let file = collector.data_dir.with_file_name("specialist.toml");
    std::fs::write(&file, text).unwrap();
    let done = collector.try_run(&[
        "list",
        "import",
        file.to_str().unwrap(),
        "--licence",
        "Invented licence 4711",
    ]);
    std::fs::remove_file(file).unwrap();
    done
}

fn assert_nowhere(word: &str, folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_nowhere(word, &path);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let holds = bytes.windows(word.len()).any(|part| part == word.as_bytes());
        assert!(!holds, "{} holds it", path.display());
    }
}

#[tokio::test]
async fn an_imported_specialist_list_is_sealed_and_only_proposed() {
    let collector = Collector::start();
    let (code, said) = import(&collector, LIST);
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains(WORD), "{said}");
    let shown = collector.run(&["list", "show"]);
    assert!(
        shown.contains("specialist  version 3  1 terms") && shown.contains("waits for agreement"),
        "{shown}"
    );
    assert!(!shown.contains(WORD), "{shown}");
    assert_nowhere(WORD, &collector.data_dir);
    let proposed =
        "SELECT count(*) FROM audit WHERE action = 'list-change-proposed' AND actor = 'command line'";
    assert_eq!(collector.count(proposed).await, 1);
    assert_eq!(
        collector
            .count("SELECT count(*) FROM list_change WHERE state = 'agreed'")
            .await,
        0
    );
    let (code, said) = import(&collector, LIST);
    assert_eq!(code, Some(1));
    assert!(said.contains("raise `version`"), "{said}");
    assert!(
        collector
            .run(&["list", "remove", "specialist"])
            .contains("is removed")
    );
    assert_eq!(collector.count("SELECT count(*) FROM specialist_list").await, 0);
}

#[test]
fn a_broken_specialist_list_is_refused_with_its_line_and_what_to_write() {
    let collector = Collector::start();
    for (from, to, says) in [
        ("severity = 5", "severity = 9", "specialist.toml:11"),
        (
            "severity = 5",
            "severity = 9",
            "write instead: one of 1, 2, 3, 4, 5",
        ),
        ("id = \"specialist\"", "id = \"school\"", "write another `id`"),
    ] {
        let (code, said) = import(&collector, &LIST.replace(from, to));
        assert_eq!(code, Some(1));
        assert!(said.contains(says), "{says}: {said}");
    }
    let (code, said) = collector.try_run(&["list", "remove", "specialist"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("list show"), "{said}");
}

#[test]
fn a_backup_carries_the_key_of_specialist_lists_beside_the_store_that_they_are_sealed_in() {
    let mut collector = Collector::start();
    let (code, said) = import(&collector, LIST);
    assert_eq!(code, Some(0), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let made = collector.run(&["backup", "--to", folder.path().to_str().unwrap()]);
    let key = collector.data_dir.join("ca/specialist-lists.key");
    let before = std::fs::read(&key).unwrap();
    assert_nowhere(WORD, Path::new(made.trim()));
    collector.kill();
    std::fs::remove_file(&key).unwrap();
    collector.run(&["restore", made.trim()]);
    assert_eq!(std::fs::read(&key).unwrap(), before);
    assert!(collector.run(&["list", "show"]).contains("specialist  version 3"));
}

#[test]
fn check_says_which_specialist_list_cannot_be_opened_and_what_to_do() {
    let collector = Collector::start();
    let (code, said) = import(&collector, LIST);
    assert_eq!(code, Some(0), "{said}");
    let lists = |said: &str| -> String {
        let mut lines = said.lines().filter(|line| line.contains("  lists  "));
        lines.next().unwrap().to_owned()
    };
    let (_, said) = collector.try_run(&["check"]);
    assert!(lists(&said).starts_with("ok"), "{said}");
    std::fs::remove_file(collector.data_dir.join("ca/specialist-lists.key")).unwrap();
    let (code, said) = collector.try_run(&["check"]);
    assert_eq!(code, Some(3), "{said}");
    let line = lists(&said);
    assert!(
        line.starts_with("LOOK")
            && line.contains("specialist version 3")
            && line.contains("bring its key back"),
        "{line}"
    );
}
