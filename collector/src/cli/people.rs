//! `people`: the school's people, from its own system.

use super::BY;
use super::school::{self, Opened};
use crate::clock;
use crate::config::Config;
use crate::people::plan::{Confirms, Plan};
use crate::people::{FILE_MOST, File, Reader, Reading};
use crate::store::accounts;
use crate::store::people::Directory;
use crate::store::{held_import, import};
use crate::telling::Telling;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// A person has to confirm it, or did not.
const WAITS: u8 = 3;

/// The school's people.
#[derive(Debug, Subcommand)]
pub(super) enum People {
    /// Takes people, roles and year groups from the files of the school's own system
    #[command(
        after_help = "Says first what would change, and asks. What is sweeping, or ends somebody's duty, waits \
        until the right people have confirmed it on the console.\n\nExit codes: 0 taken, or nothing to change; 1 refused; \
        3 nothing was changed, because somebody has to confirm it first"
    )]
    Import(Import),
    /// Lists the accounts seen on devices that are nobody's yet, and why
    Accounts,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The files: one with everybody, one for pupils and one for staff, or users.csv and roles.csv
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Does not ask. What somebody else has to confirm still waits for them
    #[arg(long)]
    yes: bool,
    /// Says what would change, and changes nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Answers in JSON, without names, and does not ask
    #[arg(long)]
    json: bool,
}

