use crate::concerns::grouping::{Candidate, Key, Placement, Whose, place};
use crate::concerns::kind::Kind;
use proptest::prelude::*;
use proptest::sample::select;

const WINDOW: i64 = 100;

fn keys() -> impl Strategy<Value = Key> {
    let whose = prop_oneof![
        select(vec!["a", "b"]).prop_map(|person| Whose::Person(person.into())),
        (0i64..2).prop_map(Whose::Account),
    ];
    (
        whose,
        select(vec![Kind::Bullying, Kind::SelfHarm]),
        select(vec!["", "dsl"]),
    )
        .prop_map(|(whose, kind, apart)| Key {
            whose,
            kind,
            apart: apart.into(),
        })
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (keys(), any::<bool>(), 0i64..1000, 0i64..300);
    proptest::collection::vec(one, 0..12).prop_map(|many| {
        let candidate = |(number, (key, closed, first, length)): (usize, (Key, bool, i64, i64))| Candidate {
            concern_id: format!("c{number:02}"),
            key,
            closed,
            first_event_at: first,
            last_event_at: first + length,
        };
        many.into_iter().enumerate().map(candidate).collect()
    })
}

fn holds(candidate: &Candidate, key: &Key, at: i64) -> bool {
    candidate.key == *key && candidate.first_event_at - WINDOW <= at && at <= candidate.last_event_at + WINDOW
}

proptest! {
    /// A flag joins an open concern of its person and kind whose widened range holds it, and no other; otherwise it
    /// opens one. Closed concerns never change.
    #[test]
    fn a_flag_joins_exactly_where_it_belongs(candidates in candidates(), key in keys(), at in -200i64..1500) {
        let fits = |closed| candidates.iter()
            .filter(|candidate| candidate.closed == closed && holds(candidate, &key, at))
            .map(|candidate| candidate.concern_id.clone()).collect::<Vec<_>>();
        match place(&candidates, &key, at, WINDOW) {
            Placement::Join(concern_id) => prop_assert!(fits(false).contains(&concern_id)),
            Placement::Open { linked_to } => {
                prop_assert!(fits(false).is_empty());
                match linked_to {
                    Some(concern_id) => prop_assert!(fits(true).contains(&concern_id)),
                    None => prop_assert!(fits(true).is_empty()),
                }
            }
        }
    }

    #[test]
    fn the_answer_does_not_depend_on_the_order_of_concerns(
        candidates in candidates(), key in keys(), at in -200i64..1500,
    ) {
        let mut reversed = candidates.clone();
        reversed.reverse();
        prop_assert_eq!(place(&candidates, &key, at, WINDOW), place(&reversed, &key, at, WINDOW));
    }

    #[test]
    fn no_time_makes_it_panic(at in any::<i64>(), first in any::<i64>(), last in any::<i64>(), key in keys()) {
        let candidate = Candidate {
            concern_id: "c".into(), key: key.clone(), closed: false, first_event_at: first, last_event_at: last,
        };
        let _ = place(&[candidate], &key, at, WINDOW);
    }
}

#[test]
fn flags_that_name_a_reader_are_kept_apart_from_those_that_do_not() {
    let key = |apart: &str| Key {
        whose: Whose::Person("p".into()),
        kind: Kind::Bullying,
        apart: apart.into(),
    };
    let open = Candidate {
        concern_id: "c".into(),
        key: key(""),
        closed: false,
        first_event_at: 0,
        last_event_at: 0,
    };
    assert_eq!(
        place(std::slice::from_ref(&open), &key("dsl"), 0, WINDOW),
        Placement::Open { linked_to: None }
    );
    assert_eq!(place(&[open], &key(""), 0, WINDOW), Placement::Join("c".into()));
}
