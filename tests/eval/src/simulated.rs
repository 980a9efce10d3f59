//! What the shipped lists would bring before a safeguarding lead in a school day on which nothing happened, grouped as the
//! collector groups flags into concerns.

use crate::concerns::grouping::{Candidate, Key, Placement, Whose, place};
use crate::concerns::kind::{SubjectRole, kind_of};
use crate::data::Data;
use crate::flagging::is_alarming;
use crate::school_day::{Observation, Texts, day};
use crate::set_aside::SetAside;
use crate::table::Table;
use anyhow::Result;
use pastoral_keywords::{Engine, Found, Severity, Text};

const SEED: u64 = 1;
/// The shipped profiles' window, in milliseconds.
const WINDOW: i64 = 24 * 3_600_000;
const WANTED: usize = 5;

/// A concern, with what opened it.
struct Concern {
    candidate: Candidate,
    severity: Severity,
    opened_by: String,
}

pub(crate) fn measure(data: &Data, engine: &Engine, table: &mut Table) -> Result<()> {
    table.heading("A simulated school day: 48,000 texts on 120 laptops, with the shipped lists");
    let (Some(titles), Some(queries), Some(places)) = (
        data.read("benign_titles.txt", table)?,
        data.read("benign_queries.txt", table)?,
        data.read("places.txt", table)?,
    ) else {
        return Ok(());
    };
    let texts = Texts {
        queries: queries.lines().collect(),
        titles: titles.lines().collect(),
        places: places.lines().collect(),
    };
    let aside = SetAside::read();
    let day = day(&texts, SEED);
    let mut concerns: Vec<Concern> = Vec::new();
    let (mut flags, mut rightly) = (0, 0);
    for seen in &day {
        let Some(found) = winner(engine, seen) else {
            continue;
        };
        if aside.holds(&seen.words) {
            rightly += 1;
            continue;
        }
        flags += 1;
        group(&mut concerns, seen, &found);
    }
    let alarming: Vec<&Concern> = concerns
        .iter()
        .filter(|concern| is_alarming(concern.severity))
        .collect();
    for concern in &alarming {
        table.note(format!(
            "concern: severity {}: {}",
            concern.severity, concern.opened_by
        ));
    }
    table.count(
        "false concerns of severity 3 and above",
        alarming.len(),
        Some(WANTED),
    );
    table.count("(all false concerns, of any severity)", concerns.len(), None);
    table.note(format!(
        "{} texts, {flags} false flags of any severity, {rightly} of texts that are set aside",
        day.len()
    ));
    Ok(())
}

fn winner(engine: &Engine, seen: &Observation) -> Option<Found> {
    let text = Text {
        text: &seen.text,
        source: seen.source,
        provenance: seen.provenance,
        audience: seen.audience,
    };
    engine.find(&text).into_iter().next()
}

/// To the concern that the collector would add the flag to, or a new one.
fn group(concerns: &mut Vec<Concern>, seen: &Observation, found: &Found) {
    let key = Key {
        whose: Whose::Account(i64::from(seen.pupil)),
        kind: kind_of(found.topic, SubjectRole::Pupil),
        apart: String::new(),
    };
    let candidates: Vec<Candidate> = concerns.iter().map(|concern| concern.candidate.clone()).collect();
    if let Placement::Join(id) = place(&candidates, &key, seen.at_ms, WINDOW) {
        for concern in concerns
            .iter_mut()
            .filter(|concern| concern.candidate.concern_id == id)
        {
            concern.severity = concern.severity.max(found.severity);
            concern.candidate.first_event_at = concern.candidate.first_event_at.min(seen.at_ms);
            concern.candidate.last_event_at = concern.candidate.last_event_at.max(seen.at_ms);
        }
        return;
    }
    concerns.push(Concern {
        candidate: Candidate {
            concern_id: concerns.len().to_string(),
            key,
            closed: false,
            first_event_at: seen.at_ms,
            last_event_at: seen.at_ms,
        },
        severity: found.severity,
        opened_by: format!("`{}` of {}: {}", found.term, found.list_id, seen.text),
    });
}
