//! `user`: people who can sign in. The command line makes technicians only; readers are granted on the console, by two
//! people, except with the recovery copy from the school safe.

use super::init::{Named, keys_of};
use super::{school, when};
use crate::access;
use crate::clock;
use crate::concerns::model::Duty;
use crate::config::Config;
use crate::seal::sheet::{self, Sheet};
use crate::store::school::NewPerson;
use crate::store::{audit, keys, routing, school as rows};
use anyhow::Context as _;
use clap::Subcommand;
use std::io::Read as _;
use zeroize::Zeroizing;

/// Longest recovery copy that is read.
const COPY: u64 = 64 * 1024;

/// People who can sign in; readers are granted on the console.
#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Shows who has which duty
    List {
        /// Answers as JSON
        #[arg(long)]
        json: bool,
    },
    /// Makes a one-time link for a technician, who sees no content
    InviteTechnician {
        /// The technician, as "Given Family <mail>"
        person: Named,
    },
    /// Ends a person's duties and sign-in
    Disable {
        /// E-mail address or id
        who: String,
    },
    /// Makes a one-time link for a reader with the keys of a recovery sheet, read from standard input
    #[command(
        after_help = "For when the reader keys are lost. The headteacher’s sheet serves for headteacher, dsl and deputy, the chair’s for chair\nand independent. Everybody in the school can see in the audit log that this was done.\nExample: pastoral-collector user recover --duty headteacher \"Ada Bell <head@school.example>\" < sheet.txt"
    )]
    Recover {
        /// headteacher, dsl, deputy, chair or independent
        #[arg(long)]
        duty: String,
        /// The reader, as "Given Family <mail>"
        person: Named,
    },
}

impl User {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::List { json } => list(config, json).await,
            Self::InviteTechnician { person } => invite(config, &person, Duty::Technician, None).await,
            Self::Disable { who } => disable(config, &who).await,
            Self::Recover { duty, person } => {
                let duty = Duty::from_code(&duty)
                    .filter(|duty| !duty.reader_groups().is_empty())
                    .context("the duty must be headteacher, dsl, deputy, chair or independent")?;
                let mut copy = Zeroizing::new(String::new());
                std::io::stdin()
                    .take(COPY)
                    .read_to_string(&mut copy)
                    .context("the recovery copy on standard input is no text")?;
                invite(config, &person, duty, Some(&copy)).await
            }
        }
    }
}

async fn list(config: &Config, json: bool) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let users = rows::users(opened.store.read(), &opened.school.school_id).await?;
    if json {
        println!("{}", serde_json::to_string(&users)?);
        return Ok(());
    }
    for user in users {
        let signed_in = match user.last_sign_in_at {
            Some(at) => format!("last signed in {}", when(at)),
            None if user.can_sign_in => "has never signed in".into(),
            None => "has not used the link yet".into(),
        };
        println!(
            "{} <{}>  {}  ({signed_in})",
            user.name,
            user.email,
            user.duties.join(", ")
        );
    }
    Ok(())
}

async fn invite(config: &Config, named: &Named, duty: Duty, copy: Option<&str>) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let school_id = &opened.school.school_id;
    let held = match copy {
        Some(copy) => {
            let held = keys_of(
                duty,
                &sheet::read(copy, &keys::publics(opened.store.read(), school_id).await?)?,
            );
            anyhow::ensure!(
                held.len() == duty.reader_groups().len(),
                "this duty needs {}, the whole of it",
                Sheet::of(duty).map_or("a recovery sheet", Sheet::words)
            );
            held
        }
        None => Vec::new(),
    };
    let now = clock::now_ms();
    let role = if duty == Duty::Chair { "governor" } else { "staff" };
    let new = NewPerson {
        role,
        given_name: &named.given,
        family_name: &named.family,
        email: &named.email,
    };
    let mut tx = opened.store.write().await?;
    let person_id = rows::person(&mut tx, school_id, &new).await?;
    let link = access::invite(
        &mut tx,
        school_id,
        &person_id,
        duty,
        &held,
        "command line",
        false,
        now,
    )
    .await?;
    if copy.is_some() {
        note(&mut tx, school_id, "recovery-copy-used", &person_id, now).await?;
    }
    routing::reroute_all(&mut tx, &opened.telling(config), now).await?;
    tx.commit().await?;
    println!("{}{}", config.console.url, link.path());
    Ok(())
}

async fn disable(config: &Config, who: &str) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let school_id = &opened.school.school_id;
    let user = rows::find_user(opened.store.read(), school_id, who).await?;
    let user = user.with_context(|| format!("nobody with a duty is `{who}`; `user list` shows them"))?;
    if user.duties.iter().any(|duty| duty == Duty::Headteacher.code())
        && rows::holders(opened.store.read(), school_id, Duty::Headteacher).await? < 2
    {
        anyhow::bail!("this is the only headteacher; grant the duty to the next one first");
    }
    let now = clock::now_ms();
    let mut tx = opened.store.write().await?;
    rows::disable(&mut tx, school_id, &user.person_id, "command line", now).await?;
    note(&mut tx, school_id, "user-disabled", &user.person_id, now).await?;
    routing::reroute_all(&mut tx, &opened.telling(config), now).await?;
    tx.commit().await?;
    println!("{} can no longer sign in and has no duty.", user.name);
    Ok(())
}

async fn note(
    tx: &mut crate::store::Write,
    school_id: &str,
    action: &str,
    person_id: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    let entry = audit::Entry {
        school_id,
        actor: "command line",
        action,
        concern_id: None,
        detail: serde_json::json!({ "person": person_id }),
    };
    audit::append(tx, now, &entry).await
}
