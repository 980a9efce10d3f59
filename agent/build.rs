//! Packs the English lists that come with Pastoral, which a device matches with until its school's own rules arrive.

use pastoral_keywords::shipped;
use std::error::Error;
use std::path::PathBuf;

/// The smallest that deflating makes.
const SMALLEST: u8 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    fold_what_is_alike();
    let lists = shipped::lists()?;
    let files = shipped::FILES.iter().zip(&lists);
    let english: Vec<String> = files
        .filter(|(_, list)| list.language == "en")
        .map(|((_, toml), _)| without_air(toml))
        .collect();
    let packed = miniz_oxide::deflate::compress_to_vec(english.join("\0").as_bytes(), SMALLEST);
    std::fs::write(
        PathBuf::from(std::env::var("OUT_DIR")?).join("shipped.deflate"),
        packed,
    )?;
    Ok(())
}

/// A list without its comments, and what stands between its words only for people.
fn without_air(toml: &str) -> String {
    let lines = toml.lines().map(str::trim_start);
    let said = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let said: Vec<String> = said
        .map(|line| line.replace("\", \"", "\",\"").replace(" = ", "="))
        .collect();
    said.join("\n")
}

/// Has the linker keep code that was made twice, as generic code often is, once: a laptop's program is small. Only where the
/// linker is the one that comes with Rust, and only in the profile `device`.
fn fold_what_is_alike() {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let comes_with_rust = is("TARGET", "x86_64-unknown-linux-gnu") && is("HOST", "x86_64-unknown-linux-gnu");
    if comes_with_rust && is("OPT_LEVEL", "s") {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}
