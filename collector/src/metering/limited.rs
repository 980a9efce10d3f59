//! What one device may do to the collector in a day (the school's own): each limit, its unit, and why it is what it is.
//!
//! INVARIANT 8: whoever has root on one laptop, or its stolen certificate, can do so much harm a day and no more. Beyond
//! a limit the device is told "not now", with a pause that grows; what it has stays on it, and flags of the highest
//! severity still come in, a few of each account. The console says what was held back, and a person decides.
//!
//! | what | a day | an honest laptop's worst day | what a day's harm is then |
//! |---|---|---|---|
//! | certificates | 24 | one, or a few when it is set up anew | 24 rows, 24 signatures |
//! | connections | 3,000 | one in half a minute, on bad wireless | so many handshakes |
//! | starts of the service | 300 | a service that crashes at every log-in | 600 rows that outlive retention |
//! | accounts | 200 | a library's, at which a whole year group signs in | so many rows |
//! | concerns opened | 60 | back from the summer: every kind of six weeks | so many false concerns, and 100 below |
//! | gaps | 1,500 | one in a minute: the agent itself spaces them out | so many rows |
//! | unreadable records | 500 | an agent newer than the collector, which then keeps them | so many sealed records |
//! | bytes | 160 MiB | a summer's spool (64 MiB) and a day beside it | 160 MiB of disk |
//! | fetches of the rules | 100 | one for each change of a list | 1.6 GiB of network |
//! | severe flags let in beyond | 5 of an account, 20 accounts | | 100 rows, or concerns |
//!
//! A flag that joins a concern is none of the concerns opened. A copied certificate makes 160 false concerns a day at most,
//! not one for each account, kind and week that it invents.

use crate::codes::codes;

const MIB: i64 = 1024 * 1024;
const MINUTE_MS: i64 = 60_000;
/// A person who allows a device more allows it so many times as much, for that day.
const ALLOWED: i64 = 10;
/// The first pause; each that follows is twice as long.
const FIRST_PAUSE_MS: u32 = 5_000;
/// A device takes no longer pause than this.
const LONGEST_PAUSE_MS: u32 = 5 * 60_000;

/// What a record costs beside its own bytes: its row and what keeps it from counting twice.
pub const BYTES_OF_A_ROW: i64 = 256;
/// Flags of the highest severity that are let in of an account, though the device is beyond a limit.
pub(super) const SEVERE_OF_AN_ACCOUNT: usize = 5;
/// Accounts of which they are.
pub(super) const SEVERE_ACCOUNTS: usize = 20;

codes! {
    /// What is limited. The words say what a device did and nothing of what it delivered: whoever looks after devices is
    /// not to learn from them that there are concerns.
    pub enum Limited {
        /// Certificates issued, when joining or renewing.
        Certificates = "certificates",
            "It asked for more certificates than a laptop needs in a day: mostly its clock is far off, or somebody uses a copy of its identity.";
        /// Streams opened.
        Connections = "connections", "It connected more often than a laptop does in a day.";
        /// Runs of the service that it tells of.
        Starts = "starts",
            "It says that its service was started more often than a laptop’s is in a day.";
        /// Accounts that it tells of.
        Accounts = "accounts", "It spoke of more accounts than use one laptop in a day.";
        /// Gap records.
        Gaps = "gaps", "It reported more gaps than a laptop has in a day.";
        /// Records that cannot be read.
        Unreadable = "unreadable",
            "It sent more records that cannot be read than a laptop ever should.";
        /// Bytes of records, with what storing each costs.
        Bytes = "bytes", "It sent more records than a laptop makes in a day.";
        /// Fetches of the rules.
        Rules = "rules",
            "It fetched the keyword lists more often than a laptop needs to in a day.";
        /// Concerns that its flags open.
        Concerns = "concerns", "It sent records about more different things than a laptop has in a day.";
    }
}

impl Limited {
    /// How much of it a device may use in a day.
    #[must_use]
    pub const fn a_day(self, allowed: bool) -> i64 {
        let most = match self {
            Self::Certificates => 24,
            Self::Connections => 3_000,
            Self::Starts => 300,
            Self::Accounts => 200,
            Self::Gaps => 1_500,
            Self::Unreadable => 500,
            Self::Bytes => 160 * MIB,
            Self::Rules => 100,
            Self::Concerns => 60,
        };
        if allowed { most * ALLOWED } else { most }
    }

    /// Beyond the limit, one is let in in so long all the same, where a device could otherwise deliver nothing.
    #[must_use]
    pub const fn one_in_ms(self) -> Option<i64> {
        match self {
            Self::Certificates | Self::Rules => Some(60 * MINUTE_MS),
            Self::Connections => Some(MINUTE_MS),
            _ => None,
        }
    }

    /// What the device itself is told.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Certificates => "this device has asked for more certificates than a laptop needs in a day",
            Self::Connections => "this device has connected more often than a laptop does in a day",
            Self::Starts => "the service was started more often than a laptop's is in a day",
            Self::Accounts => "this device spoke of more accounts than use one laptop in a day",
            Self::Gaps => "this device reported more gaps than a laptop has in a day",
            Self::Unreadable => "this device sent more records that cannot be read than it should",
            Self::Bytes => "this device sent more records than a laptop makes in a day",
            Self::Rules => "this device fetched the keyword lists more often than it needs to in a day",
            Self::Concerns => {
                "this device sent records about more different things than a laptop has in a day"
            }
        }
    }

    pub(super) const fn place(self) -> usize {
        self as usize
    }
}

/// How long a device waits that was held back so many times.
#[must_use]
pub(super) fn pause_ms(times: u32) -> u32 {
    FIRST_PAUSE_MS
        .saturating_mul(1 << times.min(16))
        .min(LONGEST_PAUSE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_limit_has_a_code_and_words_of_its_own_and_a_place() {
        let codes: BTreeSet<_> = Limited::ALL.iter().map(|limited| limited.code()).collect();
        let words: BTreeSet<_> = Limited::ALL.iter().map(|limited| limited.words()).collect();
        assert_eq!((codes.len(), words.len()), (9, 9));
        for (place, limited) in Limited::ALL.into_iter().enumerate() {
            assert_eq!(limited.place(), place);
            assert_eq!(Limited::from_code(limited.code()), Some(limited));
            assert!(limited.a_day(true) > limited.a_day(false));
        }
    }

    #[test]
    fn what_the_console_says_of_a_device_tells_nothing_of_concerns() {
        for limited in Limited::ALL {
            for word in ["flag", "concern", "severe", "severity"] {
                assert!(!limited.words().contains(word), "{}", limited.words());
            }
        }
    }

    #[test]
    fn the_pause_grows_and_is_bounded() {
        let pauses: Vec<_> = (0..40).map(pause_ms).collect();
        assert!(pauses.windows(2).all(|two| two[0] <= two[1]));
        assert_eq!((pauses[0], pauses[1], pauses[39]), (5_000, 10_000, 300_000));
    }
}
