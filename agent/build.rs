//! Builds the lists that come with Pastoral into what a device matches with until its school's own rules arrive.

use pastoral_keywords::{Engine, shipped};
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let lists: Vec<_> = shipped::lists()?
        .into_iter()
        .filter(|list| list.language == "en")
        .collect();
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("shipped.rules"), Engine::build(&lists)?.to_bytes())?;
    let mut names =
        String::from("/// The lists that [`BUILT`] is built from.\nconst LISTS: &[(&str, u32)] = &[\n");
    for list in &lists {
        names.push_str(&format!("    ({:?}, {}),\n", list.id, list.version));
    }
    std::fs::write(out.join("shipped_lists.rs"), names + "];\n")?;
    Ok(())
}
