//! Who learns of a concern and who does not (P20, invariant 4): a member of staff's, one whose text names a reader, one
//! of an account nobody knows. Tried as each role on every page, form, count, notice and live stream.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod knowing;

use knowing::{DEPUTY, HEAD, LEAD, assert_knows_nothing, assert_reads, flag};
use pastoral_support::poll;
use pastoral_support::school::{self, Person};
use pastoral_tests::crawl::{self, OpenQueue};
use pastoral_tests::whole_school::{WholeSchool, account_of};

const CHAIR: &str = "Chair of governors";

/// A flag, whom it is about, and who alone may know of it.
struct Case {
    whose: Person,
    /// Holds a word that stands nowhere else.
    text: &'static str,
    marker: &'static str,
    topic: &'static str,
    readers: &'static [&'static str],
}

/// Severe ones all of them, which people are told of at any hour.
const CASES: &[Case] = &[
    Case {
        whose: school::TEACHER,
        text: "fight tricks marigold",
        marker: "marigold",
        topic: "violence",
        readers: &[HEAD],
    },
    Case {
        whose: school::TEACHER,
        text: "fight Mrs Dunstan snowdrop",
        marker: "snowdrop",
        topic: "violence",
        readers: &[CHAIR],
    },
    Case {
        whose: school::LEAD,
        text: "fight tricks hollyhock",
        marker: "hollyhock",
        topic: "violence",
        readers: &[HEAD],
    },
    Case {
        whose: school::DEPUTY,
        text: "fight tricks bluebell",
        marker: "bluebell",
        topic: "suicide",
        readers: &[HEAD],
    },
    Case {
        whose: school::PUPIL,
        text: "fight with Mrs Leigh primrose",
        marker: "primrose",
        topic: "bullying",
        readers: &[DEPUTY, HEAD],
    },
    Case {
        whose: school::OTHER_PUPIL,
        text: "fight with Cy Dunstan cowslip",
        marker: "cowslip",
        topic: "bullying",
        readers: &[LEAD, DEPUTY],
    },
    // The headteacher is its subject and the chair is named: of those who are left the lead is the most senior.
    Case {
        whose: school::HEADTEACHER,
        text: "fight Di Everard harebell",
        marker: "harebell",
        topic: "violence",
        readers: &[LEAD],
    },
    // Last, so that every open queue has something to wait for.
    Case {
        whose: school::HEADTEACHER,
        text: "fight tricks larkspur",
        marker: "larkspur",
        topic: "violence",
        readers: &[CHAIR],
    },
    Case {
        whose: school::PUPIL,
        text: "fight tricks speedwell",
        marker: "speedwell",
        topic: "suicide",
        readers: &[LEAD, DEPUTY, HEAD],
    },
];

fn is_pupil(person: &Person) -> bool {
    person.role == "pupil"
}
#[test]
fn a_concern_is_seen_counted_and_told_of_by_its_readers_and_by_nobody_else() {
    let school = WholeSchool::start("staff").unwrap();
    let readers = [LEAD, DEPUTY, HEAD, CHAIR];
    let everybody = school.everybody();
    let of = |role: &str| everybody.iter().find(|(name, _)| *name == role).unwrap().1;
    let queues = readers.map(|role| (role, OpenQueue::of(of(role)).unwrap()));
    let concerns: Vec<_> = CASES
        .iter()
        .map(|case| {
            flag(
                &school,
                &account_of(&case.whose),
                case.text,
                case.topic,
                !is_pupil(&case.whose),
            )
        })
        .collect();
    let known = || CASES.iter().zip(&concerns);

    for (role, queue) in &queues {
        let own = || known().filter(|(case, _)| case.readers.contains(role));
        poll::until_so("the open queue to show its concerns", || {
            let sent = queue.text();
            own().all(|(_, concern)| sent.contains(concern.as_str()))
        })
        .unwrap();
        let sent = queue.text();
        for (case, concern) in known() {
            assert!(
                !sent.contains(case.marker),
                "{role}'s open queue quotes {}",
                case.marker
            );
            let may = case.readers.contains(role);
            assert_eq!(
                sent.contains(concern.as_str()),
                may,
                "{role}'s open queue and {}",
                case.marker
            );
        }
        let cards = of(role)
            .visit("/queue")
            .unwrap()
            .html
            .matches("class=\"app-card ")
            .count();
        assert_eq!(cards, own().count(), "{role} counts");
    }
    for (case, concern) in known() {
        for (role, reader) in &everybody {
            if case.readers.contains(role) {
                assert_reads(role, reader, concern, case.marker);
            } else {
                assert_knows_nothing(&school, role, reader, concern, case.marker);
            }
        }
    }
    assert_told_rightly(&school, &concerns);
}

