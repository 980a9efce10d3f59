//! The snapshot of people that routing works with.

use super::Person;
use super::reading::{read_conflicts, read_duties, read_people, versions};
use crate::concerns::kind::{Kind, SubjectRole};
use crate::concerns::model::PersonId;
use crate::concerns::naming::{self, Adult, Circumstances, Named, Names, Strength};
use crate::concerns::routing::{Duties, Route, Subject, route};
use crate::people::usernames::{Username, normal};
use crate::profile::{Profile, Users};
use crate::store::{Read, Write};
use pastoral_keywords::Audience;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Whose account a user name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'d> {
    /// This person's.
    Person(&'d Person),
    /// Nobody has it.
    Nobodys,
    /// Somebody has the name in a domain that is another one.
    OtherDomain,
    /// More than one person can be meant.
    Several,
}

/// Everything routing needs to know about people, as it is at one moment. Read it with [`Directory::fresh`] in the
/// transaction that decides by it.
#[derive(Debug, Clone)]
pub struct Directory {
    version: i64,
    names_version: i64,
    profile: Arc<Profile>,
    people: HashMap<PersonId, Person>,
    /// Active people by user name without its domain.
    usernames: HashMap<String, Vec<(Username, PersonId)>>,
    /// Active people by address, which may be what they sign in with; none where two share one.
    addresses: HashMap<String, Option<PersonId>>,
    duties: Duties,
    /// Person concerned, and the readers in conflict.
    conflicts: BTreeMap<PersonId, BTreeSet<PersonId>>,
    names: Names,
}

impl Directory {
    /// Reads everything.
    pub async fn load(
        connection: &mut Read,
        school_id: &str,
        profile: &Arc<Profile>,
    ) -> Result<Self, sqlx::Error> {
        let (version, names_version) = versions(connection, school_id).await?;
        let people = read_people(connection, school_id, profile.nation).await?;
        let (usernames, addresses) = accounts_of(&people);
        let adults: Vec<_> = people
            .values()
            .filter(|person| person.active && !person.role.is_pupil())
            .collect();
        let adults: Vec<_> = adults
            .into_iter()
            .map(|person| Adult {
                person_id: person.person_id.clone(),
                given: person.given_name.clone(),
                family: person.family_name.clone(),
            })
            .collect();
        let pupils = people
            .values()
            .filter(|person| person.active && person.role.is_pupil())
            .flat_map(|person| [person.given_name.as_str(), person.family_name.as_str()]);
        let names = Names::new(&adults, pupils);
        Ok(Self {
            version,
            names_version,
            profile: profile.clone(),
            duties: read_duties(connection, school_id, profile, &people).await?,
            conflicts: read_conflicts(connection, school_id).await?,
            names,
            usernames,
            addresses,
            people,
        })
    }

    /// This snapshot if nothing has changed since, otherwise a new one. Costs one small query.
    pub async fn fresh(
        known: Option<Arc<Self>>,
        tx: &mut Write,
        school_id: &str,
        profile: &Arc<Profile>,
    ) -> Result<Arc<Self>, sqlx::Error> {
        if let Some(known) = known
            && Arc::ptr_eq(&known.profile, profile)
            && versions(tx, school_id).await?.0 == known.version
        {
            return Ok(known);
        }
        Ok(Arc::new(Self::load(tx, school_id, profile).await?))
    }

    /// The profile it was read with.
    #[must_use]
    pub fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// A person of the school, also one who has left.
    #[must_use]
    pub fn person(&self, person_id: &str) -> Option<&Person> {
        self.people.get(person_id)
    }

    /// Everybody, also those who have left.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// Who holds which duty.
    #[must_use]
    pub fn duties(&self) -> &Duties {
        &self.duties
    }

    /// The person a user name on an approved device stands for: the one active person whose own it can be. Where it can be
    /// two people's, it is nobody's: a teacher is not to be taken for a pupil, nor a pupil for another.
    #[must_use]
    pub fn person_of_username(&self, written: &str) -> Option<&Person> {
        match self.whose(written) {
            Whose::Person(person) => Some(person),
            Whose::Nobodys | Whose::OtherDomain | Whose::Several => None,
        }
    }

