//! What waits to be sent. Bounded: when the service is away for long, the newest texts are kept and the rest counted.

use super::desktop::DesktopError;
use pastoral_keywords::Source;
use pastoral_proto::local::{CanarySeen, FromHelper, HelperHello, Overrun, TextSeen, from_helper::Message};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// INVARIANT 8: bytes of unsent texts. 256 of the longest, thousands of ordinary ones.
const TEXT_BYTES: usize = 1024 * 1024;
/// What one costs besides its bytes.
const TEXT_COST: usize = 128;
/// Canaries seen and not yet told; the service asks for one at a time.
const CANARIES: usize = 4;

/// Between the watcher and the courier.
#[derive(Default)]
pub struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    sources: BTreeMap<Source, Said>,
    hello_changed: bool,
    texts: VecDeque<TextSeen>,
    bytes: usize,
    overrun: u64,
    canaries: VecDeque<u64>,
    /// The number of the connection that has ended.
    ended_link: u64,
    lost: Option<DesktopError>,
}

/// What a source says of itself.
struct Said {
    heard_by: String,
    not_watched: Vec<String>,
}

/// What the courier is to do next.
#[derive(Debug)]
pub(crate) enum Work {
    /// Send this.
    Send(FromHelper),
    /// Nothing has come until the deadline.
    Time,
    /// The connection has ended.
    LinkEnded,
    /// The desktop is gone.
    Lost(DesktopError),
}

impl Outbox {
    /// What a source says of itself: by what it is heard, if it is, and what of it cannot be watched and why. What the
    /// others have said stays.
    pub fn describe(&self, source: Source, heard_by: &str, not_watched: Vec<String>) {
        self.change(|state| {
            let before = hello(&state.sources);
            let said = Said {
                heard_by: heard_by.into(),
                not_watched,
            };
            state.sources.insert(source, said);
            state.hello_changed |= hello(&state.sources) != before;
        });
    }

    /// Something was seen.
    pub fn saw(&self, source: Source, text: Vec<u8>, program: String) {
        self.change(|state| {
            state.bytes += cost(&text, &program);
            state.texts.push_back(TextSeen {
                text,
                program,
                source: source.code().into(),
            });
            state.shrink();
        });
    }

    /// A canary's title was heard.
    pub fn canary_seen(&self, nonce: u64) {
        self.change(|state| {
            if state.canaries.len() < CANARIES {
                state.canaries.push_back(nonce);
            }
        });
    }

    /// The desktop is gone.
    pub fn lost(&self, error: DesktopError) {
        self.change(|state| state.lost = Some(error));
    }

    /// What to say first on a new connection.
    pub(crate) fn hello(&self) -> FromHelper {
        let mut state = self.lock();
        state.hello_changed = false;
        FromHelper {
            message: Some(Message::Hello(hello(&state.sources))),
        }
    }

    /// A connection has ended, as its reader found.
    pub(crate) fn link_ended(&self, link: u64) {
        self.change(|state| state.ended_link = state.ended_link.max(link));
    }

    /// Takes the next thing to do on this connection, waiting for it until the deadline.
    pub(crate) fn next(&self, link: u64, deadline: Instant) -> Work {
        self.wait(deadline, |state| {
            if let Some(error) = state.lost.take() {
                return Some(Work::Lost(error));
            }
            if state.ended_link >= link {
                return Some(Work::LinkEnded);
            }
            state.message().map(|message| {
                Work::Send(FromHelper {
                    message: Some(message),
                })
            })
        })
    }

    /// Waits without a connection: for the time to pass, or the desktop to go.
    pub(crate) fn pause(&self, time: Duration) -> Work {
        self.wait(Instant::now() + time, |state| state.lost.take().map(Work::Lost))
    }

    /// Puts back what could not be sent.
    pub(crate) fn put_back(&self, unsent: FromHelper) {
        self.change(|state| match unsent.message {
            Some(Message::Text(seen)) => {
                state.bytes += cost(&seen.text, &seen.program);
                state.texts.push_front(seen);
                state.shrink();
            }
            Some(Message::Overrun(overrun)) => state.overrun += overrun.titles,
            // Said again, or asked again, on the next connection.
            _ => {}
        });
    }

