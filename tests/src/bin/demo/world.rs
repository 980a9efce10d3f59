//! The school, the laptop and the pupil.

use crate::at;
use crate::steps::Steps;
use anyhow::{Context as _, Result};
use pastoral_support::clock;
use pastoral_support::collector::Collector;
use pastoral_support::mail::Mail;
use pastoral_support::poll;
use pastoral_support::process::{Folder, Process};
use pastoral_support::school;
use pastoral_support::users::User;
use pastoral_tests::browser::PupilBrowser;
use pastoral_tests::desktop::Desktop;
use pastoral_tests::laptop::Laptop;
use pastoral_tests::search_site::SearchSite;
use pastoral_tests::staff::Staff;
use std::io::Read;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// What the pupil types.
pub(crate) const SEARCH: &str = "i want to die";

/// Everything the demo is played with. Fields are dropped in this order.
pub(crate) struct World {
    _browser: PupilBrowser,
    _helper: Process,
    site: SearchSite,
    desktop: Desktop,
    laptop: Laptop,
    pub(crate) staff: Staff,
    pub(crate) collector: Collector,
    pub(crate) mail: Mail,
    pupil: User,
    pub(crate) folder: Folder,
}

impl World {
    pub(crate) fn build(steps: &mut Steps) -> Result<Self> {
        let folder = Folder::new("demo")?;
        let pupil = at("making the pupil's account", User::ordinary("pupil", &folder))?;
        let mail = at("starting the mail receiver", Mail::start(&folder))?;
        let accounts = [(school::PUPIL, pupil.name.as_str())];
        let collector = at(
            "starting the collector",
            Collector::of_school(&folder, &mail, &accounts),
        )?;
        steps.done("the collector serves Purley Oaks Primary School; the mail receiver listens");
        let staff = at(
            "people setting up how they sign in",
            Staff::join(&collector, &mail),
        )?;
        steps.done("headteacher, technician, safeguarding lead and chair have used their one-time links");
        let mut laptop = at("installing the agent", Laptop::install(&folder))?;
        laptop.log_flags();
        at("starting the agent", laptop.start())?;
        at("enrolling the agent", enrol(&laptop, &collector, &staff))?;
        steps.done(
            "the laptop has joined: it asked with a token, and the technician approved it on the console",
        );
        let desktop = at("starting the pupil's desktop", desktop(&pupil, &folder))?;
        let helper = at("starting the session helper", laptop.helper(&desktop, &pupil))?;
        let protected = |status: &serde_json::Value| status["protected"] == true;
        at(
            "the device being protected",
            laptop.until_status("`status` to say protected", protected),
        )?;
        steps.done("`pastoral-agent status` says that the laptop is protected");
        let site = SearchSite::start()?;
        let browser = at(
            "starting the pupil's browser",
            PupilBrowser::open(&desktop, &pupil, &folder, &site.address()),
        )?;
        let titles = desktop.titles()?;
        let ready = || titles.current().is_ok_and(|title| title == "Google - Chromium");
        at(
            "the search page being ready",
            poll::until_so("the search page in the pupil's browser", ready),
        )?;
        steps.done("the pupil, an ordinary user, has a search page open in Chromium");
        Ok(Self {
            _browser: browser,
            _helper: helper,
            site,
            desktop,
            laptop,
            staff,
            collector,
            mail,
            pupil,
            folder,
        })
    }

    /// The pupil searches, and the flag goes its way.
    pub(crate) fn search(&self, steps: &mut Steps) -> Result<()> {
        let visible = self.watch_console()?;
        at("typing", self.site.take_words(&self.desktop, &self.pupil, SEARCH))?;
        steps.done("the pupil has typed a worrying search");
        let titles = self.desktop.titles()?;
        steps.passed("Return pressed");
        at(
            "pressing Return",
            self.desktop.hands(&self.pupil, &["key", "Return"]),
        )?;
        let changed = || {
            titles
                .current()
                .is_ok_and(|title| title.starts_with(SEARCH))
                .then(clock::now_us)
        };
        let changed = at(
            "the title's change",
            poll::until("the browser's title to change", changed),
        )?;
        steps.passed_at("the browser's title changed", changed);
        let on_disk = || self.laptop.flags_on_disk().first().copied();
        let (sequence, at_us) = at(
            "the flag being kept on the device",
            poll::until("the flag to be on disk", on_disk),
        )?;
        steps.passed_at("the flag is on the device's disk, synced", at_us);
        let answered = || {
            self.laptop
                .records_answered()
                .into_iter()
                .find(|(record, _)| *record == sequence)
        };
        let (_, at_us) = at(
            "the collector's answer",
            poll::until("the flag to be answered", answered),
        )?;
        steps.passed_at("the collector has stored and answered it", at_us);
        let seen = visible
            .recv_timeout(Duration::from_secs(30))
            .context("no concern appeared on the open page");
        steps.passed_at(
            "visible on the safeguarding lead's open page",
            at("the concern on the console", seen)?,
        );
        let message = at("the mail", self.mail.message_to(school::LEAD.email))?;
        steps.passed_at(
            "her mail server has accepted the notice",
            message.accepted_at * 1000,
        );
        Ok(())
    }

    /// Listens as the lead's open page does, and says when the first concern arrived on it.
    fn watch_console(&self) -> Result<Receiver<i64>> {
        let mut stream = at("opening the lead's queue", self.staff.lead.stream("/queue/live"))?;
        let (sender, seen) = channel();
        thread::spawn(move || {
            let (mut heard, mut buffer) = (String::new(), [0; 4096]);
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
                if heard.contains("app-card__name") {
                    // The demo may have given up waiting.
                    let _ = sender.send(clock::now_us());
                    return;
                }
            }
        });
        Ok(seen)
    }

    /// The console's address, and what each person types.
    pub(crate) fn print_how_to_sign_in(&self) -> Result<()> {
        println!("\nThe console: {}", self.collector.url());
        for (duty, reader) in self.staff.everybody() {
            println!("\n  {duty}: {}", reader.person.name());
            println!("    e-mail    {}", reader.person.email);
            println!("    password  {}", reader.password);
            println!(
                "    code      {} at this moment; a phone takes the secret {}",
                reader.code_shown_now()?,
                reader.secret
            );
        }
        Ok(())
    }
}

/// The desktop of whoever runs the demo, or one of its own.
fn desktop(pupil: &User, folder: &Folder) -> Result<Desktop> {
    if std::env::var_os("DISPLAY").is_some()
        && let Ok(desktop) = Desktop::of_this_machine(pupil)
    {
        return Ok(desktop);
    }
    Desktop::start(pupil, folder)
}

/// The laptop asks to join; the technician compares the code and approves it.
fn enrol(laptop: &Laptop, collector: &Collector, staff: &Staff) -> Result<()> {
    laptop.ask_to_join(collector, &collector.token())?;
    staff.approve_device(laptop)?;
    let connected = |status: &serde_json::Value| status["detail"]["connection"] == "connected";
    laptop
        .until_status("the laptop to be connected", connected)
        .map(drop)
}
