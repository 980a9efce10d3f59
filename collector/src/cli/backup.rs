//! `backup` and `restore` (P40).

use super::{BY, school, serve, when};
use crate::backup::{self, AUTHORITY, DATABASE};
use crate::ca::Authority;
use crate::chain::Deed;
use crate::clock;
use crate::concerns::model::Duty;
use crate::config::{self, Config};
use crate::profile::Profile;
use crate::seal::specialist::KEY_FILE;
use crate::store::backup::{self as rows, Mark};
use crate::store::outbox::Matter;
use crate::store::school::{self as schools, School};
use crate::store::{Store, Write, audit, holders};
use crate::telling::Telling;
use anyhow::Context as _;
use clap::Args;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// In seconds: no clock is further ahead.
const CENTURY: i64 = 100 * 365 * 86_400;

/// Makes a backup now: a folder with the store and the certificate authority.
#[derive(Debug, Args)]
#[command(
    after_help = "May run while the collector serves. The folder holds the authority's private key: keep it locked, and a copy off site."
)]
pub(super) struct Backup {
    /// Where the backup's folder is made, instead of [backup] dir
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

impl Backup {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let settings = match (self.to, &config.backup) {
            // What is made by hand removes nothing.
            (Some(dir), _) => config::Backup {
                dir,
                keep: usize::MAX,
            },
            (None, Some(settings)) => settings.clone(),
            (None, None) => anyhow::bail!("say where: --to DIR, or dir under [backup] in the configuration"),
        };
        let opened = school::open(config).await?;
        let school_id = &opened.school.school_id;
        let made = backup::make(&opened.store, school_id, &config.data_dir, &settings, BY).await?;
        println!("{}", made.display());
        Ok(())
    }
}

/// Brings back a backup, in place of the store that is there.
#[derive(Debug, Args)]
#[command(
    after_help = "Stop `serve` first. The store that is there is kept beside. What was delivered, written or granted after\nthe backup is lost; what is known of it is printed, and each device reports the rest as a gap."
)]
pub(super) struct Restore {
    /// The folder that `backup` made, or the database file in it
    from: PathBuf,
}

impl Restore {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let data_dir = &config.data_dir;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data_dir)
            .with_context(|| format!("{} cannot be made; run as its owner", data_dir.display()))?;
        let _alone = serve::lock(data_dir)?;
        let beside = data_dir.join("collector.db.restoring");
        let store = self.taken(&beside).await?;
        let school = schools::get(&mut *store.read().await?)
            .await?
            .context("there is no school in this backup; take another one")?;
        let school_id = &school.school_id;
        if let Err(broken) = audit::verify(&store, school_id, clock::now_ms()).await? {
            anyhow::bail!("nothing was changed, because the audit log in this backup is not whole: {broken}");
        }
        self.authority(data_dir, school_id)?;
        let now = clock::now_ms();
        let most = now / 1000 + CENTURY;
        let present = Present::read(data_dir, school_id, most).await?;
        let known = rows::generation(&mut *store.read().await?, school_id, most)
            .await?
            .max(present.generation);
        // Above every one that a device may hold, also of stores that are lost: the time in seconds.
        let generation = (known + 1).max(now / 1000);
        let made = last_entry(&store, school_id).await?;
        let marks = rows::marks(&mut *store.read().await?, school_id).await?;
        let mut tx = store.write().await?;
        rows::begin_generation(&mut tx, school_id, generation, now).await?;
        let entry = audit::Entry {
            school_id,
            actor: BY,
            deed: Deed::BackupRestored,
            concern_id: None,
            detail: serde_json::json!({ "generation": generation }),
        };
        audit::append(&mut tx, now, &entry).await?;
        tell_readers(&mut tx, config, &school, (made.unwrap_or(now), now)).await?;
        tx.commit().await?;
        store.close().await;
        let aside = put_in_place(data_dir, &beside, now)?;
        println!(
            "{} is back as it was {}.",
            school.name,
            made.map_or_else(|| "then".into(), when)
        );
        if let Some(aside) = aside {
            println!("The store that was there is kept as {}.", aside.display());
        }
        say_lost(&marks, &present);
        println!(
            "\nBefore you go on: what was ended or cut off after the backup stands again. Look at People and Devices on\n\
             the console. One-time links are withdrawn. Next: `pastoral-collector serve`."
        );
        Ok(())
    }

    /// A copy of the backup's database, sound and in the form of this program. The backup itself is not touched.
    async fn taken(&self, beside: &Path) -> anyhow::Result<Store> {
        let file = if self.from.is_dir() {
            self.from.join(DATABASE)
        } else {
            self.from.clone()
        };
        for left in with_companions(beside) {
            if left.exists() {
                fs::remove_file(left)?;
            }
        }
        fs::copy(&file, beside).with_context(|| format!("{} cannot be copied", file.display()))?;
        let not_ours = || format!("{} is no backup that this program can take", file.display());
        let store = Store::open(beside).await.with_context(not_ours)?;
        let damage = rows::damage(&mut *store.read().await?).await;
        if let Some(damage) = damage.with_context(not_ours)? {
            anyhow::bail!("{} is damaged ({damage}); take another backup", file.display());
        }
        Ok(store)
    }

    /// Devices trust one authority: the one that is there, or else the backup's.
    fn authority(&self, data_dir: &Path, school_id: &str) -> anyhow::Result<()> {
        let (here, there) = (data_dir.join(AUTHORITY), self.from.join(AUTHORITY));
        if !here.exists() && there.is_dir() {
            DirBuilder::new().mode(0o700).create(&here)?;
            for entry in fs::read_dir(&there)? {
                let entry = entry?;
                fs::copy(entry.path(), here.join(entry.file_name()))?;
            }
        }
        // The key of the specialist lists is younger than the authority, so it may be missing beside one that is there.
        let (key, kept) = (here.join(KEY_FILE), there.join(KEY_FILE));
        if !key.exists() && kept.exists() {
            fs::copy(kept, key)?;
        }
        Authority::open(data_dir, school_id).context(
            "the certificate authority is missing; restore from the whole folder that `backup` made",
        )?;
        Ok(())
    }
}

