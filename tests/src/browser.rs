//! Real browsers: the pupil's, on the pupil's desktop, and the one that people read the console with.

use crate::desktop::Desktop;
use crate::reader::Reader;
use anyhow::{Context as _, Result};
use data_encoding::BASE64;
use pastoral_support::poll;
use pastoral_support::process::{Folder, Process};
use pastoral_support::users::User;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use thirtyfour::error::WebDriverErrorInner::{NoSuchElement, StaleElementReference};
use thirtyfour::prelude::*;
use tokio::runtime::Runtime;

/// So that a browser speaks to nobody but the page it shows.
const QUIET: &[&str] = &[
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--password-store=basic",
];

/// The pupil's Chromium.
pub struct PupilBrowser {
    _process: Process,
}

impl PupilBrowser {
    /// Opens a page in it.
    pub fn open(desktop: &Desktop, pupil: &User, folder: &Folder, address: &str) -> Result<Self> {
        let mut command = desktop.command(pupil, "chromium");
        command.args(QUIET).arg(format!(
            "--user-data-dir={}",
            pupil.home().join("chromium").display()
        ));
        if !has_sandbox(pupil) {
            command.arg("--no-sandbox");
        }
        command
            .args(["--window-size=1200,700", "--window-position=0,0"])
            .arg(address);
        let process = Process::start("Chromium", &mut command, &folder.path().join("chromium.log"))?;
        Ok(Self { _process: process })
    }
}

/// Whether Chromium can build its sandbox here: in containers it often may not.
fn has_sandbox(user: &User) -> bool {
    let setuid = Path::new("/usr/lib/chromium/chrome-sandbox").is_file();
    let mut command = user.command("unshare");
    let own_namespace = command.args(["-U", "-r", "true"]).stderr(Stdio::null()).status();
    setuid || own_namespace.is_ok_and(|status| status.success())
}

/// A person's browser, driven through WebDriver.
pub struct Browser {
    driver: Option<WebDriver>,
    runtime: Runtime,
    _process: Process,
}

