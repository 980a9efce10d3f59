//! The kinds of concern: each has its procedure (P23). A topic belongs to exactly one kind.

use pastoral_keywords::Topic;

macro_rules! kinds {
    ($($(#[$meta:meta])* $variant:ident => $code:literal, $label:literal, welfare: $welfare:literal;)+) => {
        /// What a concern is of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[$meta])* $variant,)+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code in the store and in profiles.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The words a reader sees.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }

            /// Whether it is about somebody's welfare. Such a concern never has a category (P22).
            #[must_use]
            pub const fn is_welfare(self) -> bool {
                match self { $(Self::$variant => $welfare,)+ }
            }
        }
    };
}

kinds! {
    /// Suicide, self-harm, eating disorders.
    SelfHarm => "self-harm", "Self-harm or suicide", welfare: true;
    /// Abuse, grooming, sexual or criminal exploitation.
    Exploitation => "exploitation", "Abuse or exploitation of a child", welfare: true;
    /// Indecent images of children.
    IndecentImages => "indecent-images", "Indecent images of children", welfare: true;
    /// Youth-produced sexual imagery.
    SexualImagery => "sexual-imagery", "Nude or intimate images shared by children", welfare: true;
    /// Sexual violence or harassment between children.
    SexualHarassment => "sexual-harassment", "Sexual violence or harassment between children", welfare: true;
    /// Radicalisation and extremism.
    Radicalisation => "radicalisation", "Radicalisation or extremism", welfare: true;
    /// What a child told a member of staff, seen on the adult's account.
    Disclosure => "disclosure", "Perhaps what a child disclosed, on a staff account", welfare: true;
    /// Drugs, alcohol, tobacco, gambling.
    Substances => "substances", "Drugs, alcohol or gambling", welfare: true;
    /// A child giving away personal information.
    PersonalInformation => "personal-information", "Giving away personal information", welfare: true;
    /// A pupil who looks for help, where the school wants to know.
    LookingForHelp => "looking-for-help", "A pupil who looks for help", welfare: true;
    /// Bullying on line.
    Bullying => "bullying", "Bullying on line", welfare: false;
    /// Racial and other hatred.
    Hate => "hate", "Hate", welfare: false;
    /// Violence and weapons.
    Violence => "violence", "Violence or weapons", welfare: false;
    /// Pornographic or illegal material.
    HarmfulMaterial => "harmful-material", "Pornographic or illegal material", welfare: false;
    /// Against the acceptable-use agreement.
    Misuse => "misuse", "Misuse of the school's devices", welfare: false;
    /// A member of staff, by the allegations procedure.
    StaffMisuse => "staff-misuse", "Misuse by a member of staff", welfare: false;
}

impl Kind {
    /// Reads a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

impl<'de> serde::Deserialize<'de> for Kind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_code(&code).ok_or_else(|| {
            let known = Self::ALL
                .iter()
                .map(|kind| kind.code())
                .collect::<Vec<_>>()
                .join(", ");
            serde::de::Error::custom(format!(
                "`{code}` is not a known kind of concern; use one of: {known}"
            ))
        })
    }
}

/// What the person behind a flag is to the school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectRole {
    /// A pupil.
    Pupil,
    /// A member of staff.
    Staff,
    /// A governor.
    Governor,
    /// From outside the school, such as a contractor.
    Outside,
    /// Nobody knows whose account it is; the device is the pupils'.
    UnknownPupil,
    /// Nobody knows whose account it is; the device is not the pupils'.
    UnknownAdult,
}

impl SubjectRole {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Pupil,
        Self::Staff,
        Self::Governor,
        Self::Outside,
        Self::UnknownPupil,
        Self::UnknownAdult,
    ];

    /// Whether pupils' kinds, routing and categories apply.
    #[must_use]
    pub const fn is_pupil(self) -> bool {
        matches!(self, Self::Pupil | Self::UnknownPupil)
    }
}

/// The kind of concern a flag of this topic belongs to. For adults, what would be misconduct is staff misuse; what is
/// about somebody's welfare stays what it is.
#[must_use]
pub const fn kind_of(topic: Topic, role: SubjectRole) -> Kind {
    if role.is_pupil() {
        return pupil_kind(topic);
    }
    match topic {
        Topic::Abuse | Topic::CoerciveControl => Kind::Disclosure,
        Topic::Suicide
        | Topic::SelfHarm
        | Topic::EatingDisorders
        | Topic::Grooming
        | Topic::IndecentImages
        | Topic::Extremism
        | Topic::Drugs
        | Topic::Gambling
        | Topic::LookingForHelp => pupil_kind(topic),
        _ => Kind::StaffMisuse,
    }
}

const fn pupil_kind(topic: Topic) -> Kind {
    match topic {
        Topic::Suicide | Topic::SelfHarm | Topic::EatingDisorders => Kind::SelfHarm,
        Topic::Abuse | Topic::Grooming | Topic::CoerciveControl => Kind::Exploitation,
        Topic::Sexting => Kind::SexualImagery,
        Topic::SexualHarassment => Kind::SexualHarassment,
        Topic::IndecentImages => Kind::IndecentImages,
        Topic::Extremism => Kind::Radicalisation,
        Topic::Hate => Kind::Hate,
        Topic::Bullying => Kind::Bullying,
        Topic::Violence | Topic::ViolenceAgainstWomen => Kind::Violence,
        Topic::Drugs | Topic::Gambling => Kind::Substances,
        Topic::PersonalInformation => Kind::PersonalInformation,
        Topic::LookingForHelp => Kind::LookingForHelp,
        Topic::Pornography | Topic::IllegalMaterial => Kind::HarmfulMaterial,
        Topic::Gaming
        | Topic::Fraud
        | Topic::Copyright
        | Topic::FileSharing
        | Topic::Messaging
        | Topic::Buying
        | Topic::FilterEvasion => Kind::Misuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_code() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_code(kind.code()), Some(*kind));
        }
    }

    /// P20, P22: staff misconduct is one kind; welfare stays welfare for everyone; no pupil's flag is staff misuse.
    #[test]
    fn misconduct_of_adults_is_staff_misuse_and_welfare_stays_welfare() {
        for topic in Topic::ALL {
            let pupil = kind_of(*topic, SubjectRole::Pupil);
            assert!(!matches!(pupil, Kind::StaffMisuse | Kind::Disclosure), "{topic}");
            assert_eq!(pupil, kind_of(*topic, SubjectRole::UnknownPupil));
            let staff = kind_of(*topic, SubjectRole::Staff);
            assert!(
                staff == Kind::StaffMisuse || staff.is_welfare(),
                "{topic}: {staff:?}"
            );
            assert!(
                staff != Kind::StaffMisuse || !matches!(pupil, Kind::SelfHarm | Kind::Radicalisation),
                "{topic}"
            );
            for role in [
                SubjectRole::Governor,
                SubjectRole::Outside,
                SubjectRole::UnknownAdult,
            ] {
                assert_eq!(staff, kind_of(*topic, role));
            }
        }
    }
}
