//! Terms that do their list no good: that another term does all the work of, that can never be found, or that are found
//! where nothing is wrong.

use std::collections::BTreeMap;

use crate::{Audience, Engine, Found, KeywordList, Provenance, Source, Term, Text, View};

/// A term that does its list no good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Useless {
    /// Its list.
    pub list_id: String,
    /// Its identity in the list.
    pub term_id: String,
    /// Where it stands in its list's file.
    pub line: usize,
    /// What is wrong with it.
    pub why: WhyUseless,
}

/// What is wrong with a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyUseless {
    /// Wherever it stands, so do other terms of its topic, for the same audiences and as urgent.
    Shadowed {
        /// Those terms, each as list and term.
        by: Vec<String>,
    },
    /// A spelling is not found even where it stands alone.
    NeverFound {
        /// The spelling.
        spelling: String,
        /// The exceptions that cover it; none if its own conditions contradict one another.
        covered_by: Vec<String>,
    },
    /// It is found in too many texts in which nothing is wrong.
    Noisy {
        /// In how many.
        texts: u64,
    },
}

/// The terms of `lists` that are shadowed or never found. `engine` is built of the same lists.
#[must_use]
pub fn useless(lists: &[KeywordList], engine: &Engine) -> Vec<Useless> {
    let known: BTreeMap<(&str, &str), &Term> = lists
        .iter()
        .flat_map(|list| {
            list.terms()
                .iter()
                .map(move |term| ((list.id.as_str(), term.id.as_str()), term))
        })
        .collect();
    let looking = Looking { engine, known };
    let mut useless = Vec::new();
    for list in lists {
        for term in list.terms() {
            let all = looking.look(&list.id, term).into_iter().map(|why| Useless {
                list_id: list.id.clone(),
                term_id: term.id.clone(),
                line: term.line,
                why,
            });
            useless.extend(all);
        }
    }
    useless
}

/// The terms that are found in more than `most` of the texts, in which nothing is wrong.
#[must_use]
pub fn noisy<'t>(
    lists: &[KeywordList],
    engine: &Engine,
    texts: impl IntoIterator<Item = &'t str>,
    most: u64,
) -> Vec<Useless> {
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for text in texts {
        let mut names: Vec<(String, String)> = everywhere()
            .flat_map(|place| engine.find(&place(text)))
            .map(|found| (found.list_id, found.term_id))
            .collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            *counts.entry(name).or_default() += 1;
        }
    }
    let terms = lists
        .iter()
        .flat_map(|list| list.terms().iter().map(move |term| (list, term)));
    let noisy = terms.filter_map(|(list, term)| {
        let texts = *counts.get(&(list.id.clone(), term.id.clone()))?;
        (texts > most).then(|| Useless {
            list_id: list.id.clone(),
            term_id: term.id.clone(),
            line: term.line,
            why: WhyUseless::Noisy { texts },
        })
    });
    noisy.collect()
}

struct Looking<'a> {
    engine: &'a Engine,
    known: BTreeMap<(&'a str, &'a str), &'a Term>,
}

impl Looking<'_> {
    fn look(&self, list_id: &str, term: &Term) -> Vec<WhyUseless> {
        let mut why = Vec::new();
        let mut shadows: Vec<String> = Vec::new();
        let mut shadowed = true;
        for spelling in &term.spellings {
            let text = alone(spelling, term);
            if !self.found(list_id, term, &text) {
                why.push(WhyUseless::NeverFound {
                    spelling: spelling.clone(),
                    covered_by: self.covering(&text),
                });
            }
            match self.shadow(list_id, term, &text) {
                Some(shadow) if shadows.contains(&shadow) => {}
                Some(shadow) => shadows.push(shadow),
                None => shadowed = false,
            }
        }
        if shadowed && why.is_empty() {
            why.push(WhyUseless::Shadowed { by: shadows });
        }
        why
    }

    fn found(&self, list_id: &str, term: &Term, text: &str) -> bool {
        everywhere().any(|place| {
            self.engine
                .find(&place(text))
                .iter()
                .any(|found| is(found, list_id, term))
        })
    }

    fn covering(&self, text: &str) -> Vec<String> {
        let mut covering: Vec<String> = everywhere()
            .flat_map(|place| self.engine.explain(&place(text)).exceptions)
            .filter(|exception| !exception.covers.is_empty())
            .map(|exception| format!("`{}` of {}", exception.exception, exception.list_id))
            .collect();
        covering.sort_unstable();
        covering.dedup();
        covering
    }

    /// A term that is always found where this one is, and does as much for every audience.
    fn shadow(&self, list_id: &str, term: &Term, text: &str) -> Option<String> {
        let audiences: Vec<Audience> = Audience::ALL
            .iter()
            .copied()
            .filter(|audience| term.severity(*audience).is_some())
            .collect();
        let mut does_as_much: Option<Vec<(String, String)>> = None;
        for audience in audiences {
            let text = Text {
                text,
                source: *term.sources.iter().flatten().next().unwrap_or(&Source::Search),
                provenance: *term
                    .provenances
                    .iter()
                    .flatten()
                    .next()
                    .unwrap_or(&Provenance::Typed),
                audience,
            };
            let others: Vec<(String, String)> = self
                .engine
                .find(&text)
                .into_iter()
                .filter(|other| other.view == View::Plain && !is(other, list_id, term))
                .filter(|other| self.does_as_much(other, term, audience))
                .map(|other| (other.list_id, other.term_id))
                .collect();
            does_as_much = Some(match does_as_much {
                None => others,
                Some(before) => before
                    .into_iter()
                    .filter(|other| others.contains(other))
                    .collect(),
            });
        }
        let (list, term) = does_as_much?.into_iter().next()?;
        Some(format!("`{term}` of {list}"))
    }

    /// Whether another term, where it stands inside this one, is found whatever stands around them, and raises as much.
    fn does_as_much(&self, other: &Found, term: &Term, audience: Audience) -> bool {
        let Some(other) = self.known.get(&(other.list_id.as_str(), other.term_id.as_str())) else {
            return false;
        };
        let unconditional = other.exceptions.is_empty() && other.not_near.is_empty() && other.near.is_empty();
        unconditional
            && other.topic == term.topic
            && other.severity(audience) >= term.severity(audience)
            && within(&term.sources, &other.sources)
            && within(&term.provenances, &other.provenances)
    }
}

/// Whether what one term is looked for in, another is too.
fn within<T: PartialEq>(inner: &Option<Vec<T>>, outer: &Option<Vec<T>>) -> bool {
    match (inner, outer) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(inner), Some(outer)) => inner.iter().all(|place| outer.contains(place)),
    }
}

fn is(found: &Found, list_id: &str, term: &Term) -> bool {
    found.list_id == list_id && found.term_id == term.id
}

/// A text of nothing but a term's spelling, with what the term needs near it.
fn alone(spelling: &str, term: &Term) -> String {
    let words = spelling.replace(" … ", " ");
    match term.near.first() {
        Some(near) => format!("{words} {}", near.replace(" … ", " ")),
        None => words,
    }
}

/// Every audience, source and provenance that a text may have.
fn everywhere<'t>() -> impl Iterator<Item = impl Fn(&'t str) -> Text<'t>> {
    Audience::ALL.iter().flat_map(|audience| {
        Source::ALL.iter().flat_map(move |source| {
            Provenance::ALL.iter().map(move |provenance| {
                move |text| Text {
                    text,
                    source: *source,
                    provenance: *provenance,
                    audience: *audience,
                }
            })
        })
    })
}
