//! `init`: makes a school.

use super::BY;
use super::named::Named;
use super::school;
use crate::access::acts::{Issued, issue};
use crate::access::{NewLink, VoiceCode};
use crate::ca::Authority;
use crate::chain::Deed;
use crate::clock;
use crate::concerns::kind::SubjectRole;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::config::Config;
use crate::profile::{Profile, SHIPPED};
use crate::seal::sheet::{self, Sheet};
use crate::seal::{self, GroupPrivateKey};
use crate::store::school::{NewPerson, School};
use crate::store::{Store, Write, access, audit, keys, members, school as rows};
use crate::telling::Telling;
use anyhow::Context as _;
use clap::Args;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Makes a school: its keys, its certificate authority, and one-time links for its first people.
#[derive(Debug, Args)]
#[command(
    after_help = "Each link goes to its person's address by mail and works once, for seven days, with a code \
                  that is shown here once: say it to that person, and never send it. The two recovery sheets are for the \
                  headteacher and for the chair of governors, each locked away where the other cannot get it."
)]
pub(super) struct Init {
    /// A shipped profile (ashover, purley-oaks, skerton-st-lukes, somerset, st-marks) or a file
    #[arg(long, value_name = "NAME|FILE")]
    profile: String,
    /// The headteacher, as "Given Family <mail>"
    #[arg(long, value_name = "PERSON")]
    headteacher: Named,
    /// The technician, as "Given Family <mail>"
    #[arg(long, value_name = "PERSON")]
    technician: Named,
    /// The chair of governors, as "Given Family <mail>"
    #[arg(long, value_name = "PERSON")]
    chair: Named,
    /// Writes the two recovery sheets to new files that only their owner can read, instead of showing them: for
    /// recovery.txt, recovery-headteacher.txt and recovery-chair.txt
    #[arg(long, value_name = "FILE")]
    recovery_file: Option<PathBuf>,
    /// Answers as JSON
    #[arg(long)]
    json: bool,
}

