//! `init`: makes a school.

use super::school;
use crate::access;
use crate::ca::Authority;
use crate::clock;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::config::Config;
use crate::profile::{Profile, SHIPPED};
use crate::seal::sheet::{self, Sheet};
use crate::seal::{self, GroupPrivateKey};
use crate::store::school::{NewPerson, School};
use crate::store::{Store, Write, audit, keys, school as rows};
use anyhow::Context as _;
use clap::Args;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use zeroize::Zeroizing;

/// Makes a school: its keys, its certificate authority, and one-time links for its first people.
#[derive(Debug, Args)]
#[command(
    after_help = "Each link is shown once and works once, for seven days. The two recovery sheets are for the headteacher and for the\nchair of governors, each locked away where the other cannot get it."
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

/// A person as the command line names them.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) given: String,
    pub(super) family: String,
    pub(super) email: String,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write it as \"Given Family <mail@school.example>\"".to_owned();
        let (name, email) = text
            .trim()
            .strip_suffix('>')
            .and_then(|text| text.split_once('<'))
            .ok_or_else(wrong)?;
        let (given, family) = name.trim().rsplit_once(' ').ok_or_else(wrong)?;
        if !email.contains('@') || email.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self {
            given: given.trim().into(),
            family: family.into(),
            email: email.into(),
        })
    }
}

impl Init {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let (text, file) = profile_text(&self.profile)?;
        let profile = Profile::parse(&text, &file)?;
        let data_dir = &config.data_dir;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data_dir)
            .with_context(|| format!("{} cannot be made; run as its owner", data_dir.display()))?;
        let store = Store::open(&school::database(data_dir)).await?;
        anyhow::ensure!(
            rows::get(store.read()).await?.is_none(),
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
        let links = self.invite_all(&mut tx, &made.school_id, &privates, now).await?;
        let entry = audit::Entry {
            school_id: &made.school_id,
            actor: "command line",
            action: "school-made",
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
        self.answer(config, &made, &links, &sheets)
    }

    /// Readers hold what their duty comes with, the technician nothing (P41).
    async fn invite_all(
        &self,
        tx: &mut Write,
        school_id: &str,
        privates: &[(ReaderGroup, GroupPrivateKey)],
        now: i64,
    ) -> anyhow::Result<Vec<(Duty, String)>> {
        let people = [
            (Duty::Headteacher, "staff", &self.headteacher),
            (Duty::Technician, "staff", &self.technician),
            (Duty::Chair, "governor", &self.chair),
        ];
        let mut links = Vec::new();
        for (duty, role, named) in people {
            let new = NewPerson {
                role,
                given_name: &named.given,
                family_name: &named.family,
                email: &named.email,
            };
            let person_id = rows::person(tx, school_id, &new).await?;
            let held = keys_of(duty, privates);
            let link = access::invite(tx, school_id, &person_id, duty, &held, "init", false, now).await?;
            links.push((duty, link.path()));
        }
        Ok(links)
    }

    fn answer(
        &self,
        config: &Config,
        school: &School,
        links: &[(Duty, String)],
        sheets: &[(Sheet, Zeroizing<String>)],
    ) -> anyhow::Result<()> {
        let url = &config.console.url;
        if self.json {
            let links: serde_json::Map<_, _> = links
                .iter()
                .map(|(duty, path)| (duty.code().into(), format!("{url}{path}").into()))
                .collect();
            let mut answer = serde_json::json!({ "school_id": school.school_id, "links": links });
            if self.recovery_file.is_none() {
                for (sheet, text) in sheets {
                    answer["recovery_sheets"][sheet.code()] = text.as_str().into();
                }
            }
            println!("{answer}");
            return Ok(());
        }
        println!(
            "{} is ready. Give each person their own link; it works once, for seven days:\n",
            school.name
        );
        for (duty, path) in links {
            println!("  {}\n    {url}{path}", duty.label());
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
        println!("\nNext: `pastoral-collector serve`.");
        Ok(())
    }
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
            "{} cannot be written; name a file that does not exist yet",
            file.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
