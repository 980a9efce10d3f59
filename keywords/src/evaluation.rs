//! How well an engine does: what it finds of cases that hide a term, and what it flags of texts that hold none. Counting
//! only; whoever calls reads the files.

use crate::{Audience, Engine, Found, Provenance, Source, Text, View};

/// Standard deviations to each side of a confidence interval: 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Those that count.
    pub hits: u64,
    /// All that were looked at.
    pub of: u64,
}

impl Share {
    /// One more was looked at.
    pub fn add(&mut self, hit: bool) {
        self.of += 1;
        self.hits += u64::from(hit);
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            of: self.of + other.of,
        }
    }

    /// Between 0 and 1; none if nothing was looked at.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        (self.of > 0).then(|| number(self.hits) / number(self.of))
    }

    /// Where the true rate lies with 95 % confidence, by Wilson's score interval; none if nothing was looked at.
    #[must_use]
    pub fn limits(self) -> Option<(f64, f64)> {
        let (rate, of) = (self.rate()?, number(self.of));
        let z2 = Z * Z;
        let centre = rate + z2 / (2.0 * of);
        let margin = Z * (rate * (1.0 - rate) / of + z2 / (4.0 * of * of)).sqrt();
        let limit = |numerator: f64| (numerator / (1.0 + z2 / of)).clamp(0.0, 1.0);
        Some((limit(centre - margin), limit(centre + margin)))
    }
}

/// A count as a fraction's part; counts of texts are far below what an `f64` holds exactly.
#[expect(clippy::cast_precision_loss, reason = "counts of texts are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

/// A term, written so as to be missed, in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case<'a> {
    /// What was done to the term.
    pub transform: &'a str,
    /// The term, as it is in the list.
    pub term: &'a str,
    /// The text it was put in.
    pub text: &'a str,
}

/// A line of a file of cases that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: not a case; write the transform, the term and the text, with a tab between each")]
pub struct CaseError {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// Reads cases: a line each, of transform, term and text with a tab between each. Empty lines are passed over.
///
/// # Errors
/// The first line that is not a case.
pub fn cases<'a>(tsv: &'a str, file: &str) -> Result<Vec<Case<'a>>, CaseError> {
    let lines = tsv.lines().enumerate().filter(|(_, line)| !line.is_empty());
    let cases = lines.map(|(at, line)| {
        let mut columns = line.splitn(3, '\t');
        let (transform, term, text) = (columns.next(), columns.next(), columns.next());
        match (transform, term, text) {
            (Some(transform), Some(term), Some(text)) if !transform.is_empty() && !term.is_empty() => {
                Ok(Case {
                    transform,
                    term,
                    text,
                })
            }
            _ => Err(CaseError {
                file: file.to_owned(),
                line: at + 1,
            }),
        }
    });
    cases.collect()
}

/// What was found of the cases of one transform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    /// The transform.
    pub transform: String,
    /// Texts in which anything was flagged.
    pub flagged: Share,
    /// Texts in which that very term was.
    pub by_term: Share,
}

/// What an engine finds of cases, transform by transform, in the order in which they first come.
#[must_use]
pub fn recall(engine: &Engine, cases: &[Case<'_>]) -> Vec<Recall> {
    let mut recalls: Vec<Recall> = Vec::new();
    for case in cases {
        let found = engine.find(&typed(case.text));
        let at = recalls
            .iter()
            .position(|recall| recall.transform == case.transform)
            .unwrap_or_else(|| {
                recalls.push(Recall {
                    transform: case.transform.to_owned(),
                    flagged: Share::default(),
                    by_term: Share::default(),
                });
                recalls.len() - 1
            });
        recalls[at].flagged.add(!found.is_empty());
        let term = letters(case.term);
        let by_term = found.iter().any(|found| letters(&found.term) == term);
        recalls[at].by_term.add(by_term);
    }
    recalls
}

/// A term's letters and digits: the same words with other apostrophes or hyphens are one term.
fn letters(term: &str) -> String {
    let letters = term.chars().filter(|character| character.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// What an engine flags of texts in which plain word matching finds nothing, and what that finds itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FalseFlags {
    /// Texts that plain words flag already.
    pub plain: Share,
    /// Texts that only a structural view flags (look-alikes, joined or run-together letters and the like).
    pub structural: Share,
    /// Texts that only the view of misspelt words flags.
    pub misspelt: Share,
}

impl FalseFlags {
    /// Counts one text, and returns the flag that it is counted by: one in the simplest view that has any.
    pub fn add(&mut self, engine: &Engine, text: &str) -> Option<Found> {
        let found = engine.find(&typed(text));
        let simplest = found.into_iter().min_by_key(|found| rank(found.view));
        let rank = simplest.as_ref().map(|found| rank(found.view));
        self.plain.add(rank == Some(0));
        self.structural.add(rank == Some(1));
        self.misspelt.add(rank == Some(2));
        simplest
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            plain: self.plain.and(other.plain),
            structural: self.structural.and(other.structural),
            misspelt: self.misspelt.and(other.misspelt),
        }
    }
}

/// How far from the plain words a view is: plain, structural, misspelt.
fn rank(view: View) -> u8 {
    match view {
        View::Plain => 0,
        View::Misspelt => 2,
        _ => 1,
    }
}

fn typed(text: &str) -> Text<'_> {
    Text {
        text,
        source: Source::Search,
        provenance: Provenance::Typed,
        audience: Audience::Secondary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_wilsons_interval() {
        let close = |share: Share, low: f64, high: f64| {
            let (l, h) = share.limits().unwrap();
            assert!((l - low).abs() < 5e-4 && (h - high).abs() < 5e-4, "{l} {h}");
        };
        // Worked out by hand from the formula.
        close(Share { hits: 0, of: 10 }, 0.0, 0.2775);
        close(Share { hits: 5, of: 10 }, 0.2366, 0.7634);
        close(Share { hits: 81, of: 263 }, 0.2553, 0.3662);
        close(Share { hits: 10, of: 10 }, 0.7225, 1.0);
        assert_eq!(Share::default().limits(), None);
    }

    #[test]
    fn a_line_that_is_no_case_is_named() {
        assert_eq!(
            cases("leet\tcat\tmy c4t\n\nleet cat", "x.tsv")
                .unwrap_err()
                .to_string(),
            "x.tsv:3: not a case; write the transform, the term and the text, with a tab between each"
        );
        assert_eq!(
            cases("leet\tcat\tmy c4t\tis", "x.tsv").unwrap()[0].text,
            "my c4t\tis"
        );
    }
}
