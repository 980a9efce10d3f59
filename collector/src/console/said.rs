//! What is said after something was done. Addresses hold only the code.

use crate::codes::codes;

codes! {
    /// What was done.
    pub(in crate::console) enum Done {
        Acknowledged = "acknowledged", "You are dealing with this concern now. Nobody else is told to.";
        Noted = "noted", "Your note is in the history.";
        Warned = "warned", "The warning is recorded. If the same goes on, the category rises.";
        Category = "category", "The category is recorded.";
        PassedOn = "passed-on", "It is passed on, and they are being told.";
        Escalated = "escalated", "The next person is being told now.";
        Closed = "closed", "This concern is closed.";
        CloseProposed = "close-proposed",
            "You propose to close it. It stays open until another person agrees.";
        CloseRefused = "close-refused", "It stays open. The history says so.";
        FalseAlarm = "false-alarm", "That is recorded.";
        ReviewSet = "review-set", "You are asked about it again on that day.";
        Reopened = "reopened", "It is open again, and you are dealing with it.";
        Parents = "parents", "That is recorded.";
        Shown = "shown", "Your reason is in the history.";
        Undone = "undone", "The last step is undone. The history shows both.";
        Identified = "identified",
            "The account’s person is recorded, and the concern went to those who may see it.";
        Reassigned = "reassigned",
            "It is corrected: what was flagged is in the right person’s record, and both histories say so.";
        HandedOver = "handed-over", "It is the safeguarding lead’s now, as a child’s concern.";
        Recorded = "recorded", "The concern is recorded, and those who may see it are being told.";
        Added = "added", "It is added to the concern, and the history says so.";
        Approved = "approved", "The device may connect now.";
        Asked = "asked", "It is asked. Its answer appears below within a minute, if it is connected.";
        Rejected = "rejected", "The device may not connect.";
        Revoked = "revoked", "The device is cut off. Its certificate is worth nothing any more.";
        Retired = "retired", "It is retired: it may not connect, and counts nowhere. You can bring it back.";
        Allowed = "allowed",
            "It may send more for the rest of today. What waits on it comes in within minutes.";
        BroughtBack = "brought-back",
            "It is in use again, and may connect. It shows as protected once it has been heard.";
        Withdrawn = "withdrawn", "The link is withdrawn. It opens nothing any more.";
        Proposed = "proposed", "It is proposed. Nothing changes until a second person agrees.";
        Agreed = "agreed", "You agreed, and it is done. The person and everybody who reads are told by mail.";
        ProposalWithdrawn = "proposal-withdrawn", "You have withdrawn it. Nothing has changed.";
        ProposalRefused = "proposal-refused", "It is refused. Nothing has changed.";
        Keys = "keys", "The keys are theirs from their next sign-in.";
        Ended = "ended", "The access has ended. It counts at once.";
        Conflict = "conflict", "They are kept out of what concerns that person.";
        ConflictADay = "conflict-a-day",
            "They are kept out of what concerns that person for a day, and longer if a second person agrees.";
        ConflictWaits = "conflict-waits", "It works when a second person agrees, within a day.";
        Conduct = "conduct",
            "It is saved. Whether they are kept out, and what is missing for that, is under People.";
        PeopleTaken = "people-taken", "The list is taken in.";
        PeopleFirst = "people-first",
            "You confirmed it. A second person has to confirm it too; nothing has changed yet.";
        PeopleOtherwise = "people-otherwise",
            "Something has changed meanwhile, so that taking the list in would do something else. It is shown anew; nothing was changed.";
        PeopleDropped = "people-dropped", "The list is dropped. Nothing was changed.";
        PeopleSame = "people-same", "Nothing in the list is different from what is known.";
        ConflictEnded = "conflict-ended", "The conflict has ended.";
        ListProposed = "list-proposed", "It is proposed. Nothing changes until another person has agreed.";
        ListAgreed = "list-agreed", "It is in force, and devices take it with their next policy.";
        ListRefused = "list-refused", "It is refused. Nothing has changed.";
        ListWithdrawn = "list-withdrawn", "It is withdrawn. Nothing has changed.";
        SafeOpened = "safe-opened", "The safe is open for you, and every reader is being told.";
        SafeClosed = "safe-closed", "The safe is closed. Its key is forgotten here.";
        SafeGiven = "safe-given", "It is sealed for those who may read it now.";
        RecordDiscarded = "record-discarded", "The record is removed for good.";
        Password = "password", "Your password is changed. You are signed out everywhere else.";
    }
}

impl Done {
    /// The address of a page that says so.
    pub(in crate::console) fn at(self, page: &str) -> String {
        format!("{page}?done={}", self.code())
    }
}
