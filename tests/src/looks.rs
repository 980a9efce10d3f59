//! Looking at the console's pages as a person who checks them does: for faults that axe-core finds, for anything wider
//! than the screen, and by a picture of each.

use crate::browser::Browser;
use crate::reader::Reader;
use anyhow::{Context as _, Result, ensure};
use pastoral_support::poll;
use std::fs;
use std::path::Path;

/// The screens that pages are looked at on: name, width, height.
const SCREENS: [(&str, u32, u32); 2] = [("wide", 1280, 900), ("narrow", 375, 812)];

/// All that is checked of WCAG 2.2, levels A and AA, and what axe's authors hold to be good besides.
const CHECK: &str = "const done = arguments[arguments.length - 1];
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }).then(
  found => done(found.violations.map(fault => fault.id + ': ' + fault.help + ': '
    + fault.nodes.slice(0, 3).map(node => node.html.slice(0, 200) + ' ' + node.any.map(why => why.message)).join(' | '))),
  error => done(['axe fails: ' + error]));";

/// What reaches beyond the right edge of the screen.
const TOO_WIDE: &str = "const width = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth <= width) return [];
return [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > width
  && !one.closest('.app-table, .govuk-visually-hidden')).slice(0, 5).map(one => one.outerHTML.slice(0, 120)).concat('the page');";

/// What is only there once somebody opens it is looked at too.
const OPEN: &str = "document.querySelectorAll('main details:not([open])').forEach(one => { one.open = true; one.dataset.opened = ''; })";
const CLOSE: &str = "document.querySelectorAll('details[data-opened]').forEach(one => { one.open = false; })";

/// One browser that goes from page to page, and what it found.
pub struct Looks<'a> {
    /// The browser.
    pub browser: &'a Browser,
    /// What is wrong, each with its page and screen.
    pub faults: Vec<String>,
    console: String,
    axe: String,
}

impl<'a> Looks<'a> {
    /// Of the console at this address.
    pub fn new(browser: &'a Browser, console: &str) -> Result<Self> {
        let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("axe/node_modules/axe-core/axe.min.js");
        let axe = fs::read_to_string(axe).context("no axe-core: run `npm ci` in tests/axe")?;
        browser.visit(&format!("{console}/sign-in"))?;
        Ok(Self {
            browser,
            faults: Vec::new(),
            console: console.into(),
            axe,
        })
    }

    /// From now on as somebody who is signed in.
    pub fn signed_in_as(&self, reader: &Reader) -> Result<()> {
        self.browser.become_reader(reader)
    }

    /// From now on as nobody.
    pub fn signed_out(&self) -> Result<()> {
        self.browser.forget()
    }

    /// Visits a page and looks at it.
    pub fn page(&mut self, name: &str, path: &str, heading: &str) -> Result<()> {
        self.browser.visit(&format!("{}{path}", self.console))?;
        self.here(name, heading)
    }

    /// Looks at the page that is shown once a form was sent and not taken.
    pub fn refused(&mut self, name: &str, heading: &str) -> Result<()> {
        let is_refused = || {
            let problems = self.browser.texts(".govuk-error-summary");
            problems.is_ok_and(|problems| !problems.is_empty())
        };
        poll::until_so("the form to be refused", is_refused)?;
        self.here(name, heading)
    }

    /// Looks at the page that is shown.
    pub fn here(&mut self, name: &str, heading: &str) -> Result<()> {
        let is_shown = || {
            let headings = self.browser.texts("h1");
            headings.is_ok_and(|headings| headings.len() == 1 && headings[0].contains(heading))
        };
        // The page before may still be there for a moment.
        let waited = poll::until_so(heading, is_shown);
        ensure!(
            waited.is_ok(),
            "{name} has another heading: {}",
            self.browser.text()?
        );
        for (screen, width, height) in SCREENS {
            self.browser.on_screen(width, height)?;
            self.browser.keep_screenshot(&format!("{name}-{screen}"))?;
            self.browser.script(OPEN, vec![])?;
            if self.browser.script("return !window.axe", vec![])? == true {
                self.browser.script(&self.axe, vec![])?;
            }
            for found in [
                self.browser.script(TOO_WIDE, vec![])?,
                self.browser.script_async(CHECK, vec![])?,
            ] {
                let found = found.as_array().context("no list of faults")?;
                let faults = found.iter().map(|fault| format!("{name}, {screen}: {fault}"));
                self.faults.extend(faults);
            }
            self.browser.script(CLOSE, vec![])?;
        }
        self.browser.on_screen(SCREENS[0].1, SCREENS[0].2)
    }
}
