//! `list`: specialist lists, which a licensed school imports, which stay sealed, and whose words nothing shows.

use super::{BY, school, when};
use crate::clock;
use crate::config::Config;
use crate::lists::{self, Rules};
use crate::seal::specialist::ListName;
use crate::store::list_changes::{self, ListChangeState};
use crate::store::specialist::{self, Imported};
use crate::store::{Store, Write, asking};
use crate::telling::Telling;
use anyhow::Context as _;
use clap::Subcommand;
use pastoral_keywords::changes::{Operation, SCHOOL};
use pastoral_keywords::{KeywordList, shipped};
use pastoral_proto::limits;
use std::path::{Path, PathBuf};

/// Bytes of a list's file.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// Lists and versions of them that are held at a time.
const MOST_LISTS: usize = 32;
/// Faults of a file that are shown at once.
const FAULTS: usize = 20;
/// Characters of a licence's name.
const LICENCE: usize = 200;

/// Specialist lists, such as the IWF's or CTIRU's, that the school holds under a licence.
#[derive(Debug, Subcommand)]
pub(super) enum List {
    /// Takes a list into the store, sealed, and proposes to use it
    #[command(after_help = "\
The file is a keyword list as keywords/FORMAT.md describes; make one of a spreadsheet with `pastoral-keywords import`.
It comes into force when the headteacher or safeguarding lead agrees on the console. Nothing shows its words again.

Example:
  pastoral-collector list import iwf-keywords.toml --licence \"IWF membership 4711, to August 2027\"")]
    Import {
        /// The list's file
        file: PathBuf,
        /// The licence that the school holds it under; shown on the console
        #[arg(long)]
        licence: String,
    },
    /// Shows which lists are here, and how each of them stands; none of their words
    Show,
    /// Proposes to use a list no more; takes back one that nobody has agreed to yet
    #[command(after_help = "Example: pastoral-collector list remove iwf-keywords")]
    Remove {
        /// The list's id, as `list show` says it
        id: String,
    },
}

impl List {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::Import { file, licence } => import(config, &file, licence.trim()).await,
            Self::Show => show(config).await,
            Self::Remove { id } => remove(config, &id).await,
        }
    }
}

async fn import(config: &Config, file: &Path, licence: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        (1..=LICENCE).contains(&licence.chars().count()),
        "--licence must name the licence in 1 to {LICENCE} characters"
    );
    let (text, list) = read(file)?;
    let opened = school::open(config).await?;
    let school_id = opened.school.school_id.as_str();
    let key = school::list_key(config);
    let here = specialist::all(&opened.store, school_id).await?;
    anyhow::ensure!(
        here.len() < MOST_LISTS,
        "there are {MOST_LISTS} specialist lists already; remove one first"
    );
    let operation = Operation::UseList {
        list: list.id.clone(),
        version: list.version,
        title: list.title.clone(),
        terms: list.terms().len(),
    };
    let rules = Rules::load(&opened.store, school_id, &opened.profile, &key).await?;
    check_fits(rules, &list, &operation)?;
    let name = ListName {
        school_id,
        list_id: &list.id,
        version: list.version,
    };
    let imported = Imported {
        list_id: list.id.clone(),
        version: list.version,
        title: list.title.clone(),
        licence: licence.to_owned(),
        terms: u32::try_from(list.terms().len())?,
        sealed: key.seal(&name, text.as_bytes())?,
        imported_at: clock::now_ms(),
    };
    keep(&opened.store, &opened.telling(config), &imported, &operation).await?;
    println!(
        "{}, version {}, with {} terms is here, sealed. It comes into force when the headteacher or safeguarding lead\n\
         agrees on the console, under Keyword lists, Changes to the lists. {} still holds its words: delete it, or\n\
         keep it as the licence says.",
        list.title,
        list.version,
        imported.terms,
        file.display()
    );
    Ok(())
}

/// The list and the proposal to use it, both or neither.
async fn keep(
    store: &Store,
    telling: &Telling,
    list: &Imported,
    operation: &Operation,
) -> anyhow::Result<()> {
    let mut tx = store.write().await?;
    anyhow::ensure!(
        specialist::add(&mut tx, &telling.school_id, list).await?,
        "version {} of `{}` is here already; raise `version` in the file if it is a new one, or `list remove {}` first",
        list.version,
        list.list_id,
        list.list_id
    );
    let reason = format!("Held under the licence: {}", list.licence);
    propose(&mut tx, telling, operation, &reason).await?;
    tx.commit().await?;
    Ok(())
}

