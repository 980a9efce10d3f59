//! Waiting for something to be so: never a sleep that hopes, always a condition and a deadline.

use anyhow::{Result, bail};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for anything on a busy machine; only a failure takes so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until there is an answer.
///
/// # Errors
/// When there is none within [`PATIENCE`]; says what was waited for.
pub fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> Result<T> {
    within(PATIENCE, what, condition)
}

/// As [`until`], with a deadline of one's own.
///
/// # Errors
/// When there is no answer within `patience`; says what was waited for.
pub fn within<T>(patience: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = condition() {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            bail!("waited {} s in vain for {what}", patience.as_secs());
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// As [`until`], for a plain yes or no.
///
/// # Errors
/// When it is not so within [`PATIENCE`].
pub fn until_so(what: &str, mut condition: impl FnMut() -> bool) -> Result<()> {
    until(what, || condition().then_some(()))
}
