//! From an observation to a flag on the disk: the audience, the engine, the same again, floods, and the spool.
//!
//! INVARIANT 1: what does not match is dropped here and is neither written nor logged.

mod cut;
mod dedupe;
mod flood;

use crate::audience::Audiences;
use crate::clock;
use crate::rules::{Rules, SharedRules};
use crate::spool::{New, NotKept, SpoolHandle};
use crate::watch::Observation;
use dedupe::{Dedupe, Same};
use flood::{Candidate, Fate, Flood};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use pastoral_keywords::{Audience, Found, Severity, Text};
use pastoral_proto::{Account, Flag, FlagId, Gap, Match, Record, Repeats, encode_record, limits};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Flags on their way to the disk at once; beyond that observations wait.
const PENDING: usize = 4096;
/// How long to wait at most before windows are looked at again: the clock may be set meanwhile.
const LONGEST_SLEEP_MS: i64 = 60_000;

/// A flag that was handed to the spool, and what became of it.
struct Settled {
    same: Same,
    account: Account,
    severity: Severity,
    kept: Result<FlagId, NotKept>,
}

type Pending = Pin<Box<dyn Future<Output = Settled> + Send>>;

/// The task that makes flags.
pub struct Flagging {
    rules: SharedRules,
    audiences: Arc<Audiences>,
    spool: SpoolHandle,
    dedupe: Dedupe,
    flood: Flood,
    pending: FuturesUnordered<Pending>,
}

impl Flagging {
    /// With nothing seen yet.
    #[must_use]
    pub fn new(rules: SharedRules, audiences: Arc<Audiences>, spool: SpoolHandle) -> Self {
        Self {
            rules,
            audiences,
            spool,
            dedupe: Dedupe::default(),
            flood: Flood::default(),
            pending: FuturesUnordered::new(),
        }
    }

    /// Takes observations until told to stop; then finishes those that have arrived, and tells every count.
    pub async fn run(
        mut self,
        mut observations: mpsc::Receiver<Observation>,
        token: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            let pause = self.until_close();
            tokio::select! {
                biased;
                () = token.cancelled() => break,
                Some(settled) = self.pending.next() => self.settled(settled).await,
                observation = observations.recv(), if self.pending.len() < PENDING => match observation {
                    Some(observation) => self.see(observation).await,
                    None if token.is_cancelled() => break,
                    None => anyhow::bail!("nobody sends observations any more"),
                },
                () = tokio::time::sleep(pause) => self.close(clock::now_ms()).await,
            }
        }
        observations.close();
        while let Some(observation) = observations.recv().await {
            self.see(observation).await;
        }
        while let Some(settled) = self.pending.next().await {
            self.settled(settled).await;
        }
        let mut closed = Vec::new();
        self.dedupe.close_all(&mut closed);
        self.tell(closed).await;
        Ok(())
    }

    async fn see(&mut self, observation: Observation) {
        let rules = self.rules.load();
        let audience = self
            .audiences
            .of(&observation.account)
            .unwrap_or(rules.unknown_audience);
        let found = find(&rules, &observation, audience);
        drop(rules);
        let Some(winner) = found.first() else { return };
        let now_ms = observation.observed_at_ms;
        let same = Same::of(
            &observation.account,
            &winner.list_id,
            &winner.term_id,
            &observation.text,
        );
        let mut closed = Vec::new();
        let new = self.dedupe.is_new(same, now_ms, &mut closed);
        if new {
            self.flag(same, observation, audience, found, &mut closed).await;
        }
        self.tell(closed).await;
    }

    async fn flag(
        &mut self,
        same: Same,
        seen: Observation,
        audience: Audience,
        found: Vec<Found>,
        told: &mut Vec<Repeats>,
    ) {
        let severity = found[0].severity;
        let flag = Candidate {
            account: &seen.account,
            severity,
            topic: found[0].topic,
            provenance: seen.provenance,
            term: (&found[0].list_id, &found[0].term_id),
            same,
            at_ms: seen.observed_at_ms,
        };
        match self.flood.take(&flag) {
            Fate::Keep(before) => before
                .into_iter()
                .for_each(|before| self.dedupe.tell_further(before, told)),
            Fate::CountOn(on) if self.dedupe.count_further(on, seen.observed_at_ms) => {
                self.dedupe.lost(same);
                return;
            }
            // There is nothing left to count on.
            Fate::CountOn(_) => self.flood.keep(&flag),
            Fate::Drop => {
                self.dedupe.lost(same);
                let at_ms = seen.observed_at_ms;
                return self.dropped(seen.account, severity, (at_ms, at_ms), 1).await;
            }
        }
        let flag = make_flag(seen, audience, found);
        let account = flag.account.clone();
        let new = New {
            account: Some(flag.account.clone()),
            severity,
            bytes: encode(flag),
        };
        let answer = self.spool.keep(new).await;
        self.pending.push(Box::pin(async move {
            let kept = answer.await.unwrap_or(Err(NotKept));
            Settled {
                same,
                account,
                severity,
                kept,
            }
        }));
    }

    async fn settled(&mut self, settled: Settled) {
        match settled.kept {
            Ok(id) => {
                tracing::debug!(sequence = id.sequence, "a flag is on disk");
                self.dedupe.kept(settled.same, id);
            }
            Err(NotKept) => {
                // The spool counts the flag itself; what was counted on it is counted here.
                let further = self.dedupe.lost(settled.same);
                if further.count > 0 {
                    let times = (further.first_at_ms, further.last_at_ms);
                    self.dropped(settled.account, settled.severity, times, further.count.into())
                        .await;
                }
            }
        }
    }

    /// Flags that are neither kept nor counted on one that is show as a gap.
    async fn dropped(
        &mut self,
        account: Account,
        severity: Severity,
        (from_ms, to_ms): (i64, i64),
        count: u64,
    ) {
        let gap = Gap {
            account: Some(bounded(account)),
            cause: "flood".into(),
            count,
            highest_severity: Some(severity),
            from_ms,
            to_ms,
        };
        self.spool.gap(gap).await;
    }

    async fn close(&mut self, now_ms: i64) {
        let mut closed = Vec::new();
        self.dedupe.close(now_ms, &mut closed);
        self.tell(closed).await;
    }

    async fn tell(&mut self, closed: Vec<Repeats>) {
        for repeats in closed {
            // Whether it is kept, the spool counts; nothing here depends on it.
            drop(
                self.spool
                    .keep(New::record(None, &Record::Repeats(repeats)))
                    .await,
            );
        }
    }

    fn until_close(&self) -> Duration {
        let wait = self
            .dedupe
            .next_close_ms()
            .map_or(LONGEST_SLEEP_MS, |at_ms| at_ms - clock::now_ms());
        Duration::from_millis(wait.clamp(10, LONGEST_SLEEP_MS).unsigned_abs())
    }
}

