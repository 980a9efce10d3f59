//! The pupil whom a concern is about, as they were when something was flagged.

use crate::console::answer::Failure;
use crate::console::{Console, words};
use crate::store::flags::FlagRow;
use crate::store::people::{Person, Years, years_of};
use crate::store::queue::Whom;
use pastoral_keywords::Audience;

pub(super) struct Pupil {
    person: Person,
    name: String,
    years: Years,
}

impl Pupil {
    pub(super) async fn of(console: &Console, whom: Option<&Whom>) -> Result<Option<Self>, Failure> {
        let Some(whom) = whom.filter(|whom| whom.role.is_pupil()) else {
            return Ok(None);
        };
        let directory = console.directory().await?;
        let Some(person) = directory.person(&whom.person_id) else {
            return Ok(None);
        };
        let app = &console.app;
        Ok(Some(Self {
            person: person.clone(),
            name: whom.name.clone(),
            years: years_of(&mut *app.store.read().await?, &app.school_id, &whom.person_id).await?,
        }))
    }

    /// Their year group then, where they are in another one now; and whose rules the device went by, where it did not know
    /// yet whose account it was and so took the strictest.
    pub(super) fn then(&self, flag: &FlagRow) -> String {
        let now = self.person.year_group.as_str();
        let then = self
            .years
            .at(flag.observed_at + flag.clock_offset_ms)
            .unwrap_or(now);
        let mut said = Vec::new();
        if then != now {
            said.push(format!(
                "{} was in {} then.",
                self.name,
                words::people::year(then)
            ));
        }
        let own = self.person.audience_in(then);
        if flag.audience != own && flag.audience == Audience::STRICTEST {
            said.push(format!(
                "The device did not know yet whose account it was and went by the strictest rules; {} has those for: {}.",
                self.name,
                own.label()
            ));
        }
        said.join(" ")
    }
}
