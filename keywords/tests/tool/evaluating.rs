//! `evaluate`.

use crate::{Folder, run};
use serde_json::Value;

const CASES: &str = "case\tzebra\ta ZEBRA here\ncase\tzebra\tno animal\nclean\tblue whale\tone blue whale\n";

#[test]
fn recall_and_false_flags_stand_with_their_limits() {
    let folder = Folder::new();
    let terms = folder.file("terms.txt", "zebra\nblue whale\n");
    let cases = folder.file("cases.tsv", CASES);
    let benign = folder.file("benign.txt", "a horse\na zebra\na cow\na blue cow\n");
    let answer = run(&[
        "evaluate", "--terms", &terms, "--cases", &cases, "--benign", &benign,
    ]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let row = |name: &str| {
        let row = answer
            .out
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_default();
        row[name.len()..].split_whitespace().collect::<Vec<_>>().join(" ")
    };
    // Wilson's interval of 1 in 2 is 9.45 to 90.55 %; of 1 in 4 it is 4.56 to 69.94 %.
    assert_eq!(row("recall, case"), "50.00 % 9.45 – 90.55 1 of 2");
    assert_eq!(row("recall, clean"), "100.00 % 20.65 – 100.00 1 of 1");
    assert_eq!(
        row(&format!("false flags, plain words, {benign}")),
        "2500.00 in 10,000 455.87 – 6993.58 1 of 4"
    );
    let json = run(&[
        "evaluate", "--terms", &terms, "--cases", &cases, "--benign", &benign, "--json",
    ]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["recall"][0]["flagged"]["hits"], 1);
    assert_eq!(json["recall"][0]["by_that_term"]["of"], 2);
    assert_eq!(json["false_flags"][0]["structural"]["hits"], 0);
}

#[test]
fn several_files_of_cases_are_counted_together() {
    let folder = Folder::new();
    let terms = folder.file("terms.txt", "zebra\n");
    let (one, two) = (
        folder.file("one.tsv", CASES),
        folder.file("two.tsv", "case\tzebra\tzebra\n"),
    );
    let answer = run(&["evaluate", "--terms", &terms, "--cases", &one, &two, "--json"]);
    let json: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(json["recall"][0]["flagged"]["of"], 3);
}

#[test]
fn a_line_that_is_no_case_is_named() {
    let folder = Folder::new();
    let terms = folder.file("terms.txt", "zebra\n");
    let cases = folder.file("cases.tsv", "case\tzebra\tzebra\nzebra\n");
    let answer = run(&["evaluate", "--terms", &terms, "--cases", &cases]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    assert!(
        answer.err.contains(&format!("{cases}:2: not a case")),
        "{}",
        answer.err
    );
}
