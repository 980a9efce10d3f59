//! Why a device does not protect: one answer, which the device gives of itself and the collector shows.

/// Why a device does not protect, as far as anybody who uses it may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceFault {
    /// It belongs to no school yet.
    NotJoined,
    /// It waits for a person's decision.
    NotApproved,
    /// Nobody hears it in time.
    NotConnected,
    /// What is done on a desktop is not seen.
    NotWatched,
    /// A part of it does not do its work, or another device uses its identity.
    Broken,
}

impl DeviceFault {
    const ALL: [Self; 5] = [
        Self::NotJoined,
        Self::NotApproved,
        Self::NotConnected,
        Self::NotWatched,
        Self::Broken,
    ];

    /// The code in messages.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotJoined => "not-joined",
            Self::NotApproved => "not-approved",
            Self::NotConnected => "not-connected",
            Self::NotWatched => "not-watched",
            Self::Broken => "broken",
        }
    }

    /// Reads a code. One of a later version is a part that does not do its work: never that all is well.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let known = Self::ALL.into_iter().find(|fault| fault.code() == code);
        (!code.is_empty()).then(|| known.unwrap_or(Self::Broken))
    }

    /// For whoever uses it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotJoined => "it has not joined a school",
            Self::NotApproved => "the school has not approved it yet",
            Self::NotConnected => "it cannot reach the school",
            Self::NotWatched => "a part of it is not running in a session; logging out and in again may help",
            Self::Broken => "something on it does not work; tell your technician",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DeviceFault;

    #[test]
    fn a_fault_that_is_not_known_is_never_taken_for_protection() {
        for fault in DeviceFault::ALL {
            assert_eq!(DeviceFault::from_code(fault.code()), Some(fault));
        }
        assert_eq!(DeviceFault::from_code("of-later"), Some(DeviceFault::Broken));
        assert_eq!(DeviceFault::from_code(""), None);
    }
}
