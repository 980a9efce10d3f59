//! What a proposal is.

use crate::concerns::model::Duty;
use serde::{Deserialize, Serialize};

/// What is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A duty; with a first link where the person cannot sign in yet.
    Grant,
    /// A link for somebody who has a duty and cannot sign in yet.
    FirstLink,
    /// A new password, second factor and key pair in the place of those that are lost.
    Reset,
    /// Another name, address or role of somebody with a duty.
    Change,
    /// The end of somebody else's duty.
    EndDuty,
}

impl Act {
    const ALL: [Self; 5] = [
        Self::Grant,
        Self::FirstLink,
        Self::Reset,
        Self::Change,
        Self::EndDuty,
    ];

    /// The code in the store.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::FirstLink => "first-link",
            Self::Reset => "reset",
            Self::Change => "change",
            Self::EndDuty => "end-duty",
        }
    }

    /// The words a person sees, behind somebody's name.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Grant => "a duty",
            Self::FirstLink => "a first link",
            Self::Reset => "a reset of the sign-in",
            Self::Change => "another name, address or role",
            Self::EndDuty => "the end of a duty",
        }
    }

    /// Reads a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.code() == code)
    }
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Something found it, such as an import; no reader has proposed it yet.
    Asked,
    /// It waits for a second person.
    Proposed,
    /// It was done.
    Agreed,
    /// A reader refused it.
    Refused,
    /// It was taken back, or another took its place.
    Withdrawn,
}

impl State {
    /// The code in the store.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Proposed => "proposed",
            Self::Agreed => "agreed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The words a person sees.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Asked => "waits for a reader to propose it",
            Self::Proposed => "waits for a second person",
            Self::Agreed => "agreed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Another name, address or role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// E-mail address.
    pub email: String,
    /// `staff`, `governor` or `outside`.
    pub role: String,
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
    pub change: Option<Change>,
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
    act: String,
    person_id: String,
    duty: Option<String>,
    detail: String,
    asked_by: Option<String>,
    proposed_by: Option<String>,
    proposed_at: i64,
    expires_at: i64,
}

impl TryFrom<Row> for Proposal {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let unknown = |what: &str| sqlx::Error::Decode(format!("a proposal has an unknown {what}").into());
        let act = Act::from_code(&row.act).ok_or_else(|| unknown("act"))?;
        let duty = row.duty.as_deref();
        let duty = duty.map(|code| Duty::from_code(code).ok_or_else(|| unknown("duty")));
        let change = match act {
            Act::Change => Some(serde_json::from_str(&row.detail).map_err(|_| unknown("change"))?),
            _ => None,
        };
        Ok(Self {
            act,
            duty: duty.transpose()?,
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
    pub change: Option<&'a Change>,
    /// Who.
    pub by: &'a str,
}
