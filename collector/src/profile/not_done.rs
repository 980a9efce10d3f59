//! Settings that are taken, and that nothing carries out.
//!
//! | setting | carried out by |
//! |---|---|
//! | `name`, `school` | said on Health, in notices and on every page |
//! | `time_zone`, `cover`, `outside_cover` (plans and words) | `concerns::cover`, `concerns::escalation`, the queue |
//! | `phases` | nothing: here |
//! | `lists`, `handling.pupils_looking_for_help` | `lists::Rules`, which devices fetch |
//! | `grouping_window_hours` | `concerns::grouping` |
//! | `group`: `name`, `users`, `unknown_audience` | tokens, `store::people::Directory`, `devices::policy` |
//! | `group`: `lock_after_minutes` | nothing: here. It is in the policy, and no agent locks a screen |
//! | `escalation` | `concerns::escalation` |
//! | `category` | `concerns::category`, and the concern's page, which shows responder, sanction and escalation |
//! | `routing` | `concerns::routing` |
//! | `contact`, `procedure` | the concern's page, with what is not confirmed said to be so |
//! | `handling.second_person_from_severity` | closing a concern |
//! | `handling.password_days` | signing in |
//! | `accountability`: `retention_days` | `retention` |
//! | `accountability`: `on_call` | the order in which readers are told |
//! | `accountability`: the rest | no device is approved without it |

use super::Profile;

impl Profile {
    /// What the profile asks for and nothing does yet, in words, with what to do until it is done.
    #[must_use]
    pub fn not_done(&self) -> Vec<String> {
        let mut not_done = Vec::new();
        let locks: Vec<_> = self
            .groups
            .iter()
            .filter(|group| group.lock_after_minutes > 0)
            .collect();
        if !locks.is_empty() {
            let each = locks
                .iter()
                .map(|group| format!("{} of {}", group.lock_after_minutes, group.name));
            not_done.push(format!(
                "lock_after_minutes ({}): no laptop locks its screen by it; set the lock in the laptops' own settings",
                each.collect::<Vec<_>>().join(", ")
            ));
        }
        not_done.push(
            "phases: nothing goes by them; the rules for a pupil come from their year group as it was imported".into(),
        );
        not_done
    }
}
