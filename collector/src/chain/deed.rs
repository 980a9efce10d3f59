//! What the audit log says was done. The chain itself is over the codes as text: an entry whose deed this version does not
//! know is verified and shown like any other.

use crate::codes::codes;
use crate::concerns::action::Action;

codes! {
    /// Something somebody looked at or changed, and what is said of it behind their name.
    pub enum Deed {
        SignedIn = "signed-in", "signed in";
        SignInRefused = "sign-in-refused", "refused a sign-in {whose}";
        SignInSiege = "sign-in-siege", "told {person} that others try again and again to sign in as them, from {from}";
        Joined = "joined", "set up their sign-in";
        Invited = "invited", "made a link for {person} as {duty}";
        LinkCodeWrong = "link-code-wrong", "refused a wrong code with the link for {person}";
        LinkStopped = "link-stopped", "stopped the link for {person}";
        PasswordChanged = "password-changed", "changed their password";
        RecoveryCodesMade = "recovery-codes-made", "made new recovery codes";
        RecoveryCopyUsed = "recovery-copy-used", "used a recovery sheet for the access of {person}";
        UserDisabled = "user-disabled", "ended the sign-in and every duty of {person}";
        DutyEnded = "duty-ended", "ended the access of {person} as {duty}";

        /// A person's own key. What it stands for is never erased.
        OwnKey = "own-key", "has a key of their own, which is recorded here";
        KeysTaken = "keys-taken", "took the keys that others had given them";
        KeysGiven = "keys-given", "gave {person} keys that they waited for";
        KeysDiffer = "keys-differ", "found that content is sealed for other keys than the readers’";

        AccessAsked = "access-asked", "found another name, address or role for {person}";
        AccessProposed = "access-proposed", "proposed {act} for {person}";
        AccessAgreed = "access-agreed", "agreed to {act} for {person}, which {proposed_by} had proposed";
        AccessRefused = "access-refused", "refused {act} for {person}";
        AccessWithdrawn = "access-withdrawn", "withdrew their proposal of {act} for {person}";

        ConflictRecorded = "conflict-recorded", "kept {reader} out of what concerns {about}";
        ConflictAgreed = "conflict-agreed", "agreed that {reader} is kept out of what concerns {about}";
        ConflictEnded = "conflict-ended", "ended that {reader} is kept out of what concerns {about}";
        ConflictLapsed = "conflict-lapsed",
            "ended that {reader} is kept out of what concerns {about}, because nobody agreed in time";

        PeopleImported = "people-imported", "took in the school’s list of people";
        PeopleImportHeld = "people-import-held", "gave a list of people that others have to confirm";
        PeopleImportConfirmed = "people-import-confirmed", "confirmed a list of people";
        PeopleImportDropped = "people-import-dropped", "dropped a list of people";

        ListChangeProposed = "list-change-proposed", "proposed a change to the keyword lists";
        ListChangeAgreed = "list-change-agreed", "agreed to a change of the keyword lists";
        ListChangeRefused = "list-change-refused", "refused a change of the keyword lists";
        ListChangeWithdrawn = "list-change-withdrawn", "withdrew a change of the keyword lists";

        OpenListed = "open-concerns-listed", "looked at the list of open concerns";
        ClosedListed = "closed-concerns-listed", "looked at the list of closed concerns";
        Viewed = "concern-viewed", "looked at the concern";
        Recorded = "concern-recorded", "recorded the concern by hand";
        Added = "concern-added", "added by hand what else happened";
        Acknowledged = "concern-acknowledged", "acknowledged the concern";
        Note = "concern-note", "wrote a note";
        Warned = "concern-warned", "recorded a warning";
        PassedOn = "concern-passed-on", "passed the concern on";
        Escalated = "concern-escalated", "had the next person told";
        Category = "concern-category", "confirmed the category";
        CloseProposed = "concern-close-proposed", "proposed to close the concern";
        CloseRefused = "concern-close-refused", "did not agree to close the concern";
        Closed = "concern-closed", "closed the concern";
        FalseAlarm = "concern-false-alarm", "marked a flag as a false alarm";
        NotFalseAlarm = "concern-not-false-alarm", "took back that a flag was a false alarm";
        Reopened = "concern-reopened", "opened the concern again";
        ReviewSet = "concern-review-set", "set when the concern is looked at again";
        ReviewMissed = "concern-review-missed", "had no answer how the concern stands, and told the next person";
        Parents = "concern-parents", "recorded whether parents were told";
        Identified = "concern-identified", "said who the concern is about";
        Reassigned = "concern-reassigned", "corrected whose the concern is";
        OwnerLost = "concern-owner-lost", "took the concern from somebody who may not see it any more";
        Shown = "concern-shown", "said why what was seen must be shown before the person is known";
        HandedOver = "concern-handed-over", "handed the concern over as what a child disclosed";
        Undone = "concern-undone", "undid the step before";
        NamesFound = "concern-names-found",
            "found a name that is new at the school, and keeps the concern from that person";
        ReadFromSafe = "concern-safe-viewed", "read the concern out of the school safe";
        OpenedFromSafe = "concern-safe-opened", "said why the concern must be read out of the school safe";
        GivenFromSafe = "concern-safe-given", "gave the concern out of the school safe to those who may read it";

        SafeOpened = "safe-opened", "opened the school safe with the chair’s sheet";
        SafeRefused = "safe-refused", "typed a sheet that does not open the school safe";
        SafeListed = "safe-listed", "looked at the list of what lies in the school safe";
        RecordOpened = "record-opened", "said why a record of {device} must be read that could not be";
        RecordViewed = "record-viewed", "read a record of {device} that could not be read by Pastoral";
        RecordDiscarded = "record-discarded", "removed a record of {device} that could not be read";

        TokenMade = "token-made", "made a token, with which devices ask to join";
        TokenWithdrawn = "token-withdrawn", "withdrew a token: no further device can join with it";
        DeviceAsked = "device-asked", "took the request of {device} to join";
        DeviceApproved = "device-approved", "let {device} join";
        DeviceRejected = "device-rejected", "turned {device} away";
        DeviceRevoked = "device-revoked", "cut off {device}";
        DeviceRetired = "device-retired", "retired {device}";
        DeviceBroughtBack = "device-brought-back", "brought {device} back into use";
        DeviceAllowed = "device-allowed", "allowed {device} more than a laptop needs, for that day";
        DeviceCloned = "device-cloned", "found two devices that use the identity of {device}";
        DeviceAloneAgain = "device-alone-again", "found that one device alone uses the identity of {device} again";
        DeviceCommanded = "device-commanded", "asked {device} for an answer";
        CertificateIssued = "certificate-issued", "gave {device} a certificate";

        SchoolMade = "school-made", "set up the school";
        ProfileAccepted = "profile-accepted", "put the school’s profile into force";
        BackupMade = "backup-made", "made a backup";
        BackupRestored = "backup-restored", "brought back a backup: what came after it is lost";
        ClockCameBack = "clock-came-back", "found that the clock had been ahead and came back";
        Retention = "retention", "erased what is older than the school keeps";
        /// A step of retention over the chain. What it stands for is never erased.
        AuditErased = "audit-erased", "erased what old entries of the audit log stood for";
        AuditHeadSent = "audit-head-sent", "sent the number of the audit log to headteacher and chair";
        AuditBroken = "audit-broken", "found that the audit log was changed or has gaps";
    }
}

