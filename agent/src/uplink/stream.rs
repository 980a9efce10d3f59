//! One connection: hello, then records up, and answers, audiences and policies down, until it ends.

use super::backoff::Backoff;
use super::renewal::{has_expired, renew, time_left};
use super::window::Window;
use super::{Client, LinkError, client, downlink, refused_by, request_failed};
use crate::clock;
use crate::commands;
use crate::condition::{Link, Trouble, TroubleAbout};
use crate::context::Context;
use crate::identity::{Identity, Pair};
use crate::platform;
use crate::spool::Kept;
use crate::tls::TimeFault;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use pastoral_proto::device::collector_message::Message as Down;
use pastoral_proto::device::device_message::Message as Up;
use pastoral_proto::device::{
    AudienceQuestion, CollectorMessage, Command, CommandAnswer, DeviceMessage, Envelope, Envelopes, Hello,
    PolicyReport, Refusal, RefusalReason, SignedPolicy, Welcome,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

const PATIENCE: Duration = Duration::from_secs(30);
/// Messages handed to the connection at once, and those that wait for it.
const OUTGOING: usize = 16;
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// A certificate that is out of date by our clock, and was just renewed, is looked at again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// A collector's certificate is only to blame for its time if the clocks agree this well.
const CLOCKS_AGREE_MS: i64 = 5 * 60 * 1000;

/// Runs one connection. Ends without an error when there is something new to connect with.
pub(super) async fn run(
    context: &Arc<Context>,
    identity: &Arc<Identity>,
    pair: usize,
    backoff: &mut Backoff,
) -> Result<(), LinkError> {
    let used = &identity.pairs[pair.min(identity.pairs.len() - 1)];
    let (client, connection) = client(context, identity, pair).await?;
    let ended = converse(context, identity, used, backoff, client, connection.time_fault).await;
    match (ended, connection.alert.get()) {
        (Err(LinkError::Lost(_)), Some(alert)) => Err(refused_by(*alert)),
        (ended, _) => ended,
    }
}

async fn converse(
    context: &Arc<Context>,
    identity: &Arc<Identity>,
    used: &Pair,
    backoff: &mut Backoff,
    mut client: Client,
    time_fault: Option<TimeFault>,
) -> Result<(), LinkError> {
    if has_expired(used) && time_fault.is_none() && context.renewals.may_ask() {
        return renew(context, identity, used, &mut client).await;
    }
    let (out, outgoing) = mpsc::channel(OUTGOING);
    let _ = out.send(up(Up::Hello(hello(context)))).await;
    let connected = timeout(PATIENCE, client.connect(ReceiverStream::new(outgoing))).await;
    let mut incoming = connected
        .map_err(|_| silent())?
        .map_err(|status| request_failed(&status))?
        .into_inner();
    let standing = match first(&mut incoming).await? {
        Down::Welcome(welcome) => {
            check_time(&welcome, time_fault)?;
            compare_clocks(context, welcome.collector_time_ms);
            context
                .condition
                .update(|condition| condition.school_name = welcome.school_name);
            welcome.standing.unwrap_or_default()
        }
        Down::Refusal(refusal) if refusal.reason() == RefusalReason::CertificateExpired => {
            return renew(context, identity, used, &mut client).await;
        }
        Down::Refusal(refusal) => return Err(LinkError::Refused(refusal)),
        _ => return Err(LinkError::Lost("the collector did not answer the hello".into())),
    };
    backoff.succeeded();
    let identity = settle_on(context, identity, used)?;
    let stream = Stream {
        context: Arc::clone(context),
        identity: downlink::standing(context, &identity, standing).map_err(LinkError::Own)?,
        client,
        out,
        window: Window::default(),
        unsent: VecDeque::new(),
        unread: true,
        reading: None,
        applying: None,
        waiting_policy: None,
        commands: FuturesUnordered::new(),
    };
    let ended = stream.run(incoming, used).await;
    context
        .condition
        .update(|condition| condition.last_contact_ms = Some(clock::now_ms()));
    ended
}

struct Stream {
    context: Arc<Context>,
    identity: Arc<Identity>,
    client: Client,
    out: mpsc::Sender<DeviceMessage>,
    window: Window,
    unsent: VecDeque<DeviceMessage>,
    /// Whether the spool may hold something that is not on its way.
    unread: bool,
    reading: Option<BoxFuture<'static, Vec<Kept>>>,
    applying: Option<BoxFuture<'static, PolicyReport>>,
    waiting_policy: Option<SignedPolicy>,
    commands: FuturesUnordered<BoxFuture<'static, CommandAnswer>>,
}

impl Stream {
    async fn run(mut self, mut incoming: Streaming<CollectorMessage>, used: &Pair) -> Result<(), LinkError> {
        let context = Arc::clone(&self.context);
        let out = self.out.clone();
        let mut standing = context.spool.standing();
        let mut health_at = Instant::now();
        let mut watch = tokio::time::interval(WATCH_EVERY);
        watch.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // A clock that jumps is looked at again within the hour.
        let renew_within = |pair: &Pair| time_left(pair).unwrap_or_default().min(Duration::from_secs(3600));
        let mut renew_at = Instant::now() + renew_within(used);
        loop {
            self.start_reading();
            tokio::select! {
                message = incoming.message() => {
                    let message = message.map_err(|status| request_failed(&status))?;
                    self.take(message.ok_or_else(|| LinkError::Lost("the collector ended it".into()))?, used).await?;
                }
                kept = wait_for(&mut self.reading) => self.send_records(kept),
                permit = out.reserve(), if !self.unsent.is_empty() => {
                    let permit = permit.map_err(|_| LinkError::Lost("it ended".into()))?;
                    if let Some(message) = self.unsent.pop_front() {
                        permit.send(message);
                    }
                }
                changed = standing.changed() => {
                    changed.map_err(|_| LinkError::Own(anyhow::anyhow!("the spool's thread has ended")))?;
                    self.unread = true;
                }
                account = context.audiences.question(), if self.unsent.len() < OUTGOING => {
                    self.send(Up::AudienceQuestion(AudienceQuestion { account: Some(account.into()) }));
                }
                report = wait_for(&mut self.applying) => {
                    self.send(Up::PolicyReport(report));
                    self.apply_next();
                    health_at = Instant::now();
                }
                Some(answer) = self.commands.next() => self.send(Up::CommandAnswer(answer)),
                () = sleep_until(health_at) => {
                    self.send(Up::Health(crate::health::message(&context)));
                    health_at = Instant::now() + Duration::from_secs(context.rules.load().health_interval_s.into());
                }
                _ = watch.tick() => {
                    self.unread |= self.window.due(clock::now_ms());
                    if self.window.is_stuck(clock::now_ms()) {
                        return Err(LinkError::Lost("the collector leaves records unanswered".into()));
                    }
                }
                () = sleep_until(renew_at) => {
                    if time_left(used).is_none() && context.renewals.may_ask() {
                        return renew(&context, &self.identity, used, &mut self.client).await;
                    }
                    renew_at = Instant::now() + renew_within(used).max(LOOK_AGAIN);
                }
            }
        }
    }

    fn start_reading(&mut self) {
        if self.unread
            && self.reading.is_none()
            && self.unsent.is_empty()
            && let Some(wanted) = self.window.wanted()
        {
            self.unread = false;
            let spool = self.context.spool.clone();
            self.reading = Some(Box::pin(async move { spool.read(wanted).await }));
        }
    }

    fn send_records(&mut self, kept: Vec<Kept>) {
        if kept.is_empty() {
            return;
        }
        // There may be more than was wanted at once.
        self.unread = true;
        let now_ms = clock::now_ms();
        let envelopes = kept.into_iter().map(|kept| {
            self.window.sent(&kept, now_ms);
            Envelope {
                epoch: kept.id.epoch.0.to_vec(),
                sequence: kept.id.sequence,
                severity: kept.key.severity().get().into(),
                bytes: kept.bytes,
            }
        });
        let envelopes = Envelopes {
            envelopes: envelopes.collect(),
        };
        self.send(Up::Envelopes(envelopes));
    }

    async fn take(&mut self, message: CollectorMessage, used: &Pair) -> Result<(), LinkError> {
        self.context
            .condition
            .update(|condition| condition.last_contact_ms = Some(clock::now_ms()));
        match message.message {
            Some(Down::Answers(answers)) => {
                let gone = downlink::answers(&self.context, &mut self.window, answers);
                if !gone.is_empty() {
                    self.unread = true;
                    // INVARIANT 2: the collector has them, so they may go.
                    self.context.spool.remove(gone).await;
                }
            }
            Some(Down::AudienceAnswer(answer)) => downlink::audience(&self.context, answer),
            Some(Down::Policy(signed)) => {
                self.waiting_policy = Some(signed);
                self.apply_next();
            }
            Some(Down::Command(command)) => self.begin(command),
            Some(Down::Standing(standing)) => {
                self.identity =
                    downlink::standing(&self.context, &self.identity, standing).map_err(LinkError::Own)?;
            }
            Some(Down::RenewNow(_)) => {
                return renew(&self.context, &self.identity, used, &mut self.client).await;
            }
            Some(Down::Refusal(refusal)) => return Err(LinkError::Refused(refusal)),
            Some(Down::Welcome(_)) | None => {}
        }
        Ok(())
    }

    /// One policy at a time; of several that wait, the last.
    fn apply_next(&mut self) {
        if self.applying.is_none()
            && let Some(signed) = self.waiting_policy.take()
        {
            let (context, identity) = (Arc::clone(&self.context), Arc::clone(&self.identity));
            let client = self.client.clone();
            self.applying = Some(Box::pin(downlink::policy(context, identity, client, signed)));
        }
    }

    fn begin(&mut self, command: Command) {
        if self.commands.len() >= commands::AT_A_TIME {
            return self.send(Up::CommandAnswer(commands::too_many(command)));
        }
        let context = Arc::clone(&self.context);
        self.commands
            .push(Box::pin(commands::carry_out(context, command)));
    }

    fn send(&mut self, message: Up) {
        // The usual case: nothing waits, and it leaves at once.
        let message = up(message);
        if !self.unsent.is_empty() {
            return self.unsent.push_back(message);
        }
        if let Err(mpsc::error::TrySendError::Full(message)) = self.out.try_send(message) {
            self.unsent.push_back(message);
        }
    }
}

/// The result of a future that may not be there; it is gone afterwards.
async fn wait_for<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(running) => {
            let value = running.await;
            *future = None;
            value
        }
        None => std::future::pending().await,
    }
}

