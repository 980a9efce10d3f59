//! Opens a school that was made with `init`.

use crate::backup::{AUTHORITY, DATABASE};
use crate::config::Config;
use crate::profile::Profile;
use crate::seal::specialist::ListKey;
use crate::store::Store;
use crate::store::school::{self, School};
use crate::telling::Telling;
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A school and its store.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) school: School,
    pub(super) profile: Arc<Profile>,
}

/// Where the database lies.
pub(super) fn database(data_dir: &Path) -> PathBuf {
    data_dir.join(DATABASE)
}

/// Opens the school, as it stands in the store.
pub(super) async fn open(config: &Config) -> anyhow::Result<Opened> {
    let path = database(&config.data_dir);
    anyhow::ensure!(
        path.exists(),
        "there is no school in {}; run `pastoral-collector init`, or name its folder with --data-dir",
        config.data_dir.display()
    );
    let store = Store::open(&path)
        .await
        .with_context(|| format!("{} cannot be opened", path.display()))?;
    let school = school::get(&mut *store.read().await?)
        .await?
        .context("`init` has not been finished; run it again")?;
    let profile = Profile::parse(&school.profile, "the profile last accepted")?;
    Ok(Opened {
        store,
        school,
        profile: Arc::new(profile),
    })
}

/// The key of the school's specialist lists, whether it is there yet or not.
pub(super) fn list_key(config: &Config) -> ListKey {
    ListKey::new(config.data_dir.join(AUTHORITY))
}

impl Opened {
    /// What notices need to know.
    pub(super) fn telling(&self, config: &Config) -> Telling {
        Telling {
            school_id: self.school.school_id.as_str().into(),
            school_name: self.school.name.as_str().into(),
            console_url: config.console.url.as_str().into(),
            profile: Arc::clone(&self.profile),
        }
    }
}
