//! Every page of the console in a real browser, as those who may see it: usable by everybody, wide and narrow.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use pastoral_support::{poll, school};
use pastoral_tests::browser::Browser;
use pastoral_tests::forms::{self, Form};
use pastoral_tests::looks::Looks;
use pastoral_tests::reader::{self, Reader};
use pastoral_tests::staff;
use pastoral_tests::whole_school::{Seen, WholeSchool};

const SEVERE: Seen<'static> = Seen {
    on_staff_device: false,
    account: "ibbotson",
    text: "i want to die",
    term: "i want to die",
    topic: "suicide",
    severity: 5,
    by_page: false,
};
const PAGE: Seen<'static> = Seen {
    on_staff_device: false,
    account: "jessop",
    text: "10 things everybody hates about the loser in class - Chat",
    term: "loser",
    topic: "bullying",
    severity: 3,
    by_page: true,
};
const STAFF: Seen<'static> = Seen {
    on_staff_device: true,
    account: "garside",
    text: "how to get round the school filter",
    term: "get round the school filter",
    topic: "filter-evasion",
    severity: 3,
    by_page: false,
};
const DISCLOSURE: Seen<'static> = Seen {
    on_staff_device: true,
    account: "garside",
    text: "a pupil told me he is being hurt at home",
    term: "hurt at home",
    topic: "abuse",
    severity: 4,
    by_page: false,
};
const UNKNOWN: Seen<'static> = Seen {
    on_staff_device: false,
    account: "guest-7",
    text: "unblocked games",
    term: "unblocked games",
    topic: "gaming",
    severity: 2,
    by_page: false,
};

/// A person sends a form of a concern's page.
fn act(reader: &Reader, concern: &str, action: &str, fields: &[(&str, &str)]) {
    let answer = reader.submit(&format!("/concerns/{concern}"), &format!("/{action}"), fields);
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200, "{action}: {}", answer.text());
}

#[test]
fn every_page_has_no_fault_that_axe_finds_and_fits_wide_and_narrow_screens() {
    let school = WholeSchool::start("pages").unwrap();
    let browser = Browser::start(&school.folder, 1280, 900).unwrap();
    let mut looks = Looks::new(&browser, &school.collector.url()).unwrap();
    visitors(&school, &mut looks);
    looks.signed_in_as(&school.staff.lead).unwrap();
    looks.page("queue-empty", "/queue", "Concerns").unwrap();
    looks.page("closed-empty", "/closed", "Closed concerns").unwrap();
    let severe = school.flag(&SEVERE).unwrap();
    pupils_concerns(&school, &mut looks, &severe);
    headteachers(&school, &mut looks, &severe);
    oversight(&school, &mut looks);
    assert!(looks.faults.is_empty(), "{}", looks.faults.join("\n"));
}

/// What somebody sees who is not signed in.
fn visitors(school: &WholeSchool, looks: &mut Looks<'_>) {
    let browser = looks.browser;
    looks.signed_out().unwrap();
    looks.page("sign-in", "/sign-in", "Sign in").unwrap();
    browser.fill("email", school::LEAD.email).unwrap();
    browser.click("main button[type=submit]").unwrap();
    looks.refused("sign-in-refused", "Sign in").unwrap();
    let lead = &school.staff.lead;
    looks.page("sign-in-again", "/sign-in", "Sign in").unwrap();
    browser.fill("email", school::LEAD.email).unwrap();
    browser.fill("password", lead.password()).unwrap();
    browser
        .fill("code", &lead.code_of_a_fast_phone().unwrap())
        .unwrap();
    browser.click("main button[type=submit]").unwrap();
    looks.refused("sign-in-phone-clock", "Sign in").unwrap();
    let said = browser.text().unwrap();
    assert!(said.contains("the clock of your phone is wrong"), "{said}");
    looks.page("not-found-visitor", "/nothing-here", "").unwrap();
    staff::propose(&school.staff.head, school::TEACHER, "deputy").unwrap();
    let code = staff::agree(&school.staff.chair).unwrap();
    let path = school.mail.invited(school::TEACHER.email, &code).path().unwrap();
    let spoilt = format!(
        "{}{}",
        &path[..path.len() - 1],
        if path.ends_with('0') { '1' } else { '0' }
    );
    looks
        .page("join-closed", &spoilt, "This link cannot be used")
        .unwrap();
    let path = path.as_str();
    looks.page("join", path, "Welcome").unwrap();
    browser.press("Finish").unwrap();
    looks.refused("join-refused", "Welcome").unwrap();
    let secret = browser
        .script("return document.querySelector('[name=secret]').value", vec![])
        .unwrap();
    browser.fill("heard", &code.to_lowercase()).unwrap();
    for field in ["password", "again"] {
        browser.fill(field, "three random words 7").unwrap();
    }
    browser
        .fill("code", &reader::code_shown_by(secret.as_str().unwrap()).unwrap())
        .unwrap();
    browser.press("Finish").unwrap();
    looks.here("recovery-codes", "Your recovery codes").unwrap();
}

