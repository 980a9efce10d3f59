use crate::concerns::category::{Facts, Rung, propose};
use crate::concerns::kind::{Kind, SubjectRole, kind_of};
use pastoral_keywords::Topic;
use proptest::prelude::*;
use proptest::sample::select;

fn ladder(pupil: bool) -> Vec<Rung> {
    super::purley_oaks().ladders.for_subject(pupil).to_vec()
}

fn facts(kind: Kind, topics: &[Topic], warned_at: Option<i64>) -> Facts {
    Facts {
        kind,
        topics: topics.iter().copied().collect(),
        last_event_at: 100,
        warned_at,
    }
}

proptest! {
    /// P22.
    #[test]
    fn welfare_concerns_never_have_a_category(
        topic in select(Topic::ALL), pupil in any::<bool>(), warned in proptest::option::of(any::<i64>()),
    ) {
        let role = if pupil { SubjectRole::Pupil } else { SubjectRole::Staff };
        let kind = kind_of(topic, role);
        let proposal = propose(&ladder(pupil), &facts(kind, &[topic], warned));
        prop_assert!(!kind.is_welfare() || proposal.is_none());
        // The shipped table speaks of every topic that can have one.
        prop_assert!(kind.is_welfare() || proposal.is_some(), "{topic} has no category for {role:?}");
    }

    /// P22: repetition counts only after a recorded warning, and then for one rung.
    #[test]
    fn a_category_rises_by_one_only_after_a_recorded_warning(
        topic in select(Topic::ALL), warned_at in proptest::option::of(0i64..200),
    ) {
        let kind = kind_of(topic, SubjectRole::Pupil);
        let ladder = ladder(true);
        let first = propose(&ladder, &facts(kind, &[topic], None));
        let now = propose(&ladder, &facts(kind, &[topic], warned_at));
        let place = |code| ladder.iter().position(|rung| rung.code == code).unwrap();
        if let (Some(first), Some(now)) = (first, now) {
            let rise = place(now.code) - place(first.code);
            let continued = warned_at.is_some_and(|warned| warned < 100);
            let top = place(first.code) + 1 == ladder.len();
            prop_assert_eq!(rise, usize::from(continued && !top));
            prop_assert_eq!(now.reason.contains("after a recorded warning"), continued);
        }
    }
}

/// P21, P22: Purley Oaks, appendix 5.
#[test]
fn bullying_is_c_and_continued_after_a_warning_d() {
    let once = propose(&ladder(true), &facts(Kind::Bullying, &[Topic::Bullying], None)).unwrap();
    assert_eq!(
        (once.code, once.reason.as_str()),
        ('C', "Bullying: category C in the school's table.")
    );
    let again = propose(
        &ladder(true),
        &facts(Kind::Bullying, &[Topic::Bullying], Some(50)),
    )
    .unwrap();
    assert_eq!(again.code, 'D');
}

#[test]
fn the_most_serious_of_several_topics_decides() {
    let proposal = propose(
        &ladder(true),
        &facts(Kind::Misuse, &[Topic::Gaming, Topic::Buying], None),
    )
    .unwrap();
    assert_eq!(proposal.code, 'B');
    let staff = propose(
        &ladder(false),
        &facts(Kind::StaffMisuse, &[Topic::Gaming, Topic::Hate], None),
    )
    .unwrap();
    assert_eq!(staff.code, 'B');
}
