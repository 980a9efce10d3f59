//! One change of a concern: asked by a reader, in one transaction with its audit entry.

use crate::clock;
use crate::concerns::action::Action;
use crate::concerns::ending::Ending;
use crate::concerns::model::{ConcernState, PersonId};
use crate::console::answer::Failure;
use crate::console::said::Done;
use crate::console::who::SignedIn;
use crate::console::{Console, conduct};
use crate::store::actions::{self, NewAction};
use crate::store::queue::{self, Summary};
use crate::store::{Write, audit, category, escalation, false_alarms, keys, reviews, routing};
use crate::telling::Telling;
use serde_json::{Value, json};

/// What came of an action.
pub(super) enum Outcome {
    /// Done; what to say. The viewer may not see the concern any more.
    Done(Done),
    /// Not done: the field and what is wrong with it.
    Fault(&'static str, &'static str),
}

/// A concern in hand.
pub(in crate::console) struct Doing<'a> {
    pub(super) console: &'a Console,
    pub(super) who: &'a SignedIn,
    pub(super) tx: Write,
    pub(super) concern: Summary,
    pub(super) before: actions::ConcernStanding,
    pub(super) telling: Telling,
    pub(super) now: i64,
}

impl<'a> Doing<'a> {
    /// Takes a concern in hand. INVARIANT 4: only for who may see it; asked in the transaction that changes it.
    pub(super) async fn begin(
        console: &'a Console,
        who: &'a SignedIn,
        concern_id: &str,
    ) -> Result<Self, Failure> {
        let mut tx = console.app.store.write().await?;
        let school_id = &console.app.school_id;
        let concern = queue::one(&mut tx, school_id, who.id(), concern_id)
            .await?
            .ok_or(Failure::NotFound)?;
        let before = actions::standing(&mut tx, school_id, concern_id).await?;
        let (telling, now) = (console.app.telling(), clock::now_ms());
        Ok(Self {
            console,
            who,
            tx,
            concern,
            before,
            telling,
            now,
        })
    }

