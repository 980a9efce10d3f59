//! `match`.

use crate::{Folder, LIST, program, run, run_with};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::thread;

fn objects(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn every_line_is_answered_by_one_object_in_its_order() {
    let folder = Folder::new();
    let list = folder.file("list.toml", LIST);
    let input = "nothing here\n\nThe FIGHT page\r\nfight page, fight page\nit is on tonight";
    let answer = run_with(&["match", "--list", &list], input.as_bytes());
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let objects = objects(&answer.out);
    let texts: Vec<&str> = objects
        .iter()
        .map(|object| object["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "nothing here",
            "",
            "The FIGHT page",
            "fight page, fight page",
            "it is on tonight"
        ]
    );
    let flags: Vec<usize> = objects
        .iter()
        .map(|object| object["flags"].as_array().unwrap().len())
        .collect();
    assert_eq!(flags, [0, 0, 1, 2, 0]);
    let flag = &objects[2]["flags"][0];
    for (key, value) in [
        ("term", "fight page"),
        ("list", "school-words"),
        ("topic", "bullying"),
        ("view", "plain"),
        ("why", "Accounts that spread films of fights"),
    ] {
        assert_eq!(flag[key], value, "{key}");
    }
    assert_eq!(
        (&flag["severity"], &flag["start"], &flag["end"]),
        (&3.into(), &4.into(), &14.into())
    );
}

#[test]
fn the_audience_and_the_source_decide() {
    let folder = Folder::new();
    let list = folder.file("list.toml", LIST);
    let severity = |arguments: &[&str], text: &str| {
        let answer = run_with(
            &[&["match", "--list", &list], arguments].concat(),
            text.as_bytes(),
        );
        let flags = objects(&answer.out)[0]["flags"].clone();
        flags[0]["severity"].as_u64()
    };
    assert_eq!(severity(&[], "fight page"), Some(3));
    assert_eq!(severity(&["--audience", "secondary"], "fight page"), Some(2));
    assert_eq!(severity(&["--audience", "staff"], "fight page"), None);
    let told = "told on to the teacher";
    assert_eq!(severity(&["--source", "search"], told), Some(4));
    assert_eq!(severity(&["--source", "title"], told), None);
}

#[test]
fn plain_words_serve_alone_and_what_is_no_word_is_left_out_and_said() {
    let folder = Folder::new();
    let terms = folder.file("terms.txt", "zebra\n\n\u{1f595}\nblue  Whale\n");
    let answer = run_with(&["match", "--terms", &terms], b"a Blue whale\ni want to die\n");
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    assert!(answer.err.contains(&format!("{terms}:3: ")), "{}", answer.err);
    let objects = objects(&answer.out);
    assert_eq!(objects[0]["flags"][0]["term"], "blue Whale");
    assert_eq!(objects[1]["flags"], Value::Array(Vec::new()));
}

#[test]
fn with_neither_option_the_shipped_lists_serve() {
    let answer = run_with(&["match", "--audience", "secondary"], b"i want to kill myself\n");
    let flag = &objects(&answer.out)[0]["flags"][0];
    assert_eq!(
        (&flag["topic"], &flag["severity"]),
        (&"suicide".into(), &5.into())
    );
}

#[test]
fn a_line_that_is_no_text_is_named_and_those_before_it_are_answered() {
    let folder = Folder::new();
    let terms = folder.file("terms.txt", "zebra\n");
    let answer = run_with(&["match", "--terms", &terms], b"zebra\nfine\nbr\xffoken\nzebra\n");
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains("standard input:3: not UTF-8"),
        "{}",
        answer.err
    );
    assert_eq!(objects(&answer.out).len(), 2);
}

#[test]
fn a_huge_line_is_matched_and_a_senseless_one_refused() {
    let folder = Folder::new();
    let terms = folder.file("terms.txt", "zebra\n");
    let mut huge = "horse ".repeat(100_000);
    huge.push_str("zebra\n");
    let answer = run_with(&["match", "--terms", &terms], huge.as_bytes());
    assert_eq!(objects(&answer.out)[0]["flags"][0]["start"], 600_000);
    let senseless = vec![b'a'; 17 * 1024 * 1024];
    let answer = run_with(&["match", "--terms", &terms], &senseless);
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains("standard input:1: the line is over 16 MiB"),
        "{}",
        answer.err
    );
}

#[test]
fn a_reader_who_has_had_enough_ends_it_quietly() {
    let folder = Folder::new();
    let terms = folder.file("terms.txt", "zebra\n");
    let mut child = program()
        .args(["match", "--terms", &terms])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Far more than a pipe holds, until the program closes its end.
    let writing = thread::spawn(move || while stdin.write_all(&b"a zebra\n".repeat(1000)).is_ok() {});
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(first.contains("zebra"), "{first}");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_faulty_list_is_refused_with_every_line() {
    let folder = Folder::new();
    let list = folder.file(
        "list.toml",
        LIST.replace("version = 3", "version = 0")
            .replace("\"told on\"", "\"fight page\""),
    );
    let answer = run(&["match", "--list", &list]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains(&format!("{list}:2: ")), "{}", answer.err);
    assert!(answer.err.contains(&format!("{list}:14: ")), "{}", answer.err);
}

#[test]
fn what_was_built_finds_what_its_lists_find() {
    let folder = Folder::new();
    let (list, built) = (folder.file("list.toml", LIST), folder.name("school.engine"));
    let answer = run(&["build", "--list", &list, "-o", &built]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    assert!(answer.out.contains("1 list with 2 terms"), "{}", answer.out);
    let texts = "the f1ght pages\nthe fight is on tonight\nfightpage\ntold on to the teacher\nnothing\n";
    let of_list = run_with(&["match", "--list", &list], texts.as_bytes());
    let of_built = run_with(&["match", "--built", &built], texts.as_bytes());
    assert_eq!(of_list.out, of_built.out);
    let flags: Vec<usize> = objects(&of_built.out)
        .iter()
        .map(|object| object["flags"].as_array().unwrap().len())
        .collect();
    assert_eq!(flags, [1, 1, 1, 1, 0]);
}

#[test]
fn what_is_no_built_engine_is_refused() {
    let folder = Folder::new();
    let (list, built) = (folder.file("list.toml", LIST), folder.name("school.engine"));
    assert_eq!(run(&["build", "--list", &list, "-o", &built]).code, Some(0));
    let whole = fs::read(&built).unwrap();
    for bytes in [&whole[..whole.len() / 2], b"", b"id = \"a list\""] {
        let file = folder.file("broken.engine", bytes);
        let answer = run(&["match", "--built", &file]);
        assert_eq!(answer.code, Some(2));
        assert!(
            answer.err.contains(&format!("{file} cannot be used")),
            "{}",
            answer.err
        );
    }
}
