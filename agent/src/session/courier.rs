//! Hands what was seen to the service, over `session.sock`, and finds it again when it was away.

use crate::platform;
use crate::watch::{DesktopError, Outbox, Watchers, Work};
use pastoral_proto::LocalFrames;
use pastoral_proto::local::{FromHelper, Heartbeat, ToHelper, from_helper, to_helper};
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Between two heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Between two tries to reach the service: from, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

pub(super) struct Courier<'a> {
    socket: &'a Path,
    watchers: &'a Arc<Watchers>,
    outbox: &'a Arc<Outbox>,
    /// Connections so far.
    links: u64,
    backoff: Duration,
    /// Whether the service's absence has been said.
    complained: bool,
}

/// Why one connection is over.
enum End {
    Link,
    Desktop(DesktopError),
}

impl<'a> Courier<'a> {
    pub(super) fn new(socket: &'a Path, watchers: &'a Arc<Watchers>, outbox: &'a Arc<Outbox>) -> Self {
        Self {
            socket,
            watchers,
            outbox,
            links: 0,
            backoff: BACKOFF.0,
            complained: false,
        }
    }

    /// Delivers until the desktop is gone.
    pub(super) fn run(mut self) -> DesktopError {
        loop {
            match UnixStream::connect(self.socket) {
                Ok(stream) => {
                    if let End::Desktop(error) = self.deliver(&stream) {
                        return error;
                    }
                }
                Err(error) => self.complain(&error),
            }
            if let Work::Lost(error) = self.outbox.pause(self.backoff) {
                return error;
            }
            self.backoff = (self.backoff * 2).min(BACKOFF.1);
        }
    }

    /// Speaks with the service until one side ends.
    fn deliver(&mut self, stream: &UnixStream) -> End {
        self.links += 1;
        let link = self.links;
        if let Err(error) = self.listen(stream, link) {
            self.complain(&error);
            return End::Link;
        }
        if let Err(end) = self.send(stream, &self.outbox.hello()) {
            return end;
        }
        let mut beat = Instant::now() + HEARTBEAT;
        let end = loop {
            let message = match self.outbox.next(link, beat) {
                Work::Send(message) => message,
                Work::LinkEnded => break End::Link,
                Work::Lost(error) => break End::Desktop(error),
                Work::Time => {
                    beat = Instant::now() + HEARTBEAT;
                    // It stays: a service that refuses this helper would have closed by now.
                    (self.backoff, self.complained) = (BACKOFF.0, false);
                    let heartbeat = Heartbeat {
                        desktop_answers: self.watchers.beat(),
                    };
                    FromHelper {
                        message: Some(from_helper::Message::Heartbeat(heartbeat)),
                    }
                }
            };
            if let Err(end) = self.send(stream, &message) {
                self.outbox.put_back(message);
                break end;
            }
        };
        // Ends the listener too.
        let _ = stream.shutdown(Shutdown::Both);
        end
    }

    /// Sends one message, however long the service takes, as long as there is a desktop.
    fn send(&self, stream: &UnixStream, message: &FromHelper) -> Result<(), End> {
        // Every message is made here and bounded; one that is not would be no reason to go on with this connection.
        let bytes = LocalFrames::encode(message).map_err(|_| End::Link)?;
        let mut left = bytes.as_slice();
        while !left.is_empty() {
            match (&*stream).write(left) {
                Ok(0) => return Err(End::Link),
                Ok(length) => left = &left[length..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if let Work::Lost(error) = self.outbox.pause(Duration::ZERO) {
                        return Err(End::Desktop(error));
                    }
                }
                Err(_) => return Err(End::Link),
            }
        }
        Ok(())
    }

    /// Starts the thread that does what the service asks.
    fn listen(&self, stream: &UnixStream, link: u64) -> io::Result<()> {
        // So that a service that takes nothing does not keep us from noticing that the desktop is gone.
        stream.set_write_timeout(Some(HEARTBEAT))?;
        let stream = stream.try_clone()?;
        let (watchers, outbox) = (Arc::clone(self.watchers), Arc::clone(self.outbox));
        thread::Builder::new().name("listener".into()).spawn(move || {
            platform::act_on_files_as_the_user();
            obey(&stream, &watchers);
            let _ = stream.shutdown(Shutdown::Both);
            outbox.link_ended(link);
        })?;
        Ok(())
    }

    fn complain(&mut self, error: &io::Error) {
        if std::mem::replace(&mut self.complained, true) {
            return;
        }
        let socket = self.socket.display();
        if error.kind() == io::ErrorKind::PermissionDenied {
            eprintln!(
                "pastoral-session: may not speak to the service at {socket}: this program has to be installed setgid to \
                 the service's group; trying again"
            );
        } else {
            eprintln!("pastoral-session: the service at {socket} does not answer ({error}); trying again");
        }
    }
}

/// Reads what the service asks, until the connection ends or makes no sense.
fn obey(mut stream: &UnixStream, watchers: &Watchers) {
    let mut frames = LocalFrames::default();
    let mut bytes = [0; 512];
    loop {
        match frames.take::<ToHelper>() {
            Ok(Some(ToHelper {
                message: Some(to_helper::Message::Canary(asked)),
            })) => {
                watchers.show_canary(asked.nonce);
            }
            // Of a newer service: not for us.
            Ok(Some(ToHelper { message: None })) => {}
            Ok(None) => match stream.read(&mut bytes) {
                Ok(0) => return,
                Ok(length) => frames.push(&bytes[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            },
            Err(_) => return,
        }
    }
}
