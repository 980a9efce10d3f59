//! The table: what was measured, what is wanted, and what was skipped.

use pastoral_keywords::evaluation::Share;
use std::fmt;

/// The lines of the table, in the order in which they were measured.
#[derive(Default)]
pub(crate) struct Table(Vec<Line>);

enum Line {
    Heading(String),
    Row {
        what: String,
        figure: String,
        wanted: Option<(String, bool)>,
    },
    Note(String),
    Failed(String),
}

impl Table {
    pub(crate) fn heading(&mut self, text: impl Into<String>) {
        self.0.push(Line::Heading(text.into()));
    }

    /// What stands beside the figures and is none.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.0.push(Line::Note(text.into()));
    }

    pub(crate) fn skipped(&mut self, what: &str, why: &str) {
        self.note(format!("skipped: {what}: {why}"));
    }

    /// What kept figures from being measured, and is to be put right.
    pub(crate) fn failed(&mut self, why: &str) {
        self.0.push(Line::Failed(format!("NOT measured: {why}")));
    }

    /// A share that is to be at least so many in a hundred.
    pub(crate) fn at_least(&mut self, what: impl Into<String>, share: Share, percent: Option<u32>) {
        let reached = |percent: u32| share.hits * 100 >= share.of * u64::from(percent);
        self.0.push(Line::Row {
            what: what.into(),
            figure: format!("{:>7} %   {}", scaled(share, 100.0), range(share, 100.0)),
            wanted: percent.map(|percent| (format!("≥ {percent} %"), reached(percent))),
        });
    }

    /// A share that is to be at most so many in ten thousand.
    pub(crate) fn at_most(&mut self, what: impl Into<String>, share: Share, in_ten_thousand: Option<u32>) {
        let reached = |most: u32| share.hits * 10_000 <= share.of * u64::from(most);
        self.0.push(Line::Row {
            what: what.into(),
            figure: format!(
                "{:>7} in 10,000   {}",
                scaled(share, 10_000.0),
                range(share, 10_000.0)
            ),
            wanted: in_ten_thousand.map(|most| (format!("≤ {most} in 10,000"), reached(most))),
        });
    }

    /// A count that is to be at most so many.
    pub(crate) fn count(&mut self, what: impl Into<String>, count: usize, most: Option<usize>) {
        self.0.push(Line::Row {
            what: what.into(),
            figure: format!("{count:>7}"),
            wanted: most.map(|most| (format!("≤ {most}"), count <= most)),
        });
    }

    /// Whether all that is wanted was reached.
    pub(crate) fn reached(&self) -> bool {
        self.0.iter().all(|line| {
            !matches!(
                line,
                Line::Row {
                    wanted: Some((_, false)),
                    ..
                }
            )
        })
    }
}

fn scaled(share: Share, by: f64) -> String {
    share
        .rate()
        .map_or_else(|| "–".into(), |rate| format!("{:.1}", rate * by))
}

/// How many, and where the true figure lies with 95 % confidence.
fn range(share: Share, by: f64) -> String {
    let Some((low, high)) = share.limits() else {
        return "nothing to look at".into();
    };
    format!("{} of {}, {:.1}–{:.1}", share.hits, share.of, low * by, high * by)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.0 {
            match line {
                Line::Heading(text) => writeln!(f, "\n{text}")?,
                Line::Note(text) | Line::Failed(text) => writeln!(f, "  {text}")?,
                Line::Row { what, figure, wanted } => {
                    let wanted = match wanted {
                        None => String::new(),
                        Some((wanted, true)) => format!("{wanted}: reached"),
                        Some((wanted, false)) => format!("{wanted}: NOT reached"),
                    };
                    writeln!(f, "  {what:<52} {figure:<48} {wanted}")?;
                }
            }
        }
        Ok(())
    }
}
