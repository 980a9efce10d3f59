//! The tool as a person meets it: the real program, with files as they come.

#![cfg(feature = "tool")]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

#[path = "tool/evaluating.rs"]
mod evaluating;
#[path = "tool/lists.rs"]
mod lists;
#[path = "tool/matching.rs"]
mod matching;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// A list that nothing can be said against.
const LIST: &str = r#"id = "school-words"
version = 3
title = "Words of our school"
language = "en"
author = "Safeguarding team"
date = 2026-01-31

[[group]]
topic = "bullying"
severity = { ks2 = 3, secondary = 2 }
reason = "Accounts that spread films of fights"
terms = [
  ["fight page{,s}", "the fight … tonight"],
  { id = "told", text = "told on", near = ["teacher", "miss"], not-near = ["story"], severity = 4, sources = ["search"], provenances = ["typed"], author = "A. Teacher", date = 2026-01-30 },
]

[[exception]]
text = ["the fight page of the chess club", "front page"]
reason = "The \"newspaper\", and a club"

[[help]]
text = "who can i tell about"
reason = "Asks for help"
"#;

/// What the program answered.
struct Answer {
    code: Option<i32>,
    out: String,
    err: String,
}

/// A temporary folder with files, removed at the end.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and says what it is called.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        text_of(&path)
    }

    fn name(&self, name: &str) -> String {
        text_of(&self.path(name))
    }
}

fn text_of(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pastoral-keywords"))
}

/// Runs the program with nothing on its standard input.
fn run(arguments: &[&str]) -> Answer {
    run_with(arguments, b"")
}

fn run_with(arguments: &[&str], input: &[u8]) -> Answer {
    let mut child = program()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that refuses its input closes it.
    let writing = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    Answer {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn every_command_has_help_with_examples() {
    let commands = ["match", "check", "build", "diff", "import", "export", "evaluate"];
    for command in commands {
        let help = run(&[command, "--help"]);
        assert_eq!(help.code, Some(0), "{command}");
        assert!(help.out.contains("Examples:"), "{command}: {}", help.out);
        assert!(
            help.out.contains(&format!("pastoral-keywords {command}")),
            "{command}"
        );
    }
    assert!(run(&["--help"]).out.contains("Examples:"));
}

#[test]
fn wrong_use_ends_with_2_and_says_what_is_right() {
    for (arguments, says) in [
        (&["find"][..], "unrecognized subcommand"),
        (&["match", "--audience", "grown-ups"], "ks1, ks2, secondary"),
        (&["diff", "one.toml"], "<AFTER>"),
        (&["evaluate"], "--cases"),
        (&["import", "x.csv", "--date", "2026-01-31"], "--id"),
        (&["check", "--at-most", "3"], "--benign"),
        (&["build"], "--output"),
        (&["match", "--built", "x", "--terms", "y"], "cannot be used with"),
    ] {
        let answer = run(arguments);
        assert_eq!(answer.code, Some(2), "{arguments:?}");
        assert!(answer.err.contains(says), "{arguments:?}: {}", answer.err);
    }
}

#[test]
fn a_file_that_is_missing_or_no_text_is_named_with_its_line() {
    let folder = Folder::new();
    let missing = folder.name("missing.toml");
    let not_text = folder.file("latin.toml", b"id = \"x\"\ntitle = \"caf\xe9\"\n");
    let sound = folder.file("sound.toml", LIST);
    let built = folder.name("built.engine");
    for arguments in [
        &["match", "--list"][..],
        &["match", "--terms"],
        &["build", "-o", &built, "--list"],
        &["check"],
        &["check", &sound, "--benign"],
        &["diff", &sound],
        &["export"],
        &["import", "--like", &sound, "--date", "2026-01-31"],
        &["evaluate", "--cases"],
        &["evaluate", "--benign"],
    ] {
        let with = |file: &str| run(&[arguments, &[file]].concat());
        let answer = with(&missing);
        assert_eq!(answer.code, Some(2), "{arguments:?}");
        assert!(
            answer.err.contains(&format!("{missing} cannot be read")),
            "{}",
            answer.err
        );
        let answer = with(&not_text);
        assert_eq!(answer.code, Some(2), "{arguments:?}");
        assert!(
            answer.err.contains(&format!("{not_text}:2: not UTF-8")),
            "{}",
            answer.err
        );
    }
}

#[test]
fn there_are_no_colours_where_nobody_sees_them() {
    let folder = Folder::new();
    let faulty = folder.file("faulty.toml", "id = 3\n");
    let changed = folder.file("changed.toml", LIST.replace("front page", "back page"));
    let sound = folder.file("sound.toml", LIST);
    for arguments in [
        &["check", &faulty][..],
        &["match", "--list", &faulty],
        &["diff", &sound, &changed],
    ] {
        let answer = run(arguments);
        assert!(
            !answer.out.contains('\u{1b}') && !answer.err.contains('\u{1b}'),
            "{arguments:?}"
        );
    }
}
