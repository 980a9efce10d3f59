//! False flags: what is raised on texts that people wrote and that raise no concern.

use crate::data::{BENIGN, Data};
use crate::flagging::{engine, is_alarming, worst};
use crate::set_aside::{self, SetAside};
use crate::table::Table;
use anyhow::Result;
use pastoral_keywords::evaluation::{FalseFlags, Share};
use pastoral_keywords::{Engine, Found, KeywordList, View, shipped};

/// Names and lessons that filters are known to trip over.
const SCUNTHORPE: [&str; 14] = [
    "Scunthorpe",
    "To Kill a Mockingbird",
    "Middlesex",
    "Essex",
    "Penistone",
    "breast cancer research",
    "Dick Turpin worksheet",
    "suicide prevention poster",
    "Moby-Dick",
    "Titus Andronicus",
    "bath bomb experiment",
    "Gunpowder Plot",
    "assassination of Franz Ferdinand",
    "how to kill a process",
];

/// What the views raise of benign texts in which the plain words of the list do not stand.
pub(crate) fn beyond_plain(data: &Data, words: &str, say_flagged: bool, table: &mut Table) -> Result<()> {
    table.heading("False flags of the views beyond plain word matching, with the terms of terms.txt");
    let engine = engine(&[KeywordList::of_words(words, "terms.txt")?])?;
    let mut all = FalseFlags::default();
    for file in BENIGN {
        let Some(texts) = data.read(file, table)? else {
            continue;
        };
        let mut flags = FalseFlags::default();
        for text in texts.lines() {
            let needed = flags.add(&engine, text).filter(|found| found.view != View::Plain);
            if let Some(found) = needed.filter(|_| say_flagged) {
                table.note(format!(
                    "flagged: {file}: `{}`, {}: {text}",
                    found.term, found.view
                ));
            }
        }
        table.at_most(format!("structural views, {file}"), flags.structural, None);
        table.at_most(format!("misspelling view, {file}"), flags.misspelt, None);
        all = all.and(flags);
    }
    table.at_most("structural views, all three", all.structural, Some(1));
    table.at_most("misspelling view, all three", all.misspelt, Some(3));
    table.at_most("(plain words themselves, all three)", all.plain, None);
    Ok(())
}

/// What the shipped lists raise, for anybody anywhere: at severity 3 and above of what people wrote, and at all of what
/// filters are known to trip over. Returns their engine; none if a list has a fault, which the table says.
pub(crate) fn lists(data: &Data, table: &mut Table) -> Result<Option<Engine>> {
    let lists = match shipped::lists() {
        Ok(lists) => lists,
        Err(fault) => {
            table.heading("Flags of the shipped lists");
            table.failed(&fault.to_string());
            return Ok(None);
        }
    };
    let engine = engine(&lists)?;
    table.heading(format!(
        "Flags of the {} shipped lists ({} terms), for any audience, source and provenance",
        lists.len(),
        engine.term_count()
    ));
    let mut looking = Looking {
        engine: &engine,
        aside: SetAside::read(),
        rightly: 0,
        table,
    };
    looking.benign(data)?;
    looking.traps(data)?;
    let rightly = looking.rightly;
    table.note(format!(
        "{rightly} texts are rightly flagged and set aside by name"
    ));
    Ok(Some(engine))
}

struct Looking<'a> {
    engine: &'a Engine,
    aside: SetAside,
    rightly: usize,
    table: &'a mut Table,
}

impl Looking<'_> {
    fn benign(&mut self, data: &Data) -> Result<()> {
        let mut all = Share::default();
        for file in BENIGN {
            let Some(texts) = data.read(file, self.table)? else {
                continue;
            };
            let mut share = Share::default();
            for text in texts.lines() {
                let found = worst(self.engine, text).filter(|found| is_alarming(found.severity));
                share.add(self.wrong(file, text, found));
            }
            self.table
                .at_most(format!("severity 3 and above, {file}"), share, None);
            all = all.and(share);
        }
        self.table
            .at_most("severity 3 and above, all three", all, Some(2));
        Ok(())
    }

    fn traps(&mut self, data: &Data) -> Result<()> {
        let safe = data.safe_questions(self.table)?.unwrap_or_default();
        let safe: Vec<&str> = safe.iter().map(String::as_str).collect();
        for (file, texts) in [("Scunthorpe", &SCUNTHORPE[..]), ("xstest.tsv, safe", &safe)] {
            let mut flagged = 0;
            for text in texts {
                flagged += usize::from(self.wrong(file, text, worst(self.engine, text)));
            }
            let what = format!("any severity, {file} ({} texts)", texts.len());
            self.table.count(what, flagged, Some(0));
        }
        Ok(())
    }

    /// Whether a text is wrongly flagged; then the table says by what, so that a person looks at it.
    fn wrong(&mut self, file: &str, text: &str, found: Option<Found>) -> bool {
        let Some(found) = found else {
            return false;
        };
        if self.aside.holds(text) {
            self.rightly += 1;
            return false;
        }
        self.table.note(format!(
            "flagged: {file} {}: severity {} by `{}` of {}, {:?}: {text}",
            set_aside::name(text),
            found.severity,
            found.term,
            found.list_id,
            found.view
        ));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The lists' flags of what is looked at. Where the data is not there, the printed table says what is skipped.
    fn flags(look: impl Fn(&mut Looking<'_>, &Data) -> Result<()>) -> Result<Table> {
        let data = Data::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
        let mut table = Table::default();
        let mut looking = Looking {
            engine: &engine(&shipped::lists()?)?,
            aside: SetAside::read(),
            rightly: 0,
            table: &mut table,
        };
        look(&mut looking, &data)?;
        println!("{table}");
        Ok(table)
    }

    #[test]
    fn benign_texts_are_seldom_flagged() -> Result<()> {
        assert!(flags(|looking, data| looking.benign(data))?.reached());
        Ok(())
    }

    #[test]
    fn names_and_questions_that_only_look_dangerous_raise_nothing() -> Result<()> {
        assert!(flags(|looking, data| looking.traps(data))?.reached());
        Ok(())
    }
}
