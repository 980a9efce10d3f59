//! What is read of a concern before its page is drawn.

use crate::concerns::action::Action;
use crate::console::Console;
use crate::console::answer::Failure;
use crate::console::who::SignedIn;
use crate::devices::roll::told_apart;
use crate::profile::Profile;
use crate::store::actions::{self, ActionRow};
use crate::store::devices;
use crate::store::overview::{self, Candidate};
use crate::store::queue::{self, Summary};
use crate::store::readers::{self, Reader};
use std::collections::HashMap;
use std::sync::Arc;

const HISTORY_MOST: i64 = 10_000;

/// A concern as its reader may see it.
pub(super) struct Known<'a> {
    pub(super) console: &'a Console,
    pub(super) who: &'a SignedIn,
    pub(super) concern: Summary,
    /// What was done with it, the latest first.
    pub(super) done: Vec<ActionRow>,
    /// Who may see it, in the order in which they are told.
    pub(super) readers: Vec<Reader>,
    pub(super) people: Vec<Candidate>,
    /// Names of devices, by id.
    pub(super) devices: HashMap<String, String>,
    pub(super) profile: Arc<Profile>,
}

impl<'a> Known<'a> {
    pub(super) async fn read(
        console: &'a Console,
        who: &'a SignedIn,
        concern_id: &str,
    ) -> Result<Self, Failure> {
        let (store, school_id) = (&console.app.store, &console.app.school_id);
        // What is not theirs costs as little as what is not there.
        if !queue::may_see(&mut *store.read().await?, school_id, who.id(), concern_id).await? {
            return Err(Failure::NotFound);
        }
        // INVARIANT 4: what this session opens of it is compared with their own name first.
        console.examine_one(&who.session, concern_id).await?;
        let concern = queue::one(&mut *store.read().await?, school_id, who.id(), concern_id)
            .await?
            .ok_or(Failure::NotFound)?;
        Ok(Self {
            console,
            who,
            done: history(console, who, concern_id).await?,
            readers: readers::of_one_seen_by(&mut *store.read().await?, school_id, who.id(), concern_id)
                .await?,
            people: overview::everybody(&mut *store.read().await?, school_id).await?,
            devices: told_apart(&devices::list(&mut *store.read().await?, school_id).await?),
            profile: console.app.profile.load_full(),
            concern,
        })
    }

    pub(super) fn name_of(&self, id: &str) -> String {
        let found = self.people.iter().find(|person| person.person_id == id);
        found.map_or_else(|| "somebody".to_owned(), |person| person.name.clone())
    }

    /// Whether it is, or may be, about a pupil.
    pub(super) fn is_pupil(&self) -> bool {
        let person = self.concern.person.as_ref();
        person.is_none_or(|person| person.role.is_pupil())
    }

    /// Before the person is known, what was seen is shown only to a reader who has said why.
    pub(super) fn is_hidden(&self) -> bool {
        let concern = &self.concern;
        let has_asked = |row: &ActionRow| row.action == Action::Shown && row.by_id == self.who.id();
        let is_known = concern.person.is_some() || concern.by_hand || concern.about_child;
        !is_known && !self.done.iter().any(has_asked)
    }
}

/// What was done with a concern, the latest first.
pub(super) async fn history(
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
) -> Result<Vec<ActionRow>, Failure> {
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    Ok(actions::history(
        &mut *store.read().await?,
        school_id,
        who.id(),
        concern_id,
        HISTORY_MOST,
    )
    .await?)
}
