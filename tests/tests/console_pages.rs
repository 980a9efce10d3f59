//! Every page of the console in a real browser, as those who may see it: usable by everybody, wide and narrow, by
//! keyboard, and without scripts.

use pastoral_tests::browser::Browser;
use pastoral_tests::collector::Collector;
use pastoral_tests::mail::Mail;
use pastoral_tests::process::Folder;

#[test]
fn the_sign_in_page_fits_a_narrow_screen() {
    let folder = Folder::new("pages").unwrap();
    let mail = Mail::start(&folder).unwrap();
    let collector = Collector::start(&folder, &mail, &[]).unwrap();
    let browser = Browser::start(&folder, 500, 900).unwrap();
    browser.visit(&format!("{}/sign-in", collector.console())).unwrap();
    let wider = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert_eq!(browser.script(wider, vec![]).unwrap(), false);
}
