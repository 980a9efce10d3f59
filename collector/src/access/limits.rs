//! Limits on trying, so that neither guessing nor a flood gets far, and nobody locks out anybody else.
//!
//! | what is counted | for whom | at once | then one more every | stops | and does not stop |
//! |---|---|---|---|---|---|
//! | wrong tries | one account from one source | 6 | minute | guessing at it | its owner elsewhere |
//! | wrong tries | one account, by unknown browsers | 60 | 30 s | guessing from many sources | one source alone never uses it up |
//! | wrong tries | one source, by unknown browsers | 30 | 2 s | trying many accounts | other sources |
//! | wrong tries | one browser that the account's owner has signed in with before | 6 | minute | a guest at it | what others do elsewhere counts nothing |
//!
//! A try is counted as wrong when it begins and taken back when it was right, so that many at once are not allowed on
//! the strength of one. A refused try is not counted: it uses up nobody's. Whether an account exists changes nothing.

use crate::clock;
use crate::net::places::Owner;
use crate::net::rate::{Rate, Rates};
use crate::net::source::Source;
use ring::digest::{SHA256, digest};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const MINUTE_MS: i64 = 60_000;
const ACCOUNT_AT_SOURCE: Rate = Rate {
    at_once: 6,
    every_ms: MINUTE_MS,
};
const ACCOUNT: Rate = Rate {
    at_once: 60,
    every_ms: MINUTE_MS / 2,
};
const SOURCE: Rate = Rate {
    at_once: 30,
    every_ms: 2_000,
};
const BROWSER: Rate = Rate {
    at_once: 6,
    every_ms: MINUTE_MS,
};
/// One link opened and used; who does not have it cannot use this up.
const LINK: Rate = Rate {
    at_once: 6,
    every_ms: MINUTE_MS / 6,
};
/// Links of any kind opened and used from one source.
const LINKS: Rate = Rate {
    at_once: 60,
    every_ms: 1_000,
};
/// Tries by unknown browsers, wrong or refused, beyond which an account is under siege: its owner, who cannot remember
/// the password, stops before.
const SIEGE: Rate = Rate {
    at_once: 20,
    every_ms: 3 * MINUTE_MS,
};
/// How often the store is asked who that is; it tells them once a day.
const TELLING: Rate = Rate {
    at_once: 1,
    every_ms: 60 * MINUTE_MS,
};
/// Refused sign-ins that are written into the audit log one by one; of the rest it says how many they were.
const ENTRIES: Rate = Rate {
    at_once: 120,
    every_ms: MINUTE_MS / 2,
};
/// Of how many accounts, sources and browsers it is known (invariant 8).
const MOST_KEYS: usize = 20_000;

type Account = [u8; 32];

/// Counts tries to sign in, to use a link, to change a password.
#[derive(Debug)]
pub struct Limits {
    accounts_at_sources: Rates<(Account, Source)>,
    accounts: Rates<Account>,
    sources: Rates<Source>,
    browsers: Rates<(Account, Owner)>,
    link: Rates<Account>,
    links: Rates<Source>,
    sieges: Rates<Account>,
    tellings: Rates<Account>,
    entries: Rates<()>,
    unwritten: AtomicU64,
}

/// Too many wrong tries: none more for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// Whether somebody does this on purpose.
    pub siege: bool,
}

/// A try that counts as wrong until it turns out right.
#[must_use]
pub struct Attempt {
    limits: Arc<Limits>,
    account: Account,
    by: By,
    siege: bool,
}

enum By {
    Known(Owner),
    Unknown(Source),
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            accounts_at_sources: Rates::new(ACCOUNT_AT_SOURCE, MOST_KEYS),
            accounts: Rates::new(ACCOUNT, MOST_KEYS),
            sources: Rates::new(SOURCE, MOST_KEYS),
            browsers: Rates::new(BROWSER, MOST_KEYS),
            link: Rates::new(LINK, MOST_KEYS),
            links: Rates::new(LINKS, MOST_KEYS),
            sieges: Rates::new(SIEGE, MOST_KEYS),
            tellings: Rates::new(TELLING, MOST_KEYS),
            entries: Rates::new(ENTRIES, 1),
            unwritten: AtomicU64::new(0),
        }
    }
}

