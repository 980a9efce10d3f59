//! The house has floors: in each crate, and in each folder of it, no module depends on one that depends on it. What is
//! read are `use` lines and paths that begin with `crate`, `super` or `self`; tests and binaries are no rooms.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module by its path in the crate, such as `["store", "audit"]`.
type Module = Vec<String>;
type Graph = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn no_module_depends_on_one_that_depends_on_it() {
    for krate in ["agent", "collector", "keywords", "proto"] {
        let modules = modules(
            &Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("..")
                .join(krate)
                .join("src"),
        );
        assert!(modules.len() > 3, "{krate} has only {} modules", modules.len());
        let graph = graph(&modules);
        for folder in folders(&modules) {
            let circles = circles_in(&graph, &folder);
            let folder = folder.join("/");
            assert!(
                circles.is_empty(),
                "in {krate}/src/{folder}, these depend on each other: {circles:?}"
            );
        }
    }
}

/// What only one engine takes stands in the file of that engine.
#[test]
fn sql_that_only_one_engine_takes_stands_in_its_own_file() {
    const ONLY_ONE: [&str; 19] = [
        "SqliteExecutor",
        "SqlitePool",
        "FROM user",
        "JOIN user",
        "UPDATE user",
        "+school_id",
        "json_each",
        "json_object(",
        "rowid",
        "INSERT OR ",
        "group_concat",
        "instr(",
        "PRAGMA",
        "VACUUM",
        "strftime(",
        " = ?",
        "(?",
        " ?1",
        ", ?",
    ];
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("../collector/src/store");
    let modules = modules(&store);
    assert!(
        modules.len() > 40,
        "only {} files of the store were read",
        modules.len()
    );
    for (module, source) in modules.iter().filter(|(module, _)| **module != ["sqlite"]) {
        let code = without_comments_and_tests(source);
        for word in ONLY_ONE {
            assert!(
                !code.contains(word),
                "store/{}.rs has `{word}`: see CONTRIBUTING.md",
                module.join("/")
            );
        }
    }
}

#[test]
fn paths_are_read_however_they_are_written() {
    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
    let uses = paths_of(
        "use crate::store::{audit, keys::{self, add}};\nuse super::model as m;\nfn f() { crate::clock::now_ms() }\n\
         // use crate::comment;\n#[cfg(test)]\nmod tests {\nuse crate::of_tests;\n}",
        &module("concerns::kind"),
    );
    let wanted = [
        "store",
        "store::audit",
        "store::keys::self",
        "store::keys::add",
        "concerns::model",
        "clock::now_ms",
    ];
    assert_eq!(uses, wanted.map(module).into());
}

/// Every module with its source.
fn modules(src: &Path) -> BTreeMap<Module, String> {
    let mut found = BTreeMap::new();
    collect(src, &mut Vec::new(), &mut found);
    found
}

fn collect(folder: &Path, within: &mut Module, found: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            within.push(name);
            collect(&path, within, found);
            within.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module: Module = if name == "mod" {
                within.clone()
            } else {
                [&within[..], &[name]].concat()
            };
            let room = !module
                .iter()
                .any(|part| ["tests", "bin", "lib", "main"].contains(&part.as_str()));
            if room {
                found.insert(module, fs::read_to_string(&path).unwrap());
            }
        }
    }
}

fn graph(modules: &BTreeMap<Module, String>) -> Graph {
    let mut graph = Graph::new();
    for (module, source) in modules {
        for path in paths_of(source, module) {
            // The longest beginning that is a module; the rest is what is taken from it.
            let taken_from = (1..=path.len())
                .rev()
                .map(|end| &path[..end])
                .find(|part| modules.contains_key(*part));
            if let Some(other) = taken_from.filter(|other| other != module) {
                graph.entry(module.clone()).or_default().insert(other.to_vec());
            }
        }
    }
    graph
}

/// What a source names of its crate, as paths from the crate's root.
fn paths_of(source: &str, module: &[String]) -> BTreeSet<Module> {
    let code = without_comments_and_tests(source);
    let mut paths = BTreeSet::new();
    for statement in code.split("use ").skip(1) {
        let tree = statement.split(';').next().unwrap_or_default();
        spread(tree, &mut Vec::new(), &mut paths);
    }
    for (at, _) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        let path = code[at..]
            .split(|c: char| !c.is_alphanumeric() && !"_:".contains(c))
            .next()
            .unwrap_or_default();
        paths.insert(parts(path));
    }
    paths
        .into_iter()
        .filter_map(|path| from_root(&path, module))
        .collect()
}

/// The paths of one `use`, whose braces may stand in each other.
fn spread(tree: &str, before: &mut Module, paths: &mut BTreeSet<Module>) {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        paths.insert([&before[..], &parts(path)].concat());
        return;
    };
    let length = before.len();
    before.extend(parts(head));
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut start) = (0, 0);
    for (at, character) in inner.char_indices().chain([(inner.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inner[start..at].trim().is_empty() {
                    spread(&inner[start..at], before, paths);
                }
                start = (at + 1).min(inner.len());
            }
            _ => {}
        }
    }
    before.truncate(length);
}

fn parts(path: &str) -> Module {
    path.split("::")
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn from_root(path: &[String], module: &[String]) -> Option<Module> {
    let up = path.iter().take_while(|part| *part == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([module, &path[1..]].concat()),
        "super" => Some([&module[..module.len().checked_sub(up)?], &path[up..]].concat()),
        // Perhaps a module within this one; otherwise it is found nowhere.
        _ => Some([module, path].concat()),
    }
}

fn without_comments_and_tests(source: &str) -> String {
    let lines = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join("\n");
    match code.find("#[cfg(test)]\nmod ") {
        Some(tests)
            if code[tests..]
                .lines()
                .nth(1)
                .is_some_and(|line| line.ends_with('{')) =>
        {
            code[..tests].to_owned()
        }
        _ => code,
    }
}

fn folders(modules: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    modules
        .keys()
        .flat_map(|module| (0..module.len()).map(|length| module[..length].to_vec()))
        .collect()
}

/// The circles among what stands directly in a folder: of each room, the others of its circle that it depends on.
fn circles_in(graph: &Graph, folder: &[String]) -> BTreeSet<BTreeMap<String, BTreeSet<String>>> {
    let room = |module: &Module| {
        (module.len() > folder.len() && module.starts_with(folder)).then(|| module[folder.len()].clone())
    };
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, others) in graph {
        let Some(from) = room(from) else { continue };
        for other in others.iter().filter_map(room).filter(|other| *other != from) {
            arrows.entry(from.clone()).or_default().insert(other);
        }
    }
    let mut circles = BTreeSet::new();
    for from in arrows.keys() {
        let back = |room: &String| reached(&arrows, room).contains(from);
        let circle: BTreeSet<String> = reached(&arrows, from).into_iter().filter(back).collect();
        if circle.len() > 1 {
            let inside = |room: &String| arrows[room].intersection(&circle).cloned().collect();
            circles.insert(circle.iter().map(|room| (room.clone(), inside(room))).collect());
        }
    }
    circles
}

fn reached(arrows: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut next = vec![from.to_owned()];
    while let Some(room) = next.pop() {
        for other in arrows.get(&room).into_iter().flatten() {
            if seen.insert(other.clone()) {
                next.push(other.clone());
            }
        }
    }
    seen
}
