//! People, their duties and accounts; and the [`Directory`], the snapshot of them that routing works with.

use super::Write;
use crate::concerns::kind::{Kind, SubjectRole};
use crate::concerns::model::{Duty, PersonId};
use crate::concerns::naming::{self, Adult, Circumstances, Named, Names};
use crate::concerns::routing::{Duties, Route, Subject, route};
use crate::people::usernames::{Username, normal};
use crate::people::{Nation, years};
use crate::profile::{Profile, Users};
use pastoral_keywords::Audience;
use sqlx::{Row, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A person of the school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id in the store.
    pub person_id: PersonId,
    /// The id in the school's own system, or `pastoral:<uuid>`.
    pub source_id: String,
    /// What they are to the school.
    pub role: SubjectRole,
    /// Works in the office.
    pub administration: bool,
    /// As [`crate::people::years`] keeps them, or empty.
    pub year_group: String,
    /// Of a pupil; may be empty.
    pub class_name: String,
    /// Whose year groups the school has.
    pub nation: Nation,
    /// The user name on the school's devices; may be empty.
    pub username: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// E-mail address; may be empty.
    pub email: String,
    /// Still at the school.
    pub active: bool,
}

impl Person {
    /// The rules for this person (P3).
    #[must_use]
    pub fn audience(&self) -> Audience {
        match self.role {
            SubjectRole::Pupil | SubjectRole::UnknownPupil => years::audience(&self.year_group, self.nation),
            _ if self.administration => Audience::Administration,
            _ => Audience::Staff,
        }
    }
}

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
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(
        connection: &mut SqliteConnection,
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
    ///
    /// # Errors
    /// When the database cannot be read.
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
        self.names.named_in(text, circumstances, is_reader)
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

async fn versions(connection: &mut SqliteConnection, school_id: &str) -> Result<(i64, i64), sqlx::Error> {
    let row = sqlx::query("SELECT directory_version, names_version FROM school WHERE school_id = ?");
    let row = row.bind(school_id).fetch_optional(connection).await?;
    Ok(row.map_or((0, 0), |row| (row.get(0), row.get(1))))
}

async fn read_people(
    connection: &mut SqliteConnection,
    school_id: &str,
    nation: Nation,
) -> Result<HashMap<PersonId, Person>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT person_id, source_id, role, administration, year_group, username, given_name, family_name, email, active,
                class_name
         FROM person WHERE school_id = ?",
    )
    .bind(school_id)
    .fetch_all(connection)
    .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let person = Person {
                person_id: row.get(0),
                source_id: row.get(1),
                role: role_from_code(row.get(2)),
                administration: row.get(3),
                year_group: row.get(4),
                nation,
                username: row.get(5),
                given_name: row.get(6),
                family_name: row.get(7),
                email: row.get(8),
                active: row.get(9),
                class_name: row.get(10),
            };
            (person.person_id.clone(), person)
        })
        .collect())
}

/// Duties in force, of people who are still there and may sign in; those on call first, in the profile's order.
async fn read_duties(
    connection: &mut SqliteConnection,
    school_id: &str,
    profile: &Profile,
    people: &HashMap<PersonId, Person>,
) -> Result<Duties, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT duty.duty, duty.person_id FROM duty
         LEFT JOIN user ON user.school_id = duty.school_id AND user.person_id = duty.person_id
         WHERE duty.school_id = ? AND duty.ended_at IS NULL AND user.disabled_at IS NULL
         ORDER BY duty.granted_at, duty.duty_id",
    )
    .bind(school_id)
    .fetch_all(connection)
    .await?;
    let mut held: Vec<(usize, Duty, PersonId)> = Vec::new();
    for row in &rows {
        let person_id: PersonId = row.get(1);
        let active = people.get(&person_id).filter(|person| person.active);
        if let (Some(duty), Some(person)) = (Duty::from_code(row.get(0)), active) {
            held.push((on_call_place(profile, &person.email), duty, person_id));
        }
    }
    held.sort_by_key(|(place, _, _)| *place);
    let mut duties = Duties::default();
    for (_, duty, person_id) in held {
        duties.add(duty, person_id);
    }
    Ok(duties)
}

fn on_call_place(profile: &Profile, email: &str) -> usize {
    let on_call = &profile.accountability.on_call;
    on_call
        .iter()
        .position(|address| address.eq_ignore_ascii_case(email))
        .unwrap_or(usize::MAX)
}

async fn read_conflicts(
    connection: &mut SqliteConnection,
    school_id: &str,
) -> Result<BTreeMap<PersonId, BTreeSet<PersonId>>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT about_id, reader_id FROM conflict WHERE school_id = ? AND ended_at IS NULL AND in_force",
    )
    .bind(school_id)
    .fetch_all(connection)
    .await?;
    let mut conflicts: BTreeMap<PersonId, BTreeSet<PersonId>> = BTreeMap::new();
    for row in &rows {
        conflicts.entry(row.get(0)).or_default().insert(row.get(1));
    }
    Ok(conflicts)
}

/// The code of a role in the store.
#[must_use]
pub const fn role_code(role: SubjectRole) -> &'static str {
    match role {
        SubjectRole::Pupil | SubjectRole::UnknownPupil => "pupil",
        SubjectRole::Staff | SubjectRole::UnknownAdult => "staff",
        SubjectRole::Governor => "governor",
        SubjectRole::Outside => "outside",
    }
}

fn role_from_code(code: &str) -> SubjectRole {
    match code {
        "pupil" => SubjectRole::Pupil,
        "governor" => SubjectRole::Governor,
        "outside" => SubjectRole::Outside,
        _ => SubjectRole::Staff,
    }
}