/// The lead's queue and every sort of a pupil's concern.
fn pupils_concerns(school: &WholeSchool, looks: &mut Looks<'_>, severe: &str) {
    let browser = looks.browser;
    let lead = &school.staff.lead;
    browser
        .visit(&format!("{}/queue", school.collector.url()))
        .unwrap();
    let page = school.flag(&PAGE).unwrap();
    poll::until_so("the new concern in the open queue", || {
        browser.text().is_ok_and(|text| text.contains("Quin Jessop"))
    })
    .unwrap();
    let unknown = school.flag(&UNKNOWN).unwrap();
    for _ in 0..3 {
        school.flag(&PAGE).unwrap();
    }
    act(&school.deputy, &page, "acknowledge", &[]);
    looks.page("queue-full", "/queue", "Concerns").unwrap();
    looks
        .page(
            "concern-typed-severe",
            &format!("/concerns/{severe}"),
            "Pip Ibbotson",
        )
        .unwrap();
    act(
        &school.deputy,
        &page,
        "warn",
        &[("words", "Told off by the class teacher on Monday.")],
    );
    looks
        .page(
            "concern-page-written",
            &format!("/concerns/{page}"),
            "Quin Jessop",
        )
        .unwrap();
    browser.press("Mark as a false alarm").unwrap();
    browser
        .script(
            "document.querySelectorAll('details:has(input[name=phrase])').forEach(one => one.open = true)",
            vec![],
        )
        .unwrap();
    looks.here("concern-false-alarm", "Quin Jessop").unwrap();
    browser.press("Not a false alarm").unwrap();
    poll::until_so("the page that answers", || {
        browser
            .text()
            .is_ok_and(|text| !text.contains("Not a false alarm"))
    })
    .unwrap();
    browser
        .script(
            "document.querySelector('#note-words').closest('details').open = true",
            vec![],
        )
        .unwrap();
    browser.press("Save the note").unwrap();
    looks.refused("concern-refused", "Quin Jessop").unwrap();
    looks
        .page("concern-unknown", &format!("/concerns/{unknown}"), "")
        .unwrap();
    looks
        .page(
            "identify",
            &format!("/concerns/{unknown}/identify"),
            "Whose account is this?",
        )
        .unwrap();
    looks
        .page(
            "reassign",
            &format!("/concerns/{page}/reassign"),
            "Is it not Quin Jessop",
        )
        .unwrap();

    act(
        lead,
        &page,
        "close",
        &[
            ("outcome", "behaviour"),
            ("words", "Both have talked; nothing since."),
        ],
    );
    looks
        .page("concern-closed", &format!("/concerns/{page}"), "Quin Jessop")
        .unwrap();
    looks.page("closed", "/closed", "Closed concerns").unwrap();
    act(lead, severe, "acknowledge", &[]);
    act(
        lead,
        severe,
        "note",
        &[("words", "Pip is with me. Mother is on her way.")],
    );
    own_forms(looks, severe);
    act(
        lead,
        severe,
        "close",
        &[("outcome", "referred"), ("words", "Referred to the crisis team.")],
    );
    looks
        .page(
            "concern-waits-for-second",
            &format!("/concerns/{severe}"),
            "Pip Ibbotson",
        )
        .unwrap();

    looks
        .page("by-hand", "/concerns/new", "Record a concern")
        .unwrap();
    browser.press("Record the concern").unwrap();
    looks.refused("by-hand-refused", "Record a concern").unwrap();
    let new = lead.visit("/concerns/new").unwrap();
    let form = Form::with_action(&new.html, "/concerns/new").unwrap();
    let form = form.choosing("person", &school::OTHER_PUPIL.name()).unwrap();
    let form = form.choosing("kind", "Hate").unwrap().with("severity", "3");
    let form = form.with(
        "words",
        "Quin told the midday supervisor that older pupils shout at him.\nAt the gate, twice.",
    );
    assert_eq!(lead.send(&form).unwrap().status, 200);
    let store = school.store().unwrap();
    let by_hand = store
        .texts("SELECT concern_id FROM concern WHERE by_hand = 1")
        .unwrap();
    looks
        .page(
            "concern-by-hand",
            &format!("/concerns/{}", by_hand[0]),
            "Quin Jessop",
        )
        .unwrap();
}

