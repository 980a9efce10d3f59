//! Whose the accounts on devices are, by user name.

use super::people::{Directory, Person, Whose};
use super::{Read, Store, Write, identity};
use crate::codes::codes;
use crate::concerns::model::PersonId;
use crate::people::usernames::Username;
use crate::telling::Telling;
use pastoral_proto::Account;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The person whose account a user name on an approved device is: as [`Directory::person_of_username`], unless the person
/// is known already by the same name in another domain. A file that says names without a domain cannot tell which of two
/// domains it means: `CURRIC\jhill` may be a pupil, and `ADMIN\jhill` a teacher.
pub async fn person_of<'d>(
    db: &mut Read,
    school_id: &str,
    directory: &'d Directory,
    username: &str,
) -> Result<Option<&'d Person>, sqlx::Error> {
    let Some(person) = directory.person_of_username(username) else {
        return Ok(None);
    };
    let Some(account) = Username::parse(username).filter(|account| account.domain.is_some()) else {
        return Ok(Some(person));
    };
    let known: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM account WHERE school_id = $1 AND person_id = $2 AND identified_by = 'user name'",
    )
    .bind(school_id)
    .bind(&person.person_id)
    .fetch_all(db)
    .await?;
    Ok(Some(person).filter(|_| !is_elsewhere(&account, known.iter().map(String::as_str))))
}

/// The device that an account belongs to: a device's own accounts mean nothing elsewhere; a directory's are the same
/// everywhere.
pub(super) fn place<'d>(device_id: &'d str, account: &Account) -> &'d str {
    if account.authority == "local" {
        device_id
    } else {
        ""
    }
}

/// The number of an account, and the person it is known to be. A new one is taken for the person with its user name; so is
/// one that has another name now, if only its name said whose it was: laptops are set up anew, and their accounts' numbers
/// used again. Whoever has its concerns keeps them. One whose person is unknown keeps its name, which its concerns show.
///
/// Accounts are written down when they log in and not when something is flagged: which are there, and how many, tells
/// nobody of flags.
///
/// ONE WRITER: nobody else adds the same account meanwhile.
pub(super) async fn enter(
    tx: &mut Write,
    school_id: &str,
    directory: &Directory,
    (place, account): (&str, &Account),
    now: i64,
) -> Result<(i64, Option<PersonId>), sqlx::Error> {
    let person = person_of(tx, school_id, directory, &account.name).await?;
    sqlx::query_as(
        "INSERT INTO account (school_id, device_id, authority, stable_id, name, person_id, identified_by, first_seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $6 IS NULL THEN NULL ELSE 'user name' END, $7)
         ON CONFLICT (school_id, device_id, authority, stable_id) DO UPDATE SET
         person_id = CASE WHEN shared THEN NULL
            WHEN account.name <> excluded.name AND account.identified_by = 'user name' THEN excluded.person_id
            ELSE coalesce(person_id, excluded.person_id) END,
         identified_by = CASE
            WHEN account.name <> excluded.name AND account.identified_by = 'user name' THEN excluded.identified_by
            ELSE coalesce(identified_by, excluded.identified_by) END,
         name = CASE WHEN EXISTS (SELECT 1 FROM concern WHERE concern.account_id = account.account_id
            AND concern.person_id IS NULL) THEN account.name ELSE excluded.name END
         RETURNING account_id, person_id",
    )
    .bind(school_id)
    .bind(place)
    .bind(&account.authority)
    .bind(&account.stable_id)
    .bind(&account.name)
    .bind(person.map(|person| &person.person_id))
    .bind(now)
    .fetch_one(&mut **tx)
    .await
}

/// Whether an account on a device was written down before, by this name.
pub async fn is_known(
    store: &Store,
    school_id: &str,
    device_id: &str,
    account: &Account,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM account
         WHERE school_id = $1 AND device_id = $2 AND authority = $3 AND stable_id = $4 AND name = $5)",
    )
    .bind(school_id)
    .bind(place(device_id, account))
    .bind(&account.authority)
    .bind(&account.stable_id)
    .bind(&account.name)
    .fetch_one(&mut *store.read().await?)
    .await
}

/// An account logged in on a device.
pub async fn logged_in(
    tx: &mut Write,
    school_id: &str,
    directory: &Directory,
    (device_id, account): (&str, &Account),
    now: i64,
) -> Result<(), sqlx::Error> {
    let place = place(device_id, account);
    enter(tx, school_id, directory, (place, account), now)
        .await
        .map(|_| ())
}

/// Whether one of these is the same name in a domain that is another one.
fn is_elsewhere<'n>(account: &Username, mut names: impl Iterator<Item = &'n str>) -> bool {
    names.any(|name| {
        Username::parse(name).is_some_and(|other| other.name == account.name && !other.meets(account))
    })
}

