//! A school with its collector, and one laptop that has joined, used by a pupil: what most faults happen to.

use crate::laptop::Laptop;
use crate::speaker::Speaker;
use crate::store::Store;
use anyhow::{Context as _, Result};
use pastoral_support::collector::Collector;
use pastoral_support::disk::SmallDisk;
use pastoral_support::mail::Mail;
use pastoral_support::process::Folder;
use pastoral_support::school;
use pastoral_support::users::User;

/// A search that says a life may be at risk: severity 5.
pub const SEVERE: &str = "i want to die";
/// A search of severity 4 by the shipped list.
pub const SERIOUS: &str = "choking game";
/// A search that is no more than a note by the shipped list: severity 1.
pub const SLIGHT: &str = "unblocked games";

/// The school. Dropped, all of it ends.
pub struct Site {
    /// The pupil's laptop.
    pub laptop: Laptop,
    /// The school's collector.
    pub collector: Collector,
    /// Where its mail goes.
    pub mail: Mail,
    /// The pupil whom the school knows by this account.
    pub pupil: User,
    /// The disk of the laptop, if it is a small one.
    pub device_disk: Option<SmallDisk>,
    /// The disk of the collector, if it is a small one.
    pub collector_disk: Option<SmallDisk>,
    /// Where everything is.
    pub folder: Folder,
}

impl Site {
    /// Starts it and lets the laptop join.
    pub fn start(name: &str) -> Result<Self> {
        Self::on_small_disks(name, None, None)
    }

    /// As [`Site::start`], with small disks of so many MiB for the device's state and the collector's data.
    pub fn on_small_disks(name: &str, device: Option<u32>, collector: Option<u32>) -> Result<Self> {
        let folder = Folder::new(name)?;
        let mail = Mail::start(&folder)?;
        let pupil = User::ordinary("pupil", &folder)?;
        let disk = |name: &str, size: Option<u32>| {
            size.map(|size| SmallDisk::mount(&folder.path().join(name), size))
                .transpose()
        };
        let (device_disk, collector_disk) =
            (disk("device-disk", device)?, disk("collector-disk", collector)?);
        let accounts = [(school::PUPIL, pupil.name.as_str())];
        let user = User::system("collector", &folder)?;
        let place = if collector_disk.is_some() {
            "collector-disk/data"
        } else {
            "collector"
        };
        let data = folder.of(place, &user, 0o700)?;
        let collector = Collector::of_school_in(&folder, user, data, &mail, &accounts)?;
        let user = User::system("pastoral", &folder)?;
        let place = if device_disk.is_some() {
            "device-disk/state"
        } else {
            "state"
        };
        let state = folder.of(place, &user, 0o700)?;
        let mut laptop = Laptop::install_with(&folder, user, state)?;
        laptop.log_flags();
        laptop.start()?;
        laptop.enrol(&collector, &collector.open_token())?;
        let site = Self {
            laptop,
            collector,
            mail,
            pupil,
            device_disk,
            collector_disk,
            folder,
        };
        site.until_connected()?;
        Ok(site)
    }

    /// Waits until the laptop is connected, and its school's rules are in force.
    pub fn until_connected(&self) -> Result<()> {
        let connected = |status: &serde_json::Value| {
            let detail = &status["detail"];
            detail["connection"] == "connected" && detail["policy"] != "shipped"
        };
        self.laptop.until_status("the connection", connected).map(drop)
    }

    /// The pupil's helper, without a desktop.
    pub fn speaker(&self) -> Result<Speaker> {
        Speaker::start(&self.laptop, &self.pupil, &self.folder)
    }

    /// The collector's database.
    pub fn store(&self) -> Result<Store> {
        Store::of(&self.collector)
    }

    /// What `status` says is wrong and what to do, to root, as one text.
    pub fn troubles(&self) -> Result<String> {
        Ok(self.laptop.status()?["detail"]["troubles"].to_string())
    }

    /// Waits until `status` tells root of something wrong in these words.
    pub fn until_trouble(&self, words: &str) -> Result<String> {
        let said = |status: &serde_json::Value| status["detail"]["troubles"].to_string().contains(words);
        let status = self.laptop.until_status(words, said);
        let status = status.with_context(|| format!("`status` never says `{words}`"))?;
        Ok(status["detail"]["troubles"].to_string())
    }
}
