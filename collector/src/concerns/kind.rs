//! The kinds of concern: each has its procedure (P23). A topic belongs to exactly one kind.

use crate::codes::codes;
use pastoral_keywords::Topic;

codes! {
    /// What a concern is of.
    pub enum Kind {
        /// Suicide, self-harm, eating disorders.
        SelfHarm = "self-harm", "Self-harm or suicide";
        /// Abuse, grooming, sexual or criminal exploitation.
        Exploitation = "exploitation", "Abuse or exploitation of a child";
        /// Indecent images of children.
        IndecentImages = "indecent-images", "Indecent images of children";
        /// Youth-produced sexual imagery.
        SexualImagery = "sexual-imagery", "Nude or intimate images shared by children";
        /// Sexual violence or harassment between children.
        SexualHarassment = "sexual-harassment", "Sexual violence or harassment between children";
        /// Radicalisation and extremism.
        Radicalisation = "radicalisation", "Radicalisation or extremism";
        /// What a child told a member of staff, seen on the adult's account.
        Disclosure = "disclosure", "Perhaps what a child disclosed, on a staff account";
        /// Drugs, alcohol, tobacco, gambling.
        Substances = "substances", "Drugs, alcohol or gambling";
        /// A child giving away personal information.
        PersonalInformation = "personal-information", "Giving away personal information";
        /// A pupil who looks for help, where the school wants to know.
        LookingForHelp = "looking-for-help", "A pupil who looks for help";
        /// Bullying on line.
        Bullying = "bullying", "Bullying on line";
        /// Racial and other hatred.
        Hate = "hate", "Hate";
        /// Violence and weapons.
        Violence = "violence", "Violence or weapons";
        /// Pornographic or illegal material.
        HarmfulMaterial = "harmful-material", "Pornographic or illegal material";
        /// Against the acceptable-use agreement.
        Misuse = "misuse", "Misuse of the school's devices";
        /// A member of staff, by the allegations procedure.
        StaffMisuse = "staff-misuse", "Misuse by a member of staff";
    }
}

impl Kind {
    /// Whether it is about somebody's welfare. Such a concern never has a category (P22).
    #[must_use]
    pub const fn is_welfare(self) -> bool {
        !matches!(
            self,
            Self::Bullying
                | Self::Hate
                | Self::Violence
                | Self::HarmfulMaterial
                | Self::Misuse
                | Self::StaffMisuse
        )
    }
}

codes! {
    /// What the person behind a flag is to the school.
    pub enum SubjectRole {
        /// A pupil.
        Pupil = "pupil", "pupil";
        /// A member of staff.
        Staff = "staff", "staff";
        /// A governor.
        Governor = "governor", "governor";
        /// From outside the school, such as a contractor.
        Outside = "outside", "from outside";
        /// Nobody knows whose account it is; the device is the pupils'.
        UnknownPupil = "unknown-pupil", "somebody on a pupils’ device";
        /// Nobody knows whose account it is; the device is not the pupils'.
        UnknownAdult = "unknown-adult", "somebody unknown";
    }
}

impl SubjectRole {
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
