//! The one place where the collector reads the clock.

/// Now, in milliseconds since 1970.
#[must_use]
pub fn now_ms() -> i64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the collector's one reading of the clock"
    )]
    let now = jiff::Timestamp::now();
    now.as_millisecond()
}
