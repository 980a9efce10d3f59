use crate::concerns::cover::Cover;
use crate::concerns::escalation::{OutsideCover, Plan, Progress, Step, Why, due, is_backlog, risen, start};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeSet;

const MINUTE: i64 = 60_000;

fn cover() -> Cover {
    super::purley_oaks().cover.clone()
}

fn plans() -> impl Strategy<Value = Plan> {
    let outside = select(vec![OutsideCover::TellAtOnce, OutsideCover::WaitForCover]);
    (0usize..4, 0i64..600, 0i64..3000, outside).prop_map(|(tell_first, next, remind, outside_cover)| Plan {
        tell_first,
        next_after_ms: next * MINUTE,
        remind_after_ms: remind * MINUTE,
        review_after_ms: next * MINUTE,
        outside_cover,
    })
}

const TIMES: std::ops::Range<i64> = 1_788_000_000_000..1_800_000_000_000;

fn next(plan: &Plan, cover: &Cover, readers: usize, step: &Step) -> Step {
    let progress = Progress {
        told: step.told,
        answered: false,
    };
    due(plan, cover, readers, progress, step.next_due_at.unwrap())
}

proptest! {
    /// P19: nobody reading it is itself escalated, until every reader has been told, each once; then all are reminded.
    #[test]
    fn every_reader_is_told_in_turn_and_then_all_again(plan in plans(), readers in 1usize..7, now in TIMES) {
        let cover = cover();
        let mut step = start(&plan, &cover, readers, now);
        let mut told: Vec<usize> = step.tell.clone();
        prop_assert!(!told.is_empty());
        while step.told < readers {
            step = next(&plan, &cover, readers, &step);
            prop_assert_eq!(step.tell.len(), 1);
            told.extend(&step.tell);
        }
        prop_assert_eq!(told, (0..readers).collect::<Vec<_>>());
        let again = next(&plan, &cover, readers, &step);
        prop_assert_eq!((again.tell, again.why), ((0..readers).collect(), Why::Reminder));
    }

    /// It never stops while nobody answers, and never runs hot.
    #[test]
    fn it_looks_again_as_long_as_nobody_answers_and_never_within_a_minute(
        plan in plans(), readers in 1usize..7, now in TIMES, rounds in 1usize..20,
    ) {
        let cover = cover();
        let mut step = start(&plan, &cover, readers, now);
        let mut before = now;
        for _ in 0..rounds {
            let at = step.next_due_at.unwrap();
            prop_assert!(at >= before + MINUTE);
            before = at;
            step = next(&plan, &cover, readers, &step);
        }
    }

    #[test]
    fn it_ends_when_somebody_answers(plan in plans(), readers in 0usize..7, told in 0usize..9, now in TIMES) {
        let step = due(&plan, &cover(), readers, Progress { told, answered: true }, now);
        prop_assert!(step.tell.is_empty() && step.next_due_at.is_none());
    }

    /// Each rise of severity notifies once, also when it was already acknowledged; those told before hear of it first.
    #[test]
    fn a_rise_tells_whoever_was_told_also_when_acknowledged(
        plan in plans(), readers in 1usize..7, told in 0usize..7, answered in any::<bool>(), now in TIMES,
    ) {
        let step = risen(&plan, &cover(), readers, Progress { told, answered }, now);
        let hear: BTreeSet<_> = step.tell.iter().copied().collect();
        prop_assert!(!step.tell.is_empty() && step.why == Why::Risen);
        prop_assert!((0..told.min(readers)).all(|place| hear.contains(&place)));
        prop_assert_eq!(step.next_due_at.is_none(), answered);
    }

    /// What happens outside cover hours is what the profile says.
    #[test]
    fn outside_cover_it_waits_only_where_the_plan_says_so(plan in plans(), readers in 1usize..7, now in TIMES) {
        let cover = cover();
        let step = start(&plan, &cover, readers, now);
        match plan.outside_cover {
            OutsideCover::TellAtOnce => prop_assert_eq!(step.notices_at, now),
            OutsideCover::WaitForCover => {
                prop_assert!(cover.is_open(step.notices_at));
                prop_assert!(!cover.is_open(now) || step.notices_at == now);
            }
        }
    }

    /// Timers start at commit, never at the event.
    #[test]
    fn only_places_of_readers_are_told(
        plan in plans(), readers in 0usize..7, told in any::<usize>(), now in TIMES, answered in any::<bool>(),
    ) {
        let (cover, progress) = (cover(), Progress { told, answered });
        for step in [start(&plan, &cover, readers, now), risen(&plan, &cover, readers, progress, now), due(&plan, &cover, readers, progress, now)] {
            prop_assert!(step.tell.iter().all(|place| *place < readers));
            prop_assert!(readers > 0 || step.next_due_at.is_none());
        }
    }

    #[test]
    fn severity_five_is_never_left_to_the_digest(event in any::<i64>(), commit in any::<i64>()) {
        prop_assert!(!is_backlog(5, event, commit));
    }
}

#[test]
fn what_is_over_an_hour_old_at_commit_is_backlog() {
    assert!(is_backlog(4, 0, 61 * MINUTE));
    assert!(!is_backlog(4, 0, 60 * MINUTE));
    // A device whose clock is ahead.
    assert!(!is_backlog(4, 60 * MINUTE, 0));
}