impl Browser {
    /// Starts one, with a window this wide and high.
    pub fn start(folder: &Folder, width: u32, height: u32) -> Result<Self> {
        let profile = tempfile::Builder::new()
            .prefix("browser-")
            .tempdir_in(folder.path())?
            .keep();
        let mut command = Command::new("chromedriver");
        command
            .arg("--port=0")
            .env("HOME", &profile)
            .env("XDG_CONFIG_HOME", &profile)
            .stdin(Stdio::null());
        let process = Process::start(
            "chromedriver",
            &mut command,
            &folder.path().join("chromedriver.log"),
        )?;
        let port = loop {
            let line = process.line()?;
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port
                    .trim_end_matches('.')
                    .parse::<u16>()
                    .context("chromedriver's port")?;
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let mut wishes = DesiredCapabilities::chrome();
        for flag in QUIET {
            wishes.add_arg(flag)?;
        }
        wishes.add_arg("--headless=new")?;
        // It shows only our own pages, from this machine; and as root Chromium has no sandbox to give.
        wishes.add_arg("--no-sandbox")?;
        wishes.add_arg(&format!("--user-data-dir={}", profile.display()))?;
        wishes.add_arg(&format!("--window-size={width},{height}"))?;
        let driver = runtime.block_on(WebDriver::new(format!("http://127.0.0.1:{port}"), wishes))?;
        Ok(Self {
            driver: Some(driver),
            runtime,
            _process: process,
        })
    }

    /// Goes to a page and waits until it is loaded.
    pub fn visit(&self, address: &str) -> Result<()> {
        self.run(async |driver| driver.goto(address).await)
    }

    /// Waits until it shows a page whose address ends so: what is pressed may load a moment later.
    pub fn arrive(&self, end: &str) -> Result<()> {
        let address = || self.run(async |driver| driver.current_url().await);
        poll::until_so(&format!("the page `{end}`"), || {
            address().is_ok_and(|address| address.as_str().ends_with(end))
        })
        .with_context(|| {
            format!(
                "the browser is at {:?}",
                address().map(|address| address.to_string())
            )
        })
    }

    /// Types into the field with this name.
    pub fn fill(&self, field: &str, text: &str) -> Result<()> {
        let selector = format!("[name=\"{field}\"]");
        self.patiently(async |driver| {
            let element = driver.find(By::Css(&selector)).await?;
            element.clear().await?;
            element.send_keys(text).await
        })
        .with_context(|| format!("the field `{field}`"))
    }

    /// Clicks the first element that this CSS selector finds.
    pub fn click(&self, selector: &str) -> Result<()> {
        self.patiently(async |driver| driver.find(By::Css(selector)).await?.click().await)
            .with_context(|| format!("`{selector}`"))
    }

    /// Clicks the link or button with these words.
    pub fn press(&self, words: &str) -> Result<()> {
        let path = format!("(//a|//button|//summary)[contains(normalize-space(.), \"{words}\")]");
        self.patiently(async |driver| driver.find(By::XPath(&path)).await?.click().await)
            .with_context(|| format!("a link or button `{words}`"))
    }

    /// What a person reads on the page.
    pub fn text(&self) -> Result<String> {
        self.patiently(async |driver| driver.find(By::Tag("body")).await?.text().await)
    }

    /// What a person reads in every element that this CSS selector finds.
    pub fn texts(&self, selector: &str) -> Result<Vec<String>> {
        self.patiently(async |driver| {
            let mut texts = Vec::new();
            for element in driver.find_all(By::Css(selector)).await? {
                texts.push(element.text().await?);
            }
            Ok(texts)
        })
    }

    /// The addresses of the page's links.
    pub fn links(&self) -> Result<Vec<String>> {
        let links = self.script("return Array.from(document.links, link => link.href)", vec![])?;
        Ok(serde_json::from_value(links)?)
    }

    /// Runs a script in the page and gives what it returns.
    pub fn script(&self, script: &str, arguments: Vec<serde_json::Value>) -> Result<serde_json::Value> {
        self.run(async |driver| Ok(driver.execute(script, arguments).await?.json().clone()))
    }

    /// Runs a script that ends by calling its last argument.
    pub fn script_async(&self, script: &str, arguments: Vec<serde_json::Value>) -> Result<serde_json::Value> {
        self.run(async |driver| Ok(driver.execute_async(script, arguments).await?.json().clone()))
    }

    /// Is signed in from now on as somebody who is.
    pub fn become_reader(&self, reader: &Reader) -> Result<()> {
        let (name, value) = reader.cookie().context("they are not signed in")?;
        self.run(async |driver| {
            driver.delete_all_cookies().await?;
            driver.add_cookie(Cookie::new(name, value)).await
        })
    }

    /// Is nobody from now on.
    pub fn forget(&self) -> Result<()> {
        self.run(async |driver| driver.delete_all_cookies().await)
    }

    /// Types into whatever has the keyboard.
    pub fn keys(&self, keys: impl Into<TypingData>) -> Result<()> {
        self.run(async |driver| driver.action_chain().send_keys(keys).perform().await)
    }

    /// Shows pages on a screen so many pixels wide and high, also one that is narrower than windows may be.
    pub fn on_screen(&self, width: u32, height: u32) -> Result<()> {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.run(async |driver| {
            let tools = driver.cdp();
            tools
                .send_raw("Emulation.setScrollbarsHidden", json!({ "hidden": true }))
                .await?;
            let answer = tools.send_raw("Emulation.setDeviceMetricsOverride", screen);
            answer.await.map(drop)
        })
    }

    /// Runs no script of a page from now on.
    pub fn without_scripts(&self) -> Result<()> {
        let off = json!({ "value": true });
        self.run(async |driver| {
            let tools = driver.cdp();
            let answer = tools.send_raw("Emulation.setScriptExecutionDisabled", off);
            answer.await.map(drop)
        })
    }

    /// Gives the window this size.
    pub fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.run(async |driver| driver.set_window_rect(0, 0, width, height).await)
    }

    /// Keeps a picture of the whole page for people to look at, in `target/screenshots`.
    pub fn keep_screenshot(&self, name: &str) -> Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
        fs::create_dir_all(&folder)?;
        let whole = json!({ "captureBeyondViewport": true });
        let answer = self.run(async |driver| driver.cdp().send_raw("Page.captureScreenshot", whole).await)?;
        let picture = answer["data"].as_str().context("the browser gives no picture")?;
        let picture = BASE64.decode(picture.as_bytes())?;
        Ok(fs::write(folder.join(format!("{name}.png")), picture)?)
    }

    /// As a person does who sees one page go and the next one not there yet: looks again.
    fn patiently<T>(&self, mut what: impl AsyncFnMut(&WebDriver) -> WebDriverResult<T>) -> Result<T> {
        let driver = self.driver.as_ref().context("the browser is closed")?;
        let mut missed = None;
        let answer = poll::until("it to be on the page", || {
            let answer = self.runtime.block_on(what(driver));
            match answer.as_ref().map_err(WebDriverError::as_inner) {
                Err(NoSuchElement(_) | StaleElementReference(_)) => {
                    missed = answer.err();
                    None
                }
                _ => Some(answer),
            }
        });
        match (answer, missed) {
            (Ok(answer), _) => Ok(answer?),
            (Err(waited), Some(missed)) => Err(anyhow::Error::from(missed).context(waited)),
            (Err(waited), None) => Err(waited),
        }
    }

    fn run<T>(&self, what: impl AsyncFnOnce(&WebDriver) -> WebDriverResult<T>) -> Result<T> {
        let driver = self.driver.as_ref().context("the browser is closed")?;
        Ok(self.runtime.block_on(what(driver))?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            // It ends with its driver in any case.
            let _ = self.runtime.block_on(driver.quit());
        }
    }
}