impl Init {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let (text, file) = profile_text(&self.profile)?;
        let profile = Profile::parse(&text, &file)?;
        self.each_has_an_address_of_their_own()?;
        let data_dir = &config.data_dir;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data_dir)
            .with_context(|| format!("{} cannot be made; run as its owner", data_dir.display()))?;
        let store = Store::open(&school::database(data_dir)).await?;
        anyhow::ensure!(
            rows::get(&mut *store.read().await?).await?.is_none(),
            "{} already holds a school; another needs another --data-dir",
            data_dir.display()
        );
        let now = clock::now_ms();
        let made = School {
            school_id: uuid::Uuid::new_v4().to_string(),
            name: profile.school.clone(),
            profile: text,
        };
        let mut tx = store.write().await?;
        rows::add(&mut tx, &made, now).await?;
        let privates = make_keys(&mut tx, &made.school_id, now).await?;
        let publics = privates
            .iter()
            .map(|(group, key)| (*group, key.public()))
            .collect();
        let telling = Telling {
            school_id: made.school_id.as_str().into(),
            school_name: made.name.as_str().into(),
            console_url: config.console.url.as_str().into(),
            profile: Arc::new(profile.clone()),
        };
        let codes = self.invite_all(&mut tx, &telling, &privates, now).await?;
        let entry = audit::Entry {
            school_id: &made.school_id,
            actor: BY,
            deed: Deed::SchoolMade,
            concern_id: None,
            detail: serde_json::json!({ "profile": profile.name, "keys": seal::fingerprint(&publics) }),
        };
        audit::append(&mut tx, now, &entry).await?;
        let sheets = Sheet::ALL.map(|sheet| (sheet, sheet::text(sheet, &made.name, &privates, &publics)));
        if let Some(file) = &self.recovery_file {
            for (sheet, text) in &sheets {
                write_private(&beside(file, *sheet), text.as_bytes())?;
            }
        }
        Authority::create(data_dir, &made.school_id, now)?;
        tx.commit().await?;
        self.answer(config, &made, &codes, &sheets)
    }

    /// Whoever reads the mail of one address would hold every duty that shares it.
    fn each_has_an_address_of_their_own(&self) -> anyhow::Result<()> {
        let people = self.people();
        for (at, (duty, _, named)) in people.iter().enumerate() {
            let same = people[..at]
                .iter()
                .find(|(_, _, other)| mailbox(&other.email) == mailbox(&named.email));
            if let Some((other, _, _)) = same {
                anyhow::bail!(
                    "{} and {} have the same e-mail address: give each person one that nobody else reads",
                    other.words(),
                    duty.words()
                );
            }
        }
        Ok(())
    }

    const fn people(&self) -> [(Duty, SubjectRole, &Named); 3] {
        [
            (Duty::Headteacher, SubjectRole::Staff, &self.headteacher),
            (Duty::Technician, SubjectRole::Staff, &self.technician),
            (Duty::Chair, SubjectRole::Governor, &self.chair),
        ]
    }

    /// Readers hold what their duty comes with, the technician nothing (P41).
    async fn invite_all(
        &self,
        tx: &mut Write,
        telling: &Telling,
        privates: &[(ReaderGroup, GroupPrivateKey)],
        now: i64,
    ) -> anyhow::Result<Vec<(Duty, VoiceCode)>> {
        let school_id = &*telling.school_id;
        let mut codes = Vec::new();
        for (duty, role, named) in self.people() {
            let new = NewPerson {
                role,
                given_name: &named.given,
                family_name: &named.family,
                email: &named.email,
            };
            let person_id = rows::person(tx, school_id, &new).await?;
            access::grant_duty(tx, school_id, &person_id, duty, "init", None, now).await?;
            let person = members::find(tx, school_id, &person_id).await?;
            let person = person.context("the person just made is not there")?;
            let made = NewLink::make(&keys_of(duty, privates)).context("the system gives no randomness")?;
            let about = Issued {
                person: &person,
                proposal_id: None,
                proposed_by: "init",
                agreed_by: None,
                vouched: true,
            };
            issue(tx, telling, &made, &about, now).await?;
            invited(tx, school_id, ("init", &person_id), duty, now).await?;
            codes.push((duty, made.code));
        }
        Ok(codes)
    }

    fn answer(
        &self,
        config: &Config,
        school: &School,
        codes: &[(Duty, VoiceCode)],
        sheets: &[(Sheet, Zeroizing<String>)],
    ) -> anyhow::Result<()> {
        if self.json {
            let codes: serde_json::Map<_, _> = codes
                .iter()
                .map(|(duty, code)| (duty.code().into(), code.shown().into()))
                .collect();
            let mut answer = serde_json::json!({
                "school_id": school.school_id, "codes": codes, "mail": config.mail.is_some(),
            });
            if self.recovery_file.is_none() {
                for (sheet, text) in sheets {
                    answer["recovery_sheets"][sheet.code()] = text.as_str().into();
                }
            }
            println!("{answer}");
            return Ok(());
        }
        println!(
            "{} is ready. Each person gets a link by mail; it works once, for seven days, with their code.\n\
             Say each person their own code, face to face or on the telephone, and never send it:\n",
            school.name
        );
        for ((duty, code), (_, _, named)) in codes.iter().zip(self.people()) {
            println!(
                "  {:<22} {} {}: {}",
                duty.words(),
                named.given,
                named.family,
                code.shown()
            );
        }
        match &self.recovery_file {
            Some(file) => {
                println!("\nPrint each recovery sheet for its holder, then delete the file:");
                for sheet in Sheet::ALL {
                    println!("  {}: {}", sheet.words(), beside(file, sheet).display());
                }
            }
            None => {
                for (_, text) in sheets {
                    println!("\n{}", **text);
                }
            }
        }
        println!("\nNext: `pastoral-collector serve`. {}", when_links_leave(config));
        Ok(())
    }
}

