//! What is said after something was done. Addresses hold only the code.

/// The words of a code; nothing for a code that is none of ours.
pub(super) fn words(code: &str) -> &'static str {
    match code {
        "acknowledged" => "You are dealing with this concern now. Nobody else is told to.",
        "noted" => "Your note is in the history.",
        "warned" => "The warning is recorded. If the same goes on, the category rises.",
        "category" => "The category is recorded.",
        "passed-on" => "It is passed on, and they are being told.",
        "escalated" => "The next person is being told now.",
        "closed" => "This concern is closed.",
        "close-proposed" => "You propose to close it. It stays open until another person agrees.",
        "close-refused" => "It stays open. The history says so.",
        "false-alarm" => "That is recorded.",
        "review-set" => "You are asked about it again on that day.",
        "reopened" => "It is open again, and you are dealing with it.",
        "parents" => "That is recorded.",
        "shown" => "Your reason is in the history.",
        "undone" => "The last step is undone. The history shows both.",
        "identified" => "The account’s person is recorded, and the concern went to those who may see it.",
        "reassigned" => {
            "It is corrected: what was flagged is in the right person’s record, and both histories say so."
        }
        "handed-over" => "It is the safeguarding lead’s now, as a child’s concern.",
        "recorded" => "The concern is recorded, and those who may see it are being told.",
        "added" => "It is added to the concern, and the history says so.",
        "approved" => "The device may connect now.",
        "asked" => "It is asked. Its answer appears below within a minute, if it is connected.",
        "rejected" => "The device may not connect.",
        "revoked" => "The device is cut off. Its certificate is worth nothing any more.",
        "retired" => "It is retired: it may not connect, and counts nowhere. You can bring it back.",
        "allowed" => "It may send more for the rest of today. What waits on it comes in within minutes.",
        "brought-back" => {
            "It is in use again, and may connect. It shows as protected once it has been heard."
        }
        "withdrawn" => "The link is withdrawn. It opens nothing any more.",
        "proposed" => "It is proposed. Nothing changes until a second person agrees.",
        "agreed" => "You agreed, and it is done. The person and everybody who reads are told by mail.",
        "proposal-withdrawn" => "You have withdrawn it. Nothing has changed.",
        "proposal-refused" => "It is refused. Nothing has changed.",
        "keys" => "The keys are theirs from their next sign-in.",
        "ended" => "The access has ended. It counts at once.",
        "conflict" => "They are kept out of what concerns that person.",
        "conflict-a-day" => {
            "They are kept out of what concerns that person for a day, and longer if a second person agrees."
        }
        "conflict-waits" => "It works when a second person agrees, within a day.",
        "conduct" => "It is saved. Whether they are kept out, and what is missing for that, is under People.",
        "people-taken" => "The list is taken in.",
        "people-first" => "You confirmed it. A second person has to confirm it too; nothing has changed yet.",
        "people-otherwise" => {
            "Something has changed meanwhile, so that taking the list in would do something else. It is shown anew; nothing was changed."
        }
        "people-dropped" => "The list is dropped. Nothing was changed.",
        "people-same" => "Nothing in the list is different from what is known.",
        "conflict-ended" => "The conflict has ended.",
        "list-proposed" => "It is proposed. Nothing changes until another person has agreed.",
        "list-agreed" => "It is in force, and devices take it with their next policy.",
        "list-refused" => "It is refused. Nothing has changed.",
        "list-withdrawn" => "It is withdrawn. Nothing has changed.",
        "safe-opened" => "The safe is open for you, and every reader is being told.",
        "safe-closed" => "The safe is closed. Its key is forgotten here.",
        "safe-given" => "It is sealed for those who may read it now.",
        "record-discarded" => "The record is removed for good.",
        "password" => "Your password is changed. You are signed out everywhere else.",
        _ => "",
    }
}
