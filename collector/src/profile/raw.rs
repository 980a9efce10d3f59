//! A profile as it stands in its file, before it is checked.

use super::Nation;
use super::{ContactRole, Users};
use crate::concerns::escalation::OutsideCover;
use crate::concerns::kind::Kind;
use crate::concerns::routing::About;
use pastoral_keywords::{Audience, Topic};
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProfile {
    pub(super) name: Spanned<String>,
    pub(super) school: Spanned<String>,
    pub(super) time_zone: Spanned<String>,
    #[serde(default)]
    pub(super) nation: Nation,
    pub(super) phases: Spanned<Vec<Audience>>,
    pub(super) lists: Spanned<Vec<String>>,
    pub(super) grouping_window_hours: Spanned<u32>,
    pub(super) outside_cover: Spanned<String>,
    #[serde(default)]
    pub(super) group: Vec<Spanned<RawGroup>>,
    pub(super) cover: Option<Spanned<RawCover>>,
    #[serde(default)]
    pub(super) escalation: Vec<Spanned<RawPlan>>,
    #[serde(default)]
    pub(super) category: Vec<Spanned<RawCategory>>,
    #[serde(default)]
    pub(super) routing: Vec<Spanned<RawRule>>,
    #[serde(default)]
    pub(super) contact: Vec<Spanned<RawContact>>,
    #[serde(default)]
    pub(super) procedure: Vec<Spanned<RawAddition>>,
    pub(super) handling: RawHandling,
    #[serde(default)]
    pub(super) accountability: RawAccountability,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGroup {
    pub(super) name: Spanned<String>,
    pub(super) users: Users,
    pub(super) lock_after_minutes: Spanned<u32>,
    pub(super) unknown_audience: Spanned<Audience>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCover {
    pub(super) hours: Spanned<Vec<RawHours>>,
    #[serde(default)]
    pub(super) terms: Vec<RawDays>,
    #[serde(default)]
    pub(super) days_off: Vec<RawDays>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHours {
    pub(super) days: Spanned<Vec<Spanned<String>>>,
    pub(super) from: Spanned<Datetime>,
    pub(super) to: Spanned<Datetime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDays {
    pub(super) from: Spanned<Datetime>,
    pub(super) to: Spanned<Datetime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlan {
    pub(super) severity: Spanned<u8>,
    pub(super) tell_first: Spanned<u8>,
    pub(super) next_after_minutes: Spanned<u32>,
    pub(super) remind_after_minutes: Spanned<u32>,
    pub(super) review_after_days: Option<Spanned<u32>>,
    pub(super) outside_cover: OutsideCover,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCategory {
    pub(super) who: Spanned<About>,
    pub(super) code: Spanned<String>,
    pub(super) example: String,
    #[serde(default)]
    pub(super) topics: Vec<Spanned<Topic>>,
    pub(super) responder: String,
    pub(super) sanction: String,
    pub(super) escalation: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub(super) about: About,
    #[serde(default)]
    pub(super) kinds: Vec<Kind>,
    pub(super) readers: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawContact {
    pub(super) role: ContactRole,
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) phone: String,
    #[serde(default)]
    pub(super) email: String,
    pub(super) confirmed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAddition {
    pub(super) kind: Kind,
    #[serde(default)]
    pub(super) must_not: Vec<String>,
    #[serde(default)]
    pub(super) at_once: Vec<String>,
    #[serde(default)]
    pub(super) outside: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHandling {
    pub(super) second_person_from_severity: Spanned<u8>,
    pub(super) password_days: Option<Spanned<u32>>,
    pub(super) pupils_looking_for_help: Option<Spanned<u8>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAccountability {
    pub(super) data_protection_officer: Option<Spanned<String>>,
    pub(super) assessment_date: Option<Spanned<Datetime>>,
    pub(super) lawful_basis: Option<Spanned<String>>,
    pub(super) retention_days: Option<Spanned<u32>>,
    pub(super) on_call: Vec<Spanned<String>>,
}