async fn first(incoming: &mut Streaming<CollectorMessage>) -> Result<Down, LinkError> {
    let message = timeout(PATIENCE, incoming.message())
        .await
        .map_err(|_| silent())?;
    let message = message.map_err(|status| request_failed(&status))?;
    message.and_then(|message| message.message).ok_or_else(silent)
}

/// A collector whose certificate is out of time only gets to say what time it is.
fn check_time(welcome: &Welcome, fault: Option<TimeFault>) -> Result<(), LinkError> {
    if fault.is_none() {
        return Ok(());
    }
    if (clock::now_ms() - welcome.collector_time_ms).abs() < CLOCKS_AGREE_MS {
        return Err(LinkError::CollectorExpired);
    }
    Err(LinkError::Refused(Refusal {
        reason: RefusalReason::ClockWrong.into(),
        advice: String::new(),
        collector_time_ms: welcome.collector_time_ms,
    }))
}

/// A wrong clock stops nothing, since the collector corrects the times of what it is sent; but it is to be set right.
fn compare_clocks(context: &Context, collector_time_ms: i64) {
    let now_ms = clock::now_ms();
    if (now_ms - collector_time_ms).abs() < CLOCKS_AGREE_MS {
        return context.condition.well(TroubleAbout::Clock);
    }
    let refusal = Refusal {
        reason: RefusalReason::ClockWrong.into(),
        advice: String::new(),
        collector_time_ms,
    };
    context
        .condition
        .trouble(TroubleAbout::Clock, Trouble::refused(&refusal, now_ms));
}

