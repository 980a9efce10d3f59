//! Making a concern of what happened.

use super::happened::{Happened, address};
use crate::chain::Deed;
use crate::clock;
use crate::concerns::action::Action;
use crate::concerns::escalation::ConcernChange as Escalates;
use crate::concerns::routing::Route;
use crate::console::answer::Failure;
use crate::console::said::Done;
use crate::console::who::SignedIn;
use crate::console::{Console, conduct};
use crate::store::actions::{self, NewAction};
use crate::store::by_hand::{ByHand, make_by_hand};
use crate::store::people::Directory;
use crate::store::routing::{self, route_by_hand};
use crate::store::{Write, audit, escalation, identity, keys, queue};
use crate::telling::Telling;
use serde_json::json;

/// Makes one of this person, or of an unknown one; gives where to go then. None when there is no such person.
pub(super) async fn make(
    console: &Console,
    who: &SignedIn,
    person: &str,
    happened: &Happened<'_>,
) -> Result<Option<String>, Failure> {
    let app = &console.app;
    let mut making = Making {
        console,
        who,
        tx: app.store.write().await?,
        telling: app.telling(),
        concern_id: uuid::Uuid::new_v4().to_string(),
        now: clock::now_ms(),
    };
    let person = Some(person).filter(|person| *person != "unknown");
    if let Some(person) = person
        && making.directory().await?.person(person).is_none()
    {
        return Ok(None);
    }
    let route = making.route(person, happened).await?;
    making.enter(person, happened, &route).await?;
    making.record(&route, happened.words).await?;
    making.finish().await.map(Some)
}

/// A concern on its way into the store, in one transaction with its audit entry.
struct Making<'a> {
    console: &'a Console,
    who: &'a SignedIn,
    tx: Write,
    telling: Telling,
    concern_id: String,
    now: i64,
}

impl Making<'_> {
    async fn directory(&mut self) -> Result<Directory, Failure> {
        let school_id = &self.console.app.school_id;
        Ok(Directory::load(&mut self.tx, school_id, &self.telling.profile).await?)
    }

    /// INVARIANT 4: whose conduct is meant does not read it from the first moment.
    async fn route(&mut self, person: Option<&str>, happened: &Happened<'_>) -> Result<Route, Failure> {
        let about = person.unwrap_or(&self.concern_id);
        let (tx, telling, meant) = (&mut self.tx, &self.telling, happened.meant);
        conduct::keep_out_of(self.console, tx, telling, self.who, about, meant).await?;
        let directory = self.directory().await?;
        let (_, route) = route_by_hand(&directory, &self.concern_id, person, happened.kind);
        Ok(route)
    }

    async fn enter(
        &mut self,
        person: Option<&str>,
        happened: &Happened<'_>,
        route: &Route,
    ) -> Result<(), Failure> {
        let school_id = &self.console.app.school_id;
        let new = ByHand {
            concern_id: &self.concern_id,
            person_id: person,
            kind: happened.kind,
            reader_group: route.group,
            severity: happened.severity,
            happened_at: happened.at,
        };
        make_by_hand(&mut self.tx, school_id, &new, self.now).await?;
        routing::set_readers(&mut self.tx, school_id, &self.concern_id, route).await?;
        Ok(())
    }

    async fn record(&mut self, route: &Route, words: &str) -> Result<(), Failure> {
        let (app, concern_id) = (&self.console.app, self.concern_id.as_str());
        let (school_id, by) = (&*app.school_id, self.who.id());
        let (of, to) = ((school_id, concern_id), route.sealed_to());
        let words = keys::seal_for(&mut self.tx, &app.sealer, of, to, words.as_bytes()).await?;
        let action = NewAction {
            concern_id,
            at: self.now,
            by,
            action: Action::Recorded,
            detail: json!({}),
            words: Some(words),
        };
        actions::add(&mut self.tx, school_id, &action).await?;
        let entry = audit::Entry {
            school_id,
            actor: by,
            deed: Deed::Recorded,
            concern_id: Some(concern_id),
            detail: json!({}),
        };
        Ok(audit::append(&mut self.tx, self.now, &entry).await?)
    }

    /// Tells whom it is for, and commits.
    async fn finish(mut self) -> Result<String, Failure> {
        let (app, concern_id) = (&self.console.app, self.concern_id);
        identity::link_to_open(&mut self.tx, &app.school_id, &concern_id).await?;
        let opened = Escalates::Opened;
        escalation::opened_or_risen(&mut self.tx, &self.telling, &concern_id, opened, self.now).await?;
        self.tx.commit().await?;
        app.changed(Some(concern_id.clone()));
        let seen = queue::one(
            &mut *app.store.read().await?,
            &app.school_id,
            self.who.id(),
            &concern_id,
        )
        .await?;
        Ok(address(&concern_id, seen.is_some(), Done::Recorded))
    }
}
