//! What `check` says of devices.

use super::{DAY_MS, Finding, finding};
use crate::cli::school;
use crate::clock;
use crate::devices::roll::{self, Called, Roll};
use crate::devices::verdict::Verdict;
use crate::store::devices::Device;
use crate::store::gaps;

pub(super) async fn findings(opened: &school::Opened) -> anyhow::Result<Vec<Finding>> {
    let school_id = &opened.school.school_id;
    let now = clock::now_ms();
    let mut db = opened.store.read().await?;
    let roll = roll::call(&mut db, school_id, &opened.profile.cover, now).await?;
    let mut findings = vec![
        devices_that(
            &roll,
            "clones",
            &|called| in_use(called) && called.device.cloned_at.is_some(),
            "every identity belongs to one device",
            "two devices use one identity; remove it from one of them and enrol that again",
        ),
        devices_that(
            &roll,
            "clocks",
            &|called| in_use(called) && clock_is_wrong(&called.device),
            "no device's clock is far off",
            "the clocks are wrong on",
        ),
        devices_that(
            &roll,
            "policies",
            &|called| in_use(called) && called.device.policy_refusal.is_some(),
            "no device has refused its policy",
            "the policy was refused by",
        ),
        devices_that(
            &roll,
            "silent",
            &|called| called.verdict == Verdict::NotHeard,
            "every device was heard on the last day on which it should have been",
            "not heard, so nobody knows whether they are protected",
        ),
        devices_that(
            &roll,
            "protected",
            &|called| called.verdict == Verdict::NotProtected,
            "every device that was heard is protected",
            "heard, but not protected; the console says what is wrong with",
        ),
        devices_that(
            &roll,
            "held back",
            &|called| !called.held_back.is_empty(),
            "no device did more than a laptop does in a day",
            "held back for doing more than a laptop does in a day; the console says what, and a person decides about",
        ),
        devices_that(
            &roll,
            "retired",
            &|called| called.device.retired_heard_at.is_some(),
            "no retired device has spoken",
            "retired, and speaking all the same; bring them back or find out who has them",
        ),
        silent_groups(&roll),
    ];
    let (gaps, quarantined) = gaps::count_since(&mut db, school_id, now - 7 * DAY_MS).await?;
    let says =
        format!("{gaps} gaps and {quarantined} unreadable records in the last week; the console shows where");
    findings.push(finding("gaps", gaps == 0 && quarantined == 0, says));
    Ok(findings)
}

/// Names the devices of which something bad is so.
fn devices_that(
    roll: &Roll,
    what: &'static str,
    is_so: &dyn Fn(&Called) -> bool,
    good: &str,
    says: &str,
) -> Finding {
    let bad: Vec<_> = roll.0.iter().filter(|called| is_so(called)).collect();
    if bad.is_empty() {
        return finding(what, true, good);
    }
    let names: Vec<_> = bad.iter().map(|called| called.name.as_str()).collect();
    finding(what, false, format!("{says}: {}", names.join(", ")))
}

fn in_use(called: &Called) -> bool {
    called.device.is_approved()
}

fn clock_is_wrong(device: &Device) -> bool {
    let wrong = |offset: i64| offset.saturating_abs() > roll::CLOCK_WRONG_MS;
    device.clock_offset_ms.is_some_and(wrong)
}

/// When all are silent at once it is mostly not the devices.
fn silent_groups(roll: &Roll) -> Finding {
    let groups = roll.silent_groups();
    let all: Vec<_> = groups
        .iter()
        .map(|(group, many)| format!("{group} ({many} devices)"))
        .collect();
    let says = if all.is_empty() {
        "of every group somebody is heard".to_owned()
    } else {
        format!(
            "nobody is heard of {}; look at the network and the collector's address",
            all.join(", ")
        )
    };
    finding("groups", all.is_empty(), says)
}
