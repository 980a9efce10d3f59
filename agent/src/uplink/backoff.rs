//! How long to wait before the next attempt. Pure.

use std::time::Duration;

const FIRST_MS: u64 = 500;
const LONGEST_MS: u64 = 60_000;

/// Attempts that failed in a row.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Another failure; `jitter` is random, so that a school's devices do not all come at once.
    pub(super) fn failed(&mut self, jitter: u32) -> Duration {
        let most = FIRST_MS
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST_MS);
        self.failures += 1;
        let random = u64::from(jitter) * most / 2 / u64::from(u32::MAX);
        Duration::from_millis(most / 2 + random)
    }

    /// It worked.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_wait_grows_and_stays_within_a_minute(jitters in proptest::collection::vec(any::<u32>(), 1..40)) {
            let mut backoff = Backoff::default();
            for (count, jitter) in jitters.into_iter().enumerate() {
                let wait = backoff.failed(jitter);
                prop_assert!(wait <= Duration::from_secs(60));
                prop_assert!(wait >= Duration::from_millis(250));
                prop_assert!(count < 8 || wait >= Duration::from_secs(30));
            }
            backoff.succeeded();
            prop_assert!(backoff.failed(u32::MAX) <= Duration::from_millis(500));
        }
    }
}
