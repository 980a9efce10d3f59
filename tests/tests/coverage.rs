//! docs/coverage.md says which promise has which test. It must not name one that is not there.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_coverage_table_names_is_where_it_says() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let table = fs::read_to_string(top.join("docs/coverage.md")).unwrap();
    let mut named = 0;
    for entry in table.split('`').collect::<Vec<_>>().windows(2).skip(1).step_by(2) {
        let (test, after) = (entry[0], entry[1]);
        let file = after
            .strip_prefix(" (")
            .and_then(|rest| rest.split(')').next())
            .unwrap_or_else(|| panic!("`{test}` is named without its file"));
        let source = fs::read_to_string(top.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(
            source.contains(&format!("fn {test}(")),
            "{file} has no test `{test}`; correct docs/coverage.md"
        );
        named += 1;
    }
    assert!(named > 100, "only {named} tests were found in the table");
}

/// P53: the Prevent guidance's word is *susceptible*.
#[test]
fn no_text_for_people_calls_anybody_vulnerable_to_radicalisation() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = [
        "collector/src/concerns",
        "collector/templates",
        "collector/profiles",
        "keywords/lists",
        "docs",
    ];
    let mut read = 0;
    for folder in folders {
        for entry in fs::read_dir(top.join(folder)).unwrap() {
            let file = entry.unwrap().path();
            if !file.is_file() {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap().to_lowercase();
            let words: Vec<_> = text.split_whitespace().collect();
            let says = words
                .windows(3)
                .any(|words| words[0] == "vulnerable" && words[1] == "to" && words[2].starts_with("radical"));
            assert!(
                !says,
                "{} says vulnerable; the word is susceptible",
                file.display()
            );
            read += 1;
        }
    }
    assert!(read > 40, "only {read} texts were read");
}