/// What an owner writes into: all forms open, the question about a colleague, and a form that was open for too long.
fn own_forms(looks: &mut Looks<'_>, severe: &str) {
    let browser = looks.browser;
    let path = format!("/concerns/{severe}");
    let open = || {
        let all = "document.querySelectorAll('main details').forEach(one => { one.open = true })";
        browser.script(all, vec![]).unwrap();
    };
    let note = |words: &str| {
        open();
        let fill = "document.querySelector('#note-words').value = arguments[0]";
        browser.script(fill, vec![words.into()]).unwrap();
        browser.press("Save the note").unwrap();
    };
    looks.page("concern-mine", &path, "Pip Ibbotson").unwrap();
    open();
    looks.here("concern-mine-open", "Pip Ibbotson").unwrap();
    note(&format!("Rang mum together with {}.", school::DEPUTY.name()));
    looks
        .here("conduct", "Is it about what a colleague did?")
        .unwrap();
    looks.page("concern-mine-again", &path, "Pip Ibbotson").unwrap();
    let spoil = "document.querySelectorAll('[name=csrf]').forEach(one => { one.value = 'old' })";
    browser.script(spoil, vec![]).unwrap();
    note("Written while the session ended.");
    poll::until_so("the answer to a form that was open for too long", || {
        browser
            .script("return !document.querySelector('#note-words')", vec![])
            .is_ok_and(|gone| gone == true)
            || browser
                .texts(".govuk-error-summary, .govuk-notification-banner")
                .is_ok_and(|said| !said.is_empty())
    })
    .unwrap();
    looks.here("form-too-old", "").unwrap();
}

/// The headteacher's pages: staff, a disclosure before and after it is handed over, the second person.
fn headteachers(school: &WholeSchool, looks: &mut Looks<'_>, severe: &str) {
    let staff = school.flag(&STAFF).unwrap();
    let disclosed = school.flag(&DISCLOSURE).unwrap();
    let head = &school.staff.head;
    looks.signed_in_as(head).unwrap();
    looks.page("head-queue", "/queue", "Concerns").unwrap();
    looks
        .page("concern-staff", &format!("/concerns/{staff}"), "Flo Garside")
        .unwrap();
    looks
        .page(
            "concern-disclosure",
            &format!("/concerns/{disclosed}"),
            "Flo Garside",
        )
        .unwrap();
    looks
        .page(
            "concern-second-person",
            &format!("/concerns/{severe}"),
            "Pip Ibbotson",
        )
        .unwrap();
    let path = format!("/concerns/{disclosed}");
    let form = Form::with_action(&head.visit(&path).unwrap().html, "/hand-over").unwrap();
    let form = form.choosing("child", &school::PUPIL.name()).unwrap();
    assert_eq!(
        head.send(&form.with("words", "Told to Flo at break."))
            .unwrap()
            .status,
        200
    );
    looks.signed_in_as(&school.staff.lead).unwrap();
    looks.page("concern-handed-over", &path, "Pip Ibbotson").unwrap();
}

