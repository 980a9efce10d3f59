//! A laptop whose clock is a day off, with the real agent at the real collector.

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_support::poll;
use pastoral_tests::shifted::Shifted;
use pastoral_tests::site::{SEVERE, Site};

/// By how much a flag's time may differ from the true one, in milliseconds: far less than a day.
const NEAR_MS: i64 = 60 * 60 * 1000;

#[test]
fn a_laptop_whose_clock_is_a_day_off_says_so_and_its_flag_arrives_with_its_true_time() {
    for (shift, words) in [("+1d", "hours (ahead"), ("-1d", "hours (behind")] {
        let mut site = Site::start("clocks").unwrap();
        let clock = Shifted::new(&site.folder).unwrap();
        clock.shift(shift).unwrap();
        site.laptop.stop().unwrap();
        site.laptop.start_with(&clock.environment()).unwrap();
        let troubles = site.until_trouble("clock is wrong").unwrap();
        assert!(troubles.contains(words), "{troubles}");
        assert!(troubles.contains("NTP"), "{troubles}");
        let mut speaker = site.speaker().unwrap();
        speaker.search(SEVERE).unwrap();
        let store = site.store().unwrap();
        poll::until_so("the flag", || store.flags().unwrap() == 1).unwrap();
        let off = "SELECT observed_at + clock_offset_ms - received_at FROM flag";
        let off = store.number(off).unwrap();
        assert!(off.abs() < NEAR_MS, "{shift}: off by {off} ms");
        let uncorrected = store
            .number("SELECT observed_at - received_at FROM flag")
            .unwrap();
        assert!(
            uncorrected.abs() > NEAR_MS,
            "{shift}: the laptop's clock was right"
        );
    }
}
