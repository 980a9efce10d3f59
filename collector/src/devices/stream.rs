//! A connected device's stream: its hello, then records, questions and health up, answers, policy and commands down.
//!
//! One message is worked on at a time, so a device has at most one message and its answer in the collector's memory.

use super::command;
use super::health::Health;
use super::hub::{Entered, Told};
use super::refusal::refusal;
use super::shared::Shared;
use crate::ca::DEVICE_LIFE_MS;
use crate::clock;
use crate::live;
use crate::metering::Limited;
use crate::store::ingest::{Answer, Incoming};
use crate::store::{certificates, commands};
use pastoral_proto::device::command_answer::Outcome;
use pastoral_proto::device::{self, CollectorMessage, DeviceMessage, Hello, RefusalReason};
use pastoral_proto::device::{collector_message::Message as Down, device_message::Message as Up};
use pastoral_proto::{Account, limits};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tonic::{Status, Streaming};

const HELLO_TIME: Duration = Duration::from_secs(30);
const RENEWAL_LOOK: Duration = Duration::from_secs(3600);
/// A stream that stays for so long is of the only device with its identity: two put each other out within minutes.
const ALONE_AFTER: Duration = Duration::from_secs(3600);
/// A clock that is further off is spoken of.
const CLOCK_TOLERANCE_MS: i64 = 5 * 60 * 1000;

type Replies = mpsc::Sender<Result<CollectorMessage, Status>>;

/// The other side is gone, or has to be.
struct Ended;

struct Session {
    shared: Arc<Shared>,
    device_id: Arc<str>,
    group: Arc<str>,
    standing: certificates::CertificateStanding,
    replies: Replies,
    clock_offset_ms: i64,
}

/// Serves a device until either side ends the stream.
pub(super) async fn run(
    shared: Arc<Shared>,
    standing: certificates::CertificateStanding,
    mut inbound: Streaming<DeviceMessage>,
    replies: Replies,
) {
    let first = tokio::time::timeout(HELLO_TIME, inbound.message()).await;
    let Ok(Ok(Some(DeviceMessage {
        message: Some(Up::Hello(hello)),
    }))) = first
    else {
        let malformed = Down::Refusal(refusal(RefusalReason::Malformed));
        let _device_may_be_gone = replies
            .send(Ok(CollectorMessage {
                message: Some(malformed),
            }))
            .await;
        return;
    };
    let mut session = Session {
        device_id: standing.device_id.as_str().into(),
        group: standing.group.as_str().into(),
        clock_offset_ms: clock::now_ms().saturating_sub(hello.device_time_ms),
        shared,
        standing,
        replies,
    };
    let entered = session
        .shared
        .hub
        .enter(&session.device_id, &session.group, &hello.epoch);
    let stream = entered.stream;
    let _ended = session.serve(&hello, inbound, entered).await;
    session.shared.hub.leave(&session.device_id, stream);
}