/// When a link that was just made is mailed.
pub(super) fn when_links_leave(config: &Config) -> &'static str {
    match config.mail.is_some() {
        true => "The links leave as soon as it runs; `check` says while they wait.",
        false => {
            "The links wait until it runs with a [mail] in the configuration; `check` says while they do."
        }
    }
}

/// Records that the command line made a link.
pub(super) async fn invited(
    tx: &mut Write,
    school_id: &str,
    (actor, person_id): (&str, &str),
    duty: Duty,
    now: i64,
) -> Result<(), sqlx::Error> {
    let entry = audit::Entry {
        school_id,
        actor,
        deed: Deed::Invited,
        concern_id: None,
        detail: serde_json::json!({"person": person_id, "duty": duty}),
    };
    audit::append(tx, now, &entry).await
}

/// An address as the mailbox it leads to: case, and what stands behind a plus, make no other.
fn mailbox(email: &str) -> String {
    let email = email.trim().to_lowercase();
    let (local, domain) = email.rsplit_once('@').unwrap_or((&email, ""));
    let local = local.split('+').next().unwrap_or_default();
    format!("{local}@{}", domain.trim_end_matches('.'))
}

/// Where a sheet is written.
fn beside(file: &Path, sheet: Sheet) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let end = file
        .extension()
        .map_or_else(String::new, |end| format!(".{}", end.to_string_lossy()));
    file.with_file_name(format!("{stem}-{}{end}", sheet.code()))
}

/// The keys that go with a duty.
pub(super) fn keys_of(
    duty: Duty,
    privates: &[(ReaderGroup, GroupPrivateKey)],
) -> Vec<(ReaderGroup, GroupPrivateKey)> {
    privates
        .iter()
        .filter(|(group, _)| duty.reader_groups().contains(group))
        .cloned()
        .collect()
}

/// A shipped profile's text, or a file's, and how faults name it.
fn profile_text(named: &str) -> anyhow::Result<(String, String)> {
    if let Some(text) = Profile::shipped(named) {
        return Ok((text.to_owned(), named.to_owned()));
    }
    let text = std::fs::read_to_string(named).with_context(|| {
        let shipped: Vec<_> = SHIPPED.iter().map(|(name, _)| *name).collect();
        format!(
            "`{named}` is neither a shipped profile ({}) nor a readable file",
            shipped.join(", ")
        )
    })?;
    Ok((text, named.to_owned()))
}

async fn make_keys(
    tx: &mut Write,
    school_id: &str,
    now: i64,
) -> anyhow::Result<Vec<(ReaderGroup, GroupPrivateKey)>> {
    let mut privates = Vec::new();
    for group in ReaderGroup::ALL {
        let (private, public) = GroupPrivateKey::generate();
        keys::add_public(tx, school_id, group, &public, now).await?;
        privates.push((group, private));
    }
    Ok(privates)
}

/// Writes a file that does not exist yet and that only its owner can read.
pub(super) fn write_private(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let mut opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)?;
        opened.write_all(content)?;
        opened.sync_all()
    };
    write().with_context(|| {
        format!(
            "{} cannot be written; name a new file in a folder that is there",
            file.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_is_one_however_it_is_written() {
        for same in [
            "Head@School.example",
            " head@school.example.",
            "head+chair@school.example",
        ] {
            assert_eq!(mailbox(same), "head@school.example");
        }
        assert_ne!(mailbox("head@school.example"), mailbox("heads@school.example"));
    }

    #[test]
    fn a_person_is_named_as_in_a_letter() {
        let named: Named = "Mary Anne Bell <m.bell@school.example>".parse().unwrap();
        assert_eq!(
            (named.given.as_str(), named.family.as_str()),
            ("Mary Anne", "Bell")
        );
        assert!("Bell".parse::<Named>().unwrap_err().contains("Given Family"));
        assert!("Mary Bell <nowhere>".parse::<Named>().is_err());
    }
}
