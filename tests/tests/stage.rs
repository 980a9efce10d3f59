//! What the other tests stand on: a pupil's own desktop, a real browser on it, a mail server, a disk that fills.

use pastoral_support::disk::SmallDisk;
use pastoral_support::mail::Mail;
use pastoral_support::poll;
use pastoral_support::process::Folder;
use pastoral_support::users::User;
use pastoral_tests::browser::{Browser, PupilBrowser};
use pastoral_tests::desktop::Desktop;
use pastoral_tests::search_site::SearchSite;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

#[test]
fn a_pupil_types_a_search_and_the_window_is_titled_as_search_engines_do() {
    let folder = Folder::new("stage").unwrap();
    let pupil = User::ordinary("pupil", &folder).unwrap();
    let desktop = Desktop::start(&pupil, &folder).unwrap();
    let site = SearchSite::start().unwrap();
    let _browser = PupilBrowser::open(&desktop, &pupil, &folder, &site.address()).unwrap();
    let titles = desktop.titles().unwrap();
    poll::until_so("the search page", || {
        titles.current().unwrap() == "Google - Chromium"
    })
    .unwrap();
    site.take_words(&desktop, &pupil, "rock pools & tides").unwrap();
    desktop.hands(&pupil, &["key", "Return"]).unwrap();
    poll::until_so("the answers", || {
        titles.current().unwrap() == "rock pools & tides - Google Search - Chromium"
    })
    .unwrap();
}

#[test]
fn a_page_is_read_by_a_real_browser() {
    let folder = Folder::new("stage").unwrap();
    let site = SearchSite::start().unwrap();
    let browser = Browser::start(&folder, 1200, 900).unwrap();
    browser.visit(&site.address()).unwrap();
    browser.fill("q", "volcanoes").unwrap();
    browser.press("Search").unwrap();
    poll::until_so("the answers", || {
        browser.text().unwrap().contains("About 3 results for volcanoes")
    })
    .unwrap();
}

#[test]
fn the_mail_server_keeps_what_it_takes() {
    let folder = Folder::new("stage").unwrap();
    let mail = Mail::start(&folder).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", mail.port())).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let message = "HELO a\r\nMAIL FROM:<a@school.test>\r\nRCPT TO:<b@school.test>\r\nDATA\r\nSubject: =C3=A9\r\n\r\nBody\r\n.\r\n";
    for line in message.split_inclusive("\r\n") {
        stream.write_all(line.as_bytes()).unwrap();
        let answered = ["HELO", "MAIL", "RCPT", "DATA", ".\r\n"]
            .iter()
            .any(|begin| line.starts_with(begin));
        if answered {
            answers.read_line(&mut String::new()).unwrap();
        }
    }
    let message = mail.message_to("b@school.test").unwrap();
    assert_eq!(message.header("Subject"), Some("é"));
    assert!(message.text.ends_with("Body\n"), "{}", message.text);
}

#[test]
fn a_small_disk_fills_and_is_freed() {
    let folder = Folder::new("stage").unwrap();
    let path = folder.path().join("disk");
    let disk = SmallDisk::mount(&path, 1).unwrap();
    disk.fill().unwrap();
    assert!(std::fs::write(path.join("more"), [0; 8192]).is_err());
    disk.free().unwrap();
    std::fs::write(path.join("more"), [0; 8192]).unwrap();
}
