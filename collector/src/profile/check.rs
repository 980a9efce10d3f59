//! From a profile as written to a checked one.

use super::fault::{Places, ProfileError};
use super::hours::{cover, date};
use super::raw::{RawAccountability, RawCategory, RawGroup, RawHandling, RawPlan, RawProfile};
use super::{Accountability, Addition, Contact, DeviceGroup, Handling, Profile, REVIEW_MOST_DAYS, Users};
use crate::concerns::category::{Ladders, Rung};
use crate::concerns::escalation::Plan;
use crate::concerns::kind::{SubjectRole, kind_of};
use crate::concerns::model::Duty;
use crate::concerns::routing::{About, RoutingRule, RoutingRules};
use jiff::tz::TimeZone;
use pastoral_keywords::Severity;
use std::collections::BTreeSet;
use toml::Spanned;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

type Checked<T> = Result<T, ProfileError>;

pub(super) fn profile(toml: &str, file: &str) -> Checked<Profile> {
    let places = Places { toml, file };
    let raw: RawProfile = toml::from_str(toml).map_err(|error| places.toml_fault(&error))?;
    let name = text(&places, &raw.name, "name = \"our-school\"")?;
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    {
        return Err(places.fault(
            raw.name.span(),
            "a name has small letters, digits and hyphens",
            "name = \"our-school\"",
        ));
    }
    let zone = TimeZone::get(raw.time_zone.get_ref());
    let time_zone = zone.map_err(|_| {
        places.fault(
            raw.time_zone.span(),
            "no such time zone",
            "time_zone = \"Europe/London\"",
        )
    })?;
    if raw.phases.get_ref().is_empty() || raw.phases.get_ref().iter().any(|phase| !phase.is_pupil()) {
        return Err(places.fault(
            raw.phases.span(),
            "these are not pupils' phases",
            "phases = [\"ks1\", \"ks2\"]",
        ));
    }
    if raw.lists.get_ref().is_empty() {
        return Err(places.fault(
            raw.lists.span(),
            "without a list nothing is found",
            "lists = [\"pastoral-en\"]",
        ));
    }
    let window = *raw.grouping_window_hours.get_ref();
    if !(1..=24 * 14).contains(&window) {
        let instead = "grouping_window_hours = 24";
        return Err(places.fault(
            raw.grouping_window_hours.span(),
            "must be 1 to 336 hours",
            instead,
        ));
    }
    let cover_stated = raw.cover.is_some();
    Ok(Profile {
        toml: toml.into(),
        school: text(&places, &raw.school, "school = \"Our Primary School\"")?,
        outside_cover: text(
            &places,
            &raw.outside_cover,
            "outside_cover = \"what happens outside cover hours\"",
        )?,
        nation: raw.nation,
        phases: raw.phases.get_ref().clone(),
        lists: raw.lists.get_ref().clone(),
        groups: groups(&places, &raw.group)?,
        cover: cover(&places, raw.cover.as_ref(), time_zone)?,
        plans: plans(&places, &raw.escalation)?,
        grouping_window_ms: i64::from(window) * HOUR_MS,
        ladders: ladders(&places, &raw.category)?,
        routing: routing(&places, &raw)?,
        contacts: contacts(&places, &raw)?,
        additions: additions(raw.procedure),
        handling: handling(&places, &raw.handling)?,
        accountability: accountability(&places, &raw.accountability, cover_stated)?,
        name,
    })
}

fn text(places: &Places<'_>, raw: &Spanned<String>, instead: &str) -> Checked<String> {
    let text = raw.get_ref().trim();
    if text.is_empty() || text.chars().count() > 500 {
        return Err(places.fault(raw.span(), "must have 1 to 500 characters", instead));
    }
    Ok(text.into())
}

fn groups(places: &Places<'_>, raw: &[Spanned<RawGroup>]) -> Checked<Vec<DeviceGroup>> {
    let mut groups: Vec<DeviceGroup> = Vec::new();
    for group in raw.iter().map(Spanned::get_ref) {
        let name = text(places, &group.name, "name = \"pupils\"")?;
        if groups.iter().any(|known| known.name == name) {
            return Err(places.fault(
                group.name.span(),
                "there is a group of this name already",
                "another name",
            ));
        }
        if *group.lock_after_minutes.get_ref() > 24 * 60 {
            let instead = "lock_after_minutes = 30, or 0 for never";
            return Err(places.fault(group.lock_after_minutes.span(), "over a day", instead));
        }
        let audience = *group.unknown_audience.get_ref();
        if group.users == Users::Pupils && !audience.is_pupil() {
            let fault = "an unknown account on a pupils' device must have a pupils' audience";
            return Err(places.fault(group.unknown_audience.span(), fault, "unknown_audience = \"ks1\""));
        }
        groups.push(DeviceGroup {
            name,
            users: group.users,
            lock_after_minutes: *group.lock_after_minutes.get_ref(),
            unknown_audience: audience,
        });
    }
    if !groups.iter().any(|group| group.users == Users::Pupils) {
        let instead = "[[group]] with name = \"pupils\" and users = \"pupils\"";
        return Err(places.fault(0..0, "there is no group of pupils' devices", instead));
    }
    Ok(groups)
}