    pub(super) fn school_id(&self) -> &'a str {
        &self.console.app.school_id
    }

    /// Adds to the history, with words sealed to the concern's readers, and to the audit log.
    pub(super) async fn record(
        &mut self,
        action: Action,
        detail: Value,
        words: &str,
    ) -> Result<i64, Failure> {
        let concern_id = self.concern.concern_id.clone();
        self.record_of(&concern_id, action, detail, words).await
    }

    /// The same of another concern than the one in hand.
    pub(super) async fn record_of(
        &mut self,
        concern_id: &str,
        action: Action,
        detail: Value,
        words: &str,
    ) -> Result<i64, Failure> {
        let sealed = match words {
            "" => None,
            words => Some(self.seal(concern_id, words.as_bytes()).await?),
        };
        let school_id = self.school_id();
        let new = NewAction {
            concern_id,
            at: self.now,
            by: self.who.id(),
            action,
            detail,
            words: sealed,
        };
        let action_id = actions::add(&mut self.tx, school_id, &new).await?;
        let entry = audit::Entry {
            school_id,
            actor: self.who.id(),
            deed: action.into(),
            concern_id: Some(concern_id),
            detail: json!({ "action": action_id }),
        };
        audit::append(&mut self.tx, self.now, &entry).await?;
        Ok(action_id)
    }

    /// Seals for a concern, which need not be the one in hand. Gives the data key's id and what is sealed.
    pub(super) async fn seal(
        &mut self,
        concern_id: &str,
        content: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), Failure> {
        let school_id = self.school_id();
        let to = routing::sealed_to(&mut self.tx, school_id, concern_id).await?;
        let sealer = &self.console.app.sealer;
        Ok(keys::seal_for(&mut self.tx, sealer, (school_id, concern_id), to, content).await?)
    }

    /// Writes what the action changes, and records it so that it can be undone.
    pub(super) async fn change(
        &mut self,
        action: Action,
        new: actions::ConcernStanding,
        detail: Value,
        words: &str,
    ) -> Result<i64, Failure> {
        let (school_id, concern_id) = (self.school_id(), self.concern.concern_id.clone());
        actions::set_standing(&mut self.tx, school_id, &concern_id, &new, self.now).await?;
        self.changed(action, new, detail, words).await
    }

    /// Closes it for those who agree to that, and records it so that it can be undone.
    pub(super) async fn close(
        &mut self,
        closing: &[&str],
        new: actions::ConcernStanding,
        detail: Value,
        words: &str,
    ) -> Result<i64, Failure> {
        let (school_id, concern_id) = (self.school_id(), self.concern.concern_id.clone());
        if !actions::close(&mut self.tx, school_id, &concern_id, closing, &new, self.now).await? {
            return Err(Failure::NotFound);
        }
        self.changed(Action::Closed, new, detail, words).await
    }

    async fn changed(
        &mut self,
        action: Action,
        new: actions::ConcernStanding,
        mut detail: Value,
        words: &str,
    ) -> Result<i64, Failure> {
        detail["before"] = serde_json::to_value(&self.before).unwrap_or(Value::Null);
        self.before = new;
        self.record(action, detail, words).await
    }

    /// Moves the version: something was written about it.
    pub(super) async fn touch(&mut self) -> Result<(), Failure> {
        let (school_id, concern_id) = (self.school_id(), self.concern.concern_id.clone());
        Ok(actions::touch(&mut self.tx, school_id, &concern_id, self.now).await?)
    }

    /// Somebody is on it: nobody else is told.
    pub(super) async fn answered(&mut self) -> Result<(), Failure> {
        let (school_id, concern_id) = (self.school_id(), self.concern.concern_id.clone());
        Ok(escalation::answered(&mut self.tx, school_id, &concern_id).await?)
    }

    /// Severity and timers follow what is marked as a false alarm.
    pub(super) async fn marked(&mut self) -> Result<(), Failure> {
        let (by, concern_id) = (self.who.id(), self.concern.concern_id.clone());
        Ok(false_alarms::settle(&mut self.tx, &self.telling, &concern_id, by, self.now).await?)
    }

    pub(super) async fn repropose(&mut self) -> Result<(), Failure> {
        let (school_id, concern_id) = (self.school_id(), self.concern.concern_id.clone());
        let profile = self.telling.profile.clone();
        Ok(category::repropose(&mut self.tx, &profile, school_id, &concern_id).await?)
    }

    /// These are kept out of what concerns the person, or of this concern while nobody knows who that is.
    pub(super) async fn keep_out(&mut self, meant: &[PersonId]) -> Result<(), Failure> {
        let concern = &self.concern;
        let person = concern.person.as_ref().map(|person| &person.person_id);
        let about = person.unwrap_or(&concern.concern_id);
        conduct::keep_out_of(self.console, &mut self.tx, &self.telling, self.who, about, meant).await
    }

    /// Commits, then tells open consoles and wakes those who tell people. Gives the concern's version, if the reader may
    /// still see it.
    pub(super) async fn finish(mut self) -> Result<Option<i64>, Failure> {
        let app = &self.console.app;
        let concern_id = &self.concern.concern_id;
        // INVARIANT: whoever deals with it is asked one day how it stands.
        let anew =
            self.concern.state != ConcernState::Acknowledged || self.concern.owner_id != self.before.owner_id;
        let by = (self.who.id(), anew);
        reviews::settle(&mut self.tx, &self.telling, concern_id, by, self.now).await?;
        let now = queue::one(&mut self.tx, &app.school_id, self.who.id(), concern_id).await?;
        self.tx.commit().await?;
        app.changed(Some(self.concern.concern_id));
        Ok(now.map(|concern| concern.changed_at))
    }
}

/// As a concern stands that somebody proposes to close: they deal with it until another person agrees.
pub(super) fn proposed(
    before: &actions::ConcernStanding,
    (by, now): (&str, i64),
    outcome: Ending,
) -> actions::ConcernStanding {
    actions::ConcernStanding {
        state: ConcernState::Acknowledged,
        owner_id: Some(by.to_owned()),
        acknowledged_at: before.acknowledged_at.or(Some(now)),
        close_proposed_by: Some(by.to_owned()),
        outcome: Some(outcome),
        next_due_at: None,
        ..before.clone()
    }
}
