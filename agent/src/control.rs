//! `control.sock`: answers `status` and `explain`. Who asks is the kernel's word, and decides how much is said.

use crate::context::Context;
use crate::{explain, platform, status};
use anyhow::{Context as _, bail};
use pastoral_proto::LocalFrames;
use pastoral_proto::local::question::Question as Asked;
use pastoral_proto::local::{Question, Reply};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

/// Questions at once, and of one user: nobody keeps another from asking.
const AT_ONCE: usize = 64;
const PER_USER: usize = 4;
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn serve(
    listener: UnixListener,
    context: Arc<Context>,
    token: CancellationToken,
) -> anyhow::Result<()> {
    let places = Arc::new(Places::default());
    loop {
        let stream = tokio::select! {
            () = token.cancelled() => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot take a question; trying again");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
            },
        };
        // INVARIANT 7: by the kernel's word; in doubt, nobody.
        let Ok(peer) = platform::peer_of(&stream) else {
            continue;
        };
        // INVARIANT 8: beyond the bound, whoever asks is turned away, and can ask again.
        let Some(place) = Places::take(&places, peer.uid) else {
            continue;
        };
        let context = Arc::clone(&context);
        tokio::spawn(async move {
            // Whoever does not finish the question does not get an answer; nobody else is touched.
            let _ = tokio::time::timeout(PATIENCE, converse(stream, &context, peer.uid == 0)).await;
            drop(place);
        });
    }
}

/// Who asks at the moment, by uid.
#[derive(Default)]
struct Places(Mutex<Vec<u32>>);

/// A place among them, free again when it is dropped.
struct Place(Arc<Places>, u32);

impl Places {
    fn take(places: &Arc<Self>, uid: u32) -> Option<Place> {
        let mut taken = places.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.iter().filter(|other| **other == uid).count();
        if own >= PER_USER || taken.len() >= AT_ONCE {
            return None;
        }
        taken.push(uid);
        Some(Place(Arc::clone(places), uid))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = taken.iter().position(|uid| *uid == self.1) {
            taken.swap_remove(at);
        }
    }
}

async fn converse(mut stream: UnixStream, context: &Context, is_root: bool) -> anyhow::Result<()> {
    let mut frames = LocalFrames::default();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        frames.push(&buffer[..read]);
        while let Some(question) = frames.take::<Question>()? {
            let reply = answer(context, question, is_root);
            let bytes = LocalFrames::encode(&reply).or_else(|error| LocalFrames::encode(&failure(error)))?;
            stream.write_all(&bytes).await?;
        }
    }
}

fn answer(context: &Context, question: Question, is_root: bool) -> Reply {
    match question.question {
        Some(Asked::Status(_)) => json(&status::answer(context, is_root)),
        Some(Asked::Explain(_)) if !is_root => failure("only root may ask what a text would raise; use sudo"),
        Some(Asked::Explain(asked)) => {
            match explain::explain(&context.rules.load(), &asked.text, &asked.audience, &asked.source) {
                Ok(explanation) => json(&explanation),
                Err(error) => failure(error),
            }
        }
        None => failure("an empty question"),
    }
}

fn json(value: &impl serde::Serialize) -> Reply {
    match serde_json::to_string(value) {
        Ok(json) => Reply {
            json,
            error: String::new(),
        },
        Err(error) => failure(error),
    }
}

fn failure(error: impl ToString) -> Reply {
    Reply {
        json: String::new(),
        error: error.to_string(),
    }
}

/// Asks the running service, from the command line.
pub(crate) fn ask(socket: &Path, question: Asked) -> anyhow::Result<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = BlockingStream::connect(socket)
        .context("the service is not running; start it with `systemctl start pastoral-agent`")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let question = LocalFrames::encode(&Question {
        question: Some(question),
    })
    .context("the text is too long to be explained; shorten it")?;
    stream.write_all(&question)?;
    let mut frames = LocalFrames::default();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).context("the service does not answer")?;
        if read == 0 {
            bail!("the service did not answer; ask again");
        }
        frames.push(&buffer[..read]);
        if let Some(reply) = frames.take::<Reply>()? {
            if !reply.error.is_empty() {
                bail!(reply.error);
            }
            return Ok(reply.json);
        }
    }
}