impl Limits {
    /// Begins a try at an account, whether or not it exists; `known` is the browser when the account's owner has
    /// signed in with it before.
    ///
    /// # Errors
    /// When none is allowed.
    pub fn begin(
        self: &Arc<Self>,
        from: Source,
        account: &str,
        known: Option<Owner>,
        now_ms: i64,
    ) -> Result<Attempt, TooMany> {
        let account = account_key(account);
        let (by, allowed, siege) = match known {
            Some(browser) => {
                let key = (account, browser);
                let allowed = self.browsers.take(&key, now_ms);
                (By::Known(key.1), allowed, false)
            }
            None => {
                let allowed = self.take_unknown(from, account, now_ms);
                (By::Unknown(from), allowed, !self.sieges.take(&account, now_ms))
            }
        };
        let attempt = Attempt {
            limits: Arc::clone(self),
            account,
            by,
            siege,
        };
        allowed.then_some(attempt).ok_or(TooMany { siege })
    }

    /// Whether the store is to be asked, again, who is to be told of a siege.
    #[must_use]
    pub fn may_be_told(&self, account: &str, now_ms: i64) -> bool {
        self.tellings.take(&account_key(account), now_ms)
    }

    /// Whether a refused sign-in gets an entry of its own in the audit log, and how many before it got none: a flood must
    /// fill neither the log nor the store (invariant 8).
    #[must_use]
    pub fn entry(&self, now_ms: i64) -> Option<u64> {
        if self.entries.take(&(), now_ms) {
            return Some(self.unwritten.swap(0, Ordering::Relaxed));
        }
        self.unwritten.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// Whether a link may be opened or used once more. Counts, whatever comes of it.
    #[must_use]
    pub fn allow(&self, from: Source, link: &str) -> bool {
        let now = clock::now_ms();
        self.links.take(&from, now) && self.link.take(&account_key(link), now)
    }

    // All of them or none.
    fn take_unknown(&self, from: Source, account: Account, now_ms: i64) -> bool {
        if !self.accounts_at_sources.take(&(account, from), now_ms) {
            return false;
        }
        if !self.sources.take(&from, now_ms) {
            self.accounts_at_sources.give_back(&(account, from));
            return false;
        }
        if !self.accounts.take(&account, now_ms) {
            self.accounts_at_sources.give_back(&(account, from));
            self.sources.give_back(&from);
            return false;
        }
        true
    }
}

impl Attempt {
    /// It was right, so it counts for nothing.
    pub fn was_right(self) {
        match &self.by {
            By::Known(browser) => self
                .limits
                .browsers
                .give_back(&(self.account, Arc::clone(browser))),
            By::Unknown(from) => {
                self.limits.accounts_at_sources.give_back(&(self.account, *from));
                self.limits.sources.give_back(from);
                self.limits.accounts.give_back(&self.account);
                if !self.siege {
                    self.limits.sieges.give_back(&self.account);
                }
            }
        }
    }

