//! Who learns of a concern and who does not (P20, invariant 4): a member of staff's, one whose text names a reader, one
//! of an account nobody knows. Tried as each role on every page, form, count, notice and live stream.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use pastoral_tests::crawl::{self, OpenQueue};
use pastoral_tests::forms::Form;
use pastoral_tests::poll;
use pastoral_tests::reader::Reader;
use pastoral_tests::school::{self, Person};
use pastoral_tests::whole_school::{Seen, WholeSchool, account_of};

const LEAD: &str = "Safeguarding lead";
const DEPUTY: &str = "Deputy";
const HEAD: &str = "Headteacher";
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
        text: "fight Mrs Hartwell snowdrop",
        marker: "snowdrop",
        topic: "violence",
        readers: &[CHAIR],
    },
    Case {
        whose: school::LEAD,
        text: "fight tricks foxglove",
        marker: "foxglove",
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
        text: "fight with Mrs Okonkwo primrose",
        marker: "primrose",
        topic: "bullying",
        readers: &[DEPUTY, HEAD],
    },
    Case {
        whose: school::OTHER_PUPIL,
        text: "fight with Helen Hartwell cowslip",
        marker: "cowslip",
        topic: "bullying",
        readers: &[LEAD, DEPUTY],
    },
    // The headteacher is its subject and the chair is named: nobody is left.
    Case {
        whose: school::HEADTEACHER,
        text: "fight Charlotte Beaumont harebell",
        marker: "harebell",
        topic: "violence",
        readers: &[],
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
    person.id.starts_with('p')
}

fn flag(school: &WholeSchool, account: &str, text: &str, topic: &str, on_staff_device: bool) -> String {
    let seen = Seen {
        on_staff_device,
        account,
        text,
        term: text.split_whitespace().next().unwrap(),
        topic,
        severity: 4,
        by_page: false,
    };
    school.flag(&seen).unwrap()
}

/// Nothing they can reach or try shows this concern, quotes it, or says its number.
fn assert_knows_nothing(school: &WholeSchool, who: &str, reader: &Reader, concern: &str, marker: &str) {
    let number = format!("Concern {} ", school.reference(concern).unwrap());
    for (path, page) in crawl::everything_linked(reader).unwrap() {
        let text = format!("{} ", page.text());
        assert!(!page.html.contains(concern), "{who} finds {marker} on {path}");
        assert!(!text.contains(marker), "{who} reads {marker} on {path}");
        assert!(
            !text.contains(&number),
            "{who} reads the number of {marker} on {path}"
        );
    }
    for end in ["", "/identify"] {
        let page = reader.visit(&format!("/concerns/{concern}{end}")).unwrap();
        assert_eq!(page.status, 404, "{who} opens {marker}");
        assert!(!page.text().contains(marker));
    }
    for action in [
        "acknowledge",
        "note",
        "show",
        "undo",
        "identify",
        "hand-over",
        "agree",
    ] {
        let answer = crawl::try_action(reader, concern, action).unwrap();
        assert_eq!(answer.status, 404, "{who} may {action} {marker}");
    }
}

/// They have it in their queue and read what was seen.
fn assert_reads(who: &str, reader: &Reader, concern: &str, marker: &str) {
    let queue = reader.visit("/queue").unwrap();
    assert!(queue.html.contains(concern), "{who} misses {marker}");
    assert!(!queue.text().contains(marker), "the queue quotes {marker}");
    let page = reader.visit(&format!("/concerns/{concern}")).unwrap();
    assert!(
        page.status == 200 && page.text().contains(marker),
        "{who} cannot read {marker}: {}",
        page.text()
    );
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
    assert_orphan_is_counted_by_no_reader_of_pupils(&school);
}