    /// As [`Self::person_of_username`], with why not.
    #[must_use]
    pub fn whose(&self, written: &str) -> Whose<'_> {
        let Some(account) = Username::parse(written) else {
            return Whose::Nobodys;
        };
        let same = self.usernames.get(&account.name).map_or(&[][..], Vec::as_slice);
        let meeting = |(username, _): &&(Username, PersonId)| username.meets(&account);
        let mut met = same.iter().filter(meeting);
        let met = match (met.next(), met.next()) {
            (Some((_, person_id)), None) => Some(person_id),
            (None, _) => match self.addresses.get(&normal(written)) {
                Some(Some(person_id)) => Some(person_id),
                Some(None) => return Whose::Several,
                None if same.is_empty() => return Whose::Nobodys,
                None => return Whose::OtherDomain,
            },
            _ => None,
        };
        met.and_then(|person_id| self.people.get(person_id))
            .map_or(Whose::Several, Whose::Person)
    }

    /// Whom a concern of this person is about, or of an unknown account on a device of this group.
    #[must_use]
    pub fn subject(&self, person_id: Option<&str>, group_name: &str) -> Subject {
        if let Some(person) = person_id.and_then(|person_id| self.people.get(person_id)) {
            return Subject {
                person: Some(person.person_id.clone()),
                role: person.role,
            };
        }
        let pupils = self
            .profile
            .group(group_name)
            .is_some_and(|group| group.users == Users::Pupils);
        let role = if pupils {
            SubjectRole::UnknownPupil
        } else {
            SubjectRole::UnknownAdult
        };
        Subject { person: None, role }
    }

    /// The rules for an account: those of the person it belongs to, otherwise of the device's group.
    #[must_use]
    pub fn audience(&self, person_id: Option<&str>, group_name: &str) -> Audience {
        match person_id.and_then(|person_id| self.people.get(person_id)) {
            Some(person) => person.audience(),
            None => self
                .profile
                .group(group_name)
                .map_or(Audience::STRICTEST, |group| group.unknown_audience),
        }
    }

    /// Whom of the school's adults a text names, and how strongly.
    #[must_use]
    pub fn named_in(&self, text: &str, circumstances: &Circumstances) -> Named {
        let is_reader = |person: &str| self.duties.is_reader(person);
        let mut named = self.names.named_in(text, circumstances, is_reader);
        let duties = naming::duties_in(text, circumstances).into_iter();
        let meant = duties.flat_map(|duty| self.duties.holders(duty));
        naming::add(
            &mut named,
            &meant.map(|person| (person.clone(), Strength::Weak)).collect(),
        );
        named
    }

    /// The readers whom somebody's words mention at all.
    #[must_use]
    pub fn readers_mentioned_in(&self, text: &str) -> BTreeSet<PersonId> {
        let mut mentioned = self.names.mentioned_in(text);
        mentioned.retain(|person| self.duties.is_reader(person));
        mentioned
    }

    /// What keeps flags that take readers off a concern apart from those that do not: those readers' ids, sorted; empty
    /// where there are none.
    #[must_use]
    pub fn apart(&self, named: &Named) -> String {
        let concerned = self.concerned(named);
        let readers: Vec<_> = concerned
            .iter()
            .filter(|(person, strength)| strength.removes() && self.duties.is_reader(person))
            .map(|(person, _)| person.as_str())
            .collect();
        readers.join(",")
    }

    /// Whoever is named, and as strongly whoever is in conflict with them.
    fn concerned(&self, named: &Named) -> Named {
        let mut concerned = named.clone();
        for (person, strength) in named {
            let readers = self.conflicts.get(person).into_iter().flatten();
            let in_conflict = readers.map(|reader| (reader.clone(), *strength)).collect();
            naming::add(&mut concerned, &in_conflict);
        }
        concerned
    }

    /// Whoever must not be told of a concern: its subject, whom it names however weakly, and who is in conflict.
    #[must_use]
    pub fn kept_out_of(
        &self,
        concern_id: &str,
        person_id: Option<&str>,
        named: &Named,
    ) -> BTreeSet<PersonId> {
        let about = person_id.into_iter().chain([concern_id]);
        let in_conflict = about.filter_map(|about| self.conflicts.get(about)).flatten();
        let subject = person_id.map(str::to_owned);
        let concerned = self.concerned(named).into_keys();
        subject
            .into_iter()
            .chain(in_conflict.cloned())
            .chain(concerned)
            .collect()
    }

    /// This with one more conflict, to see what it would do.
    #[must_use]
    pub fn with_conflict(&self, reader_id: &str, about_id: &str) -> Self {
        let mut with = self.clone();
        let readers = with.conflicts.entry(about_id.to_owned()).or_default();
        readers.insert(reader_id.to_owned());
        with
    }

    /// Whether somebody may read concerns about a person: of some kind, if not of all.
    #[must_use]
    pub fn may_read_about(&self, viewer: &str, about: &str) -> bool {
        let subject = self.subject(Some(about), "");
        Kind::ALL.iter().any(|kind| {
            let route = self.route("", &subject, *kind, &Named::new());
            route.readers.iter().any(|reader| reader == viewer)
        })
    }

    /// Counts the changes of adults' names, see `school.names_version`.
    #[must_use]
    pub fn names_version(&self) -> i64 {
        self.names_version
    }

    /// INVARIANT 4: who may see a concern. Conflicts may be with its subject, or with the concern itself while nobody
    /// knows whom it is about.
    #[must_use]
    pub fn route(&self, concern_id: &str, subject: &Subject, kind: Kind, named: &Named) -> Route {
        let about = subject.person.as_deref().into_iter().chain([concern_id]);
        let conflicts = about.filter_map(|about| self.conflicts.get(about));
        let conflicts: BTreeSet<PersonId> = conflicts.flatten().cloned().collect();
        route(
            subject,
            kind,
            &self.concerned(named),
            &conflicts,
            &self.duties,
            &self.profile.routing,
        )
    }
}

type ByUsername = HashMap<String, Vec<(Username, PersonId)>>;
type ByAddress = HashMap<String, Option<PersonId>>;

fn accounts_of(people: &HashMap<PersonId, Person>) -> (ByUsername, ByAddress) {
    let (mut usernames, mut addresses) = (ByUsername::new(), ByAddress::new());
    for person in people.values().filter(|person| person.active) {
        if let Some(username) = Username::parse(&person.username) {
            let same = usernames.entry(username.name.clone()).or_default();
            same.push((username, person.person_id.clone()));
        }
        if !person.email.is_empty() {
            addresses
                .entry(normal(&person.email))
                .and_modify(|known| *known = None)
                .or_insert_with(|| Some(person.person_id.clone()));
        }
    }
    (usernames, addresses)
}