impl Session {
    async fn serve(
        &mut self,
        hello: &Hello,
        mut inbound: Streaming<DeviceMessage>,
        mut entered: Entered,
    ) -> Result<(), Ended> {
        self.standing.cloned |= entered.cloned;
        // Boxed, as what is done with a message below: a stream that waits, as most do, is as large as what it may do next.
        Box::pin(self.welcome(hello, entered.cloned)).await?;
        let stop = self.shared.stop.clone();
        let mut renewal = tokio::time::interval(RENEWAL_LOOK);
        let alone_at = Instant::now() + ALONE_AFTER;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                told = entered.told.recv() => match told {
                    Some(Told::Policy(policy)) => self.send(Down::Policy((*policy).clone())).await?,
                    Some(Told::Do(command)) => self.send(Down::Command(*command)).await?,
                    Some(Told::Close(refusal)) => return self.send(Down::Refusal(*refusal)).await,
                    None => return Ok(()),
                },
                _ = renewal.tick() => self.remind_of_renewal().await?,
                () = sleep_until(alone_at), if self.standing.cloned => self.is_alone().await?,
                message = inbound.message() => match message {
                    Ok(Some(DeviceMessage { message: Some(message) })) => Box::pin(self.take(message)).await?,
                    Ok(Some(DeviceMessage { message: None })) => return self.malformed("an empty message").await,
                    Ok(None) => return Ok(()),
                    Err(status) if status.code() == tonic::Code::Internal || status.code() == tonic::Code::OutOfRange => {
                        return self.malformed("a message that cannot be read").await;
                    }
                    Err(_) => return Ok(()),
                },
            }
        }
    }

    async fn welcome(&mut self, hello: &Hello, cloned: bool) -> Result<(), Ended> {
        let facts = [&hello.host_name, &hello.os, &hello.agent_version];
        if hello.epoch.len() != 16 || facts.iter().any(|fact| fact.len() > limits::NAME) {
            return self.malformed("a hello").await.and(Err(Ended));
        }
        let now = clock::now_ms();
        let offset = self.clock_offset_ms;
        if offset.abs() > CLOCK_TOLERANCE_MS {
            // Flags must not be lost for a wrong clock: it is reported, and times are corrected by the offset.
            tracing::warn!(device = %self.device_id, offset_ms = offset, "a device's clock is wrong");
        }
        if cloned {
            tracing::error!(device = %self.device_id, "two devices use the same identity in turn");
        }
        self.shared.hub.learn(&self.device_id, |seen| {
            seen.last_seen_at = now;
            seen.clock_offset_ms = Some(offset);
            seen.facts = Some((
                hello.host_name.clone(),
                hello.os.clone(),
                hello.agent_version.clone(),
            ));
            seen.policy = Some((
                signed(hello.policy_generation),
                signed(hello.policy_counter),
                None,
            ));
        });
        let welcome = device::Welcome {
            collector_time_ms: now,
            school_name: self.shared.app.school_name.to_string(),
            standing: Some(self.told_standing()),
        };
        self.send(Down::Welcome(welcome)).await?;
        match self.shared.policies.for_group(&self.group).await {
            Ok(made)
                if *self.group != hello.policy_group
                    || (made.generation, made.counter) != (hello.policy_generation, hello.policy_counter) =>
            {
                self.send(Down::Policy((*made.signed).clone())).await
            }
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "no policy could be made; the device keeps the one it has");
                Ok(())
            }
        }
    }

    async fn take(&mut self, message: Up) -> Result<(), Ended> {
        let now = clock::now_ms();
        self.shared.hub.heard(&self.device_id, now);
        match message {
            Up::Hello(_) => self.malformed("a second hello").await,
            Up::Envelopes(envelopes) => self.records(envelopes).await,
            Up::AudienceQuestion(question) => self.audience(question).await,
            Up::Health(health) => self.health(&health, now).await,
            Up::CommandAnswer(answer) => self.answered(answer, now).await,
            Up::PolicyReport(report) => {
                let refusal = (!report.in_force).then(|| limits::sentence(&report.refusal));
                if let Some(refusal) = &refusal {
                    tracing::warn!(device = %self.device_id, %refusal, "a device refused its policy");
                }
                self.shared.hub.learn(&self.device_id, |seen| {
                    seen.policy = Some((signed(report.generation), signed(report.counter), refusal));
                });
                Ok(())
            }
        }
    }

    async fn records(&mut self, envelopes: device::Envelopes) -> Result<(), Ended> {
        if envelopes.envelopes.len() > limits::ENVELOPES {
            return self.malformed("too many records in one message").await;
        }
        let identities: Vec<_> = envelopes
            .envelopes
            .iter()
            .map(|envelope| (envelope.epoch.clone(), envelope.sequence))
            .collect();
        let incoming = envelopes.envelopes.into_iter().map(|envelope| Incoming {
            device_id: Arc::clone(&self.device_id),
            group: Arc::clone(&self.group),
            epoch: envelope.epoch,
            sequence: envelope.sequence,
            bytes: envelope.bytes,
            clock_offset_ms: self.clock_offset_ms,
        });
        let answers = self.shared.ingest.commit(incoming.collect()).await;
        let answers = identities
            .into_iter()
            .zip(answers)
            .map(|((epoch, sequence), answer)| {
                let outcome = match answer {
                    Answer::Committed => device::answer::Outcome::Committed(device::Committed {}),
                    Answer::Quarantined(reason) => {
                        device::answer::Outcome::Quarantined(device::Quarantined { reason })
                    }
                    Answer::NotNow {
                        reason,
                        retry_after_ms,
                    } => device::answer::Outcome::NotNow(device::NotNow {
                        reason: reason.into(),
                        retry_after_ms,
                    }),
                };
                device::Answer {
                    epoch,
                    sequence,
                    outcome: Some(outcome),
                }
            });
        let answers = device::Answers {
            answers: answers.collect(),
        };
        self.send(Down::Answers(answers)).await
    }

    /// Whose account it is decides which rules apply (P3); nothing else about the person reaches the device.
    async fn audience(&mut self, question: device::AudienceQuestion) -> Result<(), Ended> {
        let Some(asked) = question.account else {
            return self.malformed("a question about no account").await;
        };
        let Ok(account) = Account::try_from(asked.clone()) else {
            return self.malformed("a question about a malformed account").await;
        };
        let audience = self
            .shared
            .accounts
            .audience(&self.shared.app, &self.device_id, &account)
            .await;
        let audience = audience.unwrap_or_else(|error| {
            tracing::error!(%error, "an account's audience could not be looked up");
            None
        });
        self.logged_in(&account).await;
        let audience = audience.map_or("", |audience| audience.code()).to_owned();
        self.send(Down::AudienceAnswer(device::AudienceAnswer {
            account: Some(asked),
            audience,
        }))
        .await
    }

    /// INVARIANT 8: a device tells of so many accounts a day; of more, what is flagged decides.
    async fn logged_in(&self, account: &Account) {
        let (shared, now) = (&self.shared, clock::now_ms());
        let day = shared.day(now);
        let key = (account.authority.clone(), account.stable_id.clone());
        if shared.meter.knows(day, &self.device_id, &key)
            || !shared.meter.has_room(day, &self.device_id, Limited::Accounts, 1)
        {
            return;
        }
        shared.meter.add_account(day, &self.device_id, key);
        let written = shared
            .accounts
            .logged_in(&shared.app, &self.device_id, account, now)
            .await;
        if let Err(error) = written {
            tracing::error!(%error, "that an account has logged in could not be written down");
        }
    }

    async fn health(&mut self, said: &device::Health, now: i64) -> Result<(), Ended> {
        if said.troubles.len() > limits::TROUBLES || said.helpers.len() > limits::HELPERS {
            return self.malformed("too much health in one message").await;
        }
        self.clock_offset_ms = now.saturating_sub(said.device_time_ms);
        let known = json!(Health::from(said).said(now)).to_string();
        let offset = self.clock_offset_ms;
        self.shared.hub.learn(&self.device_id, |seen| {
            seen.health = Some(known);
            seen.clock_offset_ms = Some(offset);
        });
        Ok(())
    }

    async fn answered(&mut self, answer: device::CommandAnswer, now: i64) -> Result<(), Ended> {
        let said = command::in_words(answer.outcome.as_ref());
        let app = &self.shared.app;
        let written = async {
            let mut tx = app.store.write().await?;
            let said = (said.0, said.1.as_str());
            let asked =
                commands::answered(&mut tx, &app.school_id, &self.device_id, &answer.id, said, now).await?;
            tx.commit().await.map(|()| asked)
        };
        match written.await {
            Ok(true) => app.live.tell(live::LiveChange {
                school_id: app.school_id.to_string(),
                concern_id: None,
            }),
            Ok(false) => {
                tracing::info!(device = %self.device_id, "a device answered what it was not asked, or too late");
            }
            Err(error) => tracing::error!(%error, "a device's answer could not be written down"),
        }
        match answer.outcome {
            Some(Outcome::Health(said)) => self.health(&said, now).await,
            _ => Ok(()),
        }
    }

    /// A certificate is renewed at two thirds of its life: on connect, and by timer for a stream that stays open.
    async fn remind_of_renewal(&mut self) -> Result<(), Ended> {
        if clock::now_ms() > self.standing.not_after - DEVICE_LIFE_MS / 3 {
            self.send(Down::RenewNow(device::RenewNow {})).await?;
        }
        Ok(())
    }

    /// The other device has been enrolled anew, or was taken away.
    async fn is_alone(&mut self) -> Result<(), Ended> {
        tracing::info!(device = %self.device_id, "one device alone uses this identity again");
        self.standing.cloned = false;
        self.shared
            .hub
            .learn(&self.device_id, |seen| seen.cloned = Some(false));
        let standing = self.told_standing();
        self.send(Down::Standing(standing)).await
    }

    fn told_standing(&self) -> device::Standing {
        device::Standing {
            group: self.group.to_string(),
            cloned: self.standing.cloned,
        }
    }

    async fn malformed(&mut self, what: &str) -> Result<(), Ended> {
        tracing::warn!(device = %self.device_id, what, "a device sent something malformed and is disconnected");
        self.send(Down::Refusal(refusal(RefusalReason::Malformed)))
            .await
            .and(Err(Ended))
    }

    async fn send(&mut self, message: Down) -> Result<(), Ended> {
        self.replies
            .send(Ok(CollectorMessage {
                message: Some(message),
            }))
            .await
            .map_err(|_| Ended)
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
