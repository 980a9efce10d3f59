//! What a proposal is.

use crate::codes::codes;
use crate::concerns::kind::SubjectRole;
use crate::concerns::model::Duty;
use crate::store::acts::Act;
use serde::{Deserialize, Serialize};

codes! {
    /// What became of a proposal.
    pub enum ProposalState {
        /// Something found it, such as an import; no reader has proposed it yet.
        Asked = "asked", "waits for a reader to propose it";
        /// It waits for a second person.
        Proposed = "proposed", "waits for a second person";
        /// It was done.
        Agreed = "agreed", "agreed";
        /// A reader refused it.
        Refused = "refused", "refused";
        /// It was taken back, or another took its place.
        Withdrawn = "withdrawn", "withdrawn";
    }
}

/// Another name, address or role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonChange {
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// E-mail address.
    pub email: String,
    /// What they are to the school; nobody is a pupil by a proposal.
    pub role: SubjectRole,
}

/// A proposal that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its id; random.
    pub proposal_id: String,
    /// What.
    pub act: Act,
    /// Whose access.
    pub person_id: String,
    /// Which duty, where it is about one.
    pub duty: Option<Duty>,
    /// The new name, address and role, where it is about these.
    pub change: Option<PersonChange>,
    /// What found it.
    pub asked_by: Option<String>,
    /// A reader, or a recovery sheet; none while it is only asked for.
    pub proposed_by: Option<String>,
    /// When.
    pub proposed_at: i64,
    /// Until when it waits.
    pub expires_at: i64,
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    proposal_id: String,
    act: Act,
    person_id: String,
    duty: Option<Duty>,
    detail: String,
    asked_by: Option<String>,
    proposed_by: Option<String>,
    proposed_at: i64,
    expires_at: i64,
}

impl TryFrom<Row> for Proposal {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let change = match row.act {
            Act::Change => {
                Some(serde_json::from_str(&row.detail).map_err(|error| sqlx::Error::Decode(error.into()))?)
            }
            _ => None,
        };
        Ok(Self {
            act: row.act,
            duty: row.duty,
            change,
            proposal_id: row.proposal_id,
            person_id: row.person_id,
            asked_by: row.asked_by,
            proposed_by: row.proposed_by,
            proposed_at: row.proposed_at,
            expires_at: row.expires_at,
        })
    }
}

/// A proposal to be stored.
#[derive(Debug, Clone)]
pub struct New<'a> {
    /// What.
    pub act: Act,
    /// Whose access.
    pub person_id: &'a str,
    /// Which duty, where it is about one.
    pub duty: Option<Duty>,
    /// The new name, address and role, where it is about these.
    pub change: Option<&'a PersonChange>,
    /// Who.
    pub by: &'a str,
}
