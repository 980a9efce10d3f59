//! How the shipped lists do on wording that nobody foresaw: texts that were invented by somebody who had not seen them, and
//! that no list is written from. Which of them are missed is not said, not even to those who ask: it would be mended.

use crate::flagging::is_alarming;
use crate::table::Table;
use pastoral_keywords::evaluation::Share;
use pastoral_keywords::{Audience, Engine, Provenance, Source, Text};
use std::collections::BTreeMap;

const WORRYING: &str = include_str!("../unseen/worrying.tsv");
const HARMLESS: &str = include_str!("../unseen/harmless.tsv");

pub(crate) fn measure(engine: &Engine, table: &mut Table) {
    table.heading("Invented texts that no list was written from, searched by a pupil of a secondary school, at severity 3");
    let mut topics: BTreeMap<&str, Share> = BTreeMap::new();
    let mut all = Share::default();
    for (topic, text) in lines(WORRYING) {
        let raised = raises(engine, text);
        for share in [topics.entry(topic).or_default(), &mut all] {
            share.add(raised);
        }
    }
    for (topic, share) in topics {
        table.at_least(format!("raised: {topic}"), share, None);
    }
    table.at_least("raised: all of them", all, None);
    let mut wrongly = Share::default();
    for (_, text) in lines(HARMLESS) {
        wrongly.add(raises(engine, text));
    }
    table.at_least("raised, though harmless", wrongly, None);
}

/// The lines of a file, each a topic or kind and a text.
fn lines(file: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('\t'))
}

fn raises(engine: &Engine, text: &str) -> bool {
    let found = engine.find(&Text {
        text,
        source: Source::Search,
        provenance: Provenance::Typed,
        audience: Audience::Secondary,
    });
    found.iter().any(|found| is_alarming(found.severity))
}
