//! Packs the English lists that come with Pastoral, which a device matches with until its school's own rules arrive.

use pastoral_keywords::shipped;
use std::error::Error;
use std::path::PathBuf;

/// The smallest that deflating makes.
const SMALLEST: u8 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let lists = shipped::lists()?;
    let files = shipped::FILES.iter().zip(&lists);
    let english: Vec<&str> = files
        .filter(|(_, list)| list.language == "en")
        .map(|((_, toml), _)| *toml)
        .collect();
    let packed = miniz_oxide::deflate::compress_to_vec(english.join("\0").as_bytes(), SMALLEST);
    std::fs::write(
        PathBuf::from(std::env::var("OUT_DIR")?).join("shipped.deflate"),
        packed,
    )?;
    Ok(())
}
