//! `user`: people who can sign in. The command line makes technicians only, and never touches how a reader signs in;
//! that takes two readers on the console, or a recovery sheet ([`recover`]).

use super::init::{invited, when_links_leave};
use super::named::{Named, note, person};
use super::{BY, recover, school, when};
use crate::access::NewLink;
use crate::access::acts::{Issued, issue};
use crate::chain::Deed;
use crate::clock;
use crate::concerns::kind::SubjectRole;
use crate::concerns::model::Duty;
use crate::config::Config;
use crate::store::{access, proposals, rerouting, school as rows};
use anyhow::Context as _;
use clap::Subcommand;
use std::io::Read as _;
use zeroize::Zeroizing;

/// Longest sheet that is read.
const SHEET: u64 = 64 * 1024;

/// People who can sign in; readers are granted on the console.
#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Shows who has which duty
    List {
        /// Answers as JSON
        #[arg(long)]
        json: bool,
    },
    /// Mails a one-time link to a technician, who sees no content, and shows the code to tell them
    InviteTechnician {
        /// The technician, as "Given Family <mail>"
        person: Named,
    },
    /// Ends a technician's duty and sign-in; readers' are ended on the console, by two readers
    Disable {
        /// E-mail address or id
        who: String,
    },
    /// Gives a reader's duty and sign-in back with a recovery sheet, read from standard input
    #[command(
        after_help = "For when the reader keys are lost, or no two readers are left. The headteacher’s sheet serves for headteacher, dsl and deputy, the chair’s for chair and independent. The link goes to the person's recorded address. While somebody else who reads can sign in, one who does not keep this sheet must agree on the console, and has the code; otherwise the code is shown here. Everybody who reads is told.\nExample: pastoral-collector user recover --duty headteacher \"Ada Bell <head@school.example>\" < sheet.txt"
    )]
    Recover {
        /// headteacher, dsl, deputy, chair or independent
        #[arg(long)]
        duty: String,
        /// The reader, as "Given Family <mail>"; who is known already is not changed
        person: Named,
    },
    /// With a recovery sheet, read from standard input, agrees to what the only reader left has proposed on the console
    #[command(
        after_help = "The sheet must be one that the reader does not keep: the headteacher keeps the headteacher’s, the chair of governors the chair’s. One proposal may wait, no more.\nExample: pastoral-collector user agree < sheet.txt"
    )]
    Agree,
}

impl User {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::List { json } => list(config, json).await,
            Self::InviteTechnician { person } => invite_technician(config, &person).await,
            Self::Disable { who } => disable(config, &who).await,
            Self::Recover { duty, person } => {
                let duty = Duty::from_code(&duty)
                    .filter(|duty| !duty.reader_groups().is_empty())
                    .context("the duty must be headteacher, dsl, deputy, chair or independent")?;
                recover::recover(config, &person, duty, &typed_sheet()?).await
            }
            Self::Agree => recover::agree(config, &typed_sheet()?).await,
        }
    }
}

fn typed_sheet() -> anyhow::Result<Zeroizing<String>> {
    let mut sheet = Zeroizing::new(String::new());
    std::io::stdin()
        .take(SHEET)
        .read_to_string(&mut sheet)
        .context("the sheet on standard input is no text")?;
    Ok(sheet)
}

async fn list(config: &Config, json: bool) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let users = rows::users(&opened.store, &opened.school.school_id).await?;
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
            user.duties
                .iter()
                .map(|duty| duty.code())
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    Ok(())
}

async fn invite_technician(config: &Config, named: &Named) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let (telling, now) = (opened.telling(config), clock::now_ms());
    let made = NewLink::make(&[]).context("the system gives no randomness")?;
    let mut tx = opened.store.write().await?;
    let person = person(&mut tx, &telling.school_id, named, SubjectRole::Staff).await?;
    let standing = proposals::sign_ins(&mut tx, &telling.school_id).await?;
    let reads = person.is_reader() || standing.were_readers.contains(&person.person_id);
    anyhow::ensure!(
        !reads,
        "{} reads concerns, or did; what is done about a reader's access, two readers do, under People on the console",
        person.name()
    );
    access::grant_duty(
        &mut tx,
        &telling.school_id,
        &person.person_id,
        Duty::Technician,
        BY,
        None,
        now,
    )
    .await?;
    let actor = (BY, person.person_id.as_str());
    invited(&mut tx, &telling.school_id, actor, Duty::Technician, now).await?;
    rerouting::reroute_all(&mut tx, &telling, now).await?;
    // A duty never touches how somebody signs in.
    if person.can_sign_in {
        tx.commit().await?;
        println!("{} has the duty, and signs in as before.", person.name());
        return Ok(());
    }
    let about = Issued {
        person: &person,
        proposal_id: None,
        proposed_by: BY,
        agreed_by: None,
        vouched: false,
    };
    issue(&mut tx, &telling, &made, &about, now).await?;
    tx.commit().await?;
    println!(
        "A link goes to {} by mail. It works once, for seven days, with this code; say it to {} and never send it:\n\n  {}\n\n{}",
        person.email,
        person.name(),
        made.code.shown(),
        when_links_leave(config)
    );
    Ok(())
}

async fn disable(config: &Config, who: &str) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let school_id = &opened.school.school_id;
    let user = rows::find_user(&opened.store, school_id, who).await?;
    let user = user.with_context(|| format!("nobody with a duty is `{who}`; `user list` shows them"))?;
    let now = clock::now_ms();
    let mut tx = opened.store.write().await?;
    let standing = proposals::sign_ins(&mut tx, school_id).await?;
    let reads = user.duties.iter().any(|duty| *duty != Duty::Technician);
    // Alone, one can harm nobody's access but one's own.
    anyhow::ensure!(
        !reads && !standing.were_readers.contains(&user.person_id),
        "{} reads concerns, or did: their access is ended on the console, under People, by two readers; with one reader \
         left, by them and a recovery sheet (`user agree`)",
        user.name
    );
    rows::disable(&mut tx, school_id, &user.person_id, BY, now).await?;
    note(&mut tx, school_id, Deed::UserDisabled, &user.person_id, now).await?;
    rerouting::reroute_all(&mut tx, &opened.telling(config), now).await?;
    tx.commit().await?;
    println!("{} can no longer sign in and has no duty.", user.name);
    Ok(())
}
