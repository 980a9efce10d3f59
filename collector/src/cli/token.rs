//! `token`: what devices ask to join with.

use super::{BY, school, when};
use crate::ca::Authority;
use crate::chain::Deed;
use crate::clock;
use crate::config::Config;
use crate::store::audit;
use crate::store::tokens::{self, NewToken};
use anyhow::Context as _;
use clap::Subcommand;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Tokens, with which devices ask to join.
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Makes a token and shows it, once, on standard output
    #[command(after_help = "Example: pastoral-collector token create --group pupils --uses 30 > token.txt")]
    Create {
        /// The devices' group, as the profile names it
        #[arg(long)]
        group: String,
        /// For how many devices
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        uses: i64,
        /// For how many days
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(i64).range(1..=365))]
        days: i64,
        /// Approves each device without a person
        #[arg(long)]
        approve_automatically: bool,
    },
    /// Shows which tokens there are
    List {
        /// Answers as JSON
        #[arg(long)]
        json: bool,
    },
    /// Lets no further device join with a token
    Withdraw {
        /// The token's id
        token_id: String,
    },
}

impl Token {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::Create {
                group,
                uses,
                days,
                approve_automatically,
            } => create(config, &group, uses, days, !approve_automatically).await,
            Self::List { json } => list(config, json).await,
            Self::Withdraw { token_id } => withdraw(config, &token_id).await,
        }
    }
}

async fn create(config: &Config, group: &str, uses: i64, days: i64, approve: bool) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    if opened.profile.group(group).is_none() {
        let known: Vec<_> = opened
            .profile
            .groups
            .iter()
            .map(|group| group.name.as_str())
            .collect();
        anyhow::bail!(
            "the profile has no group of devices `{group}`; it has {}",
            known.join(", ")
        );
    }
    let authority = Authority::open(&config.data_dir, &opened.school.school_id)?;
    let random = SystemRandom::new();
    let (mut id, mut secret) = ([0; 8], [0; 32]);
    let drawn = random.fill(&mut id).and_then(|()| random.fill(&mut secret));
    drawn.ok().context("the system gives no randomness; try again")?;
    let token_id = HEXLOWER.encode(&id);
    let now = clock::now_ms();
    let new = NewToken {
        token_id: &token_id,
        secret: &secret,
        group,
        uses,
        expires_at: now + days * DAY_MS,
        approve,
        created_by: "command line",
    };
    let mut tx = opened.store.write().await?;
    tokens::add(&mut tx, &opened.school.school_id, &new, now).await?;
    let detail = json!({ "token_id": token_id });
    audit::record(
        &mut tx,
        &opened.school.school_id,
        (BY, Deed::TokenMade),
        detail,
        now,
    )
    .await?;
    tx.commit().await?;
    println!(
        "pst1.{token_id}.{}.{}",
        BASE64URL_NOPAD.encode(&secret),
        HEXLOWER.encode(&authority.fingerprint())
    );
    Ok(())
}

async fn list(config: &Config, json: bool) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let tokens = tokens::list(&mut *opened.store.read().await?, &opened.school.school_id).await?;
    if json {
        println!("{}", serde_json::to_string(&tokens)?);
        return Ok(());
    }
    if tokens.is_empty() {
        println!("There is no token. Make one with `pastoral-collector token create --group pupils`.");
    }
    let now = clock::now_ms();
    for token in tokens {
        let state = match token {
            _ if token.uses_left <= 0 => "used up or withdrawn".to_owned(),
            _ if token.expires_at <= now => format!("expired {}", when(token.expires_at)),
            _ => format!("{} more until {}", token.uses_left, when(token.expires_at)),
        };
        let approval = if token.approve {
            "a person approves"
        } else {
            "approves by itself"
        };
        println!("{}  {:<16}  {state}, {approval}", token.token_id, token.group);
    }
    Ok(())
}

async fn withdraw(config: &Config, token_id: &str) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let now = clock::now_ms();
    let mut tx = opened.store.write().await?;
    anyhow::ensure!(
        tokens::withdraw(&mut tx, &opened.school.school_id, token_id).await?,
        "there is no token `{token_id}`; `token list` shows them"
    );
    let detail = json!({ "token_id": token_id });
    audit::record(
        &mut tx,
        &opened.school.school_id,
        (BY, Deed::TokenWithdrawn),
        detail,
        now,
    )
    .await?;
    tx.commit().await?;
    println!("No further device can join with token {token_id}.");
    Ok(())
}
