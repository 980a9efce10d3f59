//! Who knows of a concern, asked of every page that somebody can reach.

use pastoral_tests::crawl;
use pastoral_tests::reader::Reader;
use pastoral_tests::whole_school::{Seen, WholeSchool};

pub(crate) const LEAD: &str = "Safeguarding lead";
pub(crate) const DEPUTY: &str = "Deputy";
pub(crate) const HEAD: &str = "Headteacher";

pub(crate) fn flag(
    school: &WholeSchool,
    account: &str,
    text: &str,
    topic: &str,
    on_staff_device: bool,
) -> String {
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

/// Nothing they can reach or try shows this concern, quotes it, or says its reference.
pub(crate) fn assert_knows_nothing(
    school: &WholeSchool,
    who: &str,
    reader: &Reader,
    concern: &str,
    marker: &str,
) {
    let reference = school.reference(concern).unwrap();
    for (path, page) in crawl::everything_linked(reader).unwrap() {
        let text = format!("{} ", page.text());
        assert!(!page.html.contains(concern), "{who} finds {marker} on {path}");
        assert!(!text.contains(marker), "{who} reads {marker} on {path}");
        assert!(
            !text.contains(&reference),
            "{who} reads the reference of {marker} on {path}"
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
pub(crate) fn assert_reads(who: &str, reader: &Reader, concern: &str, marker: &str) {
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
