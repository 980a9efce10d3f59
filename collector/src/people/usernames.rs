//! User names as devices and files write them: `name`, `name@school.example`, `SCHOOL\name`.
//!
//! The same name in two domains may be two people: `ADMIN\jhill` a teacher and `CURRIC\jhill` a pupil. Two names are one
//! account's where their domains can be the same, and never by guessing:
//!
//! | one | other | the same |
//! |---|---|---|
//! | `aash` | `aash`, `aash@school.example`, `SCHOOL\aash` | yes |
//! | `aash@school.example` | `aash@ad.school.example`, `SCHOOL\aash` | yes: one domain within the other, its short name |
//! | `aash@oak.local` | `aash@oak.kent.sch.uk` | yes: both begin with the school's own name |
//! | `aash@pupils.school.example` | `aash@staff.school.example` | no |
//! | `ADMIN\aash` | `aash@school.example` | no: nothing says that `ADMIN` is that domain |

use unicode_normalization::UnicodeNormalization as _;

/// As names are compared: in one Unicode form, in lower case.
#[must_use]
pub fn normal(name: &str) -> String {
    name.trim().nfc().collect::<String>().to_lowercase()
}

/// A user name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    /// Without its domain, as names are compared.
    pub name: String,
    /// The domain; none when it was written without.
    pub domain: Option<Domain>,
}

/// The domain of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    /// `school.example`.
    Long(String),
    /// `SCHOOL`, in lower case.
    Short(String),
}

/// Parts of domains that say nothing of whose they are.
const ANYBODYS: [&str; 12] = [
    "sch",
    "org",
    "com",
    "net",
    "edu",
    "gov",
    "local",
    "internal",
    "example",
    "onmicrosoft",
    "lan",
    "intra",
];

/// Windows keeps this many letters of a domain's short name.
const SHORT_MOST: usize = 15;

impl Username {
    /// Takes a name apart; none when there is nothing in it.
    #[must_use]
    pub fn parse(written: &str) -> Option<Self> {
        let written = normal(written);
        let (name, domain) = if let Some((domain, name)) = written.rsplit_once('\\') {
            (name, Some(Domain::Short(domain.into())))
        } else if let Some((name, domain)) = written.rsplit_once('@') {
            (name, Some(Domain::Long(domain.trim_end_matches('.').into())))
        } else {
            (written.as_str(), None)
        };
        let domain = domain.filter(|domain| !domain.text().is_empty() && domain.text() != ".");
        (!name.is_empty()).then(|| Self {
            name: name.into(),
            domain,
        })
    }

    /// Whether this can be the account that the other names.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let domains = (&self.domain, &other.domain);
        self.name == other.name
            && match domains {
                (Some(one), Some(other)) => one.is(other),
                _ => true,
            }
    }
}

impl Domain {
    fn text(&self) -> &str {
        match self {
            Self::Long(text) | Self::Short(text) => text,
        }
    }

    /// Whether two names of domains can be one domain's.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Short(one), Self::Short(other)) => one == other,
            (Self::Long(one), Self::Long(other)) => long_is(one, other),
            (Self::Long(long), Self::Short(short)) | (Self::Short(short), Self::Long(long)) => {
                short_is(short, long)
            }
        }
    }
}

fn long_is(one: &str, other: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        outer.contains('.')
            && inner
                .strip_suffix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let first = |domain: &str| domain.split('.').next().unwrap_or_default().to_owned();
    within(one, other) || within(other, one) || first(one) == first(other)
}

fn short_is(short: &str, long: &str) -> bool {
    let squashed = |text: &str| {
        text.chars()
            .filter(|letter| letter.is_alphanumeric())
            .collect::<String>()
    };
    let short_squashed = squashed(short);
    long.split('.').enumerate().any(|(place, label)| {
        let label_squashed = squashed(label);
        let cut: String = label_squashed.chars().take(SHORT_MOST).collect();
        let tells = place == 0 || (label.len() > 3 && !ANYBODYS.contains(&label));
        tells && !short_squashed.is_empty() && (short_squashed == label_squashed || short_squashed == cut)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meet(one: &str, other: &str) -> bool {
        let (one, other) = (Username::parse(one).unwrap(), Username::parse(other).unwrap());
        assert_eq!(one.meets(&other), other.meets(&one));
        one.meets(&other)
    }

    #[test]
    fn names_of_one_account_meet_whichever_way_either_side_writes_them() {
        for (one, other) in [
            ("aash", "AAsh"),
            ("aash", "aash@ad.school.example"),
            ("aash", "SCHOOL\\aash"),
            ("aash@school.example", "aash@ad.school.example"),
            ("SCHOOL\\aash", "aash@school.example"),
            ("SCHOOL\\aash", "aash@ad.school.example"),
            ("STMARKS\\aash", "aash@st-marks.sch.uk"),
            ("GREENFIELDACADE\\aash", "aash@greenfieldacademy.example"),
            ("aash@oak.local", "aash@oak.kent.sch.uk"),
            ("zo\u{eb}", "ZOE\u{308}"),
        ] {
            assert!(meet(one, other), "{one} {other}");
        }
    }

    #[test]
    fn the_same_name_in_another_domain_may_be_another_person() {
        for (one, other) in [
            ("aash@pupils.school.example", "aash@staff.school.example"),
            ("ADMIN\\aash", "aash@school.example"),
            ("ADMIN\\aash", "CURRIC\\aash"),
            ("SCH\\aash", "aash@oak.sch.uk"),
            ("aash@oak.sch.uk", "aash@elm.sch.uk"),
            ("aash", "aash2"),
        ] {
            assert!(!meet(one, other), "{one} {other}");
        }
        assert_eq!(Username::parse("SCHOOL\\"), None);
        assert_eq!(Username::parse(" "), None);
        assert_eq!(Username::parse(".\\aash").unwrap().domain, None);
    }
}
