//! Names the files of `lists/`, so that a list that is added there is shipped.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let lists = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("lists");
    println!("cargo::rerun-if-changed={}", lists.display());
    fs::write(out.join("shipped.rs"), shipped(&lists)?)?;
    Ok(())
}

fn shipped(lists: &Path) -> Result<String, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(lists)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    let mut code =
        "/// Every shipped list, with the name of its file.\npub const FILES: &[(&str, &str)] = &[\n"
            .to_owned();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        writeln!(
            code,
            "    ({name:?}, include_str!({:?})),",
            path.display().to_string()
        )?;
    }
    code.push_str("];\n");
    Ok(code)
}