    /// Whether so many were wrong before that somebody does this on purpose.
    #[must_use]
    pub const fn is_siege(&self) -> bool {
        self.siege
    }
}

fn account_key(account: &str) -> Account {
    let account = account.trim().to_lowercase();
    <[u8; 32]>::try_from(digest(&SHA256, account.as_bytes()).as_ref()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HEAD: &str = "head@oak.example";

    fn source(n: u16) -> Source {
        let [high, low] = n.to_be_bytes();
        std::net::IpAddr::from(Ipv4Addr::new(10, 0, high, low)).into()
    }

    fn browser(name: &str) -> Option<Owner> {
        Some(name.as_bytes().into())
    }

    fn wrong(limits: &Arc<Limits>, from: Source, account: &str, now_ms: i64) -> bool {
        limits.begin(from, account, None, now_ms).is_ok()
    }

    #[test]
    fn two_wrong_passwords_a_second_lock_the_owner_out_nowhere_else() {
        let limits = Arc::new(Limits::default());
        // Three hours of it.
        let times = (0..2 * 3 * 3600).map(|n| n * 500);
        let allowed = times.filter(|now| wrong(&limits, source(1), HEAD, *now)).count();
        let then = 3 * 60 * MINUTE_MS;
        assert!((180..190).contains(&allowed), "{allowed}");
        assert!(
            !wrong(&limits, source(1), HEAD, then - 1),
            "nor can the owner there"
        );
        assert!(wrong(&limits, source(2), HEAD, then), "but from elsewhere");
        assert!(
            limits.begin(source(1), HEAD, browser("own"), then).is_ok(),
            "and with the own browser"
        );
        assert!(
            wrong(&limits, source(1), "deputy@oak.example", then),
            "and another there"
        );
    }

    #[test]
    fn one_account_cannot_be_guessed_at_from_many_sources_and_its_owner_still_comes_in() {
        let limits = Arc::new(Limits::default());
        let allowed = (0..1_000)
            .filter(|n| wrong(&limits, source(*n), " Head@Oak.example", 0))
            .count();
        assert_eq!(allowed, 60);
        assert!(limits.begin(source(5), HEAD, browser("own"), 0).is_ok());
        assert!(wrong(&limits, source(5), "deputy@oak.example", 0));
    }

    #[test]
    fn one_source_cannot_try_many_accounts() {
        let limits = Arc::new(Limits::default());
        let allowed = (0..200)
            .filter(|n| wrong(&limits, source(1), &format!("{n}@oak.example"), 0))
            .count();
        assert_eq!(allowed, 30);
        assert!(limits.begin(source(1), HEAD, browser("own"), 0).is_ok());
        assert!(wrong(&limits, source(2), HEAD, 0));
    }

    #[test]
    fn a_known_browser_is_limited_by_what_is_typed_at_it() {
        let limits = Arc::new(Limits::default());
        let tries = (0..100)
            .filter(|_| limits.begin(source(1), HEAD, browser("own"), 0).is_ok())
            .count();
        assert_eq!(tries, 6);
        assert!(limits.begin(source(1), HEAD, browser("own"), MINUTE_MS).is_ok());
        assert!(limits.begin(source(1), HEAD, browser("other"), 0).is_ok());
    }

    #[test]
    fn who_signs_in_often_is_never_limited() {
        let limits = Arc::new(Limits::default());
        for _ in 0..1_000 {
            limits.begin(source(1), HEAD, None, 0).unwrap().was_right();
            limits
                .begin(source(1), HEAD, browser("own"), 0)
                .unwrap()
                .was_right();
        }
        let refused = limits.begin(source(1), HEAD, None, 0).unwrap();
        assert!(!refused.is_siege());
    }

    #[test]
    fn a_flood_of_refused_sign_ins_does_not_flood_the_audit_log_and_is_counted() {
        let limits = Limits::default();
        let entries: Vec<_> = (0..10_000).filter_map(|_| limits.entry(0)).collect();
        assert_eq!(entries.len(), 120);
        assert_eq!(limits.entry(MINUTE_MS), Some(9_880));
        assert_eq!(limits.entry(MINUTE_MS), Some(0));
    }

    #[test]
    fn a_siege_is_noticed_also_while_its_tries_are_refused() {
        let limits = Arc::new(Limits::default());
        let sieges = (0..40).filter(|n| match limits.begin(source(1), HEAD, None, n * 500) {
            Ok(attempt) => attempt.is_siege(),
            Err(refused) => refused.siege,
        });
        assert_eq!(sieges.count(), 20);
        let own = limits.begin(source(1), HEAD, browser("own"), 20_000).unwrap();
        assert!(!own.is_siege());
    }
}
