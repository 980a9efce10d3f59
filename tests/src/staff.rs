//! The people of the school who sign in, each with the duty they hold and the way they got it.

use crate::forms::Form;
use crate::laptop::Laptop;
use crate::reader::Reader;
use anyhow::{Context as _, Result, ensure};
use pastoral_support::collector::Collector;
use pastoral_support::mail::Mail;
use pastoral_support::poll;
use pastoral_support::school::{self, Person};

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
    pub fn join(collector: &Collector, mail: &Mail) -> Result<Self> {
        let console = collector.url();
        let head = Reader::join(
            &console,
            school::HEADTEACHER,
            &collector.invited(mail, &school::HEADTEACHER),
        )?;
        let technician = Reader::join(
            &console,
            school::TECHNICIAN,
            &collector.invited(mail, &school::TECHNICIAN),
        )?;
        let chair = Reader::join(&console, school::CHAIR, &collector.invited(mail, &school::CHAIR))?;
        let lead = appoint(&console, mail, (&head, &chair), school::LEAD, "dsl")?;
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

/// One reader proposes that a person gets a duty, and a second one agrees and tells the person a code; then the person uses
/// the link that was mailed to them.
pub fn appoint(
    console: &str,
    mail: &Mail,
    (by, agreed_by): (&Reader, &Reader),
    person: Person,
    duty: &str,
) -> Result<Reader> {
    propose(by, person, duty)?;
    let code = agree(agreed_by)?;
    Reader::join(console, person, &mail.invited(person.email, &code))
}

/// One reader proposes that a person gets a duty.
pub fn propose(by: &Reader, person: Person, duty: &str) -> Result<()> {
    let page = by.visit("/people")?;
    let form = Form::with_action(&page.html, "/people/grant")?.choosing("person", &person.name())?;
    let answer = by.send(&form.with("duty", duty))?;
    ensure!(
        answer.status == 200,
        "it could not be proposed: {}",
        answer.text()
    );
    Ok(())
}

/// A second reader agrees to what waits, and is shown the code.
pub fn agree(agreed_by: &Reader) -> Result<String> {
    let answer = agreed_by.submit("/people", "/agree", &[])?;
    ensure!(
        answer.status == 200,
        "the second person could not agree: {}",
        answer.text()
    );
    let code = answer.html.split("id=\"code-words\">").nth(1);
    let code = code.and_then(|rest| rest.split('<').next());
    Ok(code
        .with_context(|| format!("no code is shown: {}", answer.text()))?
        .to_owned())
}