/// The pair has connected: the other one is not needed any more.
fn settle_on(context: &Context, identity: &Arc<Identity>, used: &Pair) -> Result<Arc<Identity>, LinkError> {
    let mut settled = Arc::clone(identity);
    if identity.pairs.len() > 1 {
        let one = Identity {
            pairs: vec![used.clone()],
            ..Identity::clone(identity)
        };
        one.save(&context.config.state_dir).map_err(LinkError::Own)?;
        settled = context.is_now(one);
    }
    let now_ms = clock::now_ms();
    context.condition.update(|condition| {
        condition.link = Link::Connected { since_ms: now_ms };
        condition.last_contact_ms = Some(now_ms);
    });
    context.condition.well(TroubleAbout::Link);
    context.audiences.connected();
    tracing::info!("connected to the collector");
    Ok(settled)
}

fn hello(context: &Context) -> Hello {
    let policy = context.rules.load().policy.clone().unwrap_or_default();
    Hello {
        epoch: context.spool.standing().borrow().epoch.0.to_vec(),
        device_time_ms: clock::now_ms(),
        host_name: platform::host_name(),
        os: platform::os_name(),
        agent_version: env!("CARGO_PKG_VERSION").into(),
        policy_generation: policy.generation,
        policy_counter: policy.counter,
        policy_group: policy.group,
    }
}

fn up(message: Up) -> DeviceMessage {
    DeviceMessage {
        message: Some(message),
    }
}

fn silent() -> LinkError {
    LinkError::Lost("the collector does not answer".into())
}