/// Devices, people, audit log, health and account, as those who look after them.
fn oversight(school: &WholeSchool, looks: &mut Looks<'_>) {
    let browser = looks.browser;
    school.let_a_device_ask();
    let asks = || {
        school
            .staff
            .technician
            .visit("/devices")
            .unwrap()
            .html
            .contains("/approve")
    };
    poll::until_so("the device that asks", asks).unwrap();
    let devices = school.collector.run(&["device", "list", "--json"]);
    let devices: serde_json::Value = serde_json::from_str(&devices).unwrap();
    assert!(devices.to_string().contains("pending"), "{devices}");

    looks.signed_in_as(&school.staff.head).unwrap();
    looks
        .page("people-head", "/people", "People with access")
        .unwrap();
    browser
        .script(
            "const person = document.querySelector('#person'); person.value = [...person.options].find(o => \
         o.text.includes('Garside')).value; document.querySelector('#duty').value = 'dsl'",
            vec![],
        )
        .unwrap();
    browser.press("Propose it").unwrap();
    looks.here("people-proposed", "People with access").unwrap();
    let people = school.staff.head.visit("/people").unwrap();
    let deputy = forms::links_of(&people.html);
    let is_person = |link: &&String| link.starts_with("/people/") && *link != "/people/import";
    let deputy = deputy.iter().find(is_person).unwrap();
    looks.page("person", deputy, "").unwrap();
    assert!(browser.text().unwrap().contains("oak.example"));
    let page = school.staff.head.visit("/people").unwrap();
    let form = Form::with_action(&page.html, "/people/conflicts").unwrap();
    let form = form.choosing("reader", &school::DEPUTY.name()).unwrap();
    let form = form.choosing("about", &school::OTHER_PUPIL.name()).unwrap();
    assert_eq!(school.staff.head.send(&form).unwrap().status, 200);
    looks.signed_in_as(&school.staff.chair).unwrap();
    looks
        .page("people-proposal", "/people", "People with access")
        .unwrap();
    looks.page("chair-queue", "/queue", "Concerns").unwrap();
    looks.page("audit-chair", "/audit", "Audit log").unwrap();
    looks.signed_in_as(&school.staff.lead).unwrap();
    for (name, path, heading) in OVERSEEN {
        looks.page(&format!("{name}-lead"), path, heading).unwrap();
    }
    looks
        .page("lists-noise", "/lists/noise", "Which terms cry wolf")
        .unwrap();
    looks.page("lists-try-again", "/lists/try", "Try a text").unwrap();
    browser.fill("text", "how to k1ll myself").unwrap();
    browser.press("Try it").unwrap();
    looks.here("lists-tried", "Try a text").unwrap();
    looks
        .page(
            "list-change",
            "/lists/pastoral-en-suicide/kill-myself",
            "kill myself",
        )
        .unwrap();
    browser
        .script(
            "document.querySelector('#phrase').closest('details').open = true",
            vec![],
        )
        .unwrap();
    browser.fill("phrase", "oboe").unwrap();
    browser.press("See what it would do").unwrap();
    looks.refused("list-change-refused", "kill myself").unwrap();
    looks
        .page("not-found", "/concerns/00000000-0000-4000-8000-000000000000", "")
        .unwrap();
    looks.signed_in_as(&school.staff.technician).unwrap();
    for (name, path, heading) in OVERSEEN {
        looks.page(&format!("{name}-technician"), path, heading).unwrap();
    }
    list_of_people(school, looks);
    looks
        .page("account-password", "/account/password", "Change your password")
        .unwrap();
    browser.fill("present", "something else").unwrap();
    browser.press("Change the password").unwrap();
    looks.refused("account-refused", "Change your password").unwrap();
    looks.page("not-for-technicians", "/queue", "").unwrap();
}

