//! Limits on trying: per address and per account, so that neither guessing nor a flood gets far.

use governor::clock::DefaultClock;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::net::IpAddr;
use std::num::NonZeroU32;

type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock>;

/// Attempts a minute from one address.
const PER_ADDRESS: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// Attempts a minute on one account or link, whether or not it exists.
const PER_ACCOUNT: NonZeroU32 = NonZeroU32::new(6).unwrap();
/// Keys after which forgotten ones are thrown away.
const MOST_KEYS: usize = 10_000;

/// Counts attempts to sign in, to use a link, to change a password.
pub struct Limits {
    addresses: Keyed<IpAddr>,
    accounts: Keyed<[u8; 32]>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            addresses: RateLimiter::keyed(Quota::per_minute(PER_ADDRESS)),
            accounts: RateLimiter::keyed(Quota::per_minute(PER_ACCOUNT)),
        }
    }
}

impl Limits {
    /// Whether one more attempt is allowed. Counts it.
    #[must_use]
    pub fn allow(&self, address: IpAddr, account: &str) -> bool {
        self.forget_old();
        let account = account.trim().to_lowercase();
        let key = ring::digest::digest(&ring::digest::SHA256, account.as_bytes());
        let key = <[u8; 32]>::try_from(key.as_ref()).unwrap_or_default();
        let address = self.addresses.check_key(&address).is_ok();
        address && self.accounts.check_key(&key).is_ok()
    }

    // INVARIANT 8: the tables do not grow with the number of addresses that try.
    fn forget_old(&self) {
        if self.addresses.len() > MOST_KEYS {
            self.addresses.retain_recent();
        }
        if self.accounts.len() > MOST_KEYS {
            self.accounts.retain_recent();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn one_account_cannot_be_guessed_at_from_many_addresses() {
        let limits = Limits::default();
        let allowed =
            (0..100u8).filter(|n| limits.allow(Ipv4Addr::new(10, 0, 0, *n).into(), "Head@Oak.example"));
        assert_eq!(allowed.count(), 6);
        assert!(!limits.allow(Ipv4Addr::new(10, 0, 1, 1).into(), " head@oak.example"));
    }

    #[test]
    fn one_address_cannot_try_many_accounts() {
        let limits = Limits::default();
        let from = Ipv4Addr::LOCALHOST.into();
        assert_eq!(
            (0..200)
                .filter(|n| limits.allow(from, &format!("{n}@oak.example")))
                .count(),
            60
        );
    }
}
