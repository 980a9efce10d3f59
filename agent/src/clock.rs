//! The one place in the agent that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Device time in milliseconds since 1970. A clock before 1970 reads as 0.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the agent's one reader of the clock")]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
