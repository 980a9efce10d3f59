//! Waiting for something to be so: never a sleep that hopes, always a condition and a deadline.

use anyhow::{Result, bail};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for anything on a busy machine; only a failure takes so long.
pub const PATIENCE: Duration = Duration::from_secs(60);
const BETWEEN: Duration = Duration::from_millis(5);

/// Asks again and again until there is an answer, for as long as [`PATIENCE`]; an error says what was waited for.
pub fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> Result<T> {
    within(PATIENCE, what, condition)
}

/// As [`until`], with a deadline of one's own.
pub fn within<T>(patience: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = condition() {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            bail!("waited {} s in vain for {what}", patience.as_secs());
        }
        thread::sleep(BETWEEN);
    }
}

/// As [`until`], for a plain yes or no.
pub fn until_so(what: &str, mut condition: impl FnMut() -> bool) -> Result<()> {
    until(what, || condition().then_some(()))
}

/// As [`until`], while the test's own tasks go on.
pub async fn until_async<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = condition().await {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            bail!("waited {} s in vain for {what}", PATIENCE.as_secs());
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

/// As [`until_async`], for a plain yes or no, and where only a no needs to be said.
///
/// # Panics
/// When it is not so within [`PATIENCE`].
pub async fn comes_true(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let came = until_async(what, async || condition().await.then_some(())).await;
    came.unwrap_or_else(|error| panic!("{error}"));
}
