use super::*;

fn day(number: i8) -> Option<Date> {
    Date::new(2026, 11, number).ok()
}

fn account(number: usize) -> AccountKey {
    ("local".into(), number.to_string())
}

#[test]
fn five_thousand_renewals_in_ten_seconds_are_a_day_s_and_one_an_hour() {
    let meter = Meter::default();
    let let_in = |from: i64, count: i64| {
        (0..count)
            .filter(|at| {
                meter
                    .take(day(28), "d", Limited::Certificates, from + at * 2)
                    .is_ok()
            })
            .count()
    };
    // The limit, and the first beyond it.
    assert_eq!(let_in(10_000_000, 5_156), 25);
    assert_eq!(let_in(10_000_000 + 3_600_000, 5_156), 1);
    assert!(meter.take(day(28), "other", Limited::Certificates, 0).is_ok());
    assert!(
        meter.take(day(29), "d", Limited::Certificates, 0).is_ok(),
        "another day"
    );
}

#[test]
fn what_a_person_allows_is_more_and_not_everything() {
    let meter = Meter::default();
    meter.allow(day(28), HashSet::from(["d".to_owned()]));
    assert!(meter.has_room(day(28), "d", Limited::Gaps, 15_000));
    assert!(!meter.has_room(day(28), "d", Limited::Gaps, 15_001));
    assert!(
        !meter.has_room(day(29), "d", Limited::Gaps, 15_000),
        "for that day"
    );
}

#[test]
fn severe_flags_of_many_accounts_are_let_in_a_few_of_each_and_bounded() {
    let meter = Meter::default();
    let flood = (0..1000).filter(|_| meter.lets_severe_in(day(28), "d", &account(0)));
    assert_eq!(flood.count(), SEVERE_OF_AN_ACCOUNT);
    assert!(meter.lets_severe_in(day(28), "d", &account(1)), "another account");
    let all = (2..10_000).filter(|number| meter.lets_severe_in(day(28), "d", &account(*number)));
    assert_eq!(all.count(), SEVERE_ACCOUNTS - 2);
}

#[test]
fn counts_survive_a_restart_and_are_written_once_a_minute_or_when_a_device_is_held_back() {
    let meter = Meter::default();
    meter.add(day(28), "d", Limited::Bytes, 700);
    let written = meter.take_unwritten(day(28), 1_000_000);
    assert_eq!((written.uses.len(), written.uses[0].used), (1, 700));
    meter.add(day(28), "d", Limited::Bytes, 1);
    assert_eq!(meter.take_unwritten(day(28), 1_001_000), Written::default());
    let first = meter.hold_back(day(28), "d", Limited::Bytes, 1_001_000);
    meter.lengthen(day(28), "d");
    let second = meter.hold_back(day(28), "d", Limited::Bytes, 1_001_000);
    assert!(first.pause_ms < second.pause_ms);
    let written = meter.take_unwritten(day(28), 1_001_000);
    assert_eq!(written.uses[0].held_back_at, Some(1_001_000));
    let again = Meter::of(day(28), written, HashSet::new());
    assert!(again.has_room(day(28), "d", Limited::Bytes, Limited::Bytes.a_day(false) - 701));
    assert!(!again.has_room(day(28), "d", Limited::Bytes, Limited::Bytes.a_day(false) - 700));
}

#[test]
fn after_a_restart_an_account_counts_once_and_no_more_severe_flags_are_let_in_than_before() {
    let meter = Meter::default();
    for number in 0..SEVERE_ACCOUNTS {
        meter.add_account(day(28), "d", account(number));
        assert!(meter.lets_severe_in(day(28), "d", &account(number)));
    }
    let written = meter.take_unwritten(day(28), 1_000_000);
    let again = Meter::of(day(28), written, HashSet::new());
    assert!(again.knows(day(28), "d", &account(0)));
    assert!(!again.lets_severe_in(day(28), "d", &account(SEVERE_ACCOUNTS)));
    let more = (0..100).filter(|_| again.lets_severe_in(day(28), "d", &account(0)));
    assert_eq!(more.count(), SEVERE_OF_AN_ACCOUNT - 1);
    again.add_account(day(28), "d", account(0));
    let most = Limited::Accounts.a_day(false);
    let left = most - i64::try_from(SEVERE_ACCOUNTS).unwrap();
    assert!(again.has_room(day(28), "d", Limited::Accounts, left));
    assert!(!again.has_room(day(28), "d", Limited::Accounts, left + 1));
}
