//! The words every part of Pastoral shares about what is looked for: topic, area, severity, audience, source, provenance.
//!
//! Each has one lower-case, hyphenated code, which is what stands in lists, messages and the store.

use std::fmt;
use std::str::FromStr;

/// A code that is not one of the vocabulary's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a known {what}; use one of: {known}")]
pub struct UnknownCode {
    what: &'static str,
    given: String,
    known: String,
}

macro_rules! coded {
    ($(#[$meta:meta])* $name:ident, $what:literal, { $($(#[$vmeta:meta])* $variant:ident => $code:literal, $label:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* #[doc = $label] $variant,)+ }

        impl $name {
            /// Every value, in the order of the definition.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code that stands in lists, messages and the store.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The words a reader sees.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownCode;

            fn from_str(code: &str) -> Result<Self, UnknownCode> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    _ => Err(UnknownCode {
                        what: $what,
                        given: code.chars().take(40).collect(),
                        known: [$($code,)+].join(", "),
                    }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = UnknownCode;

            fn try_from(code: String) -> Result<Self, UnknownCode> {
                code.parse()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.code())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                code.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

coded! {
    /// What a term is about (P5, P6 and the monitoring topics that UK schools are asked to cover).
    Topic, "topic", {
        Suicide => "suicide", "Suicide";
        SelfHarm => "self-harm", "Self-harm";
        EatingDisorders => "eating-disorders", "Eating disorders and other harm to oneself";
        Abuse => "abuse", "Abuse, neglect or exploitation";
        Grooming => "grooming", "Grooming";
        Sexting => "sexting", "Nude or intimate images";
        SexualHarassment => "sexual-harassment", "Sexual violence or harassment";
        IndecentImages => "indecent-images", "Indecent images of children";
        Pornography => "pornography", "Pornography";
        Extremism => "extremism", "Extremism and radicalisation";
        Hate => "hate", "Racial and other hatred";
        Bullying => "bullying", "Bullying";
        Violence => "violence", "Violence and weapons";
        Drugs => "drugs", "Drugs, alcohol and tobacco";
        Gambling => "gambling", "Gambling";
        Gaming => "gaming", "Games in lessons";
        IllegalMaterial => "illegal-material", "Illegal material";
        Fraud => "fraud", "Fraud and scams";
        CoerciveControl => "coercive-control", "Coercive control";
        ViolenceAgainstWomen => "violence-against-women", "Violence against women and girls";
        PersonalInformation => "personal-information", "Giving away personal information";
        Copyright => "copyright", "Copyright";
        FileSharing => "file-sharing", "File sharing and downloads";
        Messaging => "messaging", "Messaging and chat";
        Buying => "buying", "Buying on line";
        FilterEvasion => "filter-evasion", "Getting round the filter";
        LookingForHelp => "looking-for-help", "Looking for help";
    }
}

coded! {
    /// The three areas of risk that schools sort topics into (P5).
    Area, "area", {
        Content => "content", "Content: what is seen";
        Contact => "contact", "Contact: who is met";
        Conduct => "conduct", "Conduct: what is done";
    }
}

impl Topic {
    /// The area of risk a topic belongs to (P5).
    #[must_use]
    pub const fn area(self) -> Area {
        match self {
            Self::Suicide
            | Self::SelfHarm
            | Self::EatingDisorders
            | Self::IndecentImages
            | Self::Pornography
            | Self::Extremism
            | Self::Hate
            | Self::Violence
            | Self::ViolenceAgainstWomen
            | Self::Drugs
            | Self::Gambling
            | Self::IllegalMaterial => Area::Content,
            Self::Abuse
            | Self::Grooming
            | Self::SexualHarassment
            | Self::CoerciveControl
            | Self::Messaging
            | Self::LookingForHelp => Area::Contact,
            Self::Sexting
            | Self::Bullying
            | Self::Gaming
            | Self::PersonalInformation
            | Self::Fraud
            | Self::Copyright
            | Self::FileSharing
            | Self::Buying
            | Self::FilterEvasion => Area::Conduct,
        }
    }
}

coded! {
    /// Who is in front of the device, as far as rules go (P3).
    Audience, "audience", {
        Ks1 => "ks1", "Reception to year 2";
        Ks2 => "ks2", "Years 3 to 6";
        Secondary => "secondary", "Years 7 and above";
        Staff => "staff", "Staff";
        Administration => "administration", "Administration";
    }
}

impl Audience {
    /// Who an account is taken for while nobody has said: the strictest pupil audience.
    pub const STRICTEST: Self = Self::Ks1;

    /// Whether the rules for pupils apply.
    #[must_use]
    pub const fn is_pupil(self) -> bool {
        matches!(self, Self::Ks1 | Self::Ks2 | Self::Secondary)
    }
}

coded! {
    /// What was observed.
    Source, "source", {
        Search => "search", "Search";
        Title => "title", "Window title";
        FileName => "file-name", "File name";
    }
}

coded! {
    /// Who wrote the text (P44).
    Provenance, "provenance", {
        Typed => "typed", "Typed by the user";
        Page => "page", "Written by a page or program";
        Medium => "medium", "A name on a removable medium";
    }
}

impl Source {
    /// Who is taken to have written what is seen there, where nothing more is known of it.
    #[must_use]
    pub const fn provenance(self) -> Provenance {
        match self {
            Self::Search => Provenance::Typed,
            Self::Title => Provenance::Page,
            Self::FileName => Provenance::Medium,
        }
    }
}

/// How fast a person must look: 1 (note) to 5 (a life may be at risk).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Severity(u8);

impl Severity {
    /// A note.
    pub const MIN: Self = Self(1);
    /// A life may be at risk.
    pub const MAX: Self = Self(5);
    /// The most that text written by a page alone may reach.
    pub const PAGE_MAX: Self = Self(4);
    /// 1 to 5, in rising order.
    pub const ALL: [Self; 5] = [Self(1), Self(2), Self(3), Self(4), Self(5)];

    /// The number, 1 to 5.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Severity {
    type Error = UnknownCode;

    fn try_from(value: u8) -> Result<Self, UnknownCode> {
        if (1..=5).contains(&value) {
            Ok(Self(value))
        } else {
            Err(UnknownCode {
                what: "severity",
                given: value.to_string(),
                known: "1, 2, 3, 4, 5".into(),
            })
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_as_itself() {
        for topic in Topic::ALL {
            assert_eq!(topic.code().parse(), Ok(*topic));
        }
        for audience in Audience::ALL {
            assert_eq!(audience.code().parse(), Ok(*audience));
        }
    }

    #[test]
    fn an_unknown_code_is_refused_with_the_known_ones() {
        let error = "selfharm".parse::<Topic>().unwrap_err();
        assert!(error.to_string().contains("self-harm"), "{error}");
    }

    #[test]
    fn severity_is_one_to_five() {
        assert!(Severity::try_from(0).is_err());
        assert!(Severity::try_from(6).is_err());
        assert_eq!(Severity::try_from(5), Ok(Severity::MAX));
    }
}