fn plans(places: &Places<'_>, raw: &[Spanned<RawPlan>]) -> Checked<[Plan; 5]> {
    let mut plans = [None; 5];
    for plan in raw.iter().map(Spanned::get_ref) {
        let severity = *plan.severity.get_ref();
        let known = Severity::try_from(severity)
            .ok()
            .map(|severity| usize::from(severity.get() - 1));
        let Some(at) = known else {
            return Err(places.fault(
                plan.severity.span(),
                "there is no such severity",
                "severity = 1, 2, 3, 4 or 5",
            ));
        };
        if plans[at].is_some() {
            return Err(places.fault(
                plan.severity.span(),
                "this severity has a plan already",
                "one plan for each",
            ));
        }
        let minutes = |raw: &Spanned<u32>, most: u32, instead: &str| {
            let value = *raw.get_ref();
            if (1..=most).contains(&value) {
                Ok(i64::from(value) * MINUTE_MS)
            } else {
                Err(places.fault(raw.span(), format!("must be 1 to {most} minutes"), instead))
            }
        };
        // Serious concerns are answered the same day (P19).
        let most = if severity >= 4 { 24 * 60 } else { 7 * 24 * 60 };
        if *plan.tell_first.get_ref() == 0 {
            return Err(places.fault(plan.tell_first.span(), "somebody must be told", "tell_first = 1"));
        }
        plans[at] = Some(Plan {
            tell_first: usize::from(*plan.tell_first.get_ref()),
            next_after_ms: minutes(&plan.next_after_minutes, most, "next_after_minutes = 30")?,
            remind_after_ms: minutes(&plan.remind_after_minutes, most, "remind_after_minutes = 240")?,
            review_after_ms: review_after(places, at, plan.review_after_days.as_ref())?,
            outside_cover: plan.outside_cover,
        });
    }
    let missing = plans.iter().position(Option::is_none).map(|at| at + 1);
    match plans {
        [Some(one), Some(two), Some(three), Some(four), Some(five)] => Ok([one, two, three, four, five]),
        _ => {
            let severity = missing.unwrap_or_default();
            let fault = format!("severity {severity} has no plan, so nobody would be told");
            Err(places.fault(0..0, fault, format!("[[escalation]] with severity = {severity}")))
        }
    }
}

/// Days after which the owner of an acknowledged concern is asked how it stands, for severity 1 to 5, where the profile
/// does not say.
const REVIEW_DAYS: [u32; 5] = [30, 14, 7, 2, 1];

fn review_after(places: &Places<'_>, at: usize, raw: Option<&Spanned<u32>>) -> Checked<i64> {
    let days = raw.map_or(REVIEW_DAYS[at], |raw| *raw.get_ref());
    let most = REVIEW_MOST_DAYS[at];
    match raw {
        Some(raw) if !(1..=most).contains(&days) => {
            let instead = format!("review_after_days = {}", REVIEW_DAYS[at]);
            Err(places.fault(raw.span(), format!("must be 1 to {most} days"), instead))
        }
        _ => Ok(i64::from(days) * 24 * HOUR_MS),
    }
}

fn ladders(places: &Places<'_>, raw: &[Spanned<RawCategory>]) -> Checked<Ladders> {
    let mut ladders = Ladders::default();
    for category in raw.iter().map(Spanned::get_ref) {
        let (role, ladder) = match category.who.get_ref() {
            About::Pupil => (SubjectRole::Pupil, &mut ladders.pupil),
            About::Staff => (SubjectRole::Staff, &mut ladders.staff),
            About::Headteacher | About::Chair => {
                return Err(places.fault(
                    category.who.span(),
                    "there is no ladder of their own",
                    "who = \"staff\"",
                ));
            }
        };
        let expected = ladder
            .last()
            .map_or(Some('A'), |rung: &Rung| char::from_u32(u32::from(rung.code) + 1));
        let code = category.code.get_ref().chars().next();
        if category.code.get_ref().len() != 1
            || code != expected
            || !code.is_some_and(|code| code.is_ascii_uppercase())
        {
            let instead = format!("code = \"{}\"", expected.unwrap_or('A'));
            return Err(places.fault(category.code.span(), "categories go A, B, C … upwards", instead));
        }
        let mut topics = BTreeSet::new();
        for topic in &category.topics {
            let kind = kind_of(*topic.get_ref(), role);
            if kind.is_welfare() {
                let fault = format!(
                    "`{}` is about welfare ({}) and never has a category",
                    topic.get_ref(),
                    kind.words()
                );
                return Err(places.fault(topic.span(), fault, "the topics without it"));
            }
            if !topics.insert(*topic.get_ref())
                || ladder.iter().any(|rung| rung.topics.contains(topic.get_ref()))
            {
                return Err(places.fault(
                    topic.span(),
                    "this topic has a category already",
                    "each topic once",
                ));
            }
        }
        ladder.push(Rung {
            code: code.unwrap_or('A'),
            example: category.example.clone(),
            topics,
            responder: category.responder.clone(),
            sanction: category.sanction.clone(),
            escalation: category.escalation.clone(),
        });
    }
    Ok(ladders)
}

