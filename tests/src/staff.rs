//! The people of the school who sign in, each with the duty they hold and the way they got it.

use crate::collector::Collector;
use crate::forms::Form;
use crate::laptop::Laptop;
use crate::poll;
use crate::reader::Reader;
use crate::school::{self, Person};
use anyhow::{Context as _, Result, ensure};

/// Those who have used their one-time links.
pub struct Staff {
    /// The headteacher.
    pub head: Reader,
    /// The technician, who sees no content.
    pub technician: Reader,
    /// The chair of governors.
    pub chair: Reader,
    /// The safeguarding lead.
    pub lead: Reader,
}

impl Staff {
    /// The first people use the links of `init`; the headteacher grants the lead's duty, and the chair agrees.
    ///
    /// # Errors
    /// When one of them cannot.
    pub fn join(collector: &Collector) -> Result<Self> {
        let console = collector.console();
        let head = Reader::join(&console, school::HEADTEACHER, &collector.links.headteacher)?;
        let technician = Reader::join(&console, school::TECHNICIAN, &collector.links.technician)?;
        let chair = Reader::join(&console, school::CHAIR, &collector.links.chair)?;
        let lead = appoint(&console, &head, &chair, school::LEAD, "dsl")?;
        Ok(Self {
            head,
            technician,
            chair,
            lead,
        })
    }

    /// Everybody, with what they are.
    #[must_use]
    pub fn everybody(&self) -> [(&'static str, &Reader); 4] {
        [
            ("Safeguarding lead", &self.lead),
            ("Headteacher", &self.head),
            ("Technician", &self.technician),
            ("Chair of governors", &self.chair),
        ]
    }

    /// The technician approves the device that waits, if the console shows the code that the device shows.
    ///
    /// # Errors
    /// When none waits, or the codes differ.
    pub fn approve_device(&self, laptop: &Laptop) -> Result<()> {
        let waiting = |status: &serde_json::Value| {
            status["detail"]["confirm_code"]
                .as_str()
                .is_some_and(|code| !code.is_empty())
        };
        let status = laptop.until_status("the device to wait for approval", waiting)?;
        let code = status["detail"]["confirm_code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let page = poll::until("the device on the console", || {
            self.technician
                .visit("/devices")
                .ok()
                .filter(|page| page.html.contains("/approve"))
        })?;
        ensure!(
            page.text().contains(&code),
            "the console does not show the device's code {code}"
        );
        let form = Form::with_action(&page.html, "/approve")?;
        let answer = self.technician.send(&form)?;
        ensure!(
            answer.status == 200,
            "the device was not approved: {}",
            answer.text()
        );
        Ok(())
    }
}

/// One reader proposes that a person gets a duty, and a second person agrees; then the person uses the link.
///
/// # Errors
/// When a step is refused; with what the page says.
pub fn appoint(console: &str, by: &Reader, agreed_by: &Reader, person: Person, duty: &str) -> Result<Reader> {
    let page = by.visit("/people")?;
    let form = Form::with_action(&page.html, "/people/grant")?.choosing("person", &person.name())?;
    let answer = by.send(&form.with("duty", duty))?;
    let link = answer
        .text()
        .split_whitespace()
        .find(|word| word.contains("/join/"))
        .map(str::to_owned);
    let link = link.with_context(|| format!("no link for {}: {}", person.name(), answer.text()))?;
    let answer = agreed_by.submit("/people", "/agree", &[])?;
    ensure!(
        answer.status == 200,
        "the second person could not agree: {}",
        answer.text()
    );
    Reader::join(console, person, &link)
}