/// What is known of the store that a backup replaces.
#[derive(Default)]
struct Present {
    generation: i64,
    marks: Option<Vec<Mark>>,
}

impl Present {
    async fn read(data_dir: &Path, school_id: &str, most: i64) -> anyhow::Result<Self> {
        let path = data_dir.join(DATABASE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let Ok(store) = Store::open(&path).await else {
            return Ok(Self::default());
        };
        let read = async {
            let school = schools::get(&mut *store.read().await?).await?;
            let generation = rows::generation(&mut *store.read().await?, school_id, most).await?;
            let marks = rows::marks(&mut *store.read().await?, school_id).await?;
            Ok::<_, sqlx::Error>((school, generation, marks))
        };
        let read = read.await;
        let other = schools::get(&mut *store.read().await?).await.ok().flatten();
        store.close().await;
        anyhow::ensure!(
            other.is_none_or(|other| other.school_id == school_id),
            "{} holds another school; restore into another --data-dir",
            data_dir.display()
        );
        Ok(read.map_or_else(
            |_| Self::default(),
            |(_, generation, marks)| Self {
                generation,
                marks: Some(marks),
            },
        ))
    }
}

/// What was ended stands again, such as a duty: whoever brings it back must not be the only one who knows.
async fn tell_readers(
    tx: &mut Write,
    config: &Config,
    school: &School,
    (from, now): (i64, i64),
) -> anyhow::Result<()> {
    let telling = Telling {
        school_id: school.school_id.as_str().into(),
        school_name: school.name.as_str().into(),
        console_url: config.console.url.as_str().into(),
        profile: Arc::new(Profile::parse(&school.profile, "the profile in the backup")?),
    };
    let readers = Duty::ALL.into_iter().filter(|duty| *duty != Duty::Technician);
    let readers: Vec<Duty> = readers.collect();
    holders::tell(tx, &telling, &readers, &Matter::Restored { from }, now).await?;
    Ok(())
}

async fn last_entry(store: &Store, school_id: &str) -> anyhow::Result<Option<i64>> {
    let mut connection = store.read().await?;
    Ok(audit::last_at(&mut connection, school_id).await?)
}

/// A database file and what SQLite keeps beside it.
fn with_companions(database: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = database.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

/// Gives where the store that was there is kept, if there was one.
fn put_in_place(data_dir: &Path, beside: &Path, now: i64) -> anyhow::Result<Option<PathBuf>> {
    let path = data_dir.join(DATABASE);
    let aside = data_dir.join(format!("{DATABASE}.before-restore-{}", now / 1000));
    let was_there = path.exists();
    for (from, to) in with_companions(&path).into_iter().zip(with_companions(&aside)) {
        if from.exists() {
            fs::rename(from, to)?;
        }
    }
    File::open(beside)?.sync_all()?;
    fs::rename(beside, &path)?;
    File::open(data_dir)?.sync_all()?;
    Ok(was_there.then_some(aside))
}

fn say_lost(backup: &[Mark], present: &Present) {
    println!("\nWhat is known to be lost, by what devices had delivered:");
    let Some(present) = &present.marks else {
        println!(
            "  The store that was there cannot be read. Of each device, all that it delivered later is lost:"
        );
        for mark in backup {
            let heard = mark.last_seen_at.map_or_else(|| "never".into(), when);
            println!(
                "  {} ({}): {} records are in the backup, last heard {heard}",
                mark.host_name, mark.device_id, mark.delivered
            );
        }
        return;
    };
    let mut lost = 0;
    for mark in present {
        let kept = backup.iter().find(|kept| kept.device_id == mark.device_id);
        let missing = mark.delivered - kept.map_or(0, |kept| kept.delivered);
        if kept.is_none() {
            println!(
                "  {} ({}) joined after the backup: it must join again",
                mark.host_name, mark.device_id
            );
        }
        if missing > 0 {
            println!("  {} ({}): {missing} records", mark.host_name, mark.device_id);
        }
        lost += missing.max(0);
    }
    println!("  {lost} records in all.");
}
