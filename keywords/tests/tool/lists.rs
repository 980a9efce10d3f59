//! `check`, `diff`, `import` and `export`.

use crate::{Folder, LIST, run, run_with};
use pastoral_keywords::{KeywordList, csv, diff::diff, shipped};
use std::fs;

#[test]
fn check_is_content_with_a_sound_list() {
    let folder = Folder::new();
    let list = folder.file("list.toml", LIST);
    let answer = run(&["check", &list]);
    assert_eq!(answer.code, Some(0), "{}{}", answer.out, answer.err);
    assert!(
        answer.out.contains("1 list with 2 terms: nothing to say"),
        "{}",
        answer.out
    );
}

#[test]
fn check_names_every_fault_with_its_line() {
    let folder = Folder::new();
    let text = LIST
        .replace("version = 3", "version = 0")
        .replace("2026-01-31", "2026-01-31T10:00:00");
    let list = folder.file("list.toml", text);
    let answer = run(&["check", &list]);
    assert_eq!(answer.code, Some(1), "{}", answer.err);
    for line in [2, 6] {
        assert!(
            answer.out.contains(&format!("{list}:{line}: fault: ")),
            "{}",
            answer.out
        );
    }
}

#[test]
fn check_finds_terms_that_do_no_good() {
    let folder = Folder::new();
    let more = r#"
[[term]]
text = "secret fight page"
topic = "bullying"
severity = { ks2 = 2 }
reason = "Always found with the shorter one"

[[term]]
text = "front page"
topic = "bullying"
severity = 2
reason = "Always covered"

[[term]]
text = "went home"
topic = "bullying"
severity = 1
reason = "What anybody writes"
"#;
    let list = folder.file("list.toml", format!("{LIST}{more}"));
    let benign = folder.file(
        "benign.txt",
        "we went home\nthen she went home too\nthe fight page\n",
    );
    let answer = run(&["check", &list, "--benign", &benign, "--at-most", "1"]);
    assert_eq!(answer.code, Some(1), "{}", answer.err);
    let says = |what: &str| assert!(answer.out.contains(what), "{what} in: {}", answer.out);
    assert_eq!(answer.out.lines().count(), 3, "{}", answer.out);
    says(":25: shadowed: `secret-fight-page` is found only where `fight-page` of school-words is found too");
    says(":31: never found: `front page` of `front-page` is always covered by `front page` of school-words");
    says(":37: noisy: `went-home` is found in 2 texts in which nothing is wrong");
    let json = run(&["check", &list, "--json"]);
    let first: serde_json::Value = serde_json::from_str(json.out.lines().next().unwrap()).unwrap();
    assert_eq!((&first["kind"], &first["line"]), (&"shadowed".into(), &25.into()));
}

#[test]
fn a_term_that_says_more_than_another_is_not_shadowed() {
    let folder = Folder::new();
    for more in ["severity = 5", "severity = { staff = 1 }"] {
        let term = format!(
            "\n[[term]]\ntext = \"secret fight page\"\ntopic = \"bullying\"\n{more}\nreason = \"Graver, or for others\"\n"
        );
        let list = folder.file("list.toml", format!("{LIST}{term}"));
        let answer = run(&["check", &list]);
        assert_eq!(answer.code, Some(0), "{more}: {}", answer.out);
    }
}

#[test]
fn diff_says_what_was_added_removed_and_changed() {
    let folder = Folder::new();
    let before = folder.file("before.toml", LIST);
    let later = LIST
        .replace("version = 3", "version = 4")
        .replace("{ ks2 = 3, secondary = 2 }", "{ ks2 = 4 }")
        .replace("page{,s}", "page{,z}")
        .replace("\"front page\"", "\"back page\"");
    let after = folder.file("after.toml", later);
    let answer = run(&["diff", &before, &after]);
    assert_eq!((answer.code, answer.err.as_str()), (Some(1), ""));
    assert_eq!(
        answer.out.lines().collect::<Vec<_>>(),
        [
            "changed list `school-words`: version “4” instead of “3”",
            "changed term `fight-page`: severity “4 for ks2” instead of “3 for ks2”, “2 for secondary”; \
             spellings “fight pagez” instead of “fight pages”",
            "removed exception `front page`: reason “The \"newspaper\", and a club”",
            "added exception `back page`: reason “The \"newspaper\", and a club”",
        ]
    );
    let json = run(&["diff", "--json", &before, &after]);
    let changes: Vec<serde_json::Value> = json
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(changes.len(), 4);
    assert_eq!(
        (&changes[2]["change"], &changes[2]["what"]),
        (&"removed".into(), &"exception".into())
    );
}

