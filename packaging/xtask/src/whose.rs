//! Which packages hold the tests whose name holds a word, and what these need of the machine; read from the sources,
//! so that a test of pure logic is built and run without root, packages of the system, or the rest of the workspace.

use crate::run;
use anyhow::{Context as _, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What has to be there before a package's tests are built and run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Needs {
    /// Rust alone.
    Nothing,
    /// What npm makes, which is embedded.
    Assets,
    /// Packages of the system, and root.
    Machine,
}

/// A file or folder of tests, its package, and what it needs; of two that fit, the later counts.
const HOLDERS: &[(&str, &str, Needs)] = &[
    ("proto", "pastoral-proto", Needs::Nothing),
    ("supervisor", "pastoral-supervisor", Needs::Nothing),
    ("packaging/xtask", "xtask", Needs::Nothing),
    ("keywords", "pastoral-keywords", Needs::Assets),
    ("tests/eval", "pastoral-eval", Needs::Assets),
    ("agent", "pastoral-agent", Needs::Nothing),
    ("agent/tests/helpers.rs", "pastoral-agent", Needs::Machine),
    ("agent/tests/session.rs", "pastoral-agent", Needs::Machine),
    ("agent/tests/setgid.rs", "pastoral-agent", Needs::Machine),
    ("collector", "pastoral-collector", Needs::Assets),
    ("collector/tests/concerns", "pastoral-collector", Needs::Machine),
    ("tests/src", "pastoral-tests", Needs::Machine),
    ("tests/tests", "pastoral-tests", Needs::Machine),
    ("tests/tests/coverage.rs", "pastoral-tests", Needs::Assets),
    ("tests/tests/documents.rs", "pastoral-tests", Needs::Assets),
    ("tests/tests/house.rs", "pastoral-tests", Needs::Assets),
];

/// The packages with a test of such a name, and the most that any of them needs. Every package, and everything, where
/// no function is called so: then it is part of a module's name, or of no test's.
pub(crate) fn hold(filter: &str) -> Result<(BTreeSet<&'static str>, Needs)> {
    let mut found = BTreeSet::new();
    look(&run::top()?, "", filter, &mut found)?;
    let packages = found.iter().map(|(package, _)| *package).collect();
    let needs = found.iter().map(|(_, needs)| *needs).max();
    Ok((packages, needs.unwrap_or(Needs::Machine)))
}

fn look(top: &Path, within: &str, filter: &str, found: &mut BTreeSet<(&'static str, Needs)>) -> Result<()> {
    let folder = top.join(within);
    let entries = fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if within.is_empty() {
            name.clone()
        } else {
            format!("{within}/{name}")
        };
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') && !["target", "node_modules"].contains(&name.as_str()) {
                look(top, &path, filter, found)?;
            }
        } else if let Some((_, package, needs)) = holder(&path).filter(|_| name.ends_with(".rs"))
            && declares(&fs::read_to_string(entry.path())?, filter)
        {
            found.insert((package, *needs));
        }
    }
    Ok(())
}

fn holder(path: &str) -> Option<&'static (&'static str, &'static str, Needs)> {
    let under = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    HOLDERS.iter().rfind(|(prefix, ..)| under(prefix))
}

/// Whether a source has a test whose name holds the word.
fn declares(source: &str, filter: &str) -> bool {
    let mut is_test = false;
    source.lines().map(str::trim_start).any(|line| {
        is_test |= line.starts_with("#[") && line.contains("test");
        let signature = line.strip_prefix("async ").unwrap_or(line);
        let Some(signature) = signature.strip_prefix("fn ") else {
            return false;
        };
        let name = signature.split(['(', '<']).next().unwrap_or_default();
        std::mem::take(&mut is_test) && name.contains(filter)
    })
}

#[cfg(test)]
mod this {
    use super::*;

    #[test]
    fn a_test_of_pure_logic_needs_no_package_of_the_system() {
        let (packages, needs) = hold("a_test_of_pure_logic_needs_no_package").unwrap();
        assert_eq!(packages, BTreeSet::from(["xtask"]));
        assert_eq!(needs, Needs::Nothing);
        let (packages, needs) = hold("every_flag_on_disk_arrives_exactly_once").unwrap();
        assert_eq!(packages, BTreeSet::from(["pastoral-tests"]));
        assert_eq!(needs, Needs::Machine);
    }

    #[test]
    fn what_no_function_is_called_may_be_anything() {
        assert_eq!(hold("no such name").unwrap(), (BTreeSet::new(), Needs::Machine));
        assert!(!declares("fn helper_of_search() {}", "search"));
    }

    #[test]
    fn every_holder_is_there() {
        let top = run::top().unwrap();
        for (path, ..) in HOLDERS {
            assert!(top.join(path).exists(), "{path} is not there: correct HOLDERS");
        }
    }
}
