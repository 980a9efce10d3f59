//! What matching costs: a title in all views, the plain view beside a bare automaton, loading and keeping a built engine,
//! and texts of any length.

use crate::process_time::pss;
use crate::table::figure;
use aho_corasick::AhoCorasick;
use anyhow::{Context as _, Result, anyhow, ensure};
use daachorse::DoubleArrayAhoCorasick;
use fastrand::Rng;
use pastoral_keywords::{Audience, Dictionary, Engine, KeywordList, Provenance, Source, Text, View, shipped};
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// How many terms an engine is made with.
const TERMS: [usize; 2] = [10_000, 100_000];
/// A title of 58 bytes, as a browser sets one.
const TITLE: &str = "Year 6 Science: circuits and switches - Google Slides - AB";
/// Lengths of the titles that are taken from the development data.
const LENGTHS: std::ops::RangeInclusive<usize> = 50..=66;
/// How often each thing is done; the median counts.
const ROUNDS: usize = 31;
const SEED: u64 = 1;

pub(crate) fn measure() -> Result<()> {
    let titles = titles()?;
    for count in TERMS {
        println!("{count} terms");
        let words = words(count)?;
        let engine = engine(&words)?;
        ensure!(engine.term_count() >= count, "only {} terms", engine.term_count());
        let fixed = median(|| each(&[TITLE], |title| engine.find(&title_text(title)).len()));
        figure("  one title of 58 bytes, all views", &microseconds(fixed));
        if let Some(titles) = &titles {
            let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
            let all = median(|| each(&titles, |title| engine.find(&title_text(title)).len()));
            figure(
                &format!("  {} titles of 50 to 66 bytes, each", titles.len()),
                &microseconds(all),
            );
        }
        against_bare(&words)?;
        loading(&engine)?;
    }
    long_texts()
}

/// The development data's titles of about 58 bytes; none, said aloud, if it is not there.
fn titles() -> Result<Option<Vec<String>>> {
    let folder = env::var_os("PASTORAL_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let file = folder.join("benign_titles.txt");
    if !file.is_file() {
        println!(
            "skipped: {} is not there; PASTORAL_DATA names its folder",
            file.display()
        );
        return Ok(None);
    }
    let titles = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let titles = titles.lines().filter(|title| LENGTHS.contains(&title.len()));
    Ok(Some(titles.map(str::to_owned).collect()))
}

/// The shipped terms' phrases are the lists'; what is missing to `count` terms is made up.
fn words(count: usize) -> Result<Vec<String>> {
    let shipped: usize = shipped::lists()?.iter().map(|list| list.terms().len()).sum();
    let mut rng = Rng::with_seed(SEED);
    let mut words = BTreeSet::new();
    while words.len() + shipped < count {
        words.insert(phrase(&mut rng));
    }
    Ok(words.into_iter().collect())
}

/// One to four words that can be pronounced.
fn phrase(rng: &mut Rng) -> String {
    const ONSETS: [&str; 20] = [
        "b", "br", "ch", "d", "dr", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "sh", "st", "t", "v",
        "w",
    ];
    const VOWELS: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "ea", "oo"];
    const ENDS: [&str; 8] = ["", "", "n", "r", "s", "t", "ck", "ll"];
    let mut word = |syllables: usize| -> String {
        let syllable = |rng: &mut Rng| {
            [&ONSETS[..], &VOWELS, &ENDS]
                .map(|parts| *rng.choice(parts).unwrap_or(&"a"))
                .concat()
        };
        (0..syllables).map(|_| syllable(rng)).collect()
    };
    let lengths: &[usize] = match word(1).len() {
        2 => &[3],
        3 => &[2, 1],
        4 => &[1, 2, 2],
        _ => &[2, 1, 1, 2],
    };
    lengths
        .iter()
        .map(|syllables| word(*syllables))
        .collect::<Vec<_>>()
        .join(" ")
}

fn engine(words: &[String]) -> Result<Engine> {
    let mut lists = shipped::lists()?;
    if !words.is_empty() {
        lists.push(KeywordList::of_words(&words.join("\n"), "made-up")?);
    }
    Ok(Engine::build_with(&lists, &Dictionary::shipped())?)
}

const fn title_text(text: &str) -> Text<'_> {
    Text {
        text,
        source: Source::Title,
        provenance: Provenance::Page,
        audience: Audience::Secondary,
    }
}

/// Nanoseconds for each of the texts, all looked at often enough for the clock to count.
fn each(texts: &[&str], look: impl Fn(&str) -> usize) -> f64 {
    let again = (20_000 / texts.len()).max(1);
    let began = Instant::now();
    for _ in 0..again {
        for text in texts {
            black_box(look(black_box(text)));
        }
    }
    began.elapsed().as_secs_f64() * 1e9 / number(again * texts.len())
}

