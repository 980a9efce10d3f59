//! Engines, and the most that a text may raise, whoever wrote it, wherever it stands and whoever is in front of the device.

use pastoral_keywords::{
    Audience, BuildError, Dictionary, Engine, Found, KeywordList, Provenance, Severity, Source, Text,
};

/// The severities that a school looks at soon, or sooner.
pub(crate) const ALARMING: u8 = 3;

/// Where a text may stand, with who wrote it there.
const PLACES: [(Source, Provenance); 3] = [
    (Source::Search, Provenance::Typed),
    (Source::Title, Provenance::Page),
    (Source::FileName, Provenance::Medium),
];

/// The engine for lists, as the collector builds it.
pub(crate) fn engine(lists: &[KeywordList]) -> Result<Engine, BuildError> {
    Engine::build_with(lists, &Dictionary::shipped())
}

/// The most severe flag of a text over all audiences and places; none if nobody would be flagged for it anywhere.
pub(crate) fn worst(engine: &Engine, text: &str) -> Option<Found> {
    let everywhere = Audience::ALL
        .iter()
        .flat_map(|audience| PLACES.map(|(source, provenance)| (*audience, source, provenance)));
    let found = everywhere.filter_map(|(audience, source, provenance)| {
        let text = Text {
            text,
            source,
            provenance,
            audience,
        };
        engine.find(&text).into_iter().next()
    });
    found.max_by_key(|found| found.severity)
}

pub(crate) fn is_alarming(severity: Severity) -> bool {
    severity.get() >= ALARMING
}