fn routing(places: &Places<'_>, raw: &RawProfile) -> Checked<RoutingRules> {
    let mut rules = RoutingRules::default();
    for spanned in &raw.routing {
        let rule = spanned.get_ref();
        let duty = |code: &Spanned<String>| {
            Duty::from_code(code.get_ref()).ok_or_else(|| {
                let known = Duty::ALL.map(Duty::code).join(", ");
                places.fault(code.span(), "not a duty", format!("one of {known}"))
            })
        };
        let readers = rule.readers.iter().map(duty).collect::<Checked<Vec<_>>>()?;
        rules
            .add(RoutingRule {
                about: rule.about,
                kinds: rule.kinds.clone(),
                readers,
            })
            .map_err(|unsound| places.fault(spanned.span(), unsound.fault, unsound.instead))?;
    }
    Ok(rules)
}

fn contacts(places: &Places<'_>, raw: &RawProfile) -> Checked<Vec<Contact>> {
    let checked = |contact: &super::raw::RawContact| {
        let name = text(places, &contact.name, "name = \"who answers\"")?;
        if contact.confirmed && contact.phone.trim().is_empty() && contact.email.trim().is_empty() {
            let fault = "a confirmed contact needs a telephone number or an e-mail address";
            return Err(places.fault(contact.name.span(), fault, "confirmed = false, or phone = \"…\""));
        }
        Ok(Contact {
            role: contact.role,
            name,
            phone: contact.phone.trim().into(),
            email: contact.email.trim().into(),
            confirmed: contact.confirmed,
        })
    };
    raw.contact
        .iter()
        .map(|contact| checked(contact.get_ref()))
        .collect()
}

fn additions(raw: Vec<Spanned<super::raw::RawAddition>>) -> Vec<Addition> {
    let addition = |raw: super::raw::RawAddition| Addition {
        kind: raw.kind,
        must_not: raw.must_not,
        at_once: raw.at_once,
        outside: raw.outside,
    };
    raw.into_iter().map(|raw| addition(raw.into_inner())).collect()
}

fn handling(places: &Places<'_>, raw: &RawHandling) -> Checked<Handling> {
    let from = *raw.second_person_from_severity.get_ref();
    let second_person_from = Severity::try_from(from)
        .ok()
        .filter(|severity| severity.get() <= 4);
    let second_person_from = second_person_from.ok_or_else(|| {
        let fault = "severity 4 and 5 always close with a second person";
        places.fault(
            raw.second_person_from_severity.span(),
            fault,
            "second_person_from_severity = 4, or lower",
        )
    })?;
    if let Some(days) = raw
        .password_days
        .as_ref()
        .filter(|days| !(14..=730).contains(days.get_ref()))
    {
        return Err(places.fault(days.span(), "must be 14 to 730 days", "password_days = 90"));
    }
    Ok(Handling {
        second_person_from,
        password_days: raw.password_days.as_ref().map(|days| *days.get_ref()),
        pupils_looking_for_help: looking_for_help(places, raw.pupils_looking_for_help.as_ref())?,
    })
}

fn looking_for_help(places: &Places<'_>, raw: Option<&Spanned<u8>>) -> Checked<Option<Severity>> {
    let Some(raw) = raw else { return Ok(None) };
    let severity = Severity::try_from(*raw.get_ref())
        .ok()
        .filter(|severity| severity.get() <= 3);
    let fault = || {
        let fault = "looking for help is looked at with severity 1 to 3";
        let instead = "pupils_looking_for_help = 2, or no such line for nobody to be told";
        places.fault(raw.span(), fault, instead)
    };
    severity.ok_or_else(fault).map(Some)
}

fn accountability(
    places: &Places<'_>,
    raw: &RawAccountability,
    cover_stated: bool,
) -> Checked<Accountability> {
    let filled = |raw: &Option<Spanned<String>>| {
        raw.as_ref()
            .map(|raw| raw.get_ref().trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    if let Some(days) = raw
        .retention_days
        .as_ref()
        .filter(|days| !(30..=3650).contains(days.get_ref()))
    {
        return Err(places.fault(days.span(), "must be 30 to 3650 days", "retention_days = 365"));
    }
    let mut on_call: Vec<String> = Vec::new();
    for address in &raw.on_call {
        let lower = address.get_ref().trim().to_lowercase();
        if lower.parse::<lettre::Address>().is_err() {
            return Err(places.fault(address.span(), "not an e-mail address", "\"lead@school.example\""));
        }
        if on_call.contains(&lower) {
            return Err(places.fault(
                address.span(),
                "this person is on call already",
                "each person once",
            ));
        }
        on_call.push(lower);
    }
    Ok(Accountability {
        data_protection_officer: filled(&raw.data_protection_officer),
        assessment_date: raw
            .assessment_date
            .as_ref()
            .map(|raw| date(places, raw))
            .transpose()?,
        lawful_basis: filled(&raw.lawful_basis),
        retention_days: raw.retention_days.as_ref().map(|days| *days.get_ref()),
        on_call,
        cover_stated,
    })
}
