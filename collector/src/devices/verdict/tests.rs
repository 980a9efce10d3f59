//! Silence is not protection: which silences count, and which do not.

use super::*;
use crate::devices::roll::{Roll, judge};
use crate::store::devices::DeviceState;
use crate::store::heard::{DayOfCollector, DayOfGroup};

const HOUR_MS: i64 = 60 * 60 * 1000;

fn cover() -> Cover {
    crate::profile::Profile::parse(
        crate::profile::Profile::shipped("purley-oaks").unwrap(),
        "purley-oaks",
    )
    .unwrap()
    .cover
}

fn at(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// A device of a group that last said how it is at a time.
fn device(number: usize, group: &str, said_at: Option<&str>) -> Device {
    Device {
        device_id: format!("{number:08}-0000"),
        host_name: format!("laptop-{number}"),
        os: "linux".into(),
        group: group.into(),
        state: DeviceState::Approved,
        confirm_code: String::new(),
        asked_at: 0,
        agent_version: String::new(),
        connected: false,
        last_seen_at: said_at.map(at),
        clock_offset_ms: Some(0),
        cloned_at: None,
        policy_refusal: None,
        health: said_at.map(|said| format!(r#"{{"at":{}}}"#, at(said))),
        retired_at: None,
        retired_heard_at: None,
        allowed_at: None,
    }
}

fn on(group: &str, day: &str, devices: i64) -> DayOfGroup {
    DayOfGroup {
        group_name: group.into(),
        day: day.into(),
        devices,
    }
}

fn called(devices: Vec<Device>, days: &[DayOfGroup], now: &str) -> Roll {
    let heard = Heard {
        groups: days.to_vec(),
        collector: Vec::new(),
    };
    judge(devices, &heard, &[], &cover(), at(now))
}

fn verdict(said_at: &str, now: &str) -> Verdict {
    called(vec![device(1, "pupils", Some(said_at))], &[], now).0[0].verdict
}

#[test]
fn agents_that_ended_are_not_heard_once_a_school_day_is_over_without_them() {
    let tuesday = "2026-11-24T10:00:00Z";
    assert_eq!(verdict(tuesday, "2026-11-24T18:00:00Z"), Verdict::Protected);
    assert_eq!(verdict(tuesday, "2026-11-25T16:59:00Z"), Verdict::Protected);
    assert_eq!(verdict(tuesday, "2026-11-25T17:00:00Z"), Verdict::NotHeard);
    let all = (0..28).map(|number| device(number, "pupils", Some(tuesday)));
    let roll = called(all.collect(), &[], "2026-12-03T12:00:00Z");
    assert_eq!(roll.of(Verdict::NotHeard).count(), 28);
    assert_eq!(
        roll.headline(),
        "28 devices in use: 0 protected, 0 not protected, 28 not heard."
    );
}

#[test]
fn a_group_of_which_nobody_is_heard_is_said_and_does_not_look_well() {
    let mut devices: Vec<_> = (0..4)
        .map(|number| device(number, "pupils", Some("2026-11-23T10:00:00Z")))
        .collect();
    devices.push(device(9, "staff", Some("2026-11-26T10:00:00Z")));
    let roll = called(devices, &[], "2026-11-26T12:00:00Z");
    assert_eq!(roll.silent_groups(), [("pupils", 4)]);
    assert_eq!(roll.of(Verdict::Protected).count(), 1);
}

#[test]
fn weekends_and_holidays_make_nobody_silent_but_two_weeks_do() {
    let friday = "2026-11-20T15:00:00Z";
    assert_eq!(verdict(friday, "2026-11-23T09:00:00Z"), Verdict::Protected);
    let last_day = "2026-12-18T15:00:00Z";
    assert_eq!(verdict(last_day, "2026-12-30T12:00:00Z"), Verdict::Protected);
    assert_eq!(verdict(last_day, "2027-01-02T12:00:00Z"), Verdict::NotHeard);
}

#[test]
fn a_weekend_counts_for_a_group_of_which_half_was_heard() {
    let friday = "2026-11-20T15:00:00Z";
    let now = "2026-11-22T09:00:00Z";
    let devices = || (0..4).map(|number| device(number, "boarders", Some(friday)));
    let silent = |heard| {
        let days = [on("boarders", "2026-11-21", heard)];
        called(devices().collect(), &days, now)
            .of(Verdict::NotHeard)
            .count()
    };
    assert_eq!((silent(1), silent(2)), (0, 4));
    let holiday = [on("boarders", "2026-12-22", 3)];
    let in_holiday = (0..4).map(|number| device(number, "boarders", Some("2026-12-18T15:00:00Z")));
    let roll = called(in_holiday.collect(), &holiday, "2026-12-23T12:00:00Z");
    assert_eq!(roll.of(Verdict::NotHeard).count(), 0);
}

#[test]
fn an_open_stream_that_says_nothing_is_not_heard() {
    let mut hanging = device(1, "pupils", Some("2026-11-24T10:00:00Z"));
    hanging.connected = true;
    // It goes on delivering, and does not say how it is.
    hanging.last_seen_at = Some(at("2026-11-24T10:11:00Z"));
    let roll = called(vec![hanging], &[], "2026-11-24T10:11:00Z");
    assert_eq!(roll.0[0].verdict, Verdict::NotHeard);
    assert_eq!(roll.0[0].silence, Some(Silence::Hanging));
}

#[test]
fn what_never_said_how_it_is_or_says_so_from_the_future_is_not_heard() {
    let mut never = device(1, "pupils", None);
    never.connected = true;
    never.last_seen_at = Some(at("2026-11-24T10:00:00Z"));
    let ahead = device(2, "pupils", Some("2027-03-04T10:00:00Z"));
    let roll = called(vec![never, ahead], &[], "2026-11-24T10:00:01Z");
    assert_eq!(roll.0[0].silence, Some(Silence::Never));
    assert_eq!(roll.0[1].silence, Some(Silence::Ahead));
    assert_eq!(roll.of(Verdict::NotHeard).count(), 2);
}

#[test]
fn a_clock_far_off_is_not_protected() {
    for offset in [100 * 24 * HOUR_MS, -100 * 24 * HOUR_MS, i64::MIN, i64::MAX] {
        let mut off = device(1, "pupils", Some("2026-11-24T10:00:00Z"));
        off.clock_offset_ms = Some(offset);
        let roll = called(vec![off], &[], "2026-11-24T10:00:30Z");
        assert_eq!(roll.0[0].verdict, Verdict::NotProtected);
    }
}

#[test]
fn what_is_retired_or_waits_counts_nowhere_among_those_in_use() {
    let mut retired = device(1, "pupils", Some("2026-11-24T10:00:00Z"));
    retired.state = DeviceState::Revoked;
    retired.retired_at = Some(at("2026-11-24T11:00:00Z"));
    let mut cut_off = device(2, "pupils", None);
    cut_off.state = DeviceState::Revoked;
    let mut waiting = device(3, "pupils", None);
    waiting.state = DeviceState::Pending;
    let well = device(4, "pupils", Some("2026-12-03T11:59:00Z"));
    let roll = called(vec![retired, cut_off, waiting, well], &[], "2026-12-03T12:00:00Z");
    assert_eq!(
        roll.headline(),
        "1 device in use: 1 protected, 0 not protected, 0 not heard. 1 waiting to join. 1 retired."
    );
    assert!(roll.silent_groups().is_empty());
}

#[test]
fn every_verdict_has_a_code_and_words_of_its_own() {
    let codes: BTreeSet<_> = Verdict::ALL.iter().map(|verdict| verdict.code()).collect();
    let words: BTreeSet<_> = Verdict::ALL.iter().map(|verdict| verdict.words()).collect();
    assert_eq!(
        (codes.len(), words.len()),
        (Verdict::ALL.len(), Verdict::ALL.len())
    );
    let styles = include_str!("../../../assets/src/console.scss");
    for verdict in Verdict::ALL
        .into_iter()
        .filter(|verdict| *verdict != Verdict::Protected)
    {
        let class = format!(".app-device--{}", verdict.code());
        assert!(styles.contains(&class), "{class}");
    }
}

#[test]
fn a_collector_that_was_off_for_days_does_not_call_every_laptop_silent() {
    let monday = "2026-11-23T15:00:00Z";
    let there = |days: &[(&str, i64)]| Heard {
        groups: Vec::new(),
        collector: days
            .iter()
            .map(|(day, minutes)| DayOfCollector {
                day: (*day).to_owned(),
                minutes: *minutes,
            })
            .collect(),
    };
    let silent = |heard: &Heard, now: &str| {
        let devices = (0..28).map(|number| device(number, "pupils", Some(monday)));
        let roll = judge(devices.collect(), heard, &[], &cover(), at(now));
        roll.of(Verdict::NotHeard).count()
    };
    // Off from Monday's evening to Friday's morning, but for a start that lasted minutes.
    let off = there(&[("2026-11-23", 500), ("2026-11-25", 4), ("2026-11-27", 60)]);
    assert_eq!(silent(&off, "2026-11-27T09:00:00Z"), 0);
    // Whoever does not come back on the Friday is not heard.
    assert_eq!(silent(&off, "2026-11-27T18:00:00Z"), 28);
    // From before it wrote that down, days count.
    let new = there(&[("2026-11-27", 60)]);
    assert_eq!(silent(&new, "2026-11-27T09:00:00Z"), 28);
}

#[test]
fn a_saturday_lesson_half_term_and_a_group_of_one_alarm_nobody_who_is_well() {
    let friday = "2026-11-20T15:00:00Z";
    let saturday_evening = "2026-11-21T19:00:00Z";
    // A lesson for a few of the group.
    let devices = (0..10).map(|number| device(number, "sixth-form", Some(friday)));
    let few = called(
        devices.collect(),
        &[on("sixth-form", "2026-11-21", 4)],
        saturday_evening,
    );
    assert_eq!(few.of(Verdict::NotHeard).count(), 0);
    // One alone in its group is nobody's custom on a Saturday, is not heard after a school day, and is no silent group.
    let one = |now| {
        let days = [on("library", "2026-11-21", 1)];
        let roll = called(vec![device(1, "library", Some(friday))], &days, now);
        (roll.0[0].verdict, roll.silent_groups().len())
    };
    assert_eq!(one(saturday_evening), (Verdict::Protected, 0));
    assert_eq!(one("2026-11-23T18:00:00Z"), (Verdict::NotHeard, 0));
    // A week off within the term.
    let mut cover = cover();
    let week = crate::concerns::cover::Days {
        from: "2026-11-23".parse().unwrap(),
        to: "2026-11-27".parse().unwrap(),
    };
    cover.days_off.push(week);
    let well = |now| {
        let device = device(1, "pupils", Some(friday));
        judge(vec![device], &Heard::default(), &[], &cover, at(now)).0[0].verdict
    };
    assert_eq!(well("2026-11-29T12:00:00Z"), Verdict::Protected);
    assert_eq!(well("2026-11-30T18:00:00Z"), Verdict::NotHeard);
}

#[test]
fn a_laptop_that_only_says_that_it_is_on_is_not_protected_while_its_helper_is_dead() {
    let now = "2026-11-24T10:00:30Z";
    let verdict = |health: String| {
        let mut device = device(1, "pupils", Some("2026-11-24T10:00:00Z"));
        device.connected = true;
        device.health = Some(health);
        let roll = called(vec![device], &[], now);
        (roll.0[0].verdict, roll.0[0].troubles.join(" "))
    };
    let said = at("2026-11-24T10:00:00Z");
    let (dead, words) = verdict(format!(
        r#"{{"at":{said},"helpers":[{{"alive":false}},{{"alive":true}}]}}"#
    ));
    assert_eq!(dead, Verdict::NotProtected);
    assert!(
        words.contains("On 1 desktop the helper does not answer"),
        "{words}"
    );
    let (alive, _) = verdict(format!(r#"{{"at":{said},"helpers":[{{"alive":true}}]}}"#));
    assert_eq!(alive, Verdict::Protected);
    // What cannot be read says nothing.
    assert_eq!(verdict("{".into()).0, Verdict::NotHeard);
}

#[test]
fn a_laptop_that_was_renamed_is_the_same_and_two_of_one_name_are_told_apart() {
    let names = |first: &str, second: &str| {
        let heard = Some("2026-11-24T10:00:00Z");
        let (mut one, mut other) = (device(1, "pupils", heard), device(2, "pupils", heard));
        (one.host_name, other.host_name) = (first.into(), second.into());
        let roll = called(vec![one, other], &[], "2026-11-24T10:00:30Z");
        roll.0
            .iter()
            .map(|called| called.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("cart-1", "cart-2"), ["cart-1", "cart-2"]);
    assert_eq!(
        names("cart-1", "cart-1"),
        ["cart-1 (00000001)", "cart-1 (00000002)"]
    );
}
