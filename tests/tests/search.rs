//! The main job: what a pupil searches reaches those who look after children.

use pastoral_tests::collector::Collector;
use pastoral_tests::desktop::Desktop;
use pastoral_tests::laptop::Laptop;
use pastoral_tests::mail::Mail;
use pastoral_tests::poll;
use pastoral_tests::process::Folder;
use pastoral_tests::reader::Reader;
use pastoral_tests::school;
use pastoral_tests::users::User;
use pastoral_tests::window::Window;

#[test]
fn a_search_reaches_the_headteacher_s_queue_and_mailbox() {
    let folder = Folder::new("search").unwrap();
    let mail = Mail::start(&folder).unwrap();
    let pupil = User::ordinary("pupil", &folder).unwrap();
    let collector = Collector::start(&folder, &mail, &[(school::PUPIL, &pupil.name)]).unwrap();
    let head = Reader::join(
        &collector.console(),
        school::HEADTEACHER,
        &collector.links.headteacher,
    )
    .unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    laptop.start().unwrap();
    laptop
        .enrol(&collector, &collector.token("pupils").unwrap())
        .unwrap();
    let desktop = Desktop::start(&pupil, &folder).unwrap();
    let _helper = laptop.helper(&desktop, &pupil).unwrap();
    let mut window = Window::open(&desktop, &pupil, &folder).unwrap();
    window.search("i want to die").unwrap();
    laptop.until_delivered().unwrap();
    poll::until_so("the concern in the queue", || {
        head.visit("/queue").unwrap().text().contains("Robin Ashdown")
    })
    .unwrap();
    let message = mail.message_to(school::HEADTEACHER.email).unwrap();
    assert!(
        !message.text.contains("Robin") && !message.text.contains("want to die"),
        "{}",
        message.text
    );
}