/// The technician gives lists of people: a workbook, and one without most pupils, which waits for a reader.
fn list_of_people(school: &WholeSchool, looks: &mut Looks<'_>) {
    let (browser, heading) = (looks.browser, "The school’s list of people");
    let list = school.folder.path().join("pupils.csv");
    let give = |bytes: &[u8]| {
        std::fs::write(&list, bytes).unwrap();
        browser.fill("files", &list.to_string_lossy()).unwrap();
        browser.press("Show what would change").unwrap();
    };
    looks
        .page("people-import-first", "/people/import", heading)
        .unwrap();
    give(b"PK\x03\x04");
    looks.refused("people-import-refused", heading).unwrap();
    let row = "new-1,student,nia.newcome,Nia,Newcome,,4";
    let wrong = "new-2,student,ola.oldcome,Ola,Oldcome,,99";
    let csv = format!("sourcedId,role,username,givenName,familyName,email,grades\n{row}\n{wrong}\n");
    looks
        .page("people-import-again", "/people/import", heading)
        .unwrap();
    give(csv.as_bytes());
    poll::until_so("the list to wait", || {
        browser.text().is_ok_and(|text| text.contains("Why it waits"))
    })
    .unwrap();
    looks.here("people-import-waits", heading).unwrap();
    assert!(!browser.text().unwrap().contains("Newcome"));
    looks.signed_in_as(&school.staff.lead).unwrap();
    looks
        .page("people-import-reader", "/people/import", heading)
        .unwrap();
    assert!(browser.text().unwrap().contains("I confirm that this is right"));
    looks.signed_in_as(&school.staff.technician).unwrap();
    looks
        .page("people-import-held", "/people/import", heading)
        .unwrap();
    browser.press("Drop it").unwrap();
    poll::until_so("the list to be dropped", || {
        browser.text().is_ok_and(|text| !text.contains("Why it waits"))
    })
    .unwrap();
    looks.here("people-import-dropped", heading).unwrap();
    let everybody = std::fs::read_to_string(school.folder.path().join("users.csv")).unwrap();
    let rows = "p-9,active,2026-09-01,true,purley-oaks,student,nia,,Nia,Newcome,,,,,,,04,\n\
                s-9,active,2026-09-01,true,purley-oaks,teacher,ola,,Ola,Oldcome,,,ola@oak.example,,,,,\n";
    give(format!("{everybody}{rows}").as_bytes());
    poll::until_so("what would change", || {
        browser.text().is_ok_and(|text| text.contains("Take it in"))
    })
    .unwrap();
    looks.here("people-import-plan", heading).unwrap();
    assert!(!browser.text().unwrap().contains("Newcome"));
    browser.press("Take it in").unwrap();
    poll::until_so("the list to be taken", || {
        browser.text().is_ok_and(|text| !text.contains("Take it in"))
    })
    .unwrap();
    looks.here("people-import-done", heading).unwrap();
    assert!(!browser.text().unwrap().contains("Newcome"));
}

const OVERSEEN: [(&str, &str, &str); 10] = [
    ("devices", "/devices", "Devices"),
    ("people", "/people", "People with access"),
    ("people-import", "/people/import", "The school’s list of people"),
    ("lists", "/lists", "Keyword lists"),
    ("list", "/lists/pastoral-en-suicide", "suicide"),
    ("list-changes", "/lists/changes", "Changes to the lists"),
    ("lists-try", "/lists/try", "Try a text"),
    ("health", "/health", "Health"),
    ("audit", "/audit", "Audit log"),
    ("account", "/account", "Your sign-in"),
];
