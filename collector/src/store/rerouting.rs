//! Deciding again who may see a concern, after any change of identity, name, duty or conflict.
//!
//! A concern whose owner may not see it any more loses them and is new for those who may. Whoever it comes to is told,
//! of several at once by one message; who was told before is not told again, unless it has lost its owner.

use super::escalation::{self, Anew};
use super::people::Directory;
use super::readers::{self, Reader};
use super::routing::{named_of, set_readers, subject_of};
use super::{Write, actions, owner};
use crate::concerns::action::Action;
use crate::concerns::kind::Kind;
use crate::concerns::model::{ConcernState, PersonId, ReaderGroup, SealedTo};
use crate::concerns::naming::{Named, Strength};
use crate::concerns::routing::{Reason, Route};
use crate::telling::Telling;
use sqlx::AssertSqlSafe;
use std::collections::{BTreeSet, HashMap};

/// A concern whose content is sealed to other groups than its readers'. A signed-in reader who holds one of the keys seals
/// it again, see `seal::content`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupChanged {
    /// The concern.
    pub concern_id: String,
    /// Whose key it was sealed to.
    pub from: ReaderGroup,
    /// Whose key new content is sealed to.
    pub to: ReaderGroup,
    /// Whose key besides.
    pub also: Option<ReaderGroup>,
}

/// What came of deciding again.
#[derive(Debug, Default)]
pub(super) struct Moved {
    pub(super) changed: Option<GroupChanged>,
    /// Who is to be told.
    pub(super) anew: Vec<Anew>,
}

/// Every concern of a school with what it held: [`Routed`].
const STANDING: &str = "
    SELECT c.concern_id, c.kind, c.person_id, COALESCE(d.group_name, '') AS group_name, c.by_hand, c.about_child, c.route,
           c.state, c.owner_id, c.close_proposed_by, c.escalation_step, c.reader_group, c.also_group
    FROM concern c
    LEFT JOIN account a ON a.account_id = c.account_id
    LEFT JOIN device d ON d.device_id = a.device_id
    WHERE c.school_id = $1 AND c.erased_at IS NULL";

/// A concern as it stands.
#[derive(sqlx::FromRow)]
struct Routed {
    concern_id: String,
    kind: Kind,
    person_id: Option<String>,
    group_name: String,
    by_hand: bool,
    about_child: bool,
    route: Reason,
    state: ConcernState,
    owner_id: Option<String>,
    close_proposed_by: Option<String>,
    escalation_step: i64,
    reader_group: ReaderGroup,
    also_group: Option<ReaderGroup>,
}

impl Routed {
    /// Whose keys open what is written to it now.
    fn sealed_to(&self) -> SealedTo {
        SealedTo {
            group: self.reader_group,
            also: self.also_group,
        }
    }

    /// Whether it stands as a route has it.
    fn is_by(&self, route: &Route, readers: &[Reader]) -> bool {
        let reads = |(reader, person): (&Reader, &PersonId)| {
            reader.person_id == *person && reader.doubtful == route.doubtful.contains(person)
        };
        readers.len() == route.readers.len()
            && readers.iter().zip(&route.readers).all(reads)
            && self.sealed_to() == route.sealed_to()
            && self.route == route.reason
    }

    /// Who may see it, by what a directory knows.
    fn route(&self, directory: &Directory, concern_id: &str, named: &Named) -> Route {
        let what = (self.kind, self.by_hand, self.about_child);
        let subject = subject_of(directory, self.person_id.as_deref(), &self.group_name, what);
        directory.route(concern_id, &subject, self.kind, named)
    }
}

/// Decides again who may see a concern, and tells those to whom it comes.
pub async fn reroute(
    tx: &mut Write,
    telling: &Telling,
    directory: &Directory,
    concern_id: &str,
    now: i64,
) -> Result<Option<GroupChanged>, sqlx::Error> {
    let moved = decide(tx, telling, directory, concern_id, now).await?;
    escalation::tell_anew(tx, telling, moved.anew, now).await?;
    Ok(moved.changed)
}

/// Decides again about every concern; for changes of duties, conflicts and people. Wake escalation and outbox after the
/// commit.
pub async fn reroute_all(
    tx: &mut Write,
    telling: &Telling,
    now: i64,
) -> Result<Vec<GroupChanged>, sqlx::Error> {
    let directory = Directory::load(tx, &telling.school_id, &telling.profile).await?;
    reroute_all_by(tx, telling, &directory, now).await
}

/// As [`reroute_all`], by a directory that is read already.
pub(super) async fn reroute_all_by(
    tx: &mut Write,
    telling: &Telling,
    directory: &Directory,
    now: i64,
) -> Result<Vec<GroupChanged>, sqlx::Error> {
    let concerns = not_as_routed(tx, &telling.school_id, directory).await?;
    reroute_these(tx, telling, directory, &concerns, now).await
}