    fn wait(&self, deadline: Instant, mut take: impl FnMut(&mut State) -> Option<Work>) -> Work {
        let mut state = self.lock();
        loop {
            if let Some(work) = take(&mut state) {
                return work;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Work::Time;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn message(&mut self) -> Option<Message> {
        if std::mem::take(&mut self.hello_changed) {
            return Some(Message::Hello(hello(&self.sources)));
        }
        if let Some(nonce) = self.canaries.pop_front() {
            return Some(Message::Canary(CanarySeen { nonce }));
        }
        if self.overrun > 0 {
            return Some(Message::Overrun(Overrun {
                titles: std::mem::take(&mut self.overrun),
            }));
        }
        let seen = self.texts.pop_front()?;
        self.bytes -= cost(&seen.text, &seen.program);
        if self.texts.is_empty() {
            // The room that a time without the service took.
            self.texts.shrink_to(64);
        }
        Some(Message::Text(seen))
    }

    fn shrink(&mut self) {
        while self.bytes > TEXT_BYTES {
            let Some(oldest) = self.texts.pop_front() else {
                return;
            };
            self.bytes -= cost(&oldest.text, &oldest.program);
            self.overrun += 1;
        }
    }
}

fn hello(sources: &BTreeMap<Source, Said>) -> HelperHello {
    let titles = sources.get(&Source::Title);
    HelperHello {
        version: env!("CARGO_PKG_VERSION").into(),
        titles_by: titles.map(|said| said.heard_by.clone()).unwrap_or_default(),
        not_watched: sources
            .values()
            .flat_map(|said| said.not_watched.iter().cloned())
            .collect(),
    }
}

fn cost(text: &[u8], program: &str) -> usize {
    text.len() + program.len() + TEXT_COST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(outbox: &Outbox) -> (u64, Vec<Vec<u8>>) {
        let (mut overrun, mut titles) = (0, Vec::new());
        loop {
            match outbox.next(1, Instant::now()) {
                Work::Send(FromHelper {
                    message: Some(Message::Text(seen)),
                }) => titles.push(seen.text),
                Work::Send(FromHelper {
                    message: Some(Message::Overrun(o)),
                }) => overrun += o.titles,
                Work::Send(_) => {}
                _ => return (overrun, titles),
            }
        }
    }

    fn said(outbox: &Outbox) -> Option<HelperHello> {
        match outbox.next(1, Instant::now()) {
            Work::Send(FromHelper {
                message: Some(Message::Hello(hello)),
            }) => Some(hello),
            _ => None,
        }
    }

    #[test]
    fn what_one_source_says_of_itself_stays_when_another_speaks() {
        let outbox = Outbox::default();
        outbox.describe(Source::Title, "x11", vec!["titles of some windows".into()]);
        outbox.describe(Source::FileName, "", vec!["names on media".into()]);
        let both = said(&outbox).unwrap();
        assert_eq!(both.titles_by, "x11");
        assert_eq!(both.not_watched, ["titles of some windows", "names on media"]);
        outbox.describe(Source::Title, "x11", Vec::new());
        assert_eq!(said(&outbox).unwrap().not_watched, ["names on media"]);
        outbox.describe(Source::Title, "x11", Vec::new());
        assert!(said(&outbox).is_none(), "said again, and nothing has changed");
    }

    #[test]
    fn titles_keep_their_order() {
        let outbox = Outbox::default();
        for n in 0..1000 {
            outbox.saw(Source::Title, format!("title {n}").into(), "writer".into());
        }
        let (overrun, titles) = titles(&outbox);
        assert_eq!(overrun, 0);
        assert_eq!(
            titles,
            (0..1000)
                .map(|n| format!("title {n}").into_bytes())
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn without_a_service_the_newest_titles_are_kept_and_the_rest_counted() {
        let outbox = Outbox::default();
        for n in 0..100_000_u32 {
            outbox.saw(
                Source::Title,
                [b"x".repeat(1000), n.to_be_bytes().to_vec()].concat(),
                "writer".into(),
            );
        }
        let bytes = outbox.lock().bytes;
        assert!(bytes <= TEXT_BYTES);
        let (overrun, titles) = titles(&outbox);
        assert_eq!(overrun + titles.len() as u64, 100_000);
        assert!(titles.last().unwrap().ends_with(&99_999_u32.to_be_bytes()));
        assert!(titles.len() >= 256);
        assert_eq!(outbox.lock().bytes, 0);
    }

    #[test]
    fn what_could_not_be_sent_comes_first_again() {
        let outbox = Outbox::default();
        outbox.saw(Source::Title, b"first".to_vec(), String::new());
        outbox.saw(Source::Title, b"second".to_vec(), String::new());
        let Work::Send(unsent) = outbox.next(1, Instant::now()) else {
            panic!("nothing to send")
        };
        outbox.put_back(unsent);
        assert_eq!(titles(&outbox).1, [b"first".to_vec(), b"second".to_vec()]);
    }

    #[test]
    fn an_ended_link_and_a_lost_desktop_come_before_titles() {
        let outbox = Outbox::default();
        outbox.saw(Source::Title, b"title".to_vec(), String::new());
        outbox.link_ended(1);
        assert!(matches!(outbox.next(1, Instant::now()), Work::LinkEnded));
        assert!(matches!(outbox.next(2, Instant::now()), Work::Send(_)));
        outbox.lost(DesktopError::Gone("closed".into()));
        assert!(matches!(outbox.pause(Duration::from_secs(600)), Work::Lost(_)));
    }
}
