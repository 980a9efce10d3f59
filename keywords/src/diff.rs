//! What changed between two versions of a list, in plain words.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Audience, Exception, KeywordList, Term};

/// One thing that is otherwise in the later version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whether it came, went, or is otherwise.
    pub kind: ChangeKind,
    /// What it is a change of.
    pub what: Changed,
    /// Which: a term's identity, an exception's phrase, or the list's identity.
    pub id: String,
    /// What is otherwise about it, each a sentence's end; for what came or went, what it says.
    pub details: Vec<String>,
}

/// Whether something came, went, or is otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// Only the later version has it.
    Added,
    /// Only the earlier version has it.
    Removed,
    /// Both have it, and not the same.
    Changed,
}

/// What a change is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// The lines at the top of the list.
    List,
    /// A term.
    Term,
    /// A harmless phrase.
    Exception,
    /// A phrase that asks for help.
    Help,
}

impl ChangeKind {
    /// One lower-case word.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

impl Changed {
    /// One lower-case word.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Term => "term",
            Self::Exception => "exception",
            Self::Help => "help",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} `{}`", self.kind.code(), self.what.code(), self.id)?;
        if !self.details.is_empty() {
            write!(f, ": {}", self.details.join("; "))?;
        }
        Ok(())
    }
}

/// Everything that is otherwise in `after`: the list's own lines, then terms, exceptions and help, each in the order of
/// their names. Where something stands in its file, and in which order, makes no difference.
#[must_use]
pub fn diff(before: &KeywordList, after: &KeywordList) -> Vec<Change> {
    let mut changes = Vec::new();
    let header = header_details(before, after);
    if !header.is_empty() {
        changes.push(Change {
            kind: ChangeKind::Changed,
            what: Changed::List,
            id: after.id.clone(),
            details: header,
        });
    }
    let of = |list| -> BTreeMap<String, Said> { terms(list) };
    compare(Changed::Term, &of(before), &of(after), &mut changes);
    let harmless = |list: &KeywordList| phrases(list.exceptions());
    compare(
        Changed::Exception,
        &harmless(before),
        &harmless(after),
        &mut changes,
    );
    let help = |list: &KeywordList| phrases(list.help());
    compare(Changed::Help, &help(before), &help(after), &mut changes);
    if before.confidential || after.confidential {
        changes = counted(changes);
    }
    changes
}

/// How much is otherwise, without a word of what: for lists that are held in confidence.
fn counted(changes: Vec<Change>) -> Vec<Change> {
    let (mut said, words): (Vec<_>, Vec<_>) = changes
        .into_iter()
        .partition(|change| change.what == Changed::List);
    for what in [Changed::Term, Changed::Exception, Changed::Help] {
        for kind in [ChangeKind::Added, ChangeKind::Removed, ChangeKind::Changed] {
            let is_such = |change: &&Change| change.what == what && change.kind == kind;
            let count = words.iter().filter(is_such).count();
            if count > 0 {
                said.push(Change {
                    kind,
                    what,
                    id: format!("{count} in confidence"),
                    details: Vec::new(),
                });
            }
        }
    }
    said
}

/// What is said of one thing: names, with the values of each.
type Said = BTreeMap<&'static str, Vec<String>>;

fn header_details(before: &KeywordList, after: &KeywordList) -> Vec<String> {
    let said = |list: &KeywordList| -> Said {
        let one = |value: &str| vec![value.to_owned()];
        BTreeMap::from([
            ("id", one(&list.id)),
            ("version", vec![list.version.to_string()]),
            ("title", one(&list.title)),
            ("language", one(&list.language)),
            ("author", one(&list.author)),
            ("date", one(&list.date)),
            ("review", list.review.iter().cloned().collect()),
            ("confidential", one(if list.confidential { "yes" } else { "no" })),
            (
                "exceptions for",
                one(if list.exceptions_for_all {
                    "every list"
                } else {
                    "this list"
                }),
            ),
        ])
    };
    details(&said(before), &said(after))
}

fn terms(list: &KeywordList) -> BTreeMap<String, Said> {
    list.terms()
        .iter()
        .map(|term| (term.id.clone(), said_of(term)))
        .collect()
}

fn said_of(term: &Term) -> Said {
    let severities = Audience::ALL.iter().filter_map(|audience| {
        let severity = term.severity(*audience)?;
        Some(format!("{severity} for {audience}"))
    });
    let codes = |codes: Vec<&'static str>| codes.into_iter().map(str::to_owned).collect();
    let sources = term.sources.iter().flatten().map(|source| source.code());
    let writers = term.provenances.iter().flatten().map(|writer| writer.code());
    let mut said = BTreeMap::from([
        ("spellings", term.spellings.clone()),
        ("topic", vec![term.topic.code().to_owned()]),
        ("severity", severities.collect()),
        ("reason", vec![term.reason.clone()]),
        ("sources", codes(sources.collect())),
        ("provenances", codes(writers.collect())),
        ("exceptions", term.exceptions.clone()),
        ("near", term.near.clone()),
        ("not near", term.not_near.clone()),
        ("author", term.author.iter().cloned().collect()),
        ("date", term.date.iter().cloned().collect()),
    ]);
    said.retain(|_, values| !values.is_empty());
    said
}

fn phrases(exceptions: &[Exception]) -> BTreeMap<String, Said> {
    let phrases = exceptions.iter().flat_map(|exception| {
        let said = BTreeMap::from([("reason", vec![exception.reason.clone()])]);
        exception
            .phrases
            .iter()
            .map(move |phrase| (phrase.clone(), said.clone()))
    });
    phrases.collect()
}

fn compare(
    what: Changed,
    before: &BTreeMap<String, Said>,
    after: &BTreeMap<String, Said>,
    changes: &mut Vec<Change>,
) {
    let whole = |kind: ChangeKind, id: &str, said: &Said| Change {
        kind,
        what,
        id: id.to_owned(),
        details: said
            .iter()
            .map(|(name, values)| format!("{name} {}", quoted(values)))
            .collect(),
    };
    for (id, said) in before {
        match after.get(id) {
            None => changes.push(whole(ChangeKind::Removed, id, said)),
            Some(now) if now != said => {
                let details = details(said, now);
                // The same words in another order are no change.
                if !details.is_empty() {
                    changes.push(Change {
                        kind: ChangeKind::Changed,
                        what,
                        id: id.clone(),
                        details,
                    });
                }
            }
            Some(_) => {}
        }
    }
    for (id, said) in after.iter().filter(|(id, _)| !before.contains_key(*id)) {
        changes.push(whole(ChangeKind::Added, id, said));
    }
}

fn details(before: &Said, after: &Said) -> Vec<String> {
    let none = Vec::new();
    let mut names: Vec<&str> = before.keys().chain(after.keys()).copied().collect();
    names.sort_unstable();
    names.dedup();
    let mut details = Vec::new();
    for name in names {
        let was = before.get(name).unwrap_or(&none);
        let is = after.get(name).unwrap_or(&none);
        let gone: Vec<String> = was.iter().filter(|value| !is.contains(value)).cloned().collect();
        let new: Vec<String> = is.iter().filter(|value| !was.contains(value)).cloned().collect();
        match (gone.is_empty(), new.is_empty()) {
            (true, true) => {}
            (true, false) => details.push(format!("{name} with {}", quoted(&new))),
            (false, true) => details.push(format!("{name} without {}", quoted(&gone))),
            (false, false) => details.push(format!("{name} {} instead of {}", quoted(&new), quoted(&gone))),
        }
    }
    details
}

fn quoted(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("“{value}”")).collect();
    quoted.join(", ")
}
