//! What the documents tell people to run and to read is there.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use pastoral_support::process;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAMS: [&str; 3] = ["pastoral-collector", "pastoral-agent", "pastoral-keywords"];
/// What people read.
const FOLDERS: [&str; 3] = ["", "docs", "docs/adr"];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn documents() -> Vec<(PathBuf, String)> {
    let files = FOLDERS
        .iter()
        .flat_map(|folder| fs::read_dir(top().join(folder)).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|extension| extension == "md"))
        .map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            (file, text)
        })
        .collect()
}

/// Commands of our programs: what stands in code, in a line or a block, from the program's name on.
fn commands(text: &str) -> Vec<(&'static str, Vec<String>)> {
    let joined = text.replace("\\\n", " ");
    let (mut found, mut in_block) = (Vec::new(), false);
    for line in joined.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        let parts: Vec<&str> = match in_block {
            true => vec![line.split(" #").next().unwrap_or_default()],
            false => line.split('`').skip(1).step_by(2).collect(),
        };
        for part in parts {
            let program = PROGRAMS.into_iter().find(|program| {
                let rest = part.strip_prefix(program);
                rest.is_some_and(|rest| rest.starts_with(' '))
            });
            if let Some(program) = program {
                let words = part[program.len()..].split_whitespace();
                found.push((program, words.map(str::to_owned).collect()));
            }
        }
    }
    found
}

/// What a command says of itself, asked once.
#[derive(Default)]
struct Help(BTreeMap<String, String>);

impl Help {
    fn of(&mut self, program: &str, words: &[&str]) -> &str {
        let asked = format!("{program} {}", words.join(" "));
        self.0.entry(asked.clone()).or_insert_with(|| {
            let mut command = Command::new(process::program(program).unwrap());
            let output = command.args(words).arg("--help").output().unwrap();
            assert!(output.status.success(), "`{asked}` is no command");
            String::from_utf8(output.stdout).unwrap()
        })
    }
}

#[test]
fn every_command_in_the_documents_is_one_with_the_options_that_it_is_given() {
    let (mut help, mut checked) = (Help::default(), 0);
    for (file, text) in documents() {
        for (program, words) in commands(&text) {
            // Words before the first option or argument are its subcommands.
            let mut path: Vec<&str> = Vec::new();
            for word in &words {
                let named = help.of(program, &path);
                let is_command = named.lines().any(|line| {
                    let first = line.split_whitespace().next();
                    line.starts_with("  ") && !line.starts_with("   ") && first == Some(word)
                });
                match is_command {
                    true => path.push(word),
                    false => break,
                }
            }
            let said = help.of(program, &path).to_owned();
            assert!(
                !path.is_empty() || words[0].starts_with("--"),
                "{}: `{program} {}` is no command",
                file.display(),
                words.join(" ")
            );
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let option = option.trim_end_matches(['.', ',', ';', ')']);
                assert!(
                    said.contains(option),
                    "{}: `{program} {}` has no {option}",
                    file.display(),
                    path.join(" ")
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} commands were found");
}

/// Links between documents, and files of ours that stand in them as code.
#[test]
fn every_file_that_the_documents_name_is_there() {
    const OURS: [&str; 8] = [
        "agent/",
        "collector/",
        "docs/",
        "keywords/",
        "packaging/",
        "proto/",
        "tests/",
        "clippy.toml",
    ];
    let mut checked = 0;
    for (file, text) in documents() {
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let links = links.filter(|link| !link.contains("://") && !link.starts_with('#'));
        let links = links.map(|link| file.with_file_name(link.split('#').next().unwrap()));
        let code: Vec<_> = text.split('`').skip(1).step_by(2).collect();
        for source in code
            .iter()
            .filter(|code| code.ends_with(".rs") && !code.contains([' ', '\n', '*']))
        {
            let at = ["", "collector/src", "agent/src"].map(|folder| top().join(folder).join(source));
            assert!(
                at.iter().any(|at| at.exists()),
                "{} names {source}",
                file.display()
            );
        }
        let code = code
            .into_iter()
            .filter(|code| OURS.iter().any(|ours| code.starts_with(ours)));
        let code = code.filter(|code| !code.contains([' ', '\n', '*', '…', '{']));
        for named in links.chain(code.map(|code| top().join(code))) {
            assert!(named.exists(), "{} names {}", file.display(), named.display());
            checked += 1;
        }
    }
    assert!(checked > 40, "only {checked} files were found");
}

/// Every heading that a link leads to.
#[test]
fn every_heading_that_the_documents_link_to_is_there() {
    let anchor = |heading: &str| -> String {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        kept.chars()
            .filter_map(|letter| match letter {
                ' ' => Some('-'),
                letter => (letter.is_alphanumeric() || letter == '-').then_some(letter),
            })
            .collect()
    };
    for (file, text) in documents() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let Some((to, wanted)) = link.split_once('#').filter(|_| !link.contains("://")) else {
                continue;
            };
            let other = match to {
                "" => text.clone(),
                to => fs::read_to_string(file.with_file_name(to)).unwrap(),
            };
            let there = other
                .lines()
                .filter(|line| line.starts_with('#'))
                .any(|line| anchor(line) == wanted);
            assert!(there, "{} links to #{wanted}", file.display());
        }
    }
}