/// What matches in an observation, the winner first.
fn find(rules: &Rules, observation: &Observation, audience: Audience) -> Vec<Found> {
    rules.engine.find(&Text {
        text: &observation.text,
        source: observation.source,
        provenance: observation.provenance,
        audience,
    })
}

/// Puts a flag together within the bounds on its parts.
fn make_flag(seen: Observation, audience: Audience, found: Vec<Found>) -> Flag {
    let severity = found[0].severity;
    let matches = found.into_iter().take(limits::MATCHES).map(make_match).collect();
    let (text, matches) = cut::around_match(&seen.text, matches, limits::TEXT);
    Flag {
        account: bounded(seen.account),
        audience,
        source: seen.source,
        provenance: seen.provenance,
        text,
        program: cut::name(seen.program),
        site: cut::name(seen.site),
        observed_at_ms: seen.observed_at_ms,
        matches,
        severity,
    }
}

fn make_match(found: Found) -> Match {
    let considered = found.considered.into_iter().take(limits::CONSIDERED);
    Match {
        list_id: cut::name(found.list_id),
        list_version: found.list_version,
        term_id: cut::name(found.term_id),
        term: cut::name(found.term),
        topic: found.topic,
        severity: found.severity,
        span: found.span,
        view: found.view.code().into(),
        reason: cut::name(found.reason),
        severity_note: found.severity_note.map(cut::name),
        considered: considered.map(cut::name).collect(),
        confidential: found.confidential,
    }
}

fn bounded(account: Account) -> Account {
    Account {
        authority: cut::name(account.authority),
        stable_id: cut::name(account.stable_id),
        name: cut::name(account.name),
    }
}

/// Encodes a flag; matches beyond the first go where all of them are too long for a record.
fn encode(mut flag: Flag) -> Vec<u8> {
    loop {
        let bytes = encode_record(&Record::Flag(flag.clone()));
        if bytes.len() <= limits::RECORD || flag.matches.len() <= 1 {
            return bytes;
        }
        flag.matches.truncate(flag.matches.len() / 2);
    }
}
