//! P23: every kind of concern shows its own procedure on its page, what must not be done first. What is looked for is
//! what the school's policy says of that kind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "only used by tests")]

use pastoral_tests::whole_school::{Seen, WholeSchool};

/// A kind of concern in the policy's table.
struct Row {
    kind: &'static str,
    topic: &'static str,
    on_staff_account: bool,
    must_not: &'static [&'static str],
    at_once: &'static [&'static str],
    outside: &'static [&'static str],
}

const fn of_pupils(kind: &'static str, topic: &'static str) -> Row {
    Row {
        kind,
        topic,
        on_staff_account: false,
        must_not: &[],
        at_once: &[],
        outside: &[],
    }
}

const TABLE: &[Row] = &[
    Row {
        must_not: &["view", "send", "share", "save", "copy", "ask a child to"],
        at_once: &[
            "safeguarding lead",
            "initial review",
            "Secure the device",
            "Block access and isolate",
        ],
        outside: &["Children's services and police"],
        ..of_pupils("Nude or intimate images shared by children", "sexting")
    },
    Row {
        must_not: &["compromise an investigation"],
        at_once: &[
            "safeguarding lead",
            "Secure the devices",
            "Assess the risk",
            "Involve and support the child",
        ],
        outside: &["101", "999 at immediate risk", "CEOP", "Children's services"],
        ..of_pupils("Abuse or exploitation of a child", "grooming")
    },
    Row {
        must_not: &["view, copy", "keep any image", "delete anything before"],
        at_once: &[
            "Stop",
            "about a member of staff",
            "Quarantine the devices until the police advise",
            "Only after accidental exposure",
        ],
        outside: &[
            "IWF",
            "the address",
            "Police",
            "Children's services",
            "Local Authority Designated Officer",
        ],
        ..of_pupils("Indecent images of children", "indecent-images")
    },
    Row {
        at_once: &["safeguarding lead", "about a member of staff"],
        outside: &["Prevent", "Channel", "Police"],
        ..of_pupils("Radicalisation or extremism", "extremism")
    },
    Row {
        at_once: &["Record it", "by logs", "Keep the evidence"],
        outside: &["provider", "if an offence is suspected"],
        ..of_pupils("Bullying on line", "bullying")
    },
    Row {
        at_once: &["Record it"],
        outside: &["if an offence is suspected"],
        ..of_pupils("Hate", "hate")
    },
    Row {
        must_not: &["compromise an investigation"],
        at_once: &[
            "safeguarding lead",
            "Support",
            "parents or carers where that is right",
        ],
        outside: &["Children's services", "police"],
        ..of_pupils(
            "Sexual violence or harassment between children",
            "sexual-harassment",
        )
    },
    Row {
        on_staff_account: true,
        must_not: &["tell the person"],
        at_once: &["allegations procedure"],
        outside: &["Local Authority Designated Officer", "Police"],
        ..of_pupils("Misuse by a member of staff", "pornography")
    },
    Row {
        on_staff_account: true,
        must_not: &["treat it as misconduct"],
        at_once: &["hands it to the", "as a child's concern", "in one step, recorded"],
        outside: &["kind of concern"],
        ..of_pupils("Perhaps what a child disclosed, on a staff account", "abuse")
    },
    Row {
        must_not: &["leave the child alone"],
        at_once: &["safeguarding lead"],
        outside: &[
            "999 when somebody is at immediate risk",
            "Children's services",
            "mental-health service",
        ],
        ..of_pupils("Self-harm or suicide", "suicide")
    },
];

/// Of the page's procedure, the part between two headings.
fn part<'a>(procedure: &'a str, from: &str, until: &str) -> &'a str {
    let after = procedure.split_once(from).map_or("", |(_, after)| after);
    after.split_once(until).map_or(after, |(part, _)| part)
}

#[test]
fn every_kind_of_concern_shows_its_procedure_with_the_must_nots_first() {
    let school = WholeSchool::start("procedures").unwrap();
    for row in TABLE {
        let seen = Seen {
            on_staff_device: row.on_staff_account,
            account: if row.on_staff_account {
                "garside"
            } else {
                "ibbotson"
            },
            text: "marigold and larkspur",
            term: "marigold",
            topic: row.topic,
            severity: 4,
            by_page: false,
        };
        let concern = school.flag(&seen).unwrap();
        let reader = if row.on_staff_account {
            &school.staff.head
        } else {
            &school.deputy
        };
        let page = reader.visit(&format!("/concerns/{concern}")).unwrap().text();
        let (_, procedure) = page
            .split_once(&format!("What to do: {}", row.kind))
            .unwrap_or_else(|| panic!("{} has no procedure: {page}", row.kind));
        let (procedure, _) = procedure.split_once(" Concern ").unwrap();
        // Some kinds have must-nots of their own besides the policy's; those that have none begin with what is at once.
        let first = if procedure.contains("Before anything else") {
            "Before anything else"
        } else {
            "At once"
        };
        assert!(
            procedure.trim_start().starts_with(first),
            "{}: {procedure}",
            row.kind
        );
        let must_not = part(procedure, "Before anything else", "At once");
        let at_once = part(procedure, "At once", "Outside school");
        let outside = part(procedure, "Outside school", "Your local contacts");
        for (words, stand) in [
            (row.must_not, must_not),
            (row.at_once, at_once),
            (row.outside, outside),
        ] {
            for words in words {
                let stands = stand.to_lowercase().contains(&words.to_lowercase());
                assert!(stands, "{}: no `{words}` in: {stand}", row.kind);
            }
        }
    }
}