async fn propose(
    tx: &mut Write,
    telling: &Telling,
    operation: &Operation,
    reason: &str,
) -> anyhow::Result<()> {
    let (of, now) = ((operation, reason), clock::now_ms());
    let proposed = list_changes::propose(tx, &telling.school_id, of, BY, now).await?;
    proposed.context("too many changes to the lists wait already; have some decided on the console first")?;
    asking::ask(tx, telling, now).await?;
    Ok(())
}

/// A list's text, and the list; every fault of it is said, with its line.
fn read(file: &Path) -> anyhow::Result<(String, KeywordList)> {
    let name = file.display().to_string();
    let unreadable = || format!("{name} cannot be read");
    let size = std::fs::metadata(file).with_context(unreadable)?.len();
    anyhow::ensure!(size <= MOST_BYTES, "{name} is over 4 MiB; split the list in two");
    let bytes = std::fs::read(file).with_context(unreadable)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| anyhow::anyhow!("{name} is not UTF-8; save it as UTF-8 and try again"))?;
    let faults = KeywordList::faults(&text, &name);
    if !faults.is_empty() {
        let said: Vec<String> = faults.iter().take(FAULTS).map(ToString::to_string).collect();
        anyhow::bail!(
            "the list is refused, and nothing was changed:\n{}",
            said.join("\n")
        );
    }
    let list = lists::confidential(&text, &name)?;
    anyhow::ensure!(!list.terms().is_empty(), "{name} has no terms; name at least one");
    let taken = list.id == SCHOOL || shipped::lists()?.iter().any(|shipped| shipped.id == list.id);
    anyhow::ensure!(
        !taken,
        "`{}` is the id of a list that comes with Pastoral; write another `id` into {name}",
        list.id
    );
    Ok((text, list))
}

/// Whether a device could hold the rules with this list.
fn check_fits(rules: Rules, list: &KeywordList, operation: &Operation) -> anyhow::Result<()> {
    let mut changed = rules.changed;
    changed.imported.push(list.clone());
    changed.apply(operation)?;
    let bytes = lists::engine_of(&changed.lists)?.to_bytes().len();
    anyhow::ensure!(
        bytes <= limits::RULES,
        "with this list the rules would be {bytes} bytes, and a device takes {}; leave out another list first",
        limits::RULES
    );
    Ok(())
}

async fn show(config: &Config) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let school_id = opened.school.school_id.as_str();
    let here = specialist::all(&opened.store, school_id).await?;
    let standing = specialist::standing(&mut *opened.store.read().await?, school_id).await?;
    if here.is_empty() {
        println!("There is no specialist list here. Take one in with `pastoral-collector list import`.");
    }
    for list in here {
        let in_force = standing.in_force.get(&list.list_id) == Some(&list.version);
        let stands = match (in_force, standing.going.contains(&list.list_id)) {
            (true, false) => "in force",
            (true, true) => "in force; its removal waits for agreement on the console",
            (false, _) => "waits for agreement on the console",
        };
        println!(
            "{}  version {}  {} terms  {} ({stands}; imported {}; licence: {})",
            list.list_id,
            list.version,
            list.terms,
            list.title,
            when(list.imported_at),
            list.licence
        );
    }
    Ok(())
}

async fn remove(config: &Config, id: &str) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let school_id = opened.school.school_id.as_str();
    let here = specialist::all(&opened.store, school_id).await?;
    let list = here.iter().rfind(|list| list.list_id == id);
    let list =
        list.with_context(|| format!("there is no specialist list `{id}`; `list show` names those here"))?;
    let waiting = list_changes::waiting(&opened.store, school_id).await?;
    let now = clock::now_ms();
    let mut tx = opened.store.write().await?;
    let standing = specialist::standing(&mut tx, school_id).await?;
    for change in &waiting {
        if matches!(change.operation(), Some(Operation::UseList { list, .. }) if list == id) {
            let withdrawn = ListChangeState::Withdrawn;
            list_changes::decide(&mut tx, school_id, change.change_id, withdrawn, BY, now).await?;
        }
    }
    let in_force = standing.in_force.contains_key(id);
    if in_force && !standing.going.contains(id) {
        let operation = Operation::DropList {
            list: id.to_owned(),
            title: list.title.clone(),
        };
        let reason = "The technician proposes to remove it";
        propose(&mut tx, &opened.telling(config), &operation, reason).await?;
    }
    tx.commit().await?;
    if in_force {
        println!(
            "{} stays in force until the headteacher or safeguarding lead agrees to its removal on the console.",
            list.title
        );
    } else {
        println!("{} is removed; nobody had agreed to use it.", list.title);
    }
    Ok(())
}
