//! What taking files would change, in words: adults by name, pupils as numbers (P41), whoever reads it.

use super::Row;
use super::plan::{Confirms, Plan, What};
use crate::concerns::model::Duty;

/// More adults than anybody reads through are counted.
const NAMES_SHOWN: usize = 200;

/// What would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// One sentence of numbers.
    pub numbers: String,
    /// Adults, each with what becomes of them.
    pub adults: Vec<String>,
    /// What only two people can change: somebody with a duty.
    pub asked: Vec<String>,
    /// Why it waits.
    pub stops: Vec<String>,
}

/// `1 row`, `2 rows`.
pub(super) fn counted(count: usize, of: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {of}{plural}")
}

fn name(row: &Row) -> String {
    format!("{} {}", row.given_name, row.family_name)
        .trim()
        .to_owned()
}

fn role(row: &Row) -> String {
    let office = if row.administration { ", office" } else { "" };
    format!("{}{office}", row.role.words())
}

/// What is different about an adult, with the old and the new where a person has to compare them.
fn difference(before: &Row, after: &Row, what: &[What]) -> String {
    let each = what.iter().map(|what| match what {
        What::Name => format!("name: {}", name(after)),
        What::Email => format!(
            "address: {} instead of {}",
            or_none(&after.email),
            or_none(&before.email)
        ),
        What::Role => format!("role: {} instead of {}", role(after), role(before)),
        What::Username => format!(
            "user name: {} instead of {}",
            or_none(&after.username),
            or_none(&before.username)
        ),
        What::Year | What::Class | What::Id | What::Back => what.words().to_owned(),
    });
    each.collect::<Vec<_>>().join("; ")
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

impl Plan {
    /// It in words.
    #[must_use]
    pub fn said(&self) -> Said {
        let asked = self.asked.iter().map(|asked| {
            let what = difference(&asked.before, &asked.file, &asked.what);
            format!("{}: {what}", name(&asked.before))
        });
        let stops = self
            .stops
            .iter()
            .map(|stop| format!("{} of {} {}", stop.count, stop.of, stop.reason.words()));
        Said {
            numbers: self.numbers(),
            adults: self.adults(),
            asked: asked.collect(),
            stops: stops.collect(),
        }
    }

    /// What changes of adults, each by name.
    fn adults(&self) -> Vec<String> {
        let mut adults: Vec<String> = Vec::new();
        let adult = |row: &Row| !row.role.is_pupil();
        for leaves in self.leaves.iter().filter(|leaves| adult(&leaves.row)) {
            let duties: Vec<_> = leaves.duties.iter().map(|duty| Duty::words(*duty)).collect();
            let ends = if duties.is_empty() {
                String::new()
            } else {
                format!(", and is {} no more", duties.join(", "))
            };
            adults.push(format!(
                "{} ({}) leaves{ends}",
                name(&leaves.row),
                role(&leaves.row)
            ));
        }
        for changed in &self.changed {
            let (before, after) = (&changed.before, &changed.after);
            match (adult(before), adult(after)) {
                (true, true) => adults.push(format!(
                    "{}: {}",
                    name(before),
                    difference(before, after, &changed.what)
                )),
                (true, false) => adults.push(format!("{} ({}) becomes a pupil", name(before), role(before))),
                // Who is a pupil until somebody has confirmed it is not named.
                (false, true) => adults.push(format!("a pupil becomes an adult ({})", role(after))),
                (false, false) => {}
            }
        }
        for row in self.new.iter().filter(|row| adult(row)) {
            adults.push(format!("{} ({}) is new", name(row), role(row)));
        }
        let more = adults.len().saturating_sub(NAMES_SHOWN);
        if more > 0 {
            adults.truncate(NAMES_SHOWN);
            adults.push(format!("and {more} more adults"));
        }
        adults
    }

    fn numbers(&self) -> String {
        let pupils = |rows: &mut dyn Iterator<Item = &Row>| {
            let mut counts = [0_usize; 2];
            rows.for_each(|row| counts[usize::from(!row.role.is_pupil())] += 1);
            let [pupils, adults] = counts;
            format!("{} and {}", counted(pupils, "pupil"), counted(adults, "adult"))
        };
        let mut said = format!(
            "{} are new; {} change; {} leave.",
            pupils(&mut self.new.iter()),
            pupils(&mut self.changed.iter().map(|changed| &changed.before)),
            pupils(&mut self.leaves.iter().map(|leaves| &leaves.row)),
        );
        for (count, why) in [
            (self.untouched, "are not of the kind that is in these files"),
            (self.kept, "are in rows that were left out"),
        ] {
            if count > 0 {
                said.push_str(&format!(" {count} {why}, and stay as they are."));
            }
        }
        said
    }
}

impl Said {
    /// All of it, for a terminal.
    #[must_use]
    pub fn text(&self, confirms: Confirms) -> String {
        let mut text = format!("{}\n", self.numbers);
        let mut list = |heading: &str, lines: &[String]| {
            if !lines.is_empty() {
                text.push_str(&format!("{heading}\n"));
                for line in lines {
                    text.push_str(&format!("  {line}\n"));
                }
            }
        };
        list("Adults:", &self.adults);
        list(
            "Not changed by any file, because these people have a duty; two readers are asked to agree:",
            &self.asked,
        );
        let waits = format!("This needs {}, because", confirms.words());
        list(&waits, &self.stops);
        text
    }
}
