//! What is done with a concern: the steps of its history.

use crate::codes::codes;

codes! {
    /// A step, and what the history says of it behind a name.
    pub enum Action {
        Recorded = "recorded", "recorded this concern by hand";
        Added = "added", "added what else happened, by hand";
        Acknowledged = "acknowledged", "acknowledged it";
        Note = "note", "wrote a note";
        Warned = "warned", "recorded a warning to the person";
        PassedOn = "passed-on", "passed it on to {to}";
        Escalated = "escalated", "had the next person told at once";
        Category = "category", "confirmed category {code}";
        CloseProposed = "close-proposed", "proposed to close it: {outcome}";
        CloseRefused = "close-refused", "did not agree that it is closed";
        Closed = "closed", "closed it: {outcome}";
        FalseAlarm = "false-alarm", "marked a flag as a false alarm";
        NotFalseAlarm = "not-false-alarm", "took back that a flag was a false alarm";
        Reopened = "reopened", "opened it again";
        ReviewSet = "review-set", "will look at it again in {days}";
        ReviewMissed = "review-missed", "had no answer how it stands, and told the next person";
        Parents = "parents", "recorded why parents or carers were not told";
        Identified = "identified", "said who it is about: {person}";
        Reassigned = "reassigned", "corrected whose it is: {to}{wrong}{moved}{left}";
        /// Whoever dealt with it may not see it any more.
        OwnerLost = "owner-lost", "found that whoever dealt with it may not see it any more, so that it is new";
        Shown = "shown", "looked at what was seen before the person was known, and said why";
        HandedOver = "handed-over", "handed it over as what a child disclosed: {child}";
        OpenedFromSafe = "safe-opened", "opened it out of the school safe, and said why";
        GivenFromSafe = "safe-given", "gave it out of the school safe to those who may read it";
        Undone = "undone", "undid the step before";
    }
}

impl Action {
    /// Whether who did it can take it back.
    #[must_use]
    pub const fn is_reversible(self) -> bool {
        matches!(
            self,
            Self::Acknowledged
                | Self::PassedOn
                | Self::Category
                | Self::CloseProposed
                | Self::CloseRefused
                | Self::Closed
                | Self::Reopened
                | Self::Warned
                | Self::FalseAlarm
                | Self::NotFalseAlarm
        )
    }
}