impl People {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let opened = school::open(config).await?;
        match self {
            Self::Import(import) => import.run(config, &opened).await,
            Self::Accounts => {
                print_accounts(&seen(&opened).await?);
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// What became of an import.
enum Done {
    Nothing,
    DryRun,
    NotConfirmed,
    Waits,
    Taken(import::Imported),
}

impl Import {
    async fn run(self, config: &Config, opened: &Opened) -> anyhow::Result<ExitCode> {
        let files = read_files(&self.files)?;
        let given: Vec<_> = files.iter().map(|(name, bytes)| File { name, bytes }).collect();
        let reading = Reader::on(clock::now_ms(), &opened.profile).read(&given)?;
        let telling = opened.telling(config);
        let mut connection = opened.store.read().await?;
        let (plan, _) = import::plan(&mut connection, &telling, &reading).await?;
        drop(connection);
        if !self.json {
            print!("{reading}{}", plan.said().text(plan.confirms()));
        }
        let done = self.decide(opened, &telling, &reading, &plan).await?;
        let accounts = seen(opened).await?;
        if self.json {
            println!("{}", as_json(&reading, &plan, &done, &accounts));
        } else {
            print_done(&done, &plan, &accounts);
        }
        Ok(match done {
            Done::Nothing | Done::DryRun | Done::Taken(_) => ExitCode::SUCCESS,
            Done::NotConfirmed | Done::Waits => ExitCode::from(WAITS),
        })
    }

    async fn decide(
        &self,
        opened: &Opened,
        telling: &Telling,
        reading: &Reading,
        plan: &Plan,
    ) -> anyhow::Result<Done> {
        if self.dry_run {
            return Ok(Done::DryRun);
        }
        if plan.is_empty() {
            return Ok(Done::Nothing);
        }
        let waits = plan.confirms() > Confirms::Giver;
        if !waits && !self.yes && (self.json || !agreed()?) {
            return Ok(Done::NotConfirmed);
        }
        let now = clock::now_ms();
        let mut tx = opened.store.write().await?;
        let (again, directory) = import::plan(&mut tx, telling, reading).await?;
        anyhow::ensure!(
            import::mark(&again) == import::mark(plan),
            "nothing was changed, because something else was changed meanwhile; import again"
        );
        let done = if waits {
            let confirming = held_import::confirming(&mut tx, &telling.school_id).await?;
            anyhow::ensure!(
                confirming.anybody(plan),
                "nothing was changed, because there is nobody who could confirm it: it needs {}, who can sign in",
                plan.confirms().words()
            );
            held_import::hold(&mut tx, telling, reading, plan, BY, now).await?;
            Done::Waits
        } else {
            Done::Taken(import::take(&mut tx, telling, plan, &directory, BY, now).await?)
        };
        tx.commit().await?;
        Ok(done)
    }
}

/// Asks. No answer is no.
fn agreed() -> anyhow::Result<bool> {
    print!("Take this? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

async fn seen(opened: &Opened) -> anyhow::Result<accounts::AccountsSeen> {
    let mut connection = opened.store.read().await?;
    let school_id = &opened.school.school_id;
    let directory = Directory::load(&mut connection, school_id, &opened.profile).await?;
    Ok(accounts::seen(&mut connection, school_id, &directory).await?)
}

fn print_done(done: &Done, plan: &Plan, accounts: &accounts::AccountsSeen) {
    match done {
        Done::Nothing => println!("Nothing is different."),
        Done::DryRun => println!("Nothing was changed."),
        Done::NotConfirmed => println!("Nothing was changed. Answer y, or add --yes."),
        Done::Waits => println!(
            "Nothing was changed. It waits for a week on the console, under People, until it is confirmed by {}.",
            plan.confirms().words()
        ),
        Done::Taken(imported) => {
            println!(
                "{} people are new, {} changed, {} have left; {} accounts are known now.",
                imported.added, imported.changed, imported.left, imported.accounts_known
            );
            if !imported.group_changed.is_empty() {
                println!(
                    "{} concerns have other readers now; the headteacher's next sign-in makes their content readable to them.",
                    imported.group_changed.len()
                );
            }
        }
    }
    let unknown = accounts.unknown_count();
    print!("Of the accounts seen on devices, {} are known", accounts.known);
    if unknown == 0 {
        println!(".");
    } else {
        println!(", and {unknown} are not: `pastoral-collector people accounts` lists them.");
    }
}

/// Whoever runs this has root here, where names of accounts stand readable, and has the files; without names, nobody
/// could mend them. The console, whose technicians see no pupils' names (P41), says numbers only.
fn print_accounts(seen: &accounts::AccountsSeen) {
    println!(
        "{} accounts are known, {} are not.",
        seen.known,
        seen.unknown_count()
    );
    for (why, names) in &seen.unknown {
        println!("{} ({}):", why.words(), names.len());
        for name in names {
            println!("  {name}");
        }
    }
}

fn as_json(
    reading: &Reading,
    plan: &Plan,
    done: &Done,
    accounts: &accounts::AccountsSeen,
) -> serde_json::Value {
    let state = match done {
        Done::Nothing => "nothing to change",
        Done::DryRun => "dry run",
        Done::NotConfirmed => "not confirmed",
        Done::Waits => "waiting",
        Done::Taken(_) => "taken",
    };
    let left_out = reading.left_out.iter().map(|fault| {
        json!({"file": fault.file, "line": fault.line, "column": fault.column, "fault": fault.fault, "instead": fault.instead})
    });
    let stops = plan
        .stops
        .iter()
        .map(|stop| json!({"reason": stop.reason, "count": stop.count, "of": stop.of}));
    let unknown = accounts
        .unknown
        .iter()
        .map(|(why, names)| (why.code().to_owned(), names.len().into()));
    json!({
        "state": state,
        "files": reading.sources.iter().map(|source| json!({"file": source.file, "encoding": source.encoding.words()})).collect::<Vec<_>>(),
        "left_out": left_out.collect::<Vec<_>>(),
        "new": plan.new.len(), "changed": plan.changed.len(), "left": plan.leaves.len(), "asked": plan.asked.len(),
        "untouched": plan.untouched, "kept": plan.kept,
        "confirms": plan.confirms(),
        "stops": stops.collect::<Vec<_>>(),
        "accounts": {
            "known": accounts.known,
            "unknown": unknown.collect::<serde_json::Map<_, _>>(),
        },
    })
}

/// The files with how they were named; not more of them than is ever taken.
fn read_files(paths: &[PathBuf]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let read = |path: &PathBuf| {
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        let most = u64::try_from(FILE_MOST)? + 1;
        anyhow::ensure!(!path.is_dir(), "{name} is a folder; name the files in it");
        std::fs::File::open(path)
            .and_then(|file| file.take(most).read_to_end(&mut bytes))
            .with_context(|| {
                format!("{name} cannot be read; name files that are there and that you may read")
            })?;
        Ok((name, bytes))
    };
    paths.iter().map(read).collect()
}