impl Deed {
    /// Whether an entry says that this was done.
    #[must_use]
    pub fn is(self, action: &str) -> bool {
        self.code() == action
    }
}

impl From<Action> for Deed {
    fn from(action: Action) -> Self {
        match action {
            Action::Recorded => Self::Recorded,
            Action::Added => Self::Added,
            Action::Acknowledged => Self::Acknowledged,
            Action::Note => Self::Note,
            Action::Warned => Self::Warned,
            Action::PassedOn => Self::PassedOn,
            Action::Escalated => Self::Escalated,
            Action::Category => Self::Category,
            Action::CloseProposed => Self::CloseProposed,
            Action::CloseRefused => Self::CloseRefused,
            Action::Closed => Self::Closed,
            Action::FalseAlarm => Self::FalseAlarm,
            Action::NotFalseAlarm => Self::NotFalseAlarm,
            Action::Reopened => Self::Reopened,
            Action::ReviewSet => Self::ReviewSet,
            Action::ReviewMissed => Self::ReviewMissed,
            Action::Parents => Self::Parents,
            Action::Identified => Self::Identified,
            Action::Reassigned => Self::Reassigned,
            Action::OwnerLost => Self::OwnerLost,
            Action::Shown => Self::Shown,
            Action::HandedOver => Self::HandedOver,
            Action::OpenedFromSafe => Self::OpenedFromSafe,
            Action::GivenFromSafe => Self::GivenFromSafe,
            Action::Undone => Self::Undone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_stands_in_the_audit_log_under_its_own_code() {
        for action in Action::ALL {
            assert_eq!(Deed::from(action).code(), format!("concern-{}", action.code()));
        }
    }
}