#[test]
fn diff_sees_no_change_where_only_the_writing_differs() {
    let folder = Folder::new();
    let before = folder.file("before.toml", LIST);
    let after = folder.file(
        "after.toml",
        LIST.replace("fight page{,s}", "fight page\", \"fight pages")
            .replace("[[help]]", "# a comment\n[[help]]"),
    );
    let answer = run(&["diff", &before, &after]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(0), ""));
}

#[test]
fn diff_warns_where_the_version_was_not_raised() {
    let folder = Folder::new();
    let before = folder.file("before.toml", LIST);
    let after = folder.file("after.toml", LIST.replace("front page", "back page"));
    let answer = run(&["diff", &before, &after]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.err.contains("raise the version"), "{}", answer.err);
}

/// Out to CSV and back: nothing that a list says of its terms, exceptions and help is lost.
#[test]
fn every_shipped_list_survives_the_way_through_a_spreadsheet() {
    for (file, toml) in shipped::FILES {
        let list = KeywordList::parse(toml, file).unwrap();
        let csv = csv::export(&list, file).unwrap();
        let back = csv::import(&csv, "back.csv", &csv::Header::from(&list)).unwrap();
        let back = KeywordList::parse(&back, "back.toml").unwrap();
        assert_eq!(diff(&list, &back), [], "{file}");
        assert_eq!(csv::export(&back, file).unwrap(), csv, "{file}");
    }
}

#[test]
fn export_and_import_give_the_next_version_of_the_same_list() {
    let folder = Folder::new();
    let list = folder.file("list.toml", LIST);
    let (csv, back) = (folder.name("list.csv"), folder.name("back.toml"));
    assert_eq!(run(&["export", &list, "-o", &csv]).code, Some(0));
    assert_eq!(run(&["export", &list]).out, fs::read_to_string(&csv).unwrap());
    let import = [
        "import",
        &csv,
        "--like",
        &list,
        "--date",
        "2026-02-01",
        "-o",
        &back,
    ];
    let answer = run(&import);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let answer = run(&["diff", &list, &back]);
    assert_eq!(
        answer.out,
        "changed list `school-words`: date “2026-02-01” instead of “2026-01-31”; version “4” instead of “3”\n"
    );
}

#[test]
fn import_takes_what_spreadsheets_write() {
    let folder = Folder::new();
    let new = [
        "--id",
        "mine",
        "--title",
        "Mine",
        "--language",
        "en",
        "--author",
        "Us",
        "--date",
        "2026-01-31",
    ];
    for csv in [
        "\u{feff}Text,Topic,KS2,Secondary,Reason\r\n\"fight, page | fights page\",bullying,3,,\"Two\nlines\"\r\n,,,,\r\n",
        "reason;text;topic;ks2\nTwo lines;fight, page | fights page;bullying;3\n",
        "text\treason\tks2\ttopic\nfight, page|fights page\tTwo lines\t3\tbullying\n",
    ] {
        let file = folder.file("terms.csv", csv);
        let answer = run(&[&["import", &file], &new[..]].concat());
        assert_eq!(answer.code, Some(0), "{}", answer.err);
        let list = KeywordList::parse(&answer.out, "out.toml").unwrap();
        let term = &list.terms()[0];
        assert_eq!(
            (term.id.as_str(), &term.spellings[1]),
            ("fight-page", &"fights page".to_owned())
        );
        assert_eq!(list.version, 1);
    }
}