/// Mail goes to readers only, names nobody and quotes nothing.
fn assert_told_rightly(school: &WholeSchool, concerns: &[String]) {
    let store = school.store().unwrap();
    poll::until_so("the notices to be sent", || {
        store
            .number("SELECT count(*) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL")
            .unwrap()
            == 0
    })
    .unwrap();
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
        assert!(
            !message.to.contains(school::TECHNICIAN.email),
            "the technician is told: {}",
            message.text
        );
    }
}

/// A concern of the headteacher's that nobody may read is no business of the readers of pupils' concerns.
fn assert_orphan_is_counted_by_no_reader_of_pupils(school: &WholeSchool) {
    for (role, reader) in school.everybody() {
        for (path, page) in crawl::everything_linked(reader).unwrap() {
            assert!(
                !page.text().contains("nobody who signs in may see"),
                "{role} counts it on {path}"
            );
        }
    }
    let check = school.collector.command(&["check"]).output().unwrap();
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(
        said.contains("no reader left"),
        "`check` does not report it: {said}"
    );
}

#[test]
fn a_technician_sees_no_content_no_pupil_and_no_count() {
    let school = WholeSchool::start("technician").unwrap();
    let concern = flag(&school, "ashdown", "fight tricks marigold", "suicide", false);
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
            "ashdown",
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
    let list = school.collector.run(&["device", "list", "--json"]).unwrap();
    assert!(!list.contains("ashdown") && !list.contains("Ashdown"), "{list}");
}

#[test]
fn a_conflict_counts_at_once_and_until_it_is_ended() {
    let school = WholeSchool::start("conflict").unwrap();
    let (lead, head) = (&school.staff.lead, &school.staff.head);
    let first = flag(&school, "fairweather", "fight tricks marigold", "suicide", false);
    assert_reads(LEAD, lead, &first, "marigold");
    let queue = OpenQueue::of(lead).unwrap();
    poll::until_so("the queue to open", || queue.text().contains(&first)).unwrap();

    let page = head.visit("/people").unwrap();
    let form = Form::with_action(&page.html, "/people/conflicts").unwrap();
    let form = form.choosing("reader", &school::LEAD.name()).unwrap();
    let form = form.choosing("about", &school::OTHER_PUPIL.name()).unwrap();
    assert_eq!(head.send(&form).unwrap().status, 200);
    assert_knows_nothing(&school, LEAD, lead, &first, "marigold");
    let before = queue.text().len();
    let second = flag(
        &school,
        "fairweather",
        "fight Mr Smith snowdrop",
        "bullying",
        false,
    );
    let other = flag(&school, "ashdown", "fight tricks foxglove", "suicide", false);
    poll::until_so("the other pupil's concern", || queue.text().contains(&other)).unwrap();
    let after = queue.text()[before..].to_owned();
    assert!(
        !after.contains(&first) && !after.contains(&second),
        "the open queue still shows the pupil's"
    );
    assert_knows_nothing(&school, LEAD, lead, &second, "snowdrop");
    assert_reads(DEPUTY, &school.deputy, &second, "snowdrop");
    poll::until_so("mail about the second", || {
        let messages = school.mail.messages().unwrap();
        messages.iter().any(|message| message.text.contains(&second))
    })
    .unwrap();
    for message in school.mail.messages().unwrap() {
        let is_lead = message.to.contains(school::LEAD.email);
        assert!(!is_lead || !message.text.contains(&second), "the lead is told");
    }

    assert_eq!(
        head.submit("/people", "/people/conflicts/end", &[])
            .unwrap()
            .status,
        200
    );
    assert_reads(LEAD, lead, &second, "snowdrop");
}