/// Mail goes to readers only, names nobody and quotes nothing.
fn assert_told_rightly(school: &WholeSchool, concerns: &[String]) {
    let store = school.store().unwrap();
    // What asks for agreement is gathered for some minutes, and is about no concern.
    let waiting = "SELECT notice || ' ' || person_id || ' due in ' || (due_at - created_at) || ' ' || coalesce(last_error, '')
        FROM outbox WHERE sent_at IS NULL AND ended_at IS NULL AND notice <> 'agreement-wanted'";
    let sent = poll::until_so("the notices to be sent", || {
        store.texts(waiting).unwrap().is_empty()
    });
    assert!(sent.is_ok(), "{:?}", store.texts(waiting));
    let messages = school.mail.messages().unwrap();
    let address = |role: &str| {
        school
            .everybody()
            .iter()
            .find(|(name, _)| *name == role)
            .unwrap()
            .1
            .person
            .email
    };
    for (case, concern) in CASES.iter().zip(concerns) {
        let told: Vec<_> = messages
            .iter()
            .filter(|message| message.text.contains(concern.as_str()))
            .collect();
        let may = |to: &str| case.readers.iter().any(|role| to.contains(address(role)));
        for message in &told {
            assert!(may(&message.to), "{} is told of {}", message.to, case.marker);
        }
        assert_eq!(
            told.is_empty(),
            case.readers.is_empty(),
            "who is told of {}",
            case.marker
        );
    }
    let names = [school::PUPIL, school::OTHER_PUPIL, school::TEACHER].map(|person| person.family);
    for message in &messages {
        let said = CASES.iter().map(|case| case.marker).chain(names);
        for word in said {
            assert!(
                !message.text.contains(word),
                "a notice says {word}: {}",
                message.text
            );
        }
        // What is about their own access is theirs; of concerns they hear nothing.
        assert!(
            !message.to.contains(school::TECHNICIAN.email) || !message.text.contains("concern"),
            "the technician is told: {}",
            message.text
        );
    }
}

#[test]
fn a_technician_sees_no_content_no_pupil_and_no_count() {
    let school = WholeSchool::start("technician").unwrap();
    let concern = flag(&school, "ibbotson", "fight tricks marigold", "suicide", false);
    let pages = crawl::everything_linked(&school.staff.technician).unwrap();
    assert!(
        pages.contains_key("/devices") && pages.contains_key("/audit"),
        "{:?}",
        pages.keys()
    );
    let pupils = [school::PUPIL, school::OTHER_PUPIL];
    for (path, page) in &pages {
        assert_eq!(page.status, 200, "{path}");
        for pupil in &pupils {
            assert!(!page.text().contains(pupil.family), "{} on {path}", pupil.family);
        }
        for word in [
            "marigold",
            "/concerns/",
            "ibbotson",
            "1 concern",
            "1 flag",
            concern.as_str(),
        ] {
            assert!(!page.html.contains(word), "`{word}` on {path}");
        }
    }
    for path in ["/queue", "/closed", "/concerns/new", "/queue/live"] {
        assert_eq!(school.staff.technician.visit(path).unwrap().status, 404, "{path}");
    }
    let list = school.collector.run(&["device", "list", "--json"]);
    assert!(!list.contains("ibbotson") && !list.contains("Ibbotson"), "{list}");
}
