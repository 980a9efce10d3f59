//! A made-up school day: 48,000 texts on 120 laptops, as a device sees them. The same every time for the same seed and the
//! same texts.

use fastrand::Rng;
use pastoral_keywords::{Audience, Provenance, Source};

/// Laptops of the school, each with a class of its own.
const LAPTOPS: u16 = 120;
/// Pupils who share a laptop.
const PUPILS: u16 = 4;
const LESSONS: u16 = 5;
/// What one laptop sees in one lesson.
const TEXTS: u16 = 80;
/// The day's first lesson, in milliseconds after midnight.
const MORNING: i64 = 9 * 3_600_000;
const LESSON: i64 = 3_600_000;
/// How far back a pupil goes to a text already seen: a tab, a window, a search made again.
const RECENT: usize = 12;

/// Titles of windows and documents in any school, made up.
const SCHOOL: &str = include_str!("school-titles.txt");
const SUBJECTS: [&str; 12] = [
    "Maths",
    "English",
    "Science",
    "History",
    "Geography",
    "RE",
    "PSHE",
    "Computing",
    "Art",
    "Music",
    "French",
    "PE",
];

/// What people wrote that the day is mixed from.
pub(crate) struct Texts<'a> {
    pub(crate) queries: Vec<&'a str>,
    pub(crate) titles: Vec<&'a str>,
    pub(crate) places: Vec<&'a str>,
}

/// One text on one laptop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The pupil, by a number in the school.
    pub(crate) pupil: u16,
    /// Milliseconds after midnight.
    pub(crate) at_ms: i64,
    pub(crate) audience: Audience,
    pub(crate) source: Source,
    pub(crate) provenance: Provenance,
    /// The words that were not made up here, by which it is known whether a flag is right.
    pub(crate) words: String,
    pub(crate) text: String,
}

/// The whole day, laptop by laptop.
pub(crate) fn day(texts: &Texts<'_>, seed: u64) -> Vec<Observation> {
    let mut mixing = Mixing {
        texts,
        school: SCHOOL.lines().collect(),
        rng: Rng::with_seed(seed),
    };
    let mut day: Vec<Observation> = Vec::new();
    for laptop in 0..LAPTOPS {
        for lesson in 0..LESSONS {
            let pupil = laptop * PUPILS + mixing.rng.u16(0..PUPILS);
            let began = day.len();
            for number in 0..TEXTS {
                let at_ms =
                    MORNING + i64::from(lesson) * LESSON + i64::from(number) * LESSON / i64::from(TEXTS);
                let recent = &day[began.max(day.len().saturating_sub(RECENT))..];
                let again = mixing.rng.u8(0..100) < 35;
                let next = match mixing.rng.choice(recent).filter(|_| again) {
                    Some(before) => Observation {
                        at_ms,
                        ..before.clone()
                    },
                    None => mixing.observe(pupil, audience(laptop), at_ms),
                };
                day.push(next);
            }
        }
    }
    day
}

/// A quarter of the laptops are with the youngest, and half with the pupils of year 7 and above.
const fn audience(laptop: u16) -> Audience {
    match laptop % 4 {
        0 => Audience::Ks1,
        1 => Audience::Ks2,
        _ => Audience::Secondary,
    }
}

/// What new texts are mixed from, and by what.
struct Mixing<'a> {
    texts: &'a Texts<'a>,
    school: Vec<&'a str>,
    rng: Rng,
}

impl Mixing<'_> {
    fn observe(&mut self, pupil: u16, audience: Audience, at_ms: i64) -> Observation {
        let Texts {
            queries,
            titles,
            places,
        } = self.texts;
        let typed = (Source::Search, Provenance::Typed);
        let page = (Source::Title, Provenance::Page);
        let file = (Source::FileName, Provenance::Medium);
        let (words, form, (source, provenance)) = match self.rng.u8(0..100) {
            0..40 => (queries, "{}", typed),
            40..50 => (titles, "{} - Wikipedia", page),
            50..55 => (titles, "{} : Free Download", page),
            55..60 => (places, "{} - Maps", page),
            60..65 => (places, "where is {}", typed),
            65..70 => (queries, "{} - Answers", page),
            70..75 => (titles, "{}.docx", file),
            75..80 => (&self.school, "{}.pptx", file),
            _ => (&self.school, "{}", page),
        };
        let words = self.rng.choice(words).copied().unwrap_or("Untitled");
        let words = words
            .replace("SUBJECT", self.rng.choice(SUBJECTS).unwrap_or("Maths"))
            .replace("YEAR", &self.rng.u8(1..12).to_string());
        Observation {
            pupil,
            at_ms,
            audience,
            source,
            provenance,
            text: form.replace("{}", &words),
            words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_48_000_texts_with_repeats_and_is_the_same_again() {
        let texts = Texts {
            queries: vec!["how tall is a giraffe"],
            titles: vec!["The Iron Man"],
            places: vec!["Scunthorpe"],
        };
        let once = day(&texts, 1);
        assert_eq!(once.len(), 48_000);
        assert_eq!(once, day(&texts, 1));
        assert_ne!(once, day(&texts, 2));
    }
}
