use crate::concerns::cover::Cover;
use crate::concerns::escalation::{OutsideCover, Plan};
use crate::concerns::review::{Next, Review, first, next};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// A Monday in term, 10:00, with cover.
const MONDAY: i64 = 1_795_428_000_000;

fn cover() -> Cover {
    super::purley_oaks().cover.clone()
}

const fn plan(outside_cover: OutsideCover) -> Plan {
    Plan {
        tell_first: 1,
        next_after_ms: 30 * MINUTE,
        remind_after_ms: 120 * MINUTE,
        review_after_ms: 2 * DAY,
        outside_cover,
    }
}

#[test]
fn the_owner_is_asked_then_the_next_one_is_told_whoever_they_are() {
    let plan = plan(OutsideCover::TellAtOnce);
    let review = |owner, readers, at, answer_by| Review {
        owner,
        readers,
        at,
        answer_by,
    };
    let asks = Next::Ask {
        answer_by: MONDAY + 120 * MINUTE,
    };
    for (case, review, is) in [
        ("not yet", review(Some(0), 3, MONDAY + 1, None), Next::Wait),
        ("the day has come", review(Some(0), 3, MONDAY, None), asks),
        (
            "the machine was off for a year",
            review(Some(0), 3, MONDAY - 365 * DAY, None),
            asks,
        ),
        (
            "asked, time to answer",
            review(Some(0), 3, MONDAY - 1, Some(MONDAY + 1)),
            Next::Wait,
        ),
        (
            "no answer",
            review(Some(0), 3, MONDAY - 1, Some(MONDAY)),
            Next::PassOn { to: 1 },
        ),
        (
            "no answer of the last",
            review(Some(2), 3, MONDAY - 1, Some(MONDAY)),
            Next::PassOn { to: 0 },
        ),
        (
            "no answer of the only one",
            review(Some(0), 1, MONDAY - 1, Some(MONDAY)),
            Next::PassOn { to: 0 },
        ),
        (
            "left, long before the day",
            review(None, 2, MONDAY + DAY, None),
            Next::PassOn { to: 0 },
        ),
        (
            "left, and nobody else",
            review(None, 0, MONDAY, None),
            Next::Nobody,
        ),
    ] {
        assert_eq!(next(&plan, &cover(), &review, MONDAY), is, "{case}");
    }
}

#[test]
fn a_review_waits_for_cover_where_the_plan_does() {
    let friday = MONDAY - 3 * DAY;
    assert_eq!(
        first(&plan(OutsideCover::TellAtOnce), &cover(), friday),
        friday + 2 * DAY
    );
    let at = first(&plan(OutsideCover::WaitForCover), &cover(), friday);
    assert!(cover().is_open(at) && at > friday + 2 * DAY);
}
