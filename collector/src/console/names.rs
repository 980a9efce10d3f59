//! INVARIANT 4 for those who come later: what was sealed before somebody joined the school, or took another name, is
//! compared with that name as soon as a reader is there whose keys open it, before any page is drawn for them. What names
//! somebody is kept from them from then on, and goes to the next who may read it.

use super::Console;
use super::answer::Failure;
use super::sealing::seal_again;
use crate::access::Session;
use crate::chain::Deed;
use crate::clock;
use crate::concerns::kind::SubjectRole;
use crate::concerns::model::ReaderGroup;
use crate::concerns::naming::{self, Circumstances, Named};
use crate::seal::content::{self, DataKeyRow};
use crate::store::names::{self, Sealed, Unexamined};
use crate::store::people::Directory;
use crate::store::{audit, keys, rerouting, routing};
use pastoral_keywords::Provenance;
use pastoral_proto::device;
use prost::Message as _;
use serde_json::json;
use std::sync::Arc;

const CONCERNS_AT_ONCE: i64 = 100;
const TEXTS_AT_ONCE: i64 = 500;

impl Console {
    /// Compares everything with new names that this session can open and nobody has compared yet.
    pub(super) async fn examine(&self, session: &Arc<Session>) -> Result<(), Failure> {
        let groups: Vec<ReaderGroup> = session.keys.iter().map(|(group, _)| *group).collect();
        if groups.is_empty() {
            return Ok(());
        }
        let (store, school_id) = (&self.app.store, &self.app.school_id);
        if names::unexamined(&mut *store.read().await?, school_id, &groups, 1)
            .await?
            .is_empty()
        {
            return Ok(());
        }
        let _one_at_a_time = self.examining.lock().await;
        loop {
            let directory = self.directory().await?;
            let found =
                names::unexamined(&mut *store.read().await?, school_id, &groups, CONCERNS_AT_ONCE).await?;
            if found.is_empty() {
                return Ok(());
            }
            for concern in &found {
                self.compare(session, &directory, concern, true).await?;
            }
        }
    }

    /// Compares one concern with new names as far as this session opens it: of what is sealed to several groups, no
    /// single session may open all.
    pub(super) async fn examine_one(&self, session: &Arc<Session>, concern_id: &str) -> Result<(), Failure> {
        let concern = names::is_unexamined(
            &mut *self.app.store.read().await?,
            &self.app.school_id,
            concern_id,
        )
        .await?;
        match concern {
            Some(concern) => {
                let directory = self.directory().await?;
                self.compare(session, &directory, &concern, false).await
            }
            None => Ok(()),
        }
    }

    /// Everything routing needs to know about people, as it is now.
    pub(super) async fn directory(&self) -> Result<Arc<Directory>, Failure> {
        let mut connection = self.app.store.read().await?;
        let profile = self.app.profile.load_full();
        let directory = Directory::load(&mut connection, &self.app.school_id, &profile).await?;
        Ok(Arc::new(directory))
    }

    async fn compare(
        &self,
        session: &Arc<Session>,
        directory: &Arc<Directory>,
        concern: &Unexamined,
        is_all: bool,
    ) -> Result<(), Failure> {
        let (app, concern_id) = (&self.app, &concern.concern_id);
        let mut named = self.named_in(session, directory, concern).await?;
        if let Some(person_id) = &concern.person_id {
            named.remove(person_id);
        }
        let mut tx = app.store.write().await?;
        let known = routing::named_of(&mut tx, &app.school_id, concern_id).await?;
        named.retain(|person, strength| known.get(person).is_none_or(|known| known < strength));
        if is_all {
            names::examined(&mut tx, &app.school_id, concern_id, directory.names_version()).await?;
        }
        if !named.is_empty() {
            let now = clock::now_ms();
            routing::add_named(&mut tx, &app.school_id, concern_id, &named).await?;
            let entry = audit::Entry {
                school_id: &app.school_id,
                actor: "pastoral",
                deed: Deed::NamesFound,
                concern_id: Some(concern_id),
                detail: json!({ "named": named.keys().collect::<Vec<_>>() }),
            };
            audit::append(&mut tx, now, &entry).await?;
            let changed = rerouting::reroute(&mut tx, &app.telling(), directory, concern_id, now).await?;
            seal_again(self, &mut tx, session, changed.as_slice()).await?;
        }
        tx.commit().await?;
        if !named.is_empty() {
            app.changed(Some(concern_id.clone()));
        }
        Ok(())
    }

    async fn named_in(
        &self,
        session: &Arc<Session>,
        directory: &Arc<Directory>,
        concern: &Unexamined,
    ) -> Result<Named, Failure> {
        let (store, school_id, concern_id) = (
            &mut *self.app.store.read().await?,
            &self.app.school_id,
            &concern.concern_id,
        );
        let subject = directory.subject(concern.person_id.as_deref(), &concern.group_name);
        let data_keys = Arc::new(keys::data_keys(store, school_id, concern_id).await?);
        let (mut named, mut after) = (Named::new(), 0);
        loop {
            let texts = names::texts(store, school_id, concern_id, after, TEXTS_AT_ONCE).await?;
            let last = texts.iter().map(|text| text.flag_id).max().unwrap_or_default();
            let (session, directory, data_keys) = (session.clone(), directory.clone(), data_keys.clone());
            let role = subject.role;
            // Opening much takes long: not on the threads that answer devices.
            let found = tokio::task::spawn_blocking(move || {
                let opened = texts.iter().filter_map(|text| open(&session, &data_keys, text));
                let mut named = Named::new();
                for flag in opened {
                    naming::add(&mut named, &named_by(&directory, &flag, role));
                }
                named
            });
            naming::add(&mut named, &found.await.map_err(|_| Failure::Busy)?);
            if last <= after {
                return Ok(named);
            }
            after = last;
        }
    }
}

/// Whom a flag names. What this version cannot read of it counts as typed, and of no abuse.
fn named_by(directory: &Directory, flag: &device::Flag, role: SubjectRole) -> Named {
    let provenance = flag.provenance.parse().unwrap_or(Provenance::Typed);
    let topics = flag.matches.iter().filter_map(|found| found.topic.parse().ok());
    directory.named_in(&flag.text, &Circumstances::of(role, provenance, topics))
}

/// A flag, where this session opens it. What it cannot open it cannot show either.
fn open(session: &Session, data_keys: &[DataKeyRow], text: &Sealed) -> Option<device::Flag> {
    let held = |group| session.key(group);
    let opened = content::open_any(&held, data_keys, &text.data_key_id, &text.sealed).ok()?;
    device::Flag::decode(opened.as_slice()).ok()
}
