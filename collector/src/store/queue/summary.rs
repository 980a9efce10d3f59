//! A concern as its reader sees it before anything of its content is opened.

use super::super::overview::told_apart;
use crate::concerns::ending::Ending;
use crate::concerns::kind::{Kind, SubjectRole};
use crate::concerns::model::ConcernState;
use crate::concerns::reference::Reference;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _};

/// What stands readable of a concern: everything but what was seen and what was written about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its random id.
    pub concern_id: String,
    /// What people call it by.
    pub reference: Reference,
    /// The person, where known.
    pub person: Option<Whom>,
    /// The account of an unknown person.
    pub account_name: Option<String>,
    /// The account's id.
    pub account_id: Option<i64>,
    /// Several people use the account.
    pub account_shared: bool,
    /// What it is of.
    pub kind: Kind,
    /// 1 to 5.
    pub severity: i64,
    /// That it ever had, where that is higher than now; 0 otherwise.
    pub once_severity: i64,
    /// Every flag is marked as a false alarm: its timers stand until then.
    pub quiet_until: Option<i64>,
    /// Acknowledged: when its owner is asked how it stands.
    pub review_at: Option<i64>,
    /// `new`, `acknowledged` or `closed`.
    pub state: ConcernState,
    /// Who deals with it.
    pub owner_id: Option<String>,
    /// Their name.
    pub owner: Option<String>,
    /// Recorded by hand.
    pub by_hand: bool,
    /// Came out of a backlog.
    pub backlog: bool,
    /// How many flags.
    pub flag_count: i64,
    /// The first event.
    pub first_event_at: i64,
    /// The last event.
    pub last_event_at: i64,
    /// When it was opened here.
    pub opened_at: i64,
    /// Its version: every change moves it.
    pub changed_at: i64,
    /// When it was acknowledged.
    pub acknowledged_at: Option<i64>,
    /// What the rules propose.
    pub category_proposed: Option<String>,
    /// Why.
    pub category_reason: Option<String>,
    /// What a person confirmed.
    pub category_confirmed: Option<String>,
    /// How many readers have been told.
    pub told: i64,
    /// When escalation looks again.
    pub next_due_at: Option<i64>,
    /// Who proposes to close it.
    pub close_proposed_by: Option<String>,
    /// When it was closed.
    pub closed_at: Option<i64>,
    /// A code.
    pub outcome: Option<Ending>,
    /// The device of its latest flag.
    pub device: Option<String>,
    /// When its latest flag arrived.
    pub arrived_at: Option<i64>,
    /// The concern that it continues, or belongs together with.
    pub linked_to: Option<String>,
    /// Handed over as what a child disclosed, who may not be known yet.
    pub about_child: bool,
}

impl Summary {
    /// The highest severity that it ever had: by it, a second person is asked before it closes.
    #[must_use]
    pub fn highest_severity(&self) -> i64 {
        self.severity.max(self.once_severity)
    }

    /// Whether every flag is marked as a false alarm.
    #[must_use]
    pub fn all_marked(&self) -> bool {
        self.quiet_until.is_some()
    }
}

/// A person, as a reader needs to know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom {
    /// The id.
    pub person_id: String,
    /// Given and family name.
    pub name: String,
    /// What they are to the school.
    pub role: SubjectRole,
    /// Of a pupil; may be empty.
    pub year_group: String,
    /// What tells a pupil from another of the same name and year; empty where there is none.
    pub apart: String,
    /// Is not at the school any more.
    pub has_left: bool,
}

pub(super) const SUMMARY: &str =
    "SELECT c.*, p.given_name || ' ' || p.family_name AS name, p.role, p.year_group, p.active,
        p.class_name, p.username, EXISTS (SELECT 1 FROM person s WHERE s.school_id = p.school_id
            AND s.person_id <> p.person_id AND s.active AND s.role = 'pupil' AND p.role = 'pupil'
            AND s.year_group = p.year_group AND lower(s.given_name) = lower(p.given_name)
            AND lower(s.family_name) = lower(p.family_name)) AS shares_name,
        a.name AS account_name, a.shared AS account_shared, o.given_name || ' ' || o.family_name AS owner,
        d.host_name AS device, f.received_at AS arrived_at
    FROM concern c
    JOIN concern_reader r ON r.school_id = c.school_id AND r.concern_id = c.concern_id AND r.person_id = $2
    LEFT JOIN person p ON p.school_id = c.school_id AND p.person_id = c.person_id
    LEFT JOIN account a ON a.school_id = c.school_id AND a.account_id = c.account_id
    LEFT JOIN person o ON o.school_id = c.school_id AND o.person_id = c.owner_id
    LEFT JOIN flag f ON f.flag_id = (SELECT max(flag_id) FROM flag WHERE concern_id = c.concern_id)
    LEFT JOIN device d ON d.school_id = c.school_id AND d.device_id = f.device_id
    WHERE c.school_id = $1 AND ";

impl FromRow<'_, SqliteRow> for Summary {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let person_id: Option<String> = row.try_get("person_id")?;
        let name: Option<String> = row.try_get("name")?;
        Ok(Self {
            concern_id: row.try_get("concern_id")?,
            reference: row.try_get("reference")?,
            person: match person_id.zip(name) {
                Some((person_id, name)) => Some(Whom {
                    person_id,
                    name,
                    role: row.try_get("role")?,
                    year_group: row.try_get("year_group")?,
                    apart: told_apart(
                        row.try_get("shares_name")?,
                        &row.try_get::<String, _>("class_name")?,
                        &row.try_get::<String, _>("username")?,
                    ),
                    has_left: !row.try_get::<bool, _>("active")?,
                }),
                None => None,
            },
            account_shared: row
                .try_get::<Option<bool>, _>("account_shared")?
                .unwrap_or_default(),
            account_name: row.try_get("account_name")?,
            account_id: row.try_get("account_id")?,
            kind: row.try_get("kind")?,
            severity: row.try_get("severity")?,
            once_severity: row.try_get("highest_severity")?,
            quiet_until: row.try_get("quiet_until")?,
            review_at: row.try_get("review_at")?,
            state: row.try_get("state")?,
            owner_id: row.try_get("owner_id")?,
            owner: row.try_get("owner")?,
            by_hand: row.try_get("by_hand")?,
            backlog: row.try_get("backlog")?,
            flag_count: row.try_get("flag_count")?,
            first_event_at: row.try_get("first_event_at")?,
            last_event_at: row.try_get("last_event_at")?,
            opened_at: row.try_get("opened_at")?,
            changed_at: row.try_get("changed_at")?,
            acknowledged_at: row.try_get("acknowledged_at")?,
            category_proposed: row.try_get("category_proposed")?,
            category_reason: row.try_get("category_reason")?,
            category_confirmed: row.try_get("category_confirmed")?,
            told: row.try_get("escalation_step")?,
            next_due_at: row.try_get("next_due_at")?,
            close_proposed_by: row.try_get("close_proposed_by")?,
            closed_at: row.try_get("closed_at")?,
            outcome: row.try_get("outcome")?,
            device: row.try_get("device")?,
            arrived_at: row.try_get("arrived_at")?,
            linked_to: row.try_get("linked_to")?,
            about_child: row.try_get("about_child")?,
        })
    }
}