/// The concerns that do not stand as they would be routed. All are read at once: asked one by one, years of concerns keep
/// every flag waiting that comes in meanwhile.
async fn not_as_routed(
    tx: &mut Write,
    school_id: &str,
    directory: &Directory,
) -> Result<Vec<String>, sqlx::Error> {
    let mut named: HashMap<String, Named> = HashMap::new();
    let rows: Vec<(String, PersonId, Strength)> =
        sqlx::query_as("SELECT concern_id, person_id, strength FROM concern_named WHERE school_id = $1")
            .bind(school_id)
            .fetch_all(&mut **tx)
            .await?;
    for (concern_id, person_id, strength) in rows {
        let named = named.entry(concern_id).or_default();
        named.insert(person_id, strength);
    }
    let mut readers: HashMap<String, Vec<Reader>> = HashMap::new();
    for reader in readers::of_all(tx, school_id).await? {
        readers.entry(reader.concern_id.clone()).or_default().push(reader);
    }
    let nobody = Named::new();
    let is_other = |stands: &Routed| {
        let concern_id = &stands.concern_id;
        let route = stands.route(directory, concern_id, named.get(concern_id).unwrap_or(&nobody));
        !stands.is_by(&route, readers.get(concern_id).map_or(&[], Vec::as_slice))
    };
    let all: Vec<Routed> = sqlx::query_as(AssertSqlSafe(STANDING))
        .bind(school_id)
        .fetch_all(&mut **tx)
        .await?;
    let others = all.into_iter().filter(is_other);
    Ok(others.map(|stands| stands.concern_id).collect())
}

/// Decides again about several concerns; who is told of more than one has one message.
pub(super) async fn reroute_these(
    tx: &mut Write,
    telling: &Telling,
    directory: &Directory,
    concerns: &[String],
    now: i64,
) -> Result<Vec<GroupChanged>, sqlx::Error> {
    let (mut changed, mut anew) = (Vec::new(), Vec::new());
    for concern_id in concerns {
        let moved = decide(tx, telling, directory, concern_id, now).await?;
        changed.extend(moved.changed);
        anew.extend(moved.anew);
    }
    escalation::tell_anew(tx, telling, anew, now).await?;
    Ok(changed)
}

/// Decides again about one concern, writes that down and starts its timer where it begins anew. Tells nobody yet.
pub(super) async fn decide(
    tx: &mut Write,
    telling: &Telling,
    directory: &Directory,
    concern_id: &str,
    now: i64,
) -> Result<Moved, sqlx::Error> {
    let school_id = &*telling.school_id;
    let Some(stands) = standing(tx, school_id, concern_id).await? else {
        return Ok(Moved::default());
    };
    let named = named_of(tx, school_id, concern_id).await?;
    let route = stands.route(directory, concern_id, &named);
    let before = readers::of(tx, school_id, concern_id).await?;
    if stands.is_by(&route, &before) {
        return Ok(Moved::default());
    }
    let from = stands.sealed_to();
    set_readers(tx, school_id, concern_id, &route).await?;
    let may = |person: &Option<String>| {
        person
            .as_ref()
            .is_none_or(|person| route.readers.contains(person))
    };
    let mut anew = Vec::new();
    if stands.state.is_open() {
        let is_lost = !may(&stands.owner_id);
        if is_lost {
            owner::lose(tx, school_id, concern_id, Action::OwnerLost, now).await?;
            forget_proposal(tx, school_id, concern_id, now).await?;
        } else if !may(&stands.close_proposed_by) {
            forget_proposal(tx, school_id, concern_id, now).await?;
        }
        if is_lost || stands.state.is_new() {
            let told = usize::try_from(stands.escalation_step).unwrap_or_default();
            let told: BTreeSet<PersonId> = match is_lost {
                true => BTreeSet::new(),
                false => before
                    .iter()
                    .take(told)
                    .map(|reads| reads.person_id.clone())
                    .collect(),
            };
            anew = escalation::begin_again(tx, telling, concern_id, &told, now).await?;
        }
    }
    Ok(Moved {
        changed: group_changed(concern_id, from, route.sealed_to()),
        anew,
    })
}

/// The routes of every open concern that has to do with somebody, or of one concern, by two directories.
pub(super) async fn routes_touching(
    tx: &mut Write,
    school_id: &str,
    (before, after): (&Directory, &Directory),
    about: &str,
) -> Result<Vec<(Route, Route)>, sqlx::Error> {
    let concerns: Vec<String> = sqlx::query_scalar(
        "SELECT concern_id FROM concern WHERE school_id = $1 AND state <> 'closed' AND erased_at IS NULL
         AND (concern_id = $2 OR person_id = $2 OR EXISTS (SELECT 1 FROM concern_named
            WHERE concern_named.concern_id = concern.concern_id AND concern_named.person_id = $2))",
    )
    .bind(school_id)
    .bind(about)
    .fetch_all(&mut **tx)
    .await?;
    let mut routes = Vec::new();
    for concern_id in &concerns {
        if let Some(stands) = standing(tx, school_id, concern_id).await? {
            let named = named_of(tx, school_id, concern_id).await?;
            routes.push((
                stands.route(before, concern_id, &named),
                stands.route(after, concern_id, &named),
            ));
        }
    }
    Ok(routes)
}

fn group_changed(concern_id: &str, from: SealedTo, to: SealedTo) -> Option<GroupChanged> {
    (from != to).then(|| GroupChanged {
        concern_id: concern_id.into(),
        from: from.group,
        to: to.group,
        also: to.also,
    })
}

async fn forget_proposal(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET close_proposed_by = NULL, outcome = NULL WHERE school_id = $1 AND concern_id = $2",
    )
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    actions::touch(tx, school_id, concern_id, now).await
}

async fn standing(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<Option<Routed>, sqlx::Error> {
    sqlx::query_as(AssertSqlSafe(format!("{STANDING} AND c.concern_id = $2")))
        .bind(school_id)
        .bind(concern_id)
        .fetch_optional(&mut **tx)
        .await
}