#[test]
fn an_unknown_account_is_identified_unseen_and_goes_to_those_who_may_read_it() {
    let school = WholeSchool::start("unknown").unwrap();
    let (lead, head) = (&school.staff.lead, &school.staff.head);
    let identify = |reader: &Reader, concern: &str, person: &Person| {
        let path = format!("/concerns/{concern}/identify");
        let page = reader.visit(&path).unwrap();
        assert!(
            page.status == 200 && page.text().contains("not shown here"),
            "{}",
            page.text()
        );
        let form = Form::with_action(&page.html, "/identify").unwrap();
        reader
            .send(&form.choosing("person", &person.name()).unwrap())
            .unwrap()
    };
    let assert_unseen = |who: &str, reader: &Reader, concern: &str, marker: &str| {
        assert!(
            reader.visit("/queue").unwrap().html.contains(concern),
            "{who} misses {marker}"
        );
        for (path, page) in crawl::everything_linked(reader).unwrap() {
            assert!(!page.html.contains(marker), "{who} reads {marker} on {path}");
        }
    };
    // On a pupils' device: a teacher's, a pupil's, and the lead's own.
    let teachers = flag(&school, "guest-1", "fight tricks marigold", "violence", false);
    let pupils = flag(&school, "guest-2", "fight tricks snowdrop", "violence", false);
    let own = flag(&school, "guest-3", "fight tricks foxglove", "violence", false);
    for (concern, marker) in [(&teachers, "marigold"), (&pupils, "snowdrop"), (&own, "foxglove")] {
        assert_unseen(LEAD, lead, concern, marker);
        assert_unseen(DEPUTY, &school.deputy, concern, marker);
    }
    assert_eq!(identify(lead, &teachers, &school::TEACHER).status, 200);
    assert_knows_nothing(&school, LEAD, lead, &teachers, "marigold");
    assert_knows_nothing(&school, DEPUTY, &school.deputy, &teachers, "marigold");
    assert_reads(HEAD, head, &teachers, "marigold");
    assert_eq!(identify(lead, &pupils, &school::OTHER_PUPIL).status, 200);
    assert_reads(LEAD, lead, &pupils, "snowdrop");
    assert_eq!(identify(&school.deputy, &own, &school::LEAD).status, 200);
    assert_knows_nothing(&school, LEAD, lead, &own, "foxglove");
    assert_knows_nothing(&school, DEPUTY, &school.deputy, &own, "foxglove");
    assert_reads(HEAD, head, &own, "foxglove");
    // On a staff device: the headteacher's from the start.
    let staff = flag(&school, "guest-4", "fight tricks primrose", "violence", true);
    assert_unseen(HEAD, head, &staff, "primrose");
    assert_knows_nothing(&school, LEAD, lead, &staff, "primrose");
}

#[test]
fn a_childs_disclosure_on_a_staff_account_is_handed_to_the_lead_in_one_step() {
    let school = WholeSchool::start("disclosure").unwrap();
    let (lead, head) = (&school.staff.lead, &school.staff.head);
    let concern = flag(&school, "wisniewski", "told me marigold", "abuse", true);
    assert_reads(HEAD, head, &concern, "marigold");
    assert_knows_nothing(&school, LEAD, lead, &concern, "marigold");
    let path = format!("/concerns/{concern}");
    let form = Form::with_action(&head.visit(&path).unwrap().html, "/hand-over").unwrap();
    let form = form.choosing("child", &school::OTHER_PUPIL.name()).unwrap();
    let done = head
        .send(&form.with("words", "Written by the headteacher."))
        .unwrap();
    assert_eq!(done.status, 200, "{}", done.text());
    assert_reads(LEAD, lead, &concern, "marigold");
    let page = lead.visit(&path).unwrap().text();
    assert!(page.contains(&school::OTHER_PUPIL.name()), "{page}");
    assert!(
        page.contains("handed it over") && page.contains("Written by the headteacher."),
        "{page}"
    );
    let told = school.mail.message_to(school::LEAD.email).unwrap();
    assert!(told.text.contains(&concern), "{}", told.text);
    let recorded = "SELECT count(*) FROM action WHERE action = 'handed-over'";
    assert_eq!(school.store().unwrap().number(recorded).unwrap(), 1);
}
