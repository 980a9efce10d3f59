//! What the collector sends: answers, audiences and policies.

use super::Client;
use super::window::Window;
use crate::clock;
use crate::condition::{Trouble, TroubleAbout};
use crate::context::Context;
use crate::identity::Identity;
use crate::policy::{self, PolicyRefused};
use crate::spool::Key;
use pastoral_keywords::Audience;
use pastoral_proto::device::answer::Outcome;
use pastoral_proto::device::{
    Answers, AudienceAnswer, FetchRulesRequest, Policy, PolicyReport, Refusal, RefusalReason, RulesReference,
    SignedPolicy, Standing,
};
use pastoral_proto::{Account, Epoch, FlagId, limits};
use prost::Message as _;
use std::sync::Arc;

/// The longest the collector can put a record off.
const LONGEST_DELAY_MS: i64 = 5 * 60 * 1000;

/// Takes the collector's answers; gives what is delivered.
pub(super) fn answers(context: &Context, window: &mut Window, answers: Answers) -> Vec<Key> {
    let now_ms = clock::now_ms();
    let mut gone = Vec::new();
    for answer in answers.answers {
        let Ok(epoch) = Epoch::try_from(&*answer.epoch) else {
            continue;
        };
        let id = FlagId {
            epoch,
            sequence: answer.sequence,
        };
        match answer.outcome {
            Some(Outcome::Committed(_)) => {
                tracing::debug!(sequence = id.sequence, "a record is answered");
                gone.extend(window.answered(id));
                context
                    .condition
                    .update(|condition| condition.last_delivery_ms = Some(now_ms));
                context.condition.well(TroubleAbout::Delivery);
            }
            Some(Outcome::Quarantined(quarantined)) => {
                gone.extend(window.answered(id));
                let reason = limits::sentence(&quarantined.reason);
                tracing::warn!(
                    sequence = id.sequence,
                    reason,
                    "the collector cannot read a record and has put it aside"
                );
                context.condition.update(|condition| condition.quarantined += 1);
            }
            Some(Outcome::NotNow(not_now)) => {
                let delay_ms = i64::from(not_now.retry_after_ms).clamp(100, LONGEST_DELAY_MS);
                window.not_now(id, now_ms + delay_ms);
                let reason = limits::sentence(&not_now.reason);
                context.condition.trouble(
                    TroubleAbout::Delivery,
                    Trouble::new(
                        format!("the collector cannot store records now: {reason}"),
                        "look at the collector (`pastoral-collector check`); what is flagged here is kept",
                    ),
                );
            }
            None => {}
        }
    }
    gone
}

/// Takes how this device stands with the collector; gives who it is by that.
pub(super) fn standing(
    context: &Context,
    identity: &Arc<Identity>,
    standing: Standing,
) -> anyhow::Result<Arc<Identity>> {
    if standing.cloned {
        let cloned = Refusal {
            reason: RefusalReason::Cloned.into(),
            ..Refusal::default()
        };
        let trouble = Trouble::refused(&cloned, clock::now_ms());
        context.condition.trouble(TroubleAbout::Clone, trouble);
    } else {
        context.condition.well(TroubleAbout::Clone);
    }
    if standing.group.is_empty() || standing.group == identity.group {
        return Ok(Arc::clone(identity));
    }
    let moved = Identity {
        group: standing.group,
        ..Identity::clone(identity)
    };
    moved.save(&context.config.state_dir)?;
    tracing::info!(group = moved.group, "this device is in another group now");
    Ok(context.is_now(moved))
}

/// Takes an account's audience.
pub(super) fn audience(context: &Context, answer: AudienceAnswer) {
    let Some(account) = answer.account.and_then(|account| Account::try_from(account).ok()) else {
        return;
    };
    // An audience that this version does not know is like none: the strictest applies.
    let audience = answer.audience.parse::<Audience>().ok();
    match context.audiences.answered(&account, audience) {
        Ok(_) => context.condition.well(TroubleAbout::State),
        Err(error) => context.condition.trouble(
            TroubleAbout::State,
            Trouble::new(
                format!("an account's audience cannot be stored: {error}"),
                "free some space on this device's disk",
            ),
        ),
    }
}

/// Checks a policy, fetches its lists and puts it in force; says what became of it.
pub(super) async fn policy(
    context: Arc<Context>,
    identity: Arc<Identity>,
    client: Client,
    signed: SignedPolicy,
) -> PolicyReport {
    let numbers = Policy::decode(&*signed.policy).unwrap_or_default();
    let mut report = PolicyReport {
        generation: numbers.generation,
        counter: numbers.counter,
        in_force: true,
        refusal: String::new(),
    };
    // INVARIANT 6: only a policy that is right in every respect replaces the one in force.
    match put_in_force(&context, &identity, client, &signed).await {
        Ok(()) => context.condition.well(TroubleAbout::Policy),
        Err(refused) => {
            report.in_force = false;
            report.refusal = refused.to_string();
            context.condition.trouble(
                TroubleAbout::Policy,
                Trouble::new(
                    format!("a policy was refused: {refused}"),
                    "correct it on the collector; the last good one stays in force",
                ),
            );
        }
    }
    report
}

async fn put_in_force(
    context: &Context,
    identity: &Identity,
    client: Client,
    signed: &SignedPolicy,
) -> Result<(), PolicyRefused> {
    if context.policies.is_in_force(signed) {
        return Ok(());
    }
    let policy = policy::verify(
        signed,
        identity,
        context.rules.load().policy.as_ref(),
        clock::now_ms(),
    )?;
    let fetch = |named| fetch_rules(client, named);
    let rules = context.policies.accept(signed, &policy, fetch).await?;
    tracing::info!(
        generation = policy.generation,
        counter = policy.counter,
        "a policy is in force"
    );
    context.put_in_force(rules);
    Ok(())
}

/// The rules, piece by piece; never more than the policy says there are.
async fn fetch_rules(mut client: Client, named: RulesReference) -> Result<Vec<u8>, String> {
    let said = |status: tonic::Status| status.message().to_owned();
    let request = FetchRulesRequest { sha256: named.sha256 };
    let mut pieces = client.fetch_rules(request).await.map_err(said)?.into_inner();
    let mut content = Vec::new();
    while let Some(piece) = pieces.message().await.map_err(said)? {
        // INVARIANT 8: what is taken in is bounded by what was signed.
        if content.len() + piece.content.len() > named.bytes as usize {
            return Err("there is more of them than the policy says".to_owned());
        }
        content.extend(piece.content);
    }
    Ok(content)
}
