//! Terms written the ways people dodge filters, transform by transform.

use crate::data::Data;
use crate::flagging::engine;
use crate::table::Table;
use anyhow::Result;
use pastoral_keywords::KeywordList;
use pastoral_keywords::evaluation::{self, Share};

const FILE: &str = "evasions.tsv";

/// Misspellings, which are wanted together; every other transform is wanted by itself.
const MISSPELT: [&str; 3] = ["star", "swap", "delete"];
const STRUCTURAL_WANTED: u32 = 99;
const MISSPELT_WANTED: u32 = 70;

pub(crate) fn measure(data: &Data, words: &str, say_missed: bool, table: &mut Table) -> Result<()> {
    table.heading("Recall: the terms of terms.txt, dodged (evasions.tsv)");
    let Some(tsv) = data.read(FILE, table)? else {
        return Ok(());
    };
    let cases = evaluation::cases(&tsv, FILE)?;
    let engine = engine(&[KeywordList::of_words(words, "terms.txt")?])?;
    let mut misspelt = Share::default();
    let mut by_term = Share::default();
    for recall in evaluation::recall(&engine, &cases) {
        by_term = by_term.and(recall.by_term);
        let together = MISSPELT.contains(&recall.transform.as_str());
        if together {
            misspelt = misspelt.and(recall.flagged);
        }
        let wanted = (!together).then_some(STRUCTURAL_WANTED);
        table.at_least(recall.transform, recall.flagged, wanted);
    }
    table.at_least("star, swap and delete together", misspelt, Some(MISSPELT_WANTED));
    table.at_least("all, and the flag names that very term", by_term, None);
    if say_missed {
        for case in &cases {
            let missed = evaluation::recall(&engine, &[*case])
                .iter()
                .any(|recall| recall.flagged.hits == 0);
            if missed {
                table.note(format!(
                    "missed: {}: {}: {}",
                    case.transform, case.term, case.text
                ));
            }
        }
    }
    Ok(())
}
