//! Runs the service's tasks. One that ends unexpectedly is started again with backoff, or ends the process: it is
//! never just logged.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A task that ran this long and then failed is a new failure, not the old one again.
const HEALTHY: Duration = Duration::from_secs(120);

type Run = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// The tasks of the service.
pub(crate) struct Supervisor {
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    token: CancellationToken,
}

impl Supervisor {
    /// Without tasks yet; all of them end when the token is cancelled.
    #[must_use]
    pub(crate) fn new(token: CancellationToken) -> Self {
        Self {
            tasks: JoinSet::new(),
            token,
        }
    }

    /// A task that holds what cannot be made again: when it ends, the process ends, and is started anew.
    pub(crate) fn essential<F>(&mut self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// A task that can be started again.
    pub(crate) fn restarted<S, F>(&mut self, name: &'static str, start: S)
    where
        S: Fn() -> F + Send + 'static,
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let token = self.token.clone();
        let start = move || -> Run { Box::pin(start()) };
        self.tasks
            .spawn(async move { (name, keep_running(name, start, token).await) });
    }

    /// Waits until told to stop and every task has stopped, or until an essential one ends by itself.
    pub(crate) async fn wait(mut self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let (name, result) = ended.unwrap_or_else(|error| ("a task", Err(error.into())));
            if self.token.is_cancelled() {
                if let Err(error) = result {
                    tracing::warn!(task = name, %error, "did not stop cleanly");
                }
                continue;
            }
            outcome = Err(match result {
                Err(error) => error.context(format!("{name} failed")),
                Ok(()) => anyhow::anyhow!("{name} ended unexpectedly"),
            });
            self.token.cancel();
        }
        outcome
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
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

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
            async { anyhow::bail!("on purpose") }
        });
        supervisor.wait().await.unwrap();
        assert_eq!(starts.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn an_essential_task_that_ends_ends_the_process_and_is_named() {
        let token = CancellationToken::new();
        let mut supervisor = Supervisor::new(token.clone());
        supervisor.essential("the heart", async { Ok(()) });
        let stopped = token.clone();
        supervisor.essential("another", async move {
            stopped.cancelled().await;
            Ok(())
        });
        let error = supervisor.wait().await.unwrap_err();
        assert!(error.to_string().contains("the heart"), "{error}");
    }
}