fn median(mut measured: impl FnMut() -> f64) -> f64 {
    let mut all: Vec<f64> = (0..ROUNDS).map(|_| measured()).collect();
    all.sort_by(f64::total_cmp);
    all[ROUNDS / 2]
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
const fn number(count: usize) -> f64 {
    count as f64
}

fn microseconds(nanoseconds: f64) -> String {
    format!("{:.2} µs", nanoseconds / 1000.0)
}

/// The plain view, which folds the text and names what was found, beside automatons of the same phrases that only count:
/// one that is given the same text and folds the case of ASCII by itself, and two that are given folded text.
fn against_bare(words: &[String]) -> Result<()> {
    let mut phrases: BTreeSet<String> = words.iter().map(|word| format!(" {word} ")).collect();
    for list in shipped::lists()? {
        for term in list.terms() {
            let spellings = term.spellings.iter();
            phrases.extend(spellings.map(|spelling| format!(" {} ", spelling.to_lowercase())));
        }
    }
    let corasick = AhoCorasick::new(&phrases)?;
    let folding = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(&phrases)?;
    let daachorse =
        DoubleArrayAhoCorasick::<u32>::new(&phrases).map_err(|error| anyhow!("daachorse: {error}"))?;
    let folded = format!(" {} ", TITLE.to_lowercase().replace([':', '-'], " "));
    let same = format!(" {TITLE} ");
    let of_folding = median(|| each(&[&same], |text| folding.find_overlapping_iter(text).count()));
    let of_corasick = median(|| each(&[&folded], |text| corasick.find_overlapping_iter(text).count()));
    let of_daachorse = median(|| each(&[&folded], |text| daachorse.find_overlapping_iter(text).count()));
    figure("  aho-corasick alone, on the title", &microseconds(of_folding));
    figure(
        "  aho-corasick alone, on the folded title",
        &microseconds(of_corasick),
    );
    figure(
        "  daachorse alone, on the folded title",
        &microseconds(of_daachorse),
    );
    let plain = engine(words)?.up_to(View::Plain);
    let of_plain = median(|| each(&[TITLE], |title| plain.find(&title_text(title)).len()));
    figure("  the plain view on the title", &microseconds(of_plain));
    figure(
        "  beside aho-corasick on the title, and the fastest on the folded one",
        &format!(
            "{:.2} ×, {:.2} ×",
            of_plain / of_folding,
            of_plain / of_corasick.min(of_daachorse)
        ),
    );
    Ok(())
}

/// How long a built engine takes to load, and what it takes of memory, in a process of its own.
fn loading(engine: &Engine) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("engine");
    let bytes = engine.to_bytes();
    fs::write(&file, &bytes)?;
    let output = Command::new(env::current_exe()?)
        .arg("keywords")
        .arg("--load")
        .arg(&file)
        .output()?;
    ensure!(
        output.status.success(),
        "a built engine does not load: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    figure(
        "  the built engine, as a file",
        &format!("{:.1} MiB", number(bytes.len()) / 1024.0 / 1024.0),
    );
    print!("{}", String::from_utf8(output.stdout)?);
    Ok(())
}

/// Loads a built engine, in a process that has done nothing else, and says what it took.
pub(crate) fn load(file: &Path) -> Result<()> {
    let process = std::process::id();
    let before = pss(process)?;
    let began = Instant::now();
    let first = Engine::load(&fs::read(file)?)?;
    let cold = began.elapsed().as_secs_f64() * 1000.0;
    let after = pss(process)?;
    ensure!(first.find(&title_text(TITLE)).is_empty(), "the title is flagged");
    let bytes = fs::read(file)?;
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        black_box(Engine::load(black_box(&bytes))?);
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    figure(
        "  loaded, the first time in a process, with reading the file",
        &format!("{cold:.1} ms"),
    );
    figure(
        "  loaded, the median of the next",
        &format!("{:.1} ms", times[ROUNDS / 2]),
    );
    figure(
        "  memory it keeps (PSS)",
        &format!(
            "{:.1} MiB",
            number(usize::try_from(after.saturating_sub(before))?) / 1024.0
        ),
    );
    Ok(())
}

/// Nanoseconds a byte, for texts from 1 KiB to 1 MiB: the same whatever the length, if matching is linear.
fn long_texts() -> Result<()> {
    println!("texts of any length, with the shipped lists: nanoseconds a byte");
    let engine = engine(&[])?;
    let kinds: [(&str, &str); 8] = [
        (
            "ordinary words",
            "Year 6 Science: circuits and switches, by the pupils of class 6B. ",
        ),
        ("one letter, repeated", "a"),
        ("single letters", "i "),
        ("letters and dots", "k.i.l.l.m.y."),
        ("digits for letters", "1 w4nt t0 d13 "),
        ("no spaces", "iwanttokillmyself"),
        ("flags", "i want to kill myself "),
        ("look-alikes", "і wаnt tо "),
    ];
    for (name, unit) in kinds {
        let costs: Vec<f64> = (0..=5)
            .map(|step| {
                let bytes = 1024 * 4_usize.pow(step);
                let text = unit.repeat(bytes / unit.len() + 1);
                let mut times: Vec<f64> = (0..5)
                    .map(|_| {
                        let began = Instant::now();
                        black_box(engine.find(&title_text(black_box(&text))));
                        began.elapsed().as_secs_f64() * 1e9 / number(text.len())
                    })
                    .collect();
                times.sort_by(f64::total_cmp);
                times[times.len() / 2]
            })
            .collect();
        let costs: Vec<String> = costs.iter().map(|cost| format!("{cost:>8.1}")).collect();
        println!("  {name:<24} 1 KiB … 1 MiB, four times each: {}", costs.join(" "));
    }
    Ok(())
}
