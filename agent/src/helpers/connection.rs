//! One helper's connection: what it says, what it is asked, and whether it still speaks.

use super::HelperSettings;
use super::board::{Board, HelperEvent, HelperFault, HelperView, Missing};
use super::desktops::{helper_ended, until};
use super::door::Place;
use crate::platform::{self, Peer};
use crate::watch::Observation;
use crate::watch::search::Recognised;
use pastoral_keywords::Source;
use pastoral_proto::local::{
    CanaryAsked, FromHelper, Heartbeat, HelperHello, TextSeen, ToHelper, from_helper, to_helper,
};
use pastoral_proto::{Account, LocalFrames, limits};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// A connection whose peer may speak.
pub(super) struct Connection {
    stream: UnixStream,
    peer: Peer,
    place: Place,
    settings: HelperSettings,
    observations: mpsc::Sender<Observation>,
    board: Arc<Board>,
}

/// Why a connection is over.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The helper's end is closed.
    Closed,
    /// It sent what no helper sends.
    Malformed,
    /// Nobody takes observations any more: the service is stopping.
    Stopping,
}

/// A helper that has said hello.
struct Session {
    account: Account,
    number: u64,
    /// When it last spoke.
    heard: Instant,
    heard_ms: i64,
    frozen: bool,
    /// Whether it can hear titles at all.
    hears: bool,
    /// The number of the canary that is out, and when it is too late.
    canary: Option<(u64, Instant)>,
    next_canary: Instant,
    nonce: u64,
}

impl Connection {
    pub(super) fn new(
        stream: UnixStream,
        peer: Peer,
        place: Place,
        settings: HelperSettings,
        observations: mpsc::Sender<Observation>,
        board: Arc<Board>,
    ) -> Self {
        Self {
            stream,
            peer,
            place,
            settings,
            observations,
            board,
        }
    }

