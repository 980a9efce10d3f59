//! What the service's tasks share. It knows none of them.

use crate::audience::Audiences;
use crate::condition::{Condition, Link, Trouble, TroubleAbout};
use crate::config::Config;
use crate::helpers::{Board, HelperRules};
use crate::identity::{Identity, Renewals};
use crate::platform;
use crate::policy::PolicyStore;
use crate::rules::{Rules, SharedRules};
use crate::spool::SpoolHandle;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A policy without canaries.
const NO_CANARY: Duration = Duration::from_secs(366 * 24 * 3600);

/// What the service's tasks share.
pub(crate) struct Context {
    /// The settings.
    pub config: Config,
    /// The rules in force.
    pub rules: SharedRules,
    /// Who is in front of the device.
    pub audiences: Arc<Audiences>,
    /// How the device is.
    pub condition: Condition,
    /// What waits for the collector.
    pub spool: SpoolHandle,
    /// Who this device is; none before it has joined. A change makes the uplink connect again.
    pub identity: watch::Sender<Option<Arc<Identity>>>,
    /// The policy on disk.
    pub policies: PolicyStore,
    /// What is known of the helpers.
    pub board: Arc<Board>,
    /// When this run's last certificate was issued.
    pub(crate) renewals: Renewals,
    /// What the helpers have to keep to.
    pub(crate) helper_rules: watch::Sender<HelperRules>,
}

impl Context {
    /// What is known at the start.
    pub(crate) fn new(config: Config, spool: SpoolHandle, board: Arc<Board>) -> anyhow::Result<Self> {
        let condition = Condition::default();
        let policies = PolicyStore::new(&config.state_dir);
        let identity = Identity::load(&config.state_dir).unwrap_or_else(|error| {
            condition.trouble(
                TroubleAbout::State,
                Trouble::new(format!("{error:#}"), "enrol this device again"),
            );
            None
        });
        let rules = match identity.as_ref().map(|identity| policies.load(identity)) {
            Some(Ok(Some(rules))) => rules,
            Some(Err(refused)) => {
                let what = format!("the stored policy cannot be used: {refused}");
                let to_do =
                    "nothing: the lists that came with Pastoral apply until the collector sends it again";
                condition.trouble(TroubleAbout::Policy, Trouble::new(what, to_do));
                Rules::shipped()?
            }
            Some(Ok(None)) | None => Rules::shipped()?,
        };
        if identity.is_some() {
            condition.update(|condition| condition.link = Link::Away);
        }
        let (helper_rules, _) = watch::channel(for_helpers(&rules));
        Ok(Self {
            audiences: Arc::new(Audiences::load(&config.state_dir)),
            rules: Arc::new(ArcSwap::from_pointee(rules)),
            condition,
            spool,
            identity: watch::channel(identity.map(Arc::new)).0,
            policies,
            board,
            renewals: Renewals::default(),
            helper_rules,
            config,
        })
    }

    /// Puts rules in force, here and for the helpers.
    pub(crate) fn put_in_force(&self, rules: Rules) {
        self.helper_rules.send_replace(for_helpers(&rules));
        self.rules.store(Arc::new(rules));
        // Lists as they are written take more than the engine that is built from them.
        platform::give_memory_back();
    }

    /// Something about the device is different, for which nobody has to connect again.
    pub(crate) fn is_now(&self, identity: Identity) -> Arc<Identity> {
        let identity = Arc::new(identity);
        self.identity.send_if_modified(|current| {
            *current = Some(Arc::clone(&identity));
            false
        });
        identity
    }

    /// The device has joined: connects as what it is now.
    pub(crate) fn joined(&self, identity: Identity) {
        // A policy of another school must not stay; one of the same school comes into force again.
        let rules = match self.policies.load(&identity).ok().flatten() {
            Some(rules) => Some(Ok(rules)),
            None => self.rules.load().policy.as_ref().map(|_| Rules::shipped()),
        };
        match rules {
            Some(Ok(rules)) => self.put_in_force(rules),
            Some(Err(error)) => tracing::error!(%error, "the rules stay as they are"),
            None => {}
        }
        self.identity.send_replace(Some(Arc::new(identity)));
    }
}

fn for_helpers(rules: &Rules) -> HelperRules {
    let canary = u64::from(rules.canary_interval_s);
    HelperRules {
        lowest_user_id: rules.lowest_user_id,
        canary_interval: if canary == 0 {
            NO_CANARY
        } else {
            Duration::from_secs(canary)
        },
    }
}
