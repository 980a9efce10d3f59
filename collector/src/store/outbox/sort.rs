//! The sorts of notices. A new sort is one row of the table below, what it tells in `matter`, and a function in
//! `notify::text`; `due` asks for every sort that is in it.

use crate::codes::codes;

/// Defines [`Sort`] from a table: each sort with its code in the store, its words for the console and what it is about.
macro_rules! sorts {
    ($($(#[$doc:meta])+ $name:ident = $code:literal, $words:literal, $about:expr;)+) => {
        codes! {
            /// What a notice is.
            pub enum Sort { $($(#[$doc])+ $name = $code, $words;)+ }
        }

        impl Sort {
            /// What a notice of this sort is about: the end of a query, from FROM on, that finds a row with a `severity`
            /// for each thing that its reader must still be told of. `outbox` is the notice, `$1` is now. While it
            /// finds any, the notice is tried; when it finds none, that is the notice's end. How many it finds when
            /// the notice leaves is what the notice says.
            ///
            /// INVARIANT 4: whatever is about concerns finds only those that the notice's reader may see.
            pub(super) fn about(self) -> std::borrow::Cow<'static, str> {
                match self { $(Self::$name => $about.into(),)+ }
            }
        }
    };
}

sorts! {
    /// A concern is new to its reader, or was passed to them. Ends when somebody answers.
    New = "new", "A concern is new", of_concern(WAITS);
    /// A concern's severity rose. Ends when it is closed.
    Risen = "risen", "A concern became more serious", of_concern("concern.state <> 'closed'");
    /// Somebody corrected whom a severe concern is about. Ends when it is closed.
    Corrected = "corrected", "Whom a concern is about was corrected", of_concern("concern.state <> 'closed'");
    /// Nobody has answered, so that a concern comes to the next person. Ends when somebody answers.
    Unanswered = "unanswered", "Nobody has answered", of_concern(WAITS);
    /// Concerns that would have been many notices at a time. Ends when all are answered.
    Several = "several", "Several concerns at a time", of_reader(&format!("{WAITS} AND {LISTED}"));
    /// A backlog arrived. Ends when all of it is answered.
    Digest = "digest", "Concerns that came late", of_reader("concern.state = 'new' AND concern.backlog");
    /// Concerns that their reader was told of still wait. Ends when all are answered.
    Reminder = "reminder", "Concerns that still wait", of_reader(
        &format!("{WAITS} AND reader.place < concern.escalation_step"));
    /// Concerns came to their reader because duties, conflicts or names changed. Ends when all are answered.
    Yours = "yours", "Concerns that came to a new reader", of_reader(
        &format!("concern.state = 'new' AND {LISTED}"));
    /// The review date of concerns has come. Ends when their owner has answered.
    Review = "review", "Concerns that are due for review", of_reader(
        "concern.state = 'acknowledged' AND concern.owner_id = outbox.person_id AND concern.review_at <= $1");
    /// Somebody's agreement is wanted. Ends when nothing waits for it.
    AgreementWanted = "agreement-wanted", "Agreement is wanted", format!(
        "FROM ({}) AS wanted WHERE wanted.school_id = outbox.school_id AND wanted.person_id = outbox.person_id",
        *crate::store::wanted::QUERY);
    /// A conflict of interest was recorded, agreed to, or has ended. Ends after a week, or with the senior's duty.
    Conflict = "conflict", "Who is kept out of what has changed", format!(
        "FROM (SELECT 0 AS severity) AS once WHERE outbox.created_at > $1 - {WEEK_MS} AND EXISTS (SELECT 1 FROM duty
            WHERE duty.school_id = outbox.school_id AND duty.person_id = outbox.person_id AND duty.ended_at IS NULL
            AND duty.duty <> 'technician')");
    /// A concern waits that nobody can read. Ends when somebody can.
    Unread = "unread", "A concern that nobody can read",
        "FROM (SELECT 5 AS severity) AS once WHERE EXISTS (SELECT 1 FROM concern
            WHERE concern.school_id = outbox.school_id AND concern.unread_told_at IS NOT NULL
            AND concern.state <> 'closed')";
    /// Others try to sign in as its reader. Ends with the next one.
    Siege = "siege", "Others try to sign in", LATEST;
    /// The head of the audit chain. Ends with the next one, which covers it.
    AuditHead = "audit-head", "The head of the audit log", format!("{LATEST} AND {KEEPS_HEADS}");
    /// The audit chain is broken. Ends when it is whole, or with the next one.
    AuditBroken = "audit-broken", "The audit log is broken", format!(
        "{LATEST} AND {KEEPS_HEADS} AND EXISTS (SELECT 1 FROM school
            WHERE school.school_id = outbox.school_id AND school.chain_broken_at IS NOT NULL)");
    /// Content is sealed for other keys than the readers'. Ends when a sign-in finds them right, or with the next one.
    KeysDiffer = "keys-differ", "Content is sealed for a stranger", format!(
        "{LATEST} AND {KEEPS_HEADS} AND EXISTS (SELECT 1 FROM key_doubt WHERE key_doubt.school_id = outbox.school_id)");
    /// Somebody signed in with another key than the one recorded of them. Ends after a week, or with the next one.
    OwnKeyDiffers = "own-key-differs", "Somebody’s own key is in doubt", format!(
        "{LATEST} AND {KEEPS_HEADS} AND outbox.created_at > $1 - {WEEK_MS}");
    /// A backup was brought back. Ends after a week, or with the next one.
    Restored = "restored", "A backup was brought back", format!(
        "{LATEST} AND {READS} AND outbox.created_at > $1 - {WEEK_MS}");
    /// The school safe was opened. Ends with the next time.
    SafeOpened = "safe-opened", "The school safe was opened", format!("{LATEST} AND {READS}");
    /// A link by which somebody sets up how they sign in. It stands in the message until it has left, and no longer. Ends
    /// when it can be used no more.
    Link = "link", "A link to set up a sign-in", "FROM (SELECT 0 AS severity) AS once WHERE EXISTS (
        SELECT 1 FROM invitation WHERE invitation.school_id = outbox.school_id
        AND invitation.person_id = outbox.person_id AND invitation.used_at IS NULL
        AND invitation.withdrawn_at IS NULL AND invitation.expires_at > $1)";
    /// Somebody's access was changed. Ends after a week.
    Access = "access", "A change of access", format!(
        "FROM (SELECT 0 AS severity) AS once WHERE outbox.created_at > $1 - {WEEK_MS}");
    /// Which laptops are silent, for technicians. Ends with the next one, or after a day.
    LaptopsDaily = "laptops-daily", "Laptops that are not heard", format!(
        "{LATEST} AND outbox.created_at > $1 - 86400000 AND {HAS_A_DUTY}");
    /// How many laptops are silent and which, for the safeguarding lead. Ends with the next one, or after a week.
    LaptopsWeekly = "laptops-weekly", "Laptops that were not heard this week", format!(
        "{LATEST} AND outbox.created_at > $1 - 604800000 AND {HAS_A_DUTY}");
}

/// Nobody has answered, and the timers do not stand because every flag is marked as a false alarm.
const WAITS: &str = "concern.state = 'new' AND COALESCE(concern.quiet_until, 0) <= $1";

/// The notice was gathered for it.
const LISTED: &str = "EXISTS (SELECT 1 FROM notice_concern
    WHERE notice_concern.notice_id = outbox.notice_id AND notice_concern.concern_id = concern.concern_id)";

/// The concern that the notice names, while its reader may see it and `standing` holds.
fn of_concern(standing: &str) -> String {
    format!(
        "{} AND concern.concern_id = outbox.concern_id",
        of_reader(standing)
    )
}

/// Every concern that the notice's reader may see and of which `standing` holds.
fn of_reader(standing: &str) -> String {
    format!(
        "FROM concern_reader AS reader JOIN concern ON concern.concern_id = reader.concern_id
         WHERE reader.school_id = outbox.school_id AND reader.person_id = outbox.person_id AND {standing}"
    )
}

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Once, unless a later notice of its sort is for the same person.
const LATEST: &str = "FROM (SELECT 0 AS severity) AS once WHERE NOT EXISTS (SELECT 1 FROM outbox AS later
    WHERE later.school_id = outbox.school_id AND later.person_id = outbox.person_id AND later.notice = outbox.notice
    AND later.created_at > outbox.created_at)";

/// Somebody with a duty that reads.
const READS: &str = "EXISTS (SELECT 1 FROM duty WHERE duty.school_id = outbox.school_id
    AND duty.person_id = outbox.person_id AND duty.ended_at IS NULL AND duty.duty <> 'technician')";

/// Headteacher and chair keep the heads of the audit chain.
const KEEPS_HEADS: &str = "EXISTS (SELECT 1 FROM duty WHERE duty.school_id = outbox.school_id
    AND duty.person_id = outbox.person_id AND duty.ended_at IS NULL AND duty.duty IN ('headteacher', 'chair'))";

/// Whoever has no duty any more is told nothing of the school's laptops.
const HAS_A_DUTY: &str = "EXISTS (SELECT 1 FROM duty WHERE duty.school_id = outbox.school_id
    AND duty.person_id = outbox.person_id AND duty.ended_at IS NULL)";