#[derive(sqlx::FromRow)]
struct Row {
    account_id: i64,
    name: String,
    person_id: Option<PersonId>,
    identified_by: Option<String>,
    gone: bool,
    shared: bool,
}

async fn on_devices(db: &mut Read, school_id: &str) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        "SELECT DISTINCT account.account_id, account.name, account.person_id, account.identified_by, account.shared,
                COALESCE(NOT person.active, FALSE) AS gone
         FROM account
         LEFT JOIN device ON device.school_id = account.school_id AND device.device_id = account.device_id
         LEFT JOIN person ON person.school_id = account.school_id AND person.person_id = account.person_id
         WHERE account.school_id = $1 AND (device.state = 'approved' OR account.device_id = '')
         ORDER BY account.account_id",
    )
    .bind(school_id)
    .fetch_all(db)
    .await
}

/// The names of a person's accounts: what a new one has to agree with.
fn names_by_person<'r>(rows: &'r [Row], directory: &'r Directory) -> HashMap<&'r str, Vec<&'r str>> {
    let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
    for row in rows {
        if let Some(person) = directory.person_of_username(&row.name) {
            names.entry(&person.person_id).or_default().push(&row.name);
        }
    }
    names
}

/// What says whose an account is, where its user name does.
const BY_NAME: &str = "user name";

/// Matches accounts on approved devices to people by user name: those nobody has identified, and those of leavers whose
/// user name somebody else has now (their old concerns stay the leaver's). Gives how many; route all concerns again then.
pub async fn match_all(
    tx: &mut Write,
    telling: &Telling,
    directory: &Directory,
) -> Result<usize, sqlx::Error> {
    let rows = on_devices(tx, &telling.school_id).await?;
    let names = names_by_person(&rows, directory);
    let (mut found, mut passed_on) = (Vec::new(), 0);
    for row in &rows {
        let of_leaver = row.gone && row.identified_by.as_deref() == Some(BY_NAME);
        if row.shared || (row.person_id.is_some() && !of_leaver) {
            continue;
        }
        let Some(person) = directory.person_of_username(&row.name) else {
            continue;
        };
        let person_id = person.person_id.as_str();
        let others = names.get(person_id).into_iter().flatten().copied();
        if Username::parse(&row.name).is_some_and(|account| is_elsewhere(&account, others)) {
            continue;
        }
        let account_id = row.account_id;
        if row.person_id.is_none() {
            found.push(identity::Whose {
                account_id,
                person_id,
            });
        } else {
            sqlx::query("UPDATE account SET person_id = $1 WHERE school_id = $2 AND account_id = $3")
                .bind(person_id)
                .bind(&*telling.school_id)
                .bind(account_id)
                .execute(&mut **tx)
                .await?;
            passed_on += 1;
        }
    }
    identity::identify_these(tx, telling, directory, &found, BY_NAME).await?;
    Ok(found.len() + passed_on)
}

codes! {
    /// Why an account on a device is nobody's; the words say what to do.
    pub enum Unknown {
        /// Nobody in the files has this user name.
        Nobodys = "nobodys", "nobody in the files has this user name: add it to their rows";
        /// Somebody has it in a domain that is another one.
        OtherDomain = "other-domain",
            "somebody has this user name in another domain: write user names without their domain if that is the same person";
        /// It can be more than one person's, or is seen in two domains.
        Several = "several", "this can be two people's: write user names with their domain";
        /// It was the account of somebody who has left.
        Left = "left", "it was the account of somebody who has left";
    }
}

/// Accounts seen on approved devices: how many are known to be somebody's, and the names of those that are not, by why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountsSeen {
    /// Accounts of people at the school.
    pub known: usize,
    /// User names, each once.
    pub unknown: BTreeMap<Unknown, BTreeSet<String>>,
}

impl AccountsSeen {
    /// How many are not known.
    #[must_use]
    pub fn unknown_count(&self) -> usize {
        self.unknown.values().map(BTreeSet::len).sum()
    }
}

/// Looks at all accounts.
pub async fn seen(
    db: &mut Read,
    school_id: &str,
    directory: &Directory,
) -> Result<AccountsSeen, sqlx::Error> {
    let mut seen = AccountsSeen::default();
    for row in on_devices(db, school_id).await? {
        let why = match (&row.person_id, row.gone, directory.whose(&row.name)) {
            (Some(_), false, _) => {
                seen.known += 1;
                continue;
            }
            (Some(_), true, _) => Unknown::Left,
            (None, _, Whose::Nobodys) => Unknown::Nobodys,
            (None, _, Whose::OtherDomain) => Unknown::OtherDomain,
            // It would be somebody's, were it not for the same name in another domain.
            (None, _, Whose::Several | Whose::Person(_)) => Unknown::Several,
        };
        seen.unknown.entry(why).or_default().insert(row.name);
    }
    Ok(seen)
}
