//! Runs a program's tasks, of the agent and of the collector. One that ends unexpectedly is started again with backoff, or
//! ends the process: it is never just logged.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A task that ran this long and then failed is a new failure, not the old one again.
const HEALTHY: Duration = Duration::from_secs(120);
/// What is at work when the program is told to stop has this long; what takes longer is done next time.
const LAST_WORK: Duration = Duration::from_secs(10);

type Ended = (&'static str, anyhow::Result<()>);
type Run = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// The tasks of a program.
pub struct Supervisor {
    tasks: JoinSet<Ended>,
    token: CancellationToken,
}

impl Supervisor {
    /// Without tasks yet; all of them end when the token is cancelled.
    #[must_use]
    pub fn new(token: CancellationToken) -> Self {
        Self {
            tasks: JoinSet::new(),
            token,
        }
    }

    /// A task that holds what cannot be made again: when it ends, the process ends, and is started anew.
    pub fn essential<F, E>(&mut self, name: &'static str, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<anyhow::Error>,
    {
        self.tasks
            .spawn(async move { (name, task.await.map_err(Into::into)) });
    }

    /// A task that can be started again.
    pub fn restarted<S, F, E>(&mut self, name: &'static str, start: S)
    where
        S: Fn() -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<anyhow::Error>,
    {
        let token = self.token.clone();
        let start = move || -> Run {
            let task = start();
            Box::pin(async move { task.await.map_err(Into::into) })
        };
        self.tasks
            .spawn(async move { (name, keep_running(name, start, token).await) });
    }

    /// The program stops in order when it is told to: by the system, or by a person's Ctrl-C.
    pub fn stops_on_signal(&mut self) {
        let token = self.token.clone();
        self.essential("signals", async move {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = token.cancelled() => {}
            }
            token.cancel();
            Ok::<_, anyhow::Error>(())
        });
    }

    /// Waits until told to stop and every task has stopped, or until an essential one ends by itself.
    pub async fn wait(mut self) -> anyhow::Result<()> {
        let first = tokio::select! {
            () = self.token.cancelled() => None,
            ended = self.tasks.join_next() => ended.map(named),
        };
        let outcome = match first {
            Some((name, result)) if !self.token.is_cancelled() => Err(result.map_or_else(
                |error| error.context(format!("{name} failed")),
                |()| anyhow::anyhow!("{name} ended unexpectedly"),
            )),
            Some(ended) => {
                say_unless_clean(ended);
                Ok(())
            }
            None => Ok(()),
        };
        self.token.cancel();
        let rest = async {
            while let Some(ended) = self.tasks.join_next().await {
                say_unless_clean(named(ended));
            }
        };
        if tokio::time::timeout(LAST_WORK, rest).await.is_err() {
            tracing::warn!(tasks = self.tasks.len(), "still at work; not waited for");
        }
        outcome
    }
}

fn named(ended: Result<Ended, JoinError>) -> Ended {
    ended.unwrap_or_else(|error| ("a task", Err(error.into())))
}

fn say_unless_clean((name, result): Ended) {
    if let Err(error) = result {
        tracing::warn!(task = name, %error, "did not stop cleanly");
    }
}

async fn keep_running(
    name: &'static str,
    start: impl Fn() -> Run,
    token: CancellationToken,
) -> anyhow::Result<()> {
    let mut pause = FIRST_PAUSE;
    loop {
        let started = tokio::time::Instant::now();
        let ended = tokio::spawn(start()).await;
        if token.is_cancelled() {
            return Ok(());
        }
        if started.elapsed() >= HEALTHY {
            pause = FIRST_PAUSE;
        }
        match ended {
            Ok(Err(error)) => tracing::error!(
                task = name,
                error = format!("{error:#}"),
                "failed; starting it again"
            ),
            Ok(Ok(())) => tracing::error!(task = name, "ended; starting it again"),
            Err(_) => tracing::error!(task = name, "panicked; starting it again"),
        }
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_fails_is_started_again() {
        let token = CancellationToken::new();
        let mut supervisor = Supervisor::new(token.clone());
        let starts = Arc::new(AtomicU32::new(0));
        let (counted, ending) = (Arc::clone(&starts), token.clone());
        supervisor.restarted("failing", move || {
            let enough = counted.fetch_add(1, Ordering::SeqCst) == 3;
            if enough {
                ending.cancel();
            }
            async { Err::<(), _>(anyhow::anyhow!("on purpose")) }
        });
        supervisor.wait().await.unwrap();
        assert_eq!(starts.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn an_essential_task_that_ends_ends_the_process_and_is_named() {
        let token = CancellationToken::new();
        let mut supervisor = Supervisor::new(token.clone());
        supervisor.essential("the heart", async { Ok::<_, anyhow::Error>(()) });
        let stopped = token.clone();
        supervisor.essential("another", async move {
            stopped.cancelled().await;
            Ok::<_, anyhow::Error>(())
        });
        let error = supervisor.wait().await.unwrap_err();
        assert!(error.to_string().contains("the heart"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_was_healthy_for_long_starts_again_soon() {
        let token = CancellationToken::new();
        let mut supervisor = Supervisor::new(token.clone());
        let ended = Arc::new(Mutex::new(Vec::new()));
        let (times, ending) = (Arc::clone(&ended), token.clone());
        supervisor.restarted("failing", move || {
            let (times, ending) = (Arc::clone(&times), ending.clone());
            async move {
                let begun = Instant::now();
                let run = times.lock().unwrap().len();
                // Ten short lives lengthen the pause to its longest; then a long one.
                tokio::time::sleep(if run == 10 { HEALTHY } else { Duration::ZERO }).await;
                times.lock().unwrap().push((begun, Instant::now()));
                if run == 11 {
                    ending.cancel();
                }
                Err::<(), _>(anyhow::anyhow!("on purpose"))
            }
        });
        supervisor.wait().await.unwrap();
        let times = ended.lock().unwrap();
        let pause = |after: usize| times[after + 1].0 - times[after].1;
        assert!(pause(9) >= LONGEST_PAUSE, "{:?}", pause(9));
        assert!(pause(10) < Duration::from_secs(1), "{:?}", pause(10));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_stop_is_not_waited_for_and_the_failure_is_still_told() {
        let mut supervisor = Supervisor::new(CancellationToken::new());
        supervisor.essential("the heart", async { Err::<(), _>(anyhow::anyhow!("broken")) });
        supervisor.essential("deaf", std::future::pending::<anyhow::Result<()>>());
        let error = supervisor.wait().await.unwrap_err();
        assert!(error.to_string().contains("the heart"), "{error}");
    }
}
