//! Mail to a real server that asks for TLS and a login, as schools' servers do.

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_support::collector::Collector;
use pastoral_support::mail::{Door, Invited, Mail};
use pastoral_support::process::Folder;
use pastoral_support::{poll, school};
use pastoral_tests::reader::Reader;
use pastoral_tests::store::Store;

/// Mail does not leave here: the technician's link is read where it waits.
fn technician(collector: &Collector) -> Reader {
    let waiting = format!(
        "SELECT json_extract(matter, '$.link.path') FROM outbox WHERE notice = 'link' AND address = '{}'",
        school::TECHNICIAN.email
    );
    let text = Store::of(collector).unwrap().texts(&waiting).unwrap().remove(0);
    let invited = Invited::known(&text, &collector.code(&school::TECHNICIAN));
    Reader::join(&collector.url(), school::TECHNICIAN, &invited).unwrap()
}

fn until_health_says(technician: &Reader, words: &str) {
    let says = || technician.visit("/health").unwrap().text();
    let said = poll::until_so(words, || says().contains(words));
    assert!(said.is_ok(), "{}", says());
}

#[test]
fn mail_goes_to_a_server_that_asks_for_tls_and_a_login() {
    for door in [Door::Starttls, Door::Tls] {
        let folder = Folder::new("mail").unwrap();
        let mail = Mail::start_guarded(&folder, door, "localhost").unwrap();
        let _collector = Collector::of_school(&folder, &mail, &[]).unwrap();
        let message = mail.message_to(school::HEADTEACHER.email).unwrap();
        assert!(message.text.contains("audit record"), "{}", message.text);
    }
}

#[test]
fn a_mail_server_whose_certificate_is_for_another_name_is_told_nothing_and_the_console_says_why() {
    for door in [Door::Starttls, Door::Tls] {
        let folder = Folder::new("mail").unwrap();
        let mail = Mail::start_guarded(&folder, door, "elsewhere.test").unwrap();
        let collector = Collector::of_school(&folder, &mail, &[]).unwrap();
        until_health_says(
            &technician(&collector),
            "certificate is not good for the host under [mail]",
        );
        assert!(mail.messages().unwrap().is_empty());
    }
}

#[test]
fn a_wrong_mail_password_is_said_on_the_console_and_what_waited_leaves_once_it_is_right() {
    let folder = Folder::new("mail").unwrap();
    let mail = Mail::start_guarded(&folder, Door::Starttls, "localhost").unwrap();
    mail.set_password("wrong horse").unwrap();
    let mut collector = Collector::of_school(&folder, &mail, &[]).unwrap();
    until_health_says(
        &technician(&collector),
        "does not accept the user and password under [mail] (code 535",
    );
    assert!(mail.messages().unwrap().is_empty());
    mail.right_password().unwrap();
    collector.stop();
    collector.serve();
    mail.message_to(school::HEADTEACHER.email).unwrap();
}
