use jiff::Timestamp;
use proptest::prelude::*;

fn cover() -> crate::concerns::cover::Cover {
    super::purley_oaks().cover.clone()
}

fn at(time: &str) -> i64 {
    time.parse::<Timestamp>().unwrap().as_millisecond()
}

#[test]
fn cover_follows_the_schools_clock_through_summer_time() {
    let cover = cover();
    // British summer time: 8:00 is 7:00 UTC. Winter: 8:00 UTC.
    assert!(cover.is_open(at("2026-09-02T07:00:00Z")) && !cover.is_open(at("2026-09-02T06:59:59Z")));
    assert!(cover.is_open(at("2026-11-23T08:00:00Z")) && !cover.is_open(at("2026-11-23T07:59:59Z")));
    assert!(cover.is_open(at("2026-11-23T16:59:59Z")) && !cover.is_open(at("2026-11-23T17:00:00Z")));
}

#[test]
fn weekends_and_holidays_wait_for_the_next_school_day() {
    let cover = cover();
    assert_eq!(
        cover.next_open(at("2026-11-21T12:00:00Z")),
        Some(at("2026-11-23T08:00:00Z"))
    );
    assert_eq!(
        cover.next_open(at("2026-12-18T17:00:00Z")),
        Some(at("2027-01-04T08:00:00Z"))
    );
    assert_eq!(
        cover.next_open(at("2026-11-23T06:00:00Z")),
        Some(at("2026-11-23T08:00:00Z"))
    );
    assert_eq!(
        cover.next_open(at("2026-11-23T09:30:00Z")),
        Some(at("2026-11-23T09:30:00Z"))
    );
    // After the last term that the profile knows.
    assert_eq!(cover.next_open(at("2030-01-01T00:00:00Z")), None);
}

proptest! {
    #[test]
    fn cover_begins_at_a_time_with_cover_and_never_before_it_is_asked_for(at in 1_780_000_000_000i64..1_830_000_000_000) {
        let cover = cover();
        if let Some(open) = cover.next_open(at) {
            prop_assert!(open >= at && cover.is_open(open));
        }
    }

    #[test]
    fn no_time_makes_it_panic(at in any::<i64>()) {
        let _ = cover().next_open(at);
    }
}
