//! Who can sign in as what.

use crate::concerns::model::Duty;
use crate::seal::sheet::Sheet;
use crate::store::Read;
use std::collections::BTreeSet;

/// Who can sign in as what, as it is at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignIns {
    /// Readers who can sign in.
    pub readers: BTreeSet<String>,
    /// Technicians who can sign in, readers among them: they run the mail, where links can be read.
    pub technicians: BTreeSet<String>,
    /// People who could ever sign in and had a reader's duty.
    pub were_readers: BTreeSet<String>,
    /// Who keeps which recovery sheet.
    pub keepers: BTreeSet<(Sheet, String)>,
}

/// Reads it. Ask in the transaction that decides by it.
pub async fn sign_ins(connection: &mut Read, school_id: &str) -> Result<SignIns, sqlx::Error> {
    let held: Vec<(String, Duty)> = sqlx::query_as(
        "SELECT d.person_id, d.duty FROM duty d
         JOIN \"user\" u ON u.school_id = d.school_id AND u.person_id = d.person_id AND u.disabled_at IS NULL
         JOIN person p ON p.school_id = d.school_id AND p.person_id = d.person_id AND p.active
         WHERE d.school_id = $1 AND d.ended_at IS NULL",
    )
    .bind(school_id)
    .fetch_all(&mut *connection)
    .await?;
    let were_readers: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT d.person_id FROM duty d
         JOIN \"user\" u ON u.school_id = d.school_id AND u.person_id = d.person_id
         WHERE d.school_id = $1 AND d.duty <> $2",
    )
    .bind(school_id)
    .bind(Duty::Technician)
    .fetch_all(&mut *connection)
    .await?;
    let (technicians, readers): (Vec<_>, Vec<_>) =
        held.into_iter().partition(|(_, duty)| *duty == Duty::Technician);
    let keepers = readers.iter().filter_map(|(person, duty)| {
        let sheet = Sheet::ALL.into_iter().find(|sheet| sheet.keeper() == *duty)?;
        Some((sheet, person.clone()))
    });
    let keepers = keepers.collect();
    let ids = |held: Vec<(String, Duty)>| held.into_iter().map(|(person, _)| person);
    let readers: BTreeSet<String> = ids(readers).collect();
    Ok(SignIns {
        technicians: ids(technicians).collect(),
        were_readers: were_readers.into_iter().collect(),
        readers,
        keepers,
    })
}
