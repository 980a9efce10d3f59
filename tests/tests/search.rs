//! The main job: what a pupil searches reaches those who look after children.

use pastoral_support::poll;
use pastoral_support::school;
use pastoral_tests::desktop::Desktop;
use pastoral_tests::site::Site;
use pastoral_tests::staff::Staff;
use pastoral_tests::window::Window;

#[test]
fn a_search_reaches_the_safeguarding_lead_s_queue_and_mailbox() {
    let site = Site::start("search").unwrap();
    let staff = Staff::join(&site.collector, &site.mail).unwrap();
    let desktop = Desktop::start(&site.pupil, &site.folder).unwrap();
    let _helper = site.laptop.helper(&desktop, &site.pupil).unwrap();
    let mut window = Window::open(&desktop, &site.pupil, &site.folder).unwrap();
    window.search("volcanoes for year 6").unwrap();
    window.search("i want to die").unwrap();
    site.laptop.until_delivered().unwrap();
    let on_page = || {
        staff
            .lead
            .visit("/queue")
            .unwrap()
            .text()
            .contains(&school::PUPIL.name())
    };
    poll::until_so("the concern in the queue", on_page).unwrap();
    let message = site.mail.message_to(school::LEAD.email).unwrap();
    for secret in [
        school::PUPIL.given,
        school::PUPIL.family,
        "want to die",
        "volcanoes",
    ] {
        assert!(!message.text.contains(secret), "{}", message.text);
    }
}