    /// Serves this helper until it ends, or the service is told to stop.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.serve() => {}
        }
    }

    async fn serve(mut self) {
        let uid = self.peer.uid;
        // Asks the machine's user database, which may be on the network.
        let account = tokio::task::spawn_blocking(move || platform::account_of_uid(uid)).await;
        let Ok(account) = account else { return };
        let mut frames = LocalFrames::default();
        let Some(hello) = self.hello(&mut frames).await else {
            return;
        };
        let mut session = self.begin(account, &hello).await;
        let end = self.converse(&mut session, &mut frames).await;
        if end == End::Malformed {
            self.board.count(|counters| counters.malformed += 1);
        }
        self.finish(session).await;
    }

    /// The first message has to be a hello; anything else, or nothing for too long, is no helper.
    async fn hello(&mut self, frames: &mut LocalFrames) -> Option<HelperHello> {
        let first = async {
            loop {
                match frames.take::<FromHelper>() {
                    Ok(Some(FromHelper {
                        message: Some(from_helper::Message::Hello(hello)),
                    })) => {
                        return checked_hello(hello);
                    }
                    Ok(None) => {}
                    Ok(Some(_)) | Err(_) => return Err(End::Malformed),
                }
                read_into(&mut self.stream, frames).await?;
            }
        };
        let hello = timeout(self.settings.patience.silence, first)
            .await
            .unwrap_or(Err(End::Malformed));
        if matches!(hello, Err(End::Malformed)) {
            self.board.count(|counters| counters.malformed += 1);
        }
        hello.ok()
    }

    async fn begin(&self, account: Account, hello: &HelperHello) -> Session {
        let now = Instant::now();
        let now_ms = (self.settings.now_ms)();
        let view = HelperView {
            stable_id: account.stable_id.clone(),
            name: account.name.clone(),
            version: hello.version.clone(),
            alive: true,
            desktop_answers: true,
            canary_seen: false,
            titles_by: hello.titles_by.clone(),
            not_watched: hello.not_watched.clone(),
            since_ms: now_ms,
        };
        let (number, missing) = self.board.arrived(self.peer.uid, view);
        if let Some(missing) = missing {
            self.board.tell(until(missing, now_ms)).await;
        }
        tracing::info!(
            uid = self.peer.uid,
            titles_by = hello.titles_by,
            "a session helper is here"
        );
        Session {
            account,
            number,
            heard: now,
            heard_ms: now_ms,
            frozen: false,
            hears: !hello.titles_by.is_empty(),
            canary: None,
            next_canary: now,
            nonce: 0,
        }
    }

    async fn converse(&mut self, session: &mut Session, frames: &mut LocalFrames) -> End {
        loop {
            loop {
                match frames.take::<FromHelper>() {
                    Ok(Some(FromHelper {
                        message: Some(message),
                    })) => {
                        if let Err(end) = self.handle(session, message).await {
                            return end;
                        }
                    }
                    Ok(None) => break,
                    Ok(Some(FromHelper { message: None })) | Err(_) => return End::Malformed,
                }
            }
            let alarm = sleep_until(session.next_alarm(self.settings.patience.silence));
            let read = tokio::select! {
                // What it has said counts before what it has not.
                biased;
                read = read_into(&mut self.stream, frames) => Some(read),
                () = alarm => None,
            };
            match read {
                Some(Ok(())) => self.heard(session).await,
                Some(Err(end)) => return end,
                None => {
                    if let Err(end) = self.alarm(session).await {
                        return end;
                    }
                }
            }
        }
    }

    async fn handle(&self, session: &mut Session, message: from_helper::Message) -> Result<(), End> {
        match message {
            from_helper::Message::Hello(hello) => {
                let hello = checked_hello(hello)?;
                session.hears = !hello.titles_by.is_empty();
                self.board.change(session.number, |helper| {
                    helper.titles_by = hello.titles_by;
                    helper.not_watched = hello.not_watched;
                });
            }
            from_helper::Message::Text(seen) => self.text(session, seen).await?,
            from_helper::Message::Heartbeat(Heartbeat { desktop_answers }) => {
                self.board
                    .change(session.number, |helper| helper.desktop_answers = desktop_answers);
            }
            from_helper::Message::Canary(seen) => {
                if session.canary.is_some_and(|(nonce, _)| nonce == seen.nonce) {
                    session.canary = None;
                    self.board
                        .change(session.number, |helper| helper.canary_seen = true);
                    self.board.count(|counters| counters.canaries_seen += 1);
                }
            }
            from_helper::Message::Overrun(overrun) => {
                let titles = overrun.titles;
                self.board.count(|counters| {
                    counters.titles_overrun = counters.titles_overrun.saturating_add(titles);
                });
                let now_ms = (self.settings.now_ms)();
                self.tell(session, HelperFault::Overrun { titles }, now_ms, now_ms)
                    .await;
            }
        }
        Ok(())
    }

    /// INVARIANT 8: waits for room rather than dropping; only this helper's own socket fills meanwhile.
    async fn text(&self, session: &Session, seen: TextSeen) -> Result<(), End> {
        let source = match seen.source.as_str() {
            "" => Source::Title,
            code => code.parse().map_err(|_| End::Malformed)?,
        };
        let program = cut(seen.program, limits::NAME);
        let (text, damaged) = match String::from_utf8(seen.text) {
            Ok(text) => (text, false),
            // What can be read of it is still matched: one bad byte in a title must not hide it.
            Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
        };
        self.board.count(|counters| {
            counters.titles += 1;
            counters.titles_not_utf8 += u64::from(damaged);
        });
        let text = cut(text, limits::TEXT);
        let recognised = match source {
            Source::Title => self.settings.sites.recognise(&program, &text),
            _ => Recognised {
                source,
                provenance: source.provenance(),
                text,
                site: String::new(),
            },
        };
        let observation = Observation {
            account: session.account.clone(),
            source: recognised.source,
            provenance: recognised.provenance,
            text: recognised.text,
            program,
            site: recognised.site,
            observed_at_ms: (self.settings.now_ms)(),
        };
        self.observations
            .send(observation)
            .await
            .map_err(|_| End::Stopping)
    }

    async fn heard(&self, session: &mut Session) {
        session.heard = Instant::now();
        let now_ms = (self.settings.now_ms)();
        let silent_since = std::mem::replace(&mut session.heard_ms, now_ms);
        if std::mem::take(&mut session.frozen) {
            self.board.change(session.number, |helper| helper.alive = true);
            self.tell(session, HelperFault::Frozen, silent_since, now_ms)
                .await;
        }
    }

    /// Something was due: the helper has been silent for too long, a canary is late, or the next one is to be sent.
    async fn alarm(&mut self, session: &mut Session) -> Result<(), End> {
        let now = Instant::now();
        if !session.frozen && now >= session.heard + self.settings.patience.silence {
            session.frozen = true;
            let now_ms = (self.settings.now_ms)();
            self.board.change(session.number, |helper| helper.alive = false);
            self.tell(session, HelperFault::Frozen, session.heard_ms, now_ms)
                .await;
            // What is told of is told once: from here on the silence that is left.
            session.heard_ms = now_ms;
        }
        if session.canary.is_some_and(|(_, late)| now >= late) {
            session.canary = None;
            self.board
                .change(session.number, |helper| helper.canary_seen = false);
            let now_ms = (self.settings.now_ms)();
            self.tell(session, HelperFault::CanaryMissed, now_ms, now_ms)
                .await;
        }
        if now >= session.next_canary {
            session.next_canary = now + self.settings.rules.borrow().canary_interval;
            // One that hears no titles has said so. One that is frozen has been told of, and asking it more would only fill
            // its socket.
            if session.hears && !session.frozen && session.canary.is_none() {
                self.ask_canary(session, now).await?;
            }
        }
        Ok(())
    }

    async fn ask_canary(&mut self, session: &mut Session, now: Instant) -> Result<(), End> {
        session.nonce += 1;
        session.canary = Some((session.nonce, now + self.settings.patience.canary));
        let asked = to_helper::Message::Canary(CanaryAsked { nonce: session.nonce });
        let bytes = LocalFrames::encode(&ToHelper { message: Some(asked) }).map_err(|_| End::Malformed)?;
        // A few bytes to a socket that is otherwise empty. One that does not take them belongs to no working helper.
        match timeout(self.settings.patience.silence, self.stream.write_all(&bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Closed),
        }
    }

    async fn finish(self, session: Session) {
        let Self {
            stream,
            peer,
            place,
            settings,
            board,
            ..
        } = self;
        board.left(session.number);
        let leaving = place.leave();
        drop(stream);
        tracing::info!(uid = peer.uid, "a session helper is gone");
        let Some(_leaving) = leaving else {
            board.count(|counters| counters.ends_not_told += 1);
            return;
        };
        let since_ms = if session.frozen {
            session.heard_ms
        } else {
            (settings.now_ms)()
        };
        let ended = Missing {
            account: session.account,
            fault: HelperFault::Gone,
            since_ms,
            told: false,
        };
        helper_ended(peer.uid, ended, &settings, &board).await;
    }

    async fn tell(&self, session: &Session, fault: HelperFault, from_ms: i64, to_ms: i64) {
        self.board
            .tell(HelperEvent {
                account: session.account.clone(),
                fault,
                from_ms,
                to_ms,
            })
            .await;
    }
}

impl Session {
    fn next_alarm(&self, silence: Duration) -> Instant {
        let mut next = self.next_canary;
        if let Some((_, late)) = self.canary {
            next = next.min(late);
        }
        if !self.frozen {
            next = next.min(self.heard + silence);
        }
        next
    }
}

async fn read_into(stream: &mut UnixStream, frames: &mut LocalFrames) -> Result<(), End> {
    // On the stack of this future only while something is there to read.
    let mut bytes = [0; 4096];
    match stream.read(&mut bytes).await {
        Ok(0) | Err(_) => Err(End::Closed),
        Ok(length) => {
            frames.push(&bytes[..length]);
            Ok(())
        }
    }
}

fn checked_hello(hello: HelperHello) -> Result<HelperHello, End> {
    let sound = hello.version.len() <= limits::NAME
        && hello.titles_by.len() <= limits::NAME
        && hello.not_watched.len() <= limits::NOT_WATCHED
        && hello
            .not_watched
            .iter()
            .all(|reason| reason.len() <= limits::NAME);
    if sound { Ok(hello) } else { Err(End::Malformed) }
}

/// The beginning of a text, on a character's boundary.
fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}
