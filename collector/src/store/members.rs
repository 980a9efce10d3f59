//! Adults whose access is acted on, and telling them and the readers of it.

use super::acts::AccessChange;
use super::outbox::{self, Matter, Notice};
use super::proposals::PersonChange;
use super::{Read, Write, person_keys};
use crate::concerns::kind::SubjectRole;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::seal::GroupPublicKey;
use crate::telling::Telling;
use std::collections::BTreeSet;

/// An adult of the school, with what they are trusted with and how they sign in.
#[derive(Clone)]
pub struct Member {
    /// The id.
    pub person_id: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// The recorded address; may be empty.
    pub email: String,
    /// What they are to the school.
    pub role: SubjectRole,
    /// Duties in force.
    pub duties: BTreeSet<Duty>,
    /// Whether they have a sign-in.
    pub can_sign_in: bool,
    /// Whether readers, the first set-up or a recovery sheet stand behind it.
    pub vouched: bool,
    /// The public half of their own key pair, where they have one and it is not in doubt.
    pub public_key: Option<GroupPublicKey>,
}

#[derive(sqlx::FromRow)]
struct Row {
    person_id: String,
    given_name: String,
    family_name: String,
    email: String,
    role: SubjectRole,
    can_sign_in: bool,
    vouched: bool,
}

impl Member {
    /// The whole name.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }

    /// The groups whose keys go with their duties, and with one more.
    #[must_use]
    pub fn groups(&self, more: Option<Duty>) -> BTreeSet<ReaderGroup> {
        let duties = self.duties.iter().chain(&more);
        duties.flat_map(|duty| duty.reader_groups()).copied().collect()
    }

    /// Whether any of their duties reads concerns.
    #[must_use]
    pub fn is_reader(&self) -> bool {
        self.duties.iter().any(|duty| *duty != Duty::Technician)
    }
}

/// An adult who is at the school.
pub async fn find(
    connection: &mut Read,
    school_id: &str,
    person_id: &str,
) -> Result<Option<Member>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT p.person_id, p.given_name, p.family_name, p.email, p.role, u.person_id IS NOT NULL AS can_sign_in,
                COALESCE(u.vouched, FALSE) AS vouched
         FROM person p
         LEFT JOIN \"user\" u ON u.school_id = p.school_id AND u.person_id = p.person_id AND u.disabled_at IS NULL
         WHERE p.school_id = $1 AND p.person_id = $2 AND p.active AND p.role <> 'pupil'",
    )
    .bind(school_id)
    .bind(person_id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let duties: Vec<Duty> = sqlx::query_scalar(
        "SELECT duty FROM duty WHERE school_id = $1 AND person_id = $2 AND ended_at IS NULL",
    )
    .bind(school_id)
    .bind(person_id)
    .fetch_all(&mut *connection)
    .await?;
    let recorded = match row.can_sign_in {
        true => person_keys::of(connection, school_id, person_id).await?,
        false => None,
    };
    Ok(Some(Member {
        duties: duties.into_iter().collect(),
        person_id: row.person_id,
        given_name: row.given_name,
        family_name: row.family_name,
        email: row.email,
        role: row.role,
        can_sign_in: row.can_sign_in,
        vouched: row.vouched,
        public_key: recorded.and_then(|recorded| recorded.key().cloned()),
    }))
}

/// Whether another adult at the school has this address.
///
/// ONE WRITER: asked in the transaction that gives it to somebody, it stays free.
pub async fn address_is_taken(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    email: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM person WHERE school_id = $1 AND person_id <> $2 AND active
         AND role <> 'pupil' AND email <> '' AND lower(email) = lower($3))",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(email)
    .fetch_one(&mut **tx)
    .await
}

/// Gives somebody another name, address or role.
pub async fn change(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    change: &PersonChange,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE person SET given_name = $1, family_name = $2, email = $3, role = $4
         WHERE school_id = $5 AND person_id = $6",
    )
    .bind(&change.given_name)
    .bind(&change.family_name)
    .bind(&change.email)
    .bind(change.role)
    .bind(school_id)
    .bind(person_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Mails a link to its person's recorded address, and to nobody else.
pub async fn mail_link(
    tx: &mut Write,
    telling: &Telling,
    person: &Member,
    path: &str,
    until: i64,
    now: i64,
) -> Result<(), sqlx::Error> {
    let matter = Matter::Link {
        path: path.to_owned(),
        until,
    };
    send(tx, telling, (&person.person_id, &person.email), matter, now).await
}

/// Tells a person what was done about their access, and every reader but them.
pub async fn tell(
    tx: &mut Write,
    telling: &Telling,
    person: &Member,
    what: AccessChange,
    now: i64,
) -> Result<(), sqlx::Error> {
    tell_person(tx, telling, person, what, now).await?;
    for (reader, address) in readers(tx, &telling.school_id).await? {
        if reader != person.person_id {
            let matter = Matter::Access { what, own: false };
            send(tx, telling, (&reader, &address), matter, now).await?;
        }
    }
    Ok(())
}

/// Tells the person alone.
pub async fn tell_person(
    tx: &mut Write,
    telling: &Telling,
    person: &Member,
    what: AccessChange,
    now: i64,
) -> Result<(), sqlx::Error> {
    let matter = Matter::Access { what, own: true };
    send(tx, telling, (&person.person_id, &person.email), matter, now).await
}

async fn send(
    tx: &mut Write,
    telling: &Telling,
    (person_id, address): (&str, &str),
    matter: Matter,
    now: i64,
) -> Result<(), sqlx::Error> {
    if !address.is_empty() {
        let notice = Notice {
            // As it is recorded now: it may have been another until then, or become one.
            address: Some(address),
            ..Notice::to(person_id, matter, now)
        };
        outbox::queue(tx, telling, &notice, now).await?;
    }
    Ok(())
}

/// Everybody with a reader's duty, with their address.
async fn readers(db: &mut Read, school_id: &str) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT DISTINCT p.person_id, p.email FROM person p
         JOIN duty d ON d.school_id = p.school_id AND d.person_id = p.person_id AND d.ended_at IS NULL
         WHERE p.school_id = $1 AND p.active AND p.email <> '' AND d.duty <> $2",
    )
    .bind(school_id)
    .bind(Duty::Technician.code())
    .fetch_all(db)
    .await
}
