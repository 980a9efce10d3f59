//! What is written for common words in messages, where a letter or two are enough: `i want 2 die`.

/// The words that a shorter one may stand for, as the lists spell them.
pub(super) fn shorthand(word: &str) -> &'static [&'static str] {
    match word {
        "2" => &["to", "too"],
        "4" => &["for"],
        "b" => &["be"],
        "n" => &["and"],
        "r" => &["are"],
        "u" => &["you"],
        "y" => &["why"],
        "b4" => &["before"],
        "bc" | "cuz" | "coz" => &["because"],
        "em" => &["them"],
        "ma" => &["my"],
        "ur" => &["your", "youre"],
        "abt" => &["about"],
        "ppl" => &["people"],
        "sum1" => &["someone"],
        "wiv" => &["with"],
        _ => &[],
    }
}
