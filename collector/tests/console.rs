//! The console through its real router, with an invented school.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: what fails, fails the test"
)]

mod school;

#[path = "console/access.rs"]
mod access;
#[path = "console/acts_of_two.rs"]
mod acts_of_two;
#[path = "console/audit.rs"]
mod audit;
#[path = "console/clear.rs"]
mod clear;
#[path = "console/devices.rs"]
mod devices;
#[path = "console/drafts.rs"]
mod drafts;
#[path = "console/flags.rs"]
mod flags;
#[path = "console/forms.rs"]
mod forms;
#[path = "console/handling.rs"]
mod handling;
#[path = "console/hidden.rs"]
mod hidden;
#[path = "console/later.rs"]
mod later;
#[path = "console/links.rs"]
mod links;
#[path = "console/lists.rs"]
mod lists;
#[path = "console/marks.rs"]
mod marks;
#[path = "console/people.rs"]
mod people;
#[path = "console/person_keys.rs"]
mod person_keys;
#[path = "console/proxied.rs"]
mod proxied;
#[path = "console/resets.rs"]
mod resets;
#[path = "console/safe.rs"]
mod safe;
#[path = "console/sheets.rs"]
mod sheets;
#[path = "console/siege.rs"]
mod siege;
#[path = "console/sight.rs"]
mod sight;
#[path = "console/specialist.rs"]
mod specialist;
#[path = "console/truth.rs"]
mod truth;
#[path = "console/wrong_person.rs"]
mod wrong_person;

use axum::Router;
use pastoral_collector::concerns::model::Duty;
use pastoral_collector::{clock, console};
use pastoral_keywords::Topic;
use school::browser::Browser;
use school::{School, Seen};

/// A school, its console, and what a test needs of it.
async fn school() -> (School, Router) {
    let school = School::with_people(clock::now_ms()).await;
    let router = console::router(school.app.clone());
    (school, router)
}

/// People signed in, in this order.
async fn signed_in<const N: usize>(
    school: &School,
    router: &Router,
    people: [(&'static str, Duty); N],
) -> [Browser; N] {
    let mut browsers = Vec::new();
    for (person, duty) in people {
        browsers.push(Browser::joined(school, router, person, duty).await);
    }
    browsers.try_into().unwrap_or_else(|_| unreachable!())
}

const ANN: (&str, Duty) = ("ann", Duty::Dsl);
const BO: (&str, Duty) = ("bo", Duty::Deputy);
const CY: (&str, Duty) = ("cy", Duty::Headteacher);
const DI: (&str, Duty) = ("di", Duty::Chair);
const ED: (&str, Duty) = ("ed", Duty::Technician);

/// A pupil's search of severity 5.
const SEARCH: Seen<'static> = Seen {
    account: "pip",
    device: "LAPTOP-12",
    topic: Topic::SelfHarm,
    severity: 5,
    text: "an invented worrying search",
    marked: "worrying",
    provenance: "typed",
    minutes_ago: 2,
    specialist: false,
};

/// A pupil's title of severity 2.
const TITLE: Seen<'static> = Seen {
    topic: Topic::Bullying,
    severity: 2,
    text: "an invented unkind title",
    marked: "unkind",
    provenance: "page",
    ..SEARCH
};
