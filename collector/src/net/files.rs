//! How many files, and so connections, the system lets this process have open (`RLIMIT_NOFILE`).

use super::places::Bounds;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Store, logs, mail, backups and what is being accepted.
const BESIDE: usize = 256;

/// What the system allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Files that may be open.
    pub files: usize,
    /// What all the bounds together need.
    pub needed: usize,
}

impl Allowed {
    /// In words where it is too little; none where it is enough.
    #[must_use]
    pub fn too_low(&self) -> Option<String> {
        (self.files < self.needed).then(|| {
            format!(
                "The system lets the collector have only {} files and connections open at once, and it wants {}: it \
                 takes fewer devices and browsers until `LimitNOFILE={}` is set for its service (or `ulimit -n` raised) \
                 and it is started again.",
                self.files, self.needed, self.needed
            )
        })
    }
}

/// Raises the limit to what these bounds need, as far as the system lets it.
#[must_use]
pub fn raise(bounds: &[Bounds]) -> Allowed {
    let needed = needed(bounds);
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return Allowed {
            files: needed,
            needed,
        };
    };
    let wanted = u64::try_from(needed).unwrap_or(u64::MAX).min(hard).max(soft);
    let raised = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok();
    let files = if raised { wanted } else { soft };
    Allowed {
        files: usize::try_from(files).unwrap_or(usize::MAX),
        needed,
    }
}

/// What the system would allow, without asking it for more.
#[must_use]
pub fn allowed(bounds: &[Bounds]) -> Allowed {
    let needed = needed(bounds);
    let hard = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(_, hard)| hard);
    Allowed {
        files: usize::try_from(hard).unwrap_or(usize::MAX),
        needed,
    }
}

fn needed(bounds: &[Bounds]) -> usize {
    BESIDE + bounds.iter().map(Bounds::all).sum::<usize>()
}

impl Bounds {
    /// These bounds, or as much smaller in every part as there are too few files for all.
    #[must_use]
    pub fn within(self, allowed: &Allowed) -> Self {
        let (has, wants) = (
            allowed.files.saturating_sub(BESIDE).max(16),
            allowed.needed.saturating_sub(BESIDE).max(1),
        );
        if has >= wants {
            return self;
        }
        let fewer = |places: usize| (places * has / wants).max(2);
        Self {
            unproven: fewer(self.unproven),
            of_a_source: fewer(self.of_a_source),
            proven: fewer(self.proven),
            of_an_owner: self.of_an_owner.min(fewer(self.proven)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        unproven: 500,
        of_a_source: 250,
        proven: 500,
        of_an_owner: 32,
    };

    #[test]
    fn too_few_files_make_every_part_smaller_and_are_spoken_of() {
        let allowed = |files| Allowed { files, needed: 1_256 };
        assert_eq!(BOUNDS.within(&allowed(1_256)), BOUNDS);
        assert_eq!(allowed(1_256).too_low(), None);
        let fewer = BOUNDS.within(&allowed(756));
        assert_eq!((fewer.unproven, fewer.of_a_source, fewer.proven), (250, 125, 250));
        assert!(allowed(756).too_low().unwrap().contains("LimitNOFILE=1256"));
        assert!(BOUNDS.within(&allowed(10)).proven >= 2);
    }
}
