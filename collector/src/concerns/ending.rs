//! How a concern ends.

use crate::codes::codes;

codes! {
    /// How a concern ended, or is proposed to.
    pub enum Ending {
        Supported = "supported", "The child or adult is being supported in school";
        Referred = "referred", "Referred to somebody outside school";
        Behaviour = "behaviour", "Dealt with under the school’s behaviour or conduct rules";
        NoAction = "no-action", "Looked into, and nothing more is needed";
        RecordedElsewhere = "recorded-elsewhere", "Goes on in another record of the school";
        FalseAlarm = "false-alarm", "False alarm";
        /// Everything in it was moved to whom it is about.
        WrongPerson = "wrong-person", "It was about somebody else, whose record it is in now";
        /// Retention erased it while it was open.
        Expired = "expired", "Closed";
    }
}

impl Ending {
    /// Those that a reader chooses from.
    pub const CHOICES: [Self; 6] = [
        Self::Supported,
        Self::Referred,
        Self::Behaviour,
        Self::NoAction,
        Self::RecordedElsewhere,
        Self::FalseAlarm,
    ];
}
