//! Who learns of a concern when it turns out whose it is (P20, invariant 4): a conflict recorded, an account identified, a
//! child's disclosure handed over.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod knowing;

use knowing::{DEPUTY, HEAD, LEAD, assert_knows_nothing, assert_reads, flag};
use pastoral_support::poll;
use pastoral_support::school::{self, Person};
use pastoral_tests::crawl::{self, OpenQueue};
use pastoral_tests::forms::Form;
use pastoral_tests::reader::Reader;
use pastoral_tests::whole_school::WholeSchool;

#[test]
fn a_conflict_counts_at_once_and_until_it_is_ended() {
    let school = WholeSchool::start("conflict").unwrap();
    let (lead, head) = (&school.staff.lead, &school.staff.head);
    let first = flag(&school, "jessop", "fight tricks marigold", "suicide", false);
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
    let second = flag(&school, "jessop", "fight Mr Smith snowdrop", "bullying", false);
    let other = flag(&school, "ibbotson", "fight tricks hollyhock", "suicide", false);
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
        let form = form.choosing("person", &person.name()).unwrap();
        let asked = format!("{path}?person={}", form.field("person").unwrap());
        let asked = reader.visit(&asked).unwrap();
        assert!(asked.text().contains(&format!("Is this {}?", person.name())));
        reader
            .send(&Form::with_action(&asked.html, "/identify").unwrap())
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
    let own = flag(&school, "guest-3", "fight tricks hollyhock", "violence", false);
    for (concern, marker) in [
        (&teachers, "marigold"),
        (&pupils, "snowdrop"),
        (&own, "hollyhock"),
    ] {
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
    assert_knows_nothing(&school, LEAD, lead, &own, "hollyhock");
    assert_knows_nothing(&school, DEPUTY, &school.deputy, &own, "hollyhock");
    assert_reads(HEAD, head, &own, "hollyhock");
    // On a staff device: the headteacher's from the start.
    let staff = flag(&school, "guest-4", "fight tricks primrose", "violence", true);
    assert_unseen(HEAD, head, &staff, "primrose");
    assert_knows_nothing(&school, LEAD, lead, &staff, "primrose");
}

#[test]
fn a_childs_disclosure_on_a_staff_account_is_handed_to_the_lead_in_one_step() {
    let school = WholeSchool::start("disclosure").unwrap();
    let (lead, head) = (&school.staff.lead, &school.staff.head);
    let concern = flag(&school, "garside", "told me marigold", "abuse", true);
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
    poll::until_so("mail to the lead about it", || {
        let messages = school.mail.messages().unwrap();
        let of_it = |to: &str, text: &str| to.contains(school::LEAD.email) && text.contains(&concern);
        messages.iter().any(|message| of_it(&message.to, &message.text))
    })
    .unwrap();
    let recorded = "SELECT count(*) FROM action WHERE action = 'handed-over'";
    assert_eq!(school.store().unwrap().number(recorded).unwrap(), 1);
}