#[test]
fn import_names_what_is_wrong_by_its_line_in_the_csv() {
    let folder = Folder::new();
    let list = folder.file("list.toml", LIST);
    for (csv, says) in [
        ("", ":1: there is nothing in the file"),
        ("word,reason\nx,y\n", ":1: `word` is not a column"),
        ("text,topic\nx,y\n", ":1: there is no column `reason`"),
        (
            "text,text,reason\nx,y,z\n",
            ":1: the column `text` is there twice",
        ),
        (
            "text,topic,ks1,reason\nok,bullying,1,why\n!!,bullying,2,why\n",
            ":3: the phrase has no letter",
        ),
        (
            "text,topic,ks1,reason\nok,bullying,1,why\n\nthis,bulying,2,why\n",
            ":4: `bulying` is not a known topic",
        ),
        (
            "text,topic,ks1,reason\n\"two\nlines\",bullying,1,why\nthis,bullying,high,why\n",
            ":4: the severity `high`",
        ),
        (
            "text,topic,ks1,reason\nok,bullying,9,why\n",
            ":2: `9` is not a severity",
        ),
        (
            "text,topic,reason\nok,bullying,why\n",
            ":2: the term applies to no audience",
        ),
        (
            "text,topic,ks1,reason,date\nok,bullying,1,why,31/01/2026\n",
            ":2: the date `31/01/2026` is not a day",
        ),
        (
            "kind,text,reason\nterms,ok,why\n",
            ":2: `terms` is not a kind of row",
        ),
        (
            "text,topic,ks1,reason\nok,bullying,1,why\nOK,bullying,1,why\n",
            ":3: `OK` is already a term",
        ),
    ] {
        let file = folder.file("terms.csv", csv);
        let answer = run(&["import", &file, "--like", &list, "--date", "2026-02-01"]);
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (Some(1), ""),
            "{csv}: {}",
            answer.err
        );
        assert!(
            answer.err.contains(&format!("{file}{says}")),
            "{says} in: {}",
            answer.err
        );
    }
}

#[test]
fn export_refuses_what_a_cell_cannot_hold() {
    let folder = Folder::new();
    let list = folder.file("list.toml", LIST.replace("front page", "front | page"));
    let answer = run(&["export", &list]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    assert!(
        answer
            .err
            .contains(&format!("{list}:17: `front | page` holds a `|`")),
        "{}",
        answer.err
    );
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_nothing_is_left_beside_it() {
    let folder = Folder::new();
    let list = folder.file("list.toml", LIST);
    fs::create_dir(folder.path("taken")).unwrap();
    let answer = run(&["export", &list, "-o", &folder.name("taken")]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("taken cannot be written"), "{}", answer.err);
    let files = fs::read_dir(folder.path("")).unwrap().count();
    assert_eq!(files, 2);
}

#[test]
fn no_command_prints_a_word_of_a_list_held_in_confidence() {
    let folder = Folder::new();
    let text = LIST.replacen("date =", "confidential = true\ndate =", 1);
    let before = folder.file("before.toml", &text);
    let more = "\n[[term]]\ntext = \"zebrafinch\"\ntopic = \"hate\"\nseverity = 2\nreason = \"Why\"\n";
    let shadowed = more.replace("\"zebrafinch\"", "\"a zebrafinch\"");
    let after = folder.file(
        "after.toml",
        format!("{}{more}{shadowed}", text.replace("version = 3", "version = 4")),
    );
    let benign = folder.file("benign.txt", "a zebrafinch sings\n");
    let disguised = "the f1ght page and a zebr4finch";
    for (arguments, input) in [
        (&["match", "--list", &after][..], disguised),
        (&["check", &after, "--benign", &benign], ""),
        (&["check", "--json", &after, "--benign", &benign], ""),
        (&["diff", &before, &after], ""),
        (&["diff", "--json", &before, &after], ""),
        (&["export", &after], ""),
    ] {
        let answer = run_with(arguments, input.as_bytes());
        let said = format!("{}{}", answer.out, answer.err);
        assert!(said.len() > 40, "{arguments:?} says nothing: {said}");
        for word in [
            "zebrafinch",
            "fight page",
            "spread films",
            "told on",
            "front page",
            "who can i tell",
        ] {
            assert!(!said.contains(word), "{arguments:?} says `{word}`: {said}");
        }
    }
}
