//! Names the files of `lists/`, so that a list that is added there is shipped; writes the table of characters that look
//! like a Latin letter, out of Unicode's confusables and the names of its characters; and hashes the ordinary words.

#[allow(dead_code, reason = "shared with the library, which needs all of it")]
#[path = "src/hash.rs"]
mod hash;

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let lists = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("lists");
    println!("cargo::rerun-if-changed={}", lists.display());
    fs::write(out.join("shipped.rs"), shipped(&lists)?)?;
    fs::write(out.join("lookalikes.rs"), lookalikes()?)?;
    if env::var_os("CARGO_FEATURE_DICTIONARY").is_some() {
        fs::write(out.join("ordinary.bin"), ordinary()?)?;
    }
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

/// Every character beyond ASCII that is read as one Latin letter or digit, in their order.
fn lookalikes() -> Result<String, Box<dyn Error>> {
    let mut code =
        "/// What a character beyond ASCII looks like, by character.\nstatic TABLE: &[(char, u8)] = &[\n"
            .to_owned();
    for character in '\u{80}'..='\u{1ffff}' {
        if let Some(letter) = latin(character) {
            writeln!(code, "    ({character:?}, b{letter:?}),")?;
        }
    }
    code.push_str("];\n");
    Ok(code)
}

fn latin(character: char) -> Option<char> {
    let looks: String = skeleton(&character.to_string()).collect();
    // Unicode takes every upright stroke for an l; a capital one is an I.
    if looks == "l" && character.is_uppercase() {
        return Some('i');
    }
    let looks: Vec<char> = looks
        .nfkd()
        .filter(|part| !is_combining_mark(*part))
        .flat_map(char::to_lowercase)
        .collect();
    match looks[..] {
        [letter] if letter.is_ascii_alphanumeric() => Some(letter),
        ['r', 'n'] => Some('m'),
        ['v', 'v'] => Some('w'),
        [letter] => named(character).or_else(|| named(letter)),
        _ => named(character),
    }
}

/// The Latin letter in a character's name, as in SQUARED LATIN CAPITAL LETTER A or LATIN SMALL LETTER L WITH STROKE.
fn named(character: char) -> Option<char> {
    let name = unicode_names2::name(character)?.to_string();
    let name = name.split(" WITH ").next()?;
    if !name.contains("LATIN") && !name.starts_with("REGIONAL INDICATOR") {
        return None;
    }
    let (_, letter) = name.split_once("LETTER ")?;
    match letter.split(' ').next_back()? {
        "KRA" => Some('k'),
        "ESH" => Some('s'),
        "EZH" => Some('z'),
        "ENG" => Some('n'),
        "ETH" => Some('d'),
        last => {
            let mut letters = last.chars();
            letters
                .next()
                .filter(|_| letters.next().is_none())
                .map(|letter| letter.to_ascii_lowercase())
        }
    }
}

/// The hashes of the ordinary words, as bytes.
fn ordinary() -> Result<Vec<u8>, Box<dyn Error>> {
    let path = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("assets/dist/words.txt");
    println!("cargo::rerun-if-changed={}", path.display());
    let words = fs::read_to_string(&path).map_err(|error| {
        format!(
            "{} cannot be read ({error}); run `cargo xtask assets` first",
            path.display()
        )
    })?;
    Ok(words
        .lines()
        .flat_map(|word| hash::of_bytes(word.as_bytes()).to_le_bytes())
        .collect())
}
