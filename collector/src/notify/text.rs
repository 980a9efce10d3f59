//! The words of notices: plain text, calm, and what to do next.
//!
//! INVARIANT 9: a notice names nobody, quotes nothing and tells neither topic nor kind. What it may say is in the
//! parameters of these functions and nowhere else.

use super::Telling;
use crate::concerns::escalation::Why;
use crate::store::outbox::Sort;
use crate::store::proposals::Act;
use jiff::Timestamp;

/// A notice, ready to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// The subject line.
    pub subject: String,
    /// The message.
    pub body: String,
}

/// What a notice about one concern may say.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Random; says nothing.
    pub concern_id: &'a str,
    /// 1 to 5.
    pub severity: u8,
    /// When others are told, if nobody answers.
    pub next_at: Option<i64>,
    /// Whether there is somebody else left to be told.
    pub others_left: bool,
}

const CLOSING: &str = "This message leaves out on purpose whom it is about and what was seen.\n\
    Please do not forward it; it is only for you.\n";

/// About one concern.
#[must_use]
pub fn concern(telling: &Telling, why: Why, about: &About<'_>) -> Text {
    let (speed, urgency) = urgency(about.severity);
    let (what, opening) = match why {
        Why::New => (
            "a concern is waiting for you",
            "There is a new concern for you to look at.",
        ),
        Why::Risen => (
            "a concern has become more serious",
            "A concern that you can see has become more serious.",
        ),
        Why::Unanswered | Why::Reminder => (
            "a concern has had no answer",
            "Nobody has acknowledged a concern yet. It now comes to you.",
        ),
        Why::NotReviewed => (
            "a concern comes to you",
            "Whoever dealt with a concern has not said how it stands, or is not there any more.\nIt now comes to you.",
        ),
        Why::Yours => (
            "a concern is yours now",
            "Who looks after what has changed at the school: a concern is yours now.\nIt is not new, and nobody has answered it since.",
        ),
        Why::PassedOn => (
            "a concern was passed to you",
            "A colleague has passed a concern to you.",
        ),
    };
    let next = match (about.next_at, about.others_left) {
        (None, _) => String::new(),
        (Some(at), true) => format!(
            "If nobody acknowledges it by {}, the next person who may see it is told.\n\n",
            local_time(telling, at)
        ),
        (Some(at), false) => format!(
            "Everybody who may see it has been told. If nobody acknowledges it by {},\nall are reminded.\n\n",
            local_time(telling, at)
        ),
    };
    Text {
        subject: format!("Pastoral: {speed} - {what}"),
        body: format!(
            "{school}\n\n{opening}\n{urgency}\n\nWhat to do\n1. Open {url}/concerns/{id}\n   and sign in.\n\
             2. Press \"Acknowledge\", so that others know that somebody is on it.\n\
             3. Follow the steps that the page shows.\n\n{next}{CLOSING}",
            school = telling.school_name,
            url = telling.console_url,
            id = about.concern_id,
        ),
    }
}

/// What a notice that gathers says when it leaves.
#[derive(Debug, Clone, Copy)]
pub struct Gathered {
    /// How many things it is about; at least one.
    pub count: i64,
    /// The most serious of them, 1 to 5; 0 when they have no severity.
    pub severity: u8,
}

/// A notice that is written when it leaves; none for sorts that are written when they are queued.
#[must_use]
pub fn gathered(telling: &Telling, sort: Sort, gathered: Gathered) -> Option<Text> {
    match sort {
        Sort::Digest => Some(digest(telling)),
        Sort::Several => Some(several(telling, gathered)),
        Sort::Reminder => Some(reminder(telling, gathered)),
        Sort::Yours => Some(yours(telling, gathered)),
        Sort::Review => Some(review(telling, gathered)),
        Sort::AgreementWanted => Some(agreement_wanted(telling, gathered.count)),
        Sort::New
        | Sort::Risen
        | Sort::Unanswered
        | Sort::Conflict
        | Sort::Unread
        | Sort::Siege
        | Sort::KeysDiffer
        | Sort::SafeOpened
        | Sort::AuditHead
        | Sort::AuditBroken
        | Sort::Link
        | Sort::Access
        | Sort::LaptopsDaily
        | Sort::LaptopsWeekly => None,
    }
}

fn several(telling: &Telling, Gathered { count, severity }: Gathered) -> Text {
    let wait = match count {
        1 => "another concern is waiting for you".to_owned(),
        many => format!("{many} more concerns are waiting for you"),
    };
    let opening = format!("Beside what you were told of in a message of its own, {wait}.");
    let ending = "Concerns that nobody acknowledges come to the next person who may see them.";
    of_several(telling, severity, &wait, &opening, ending)
}

fn reminder(telling: &Telling, Gathered { count, severity }: Gathered) -> Text {
    let (wait, have) = match count {
        1 => (
            "a concern still waits".to_owned(),
            "A concern that you have been told of has".to_owned(),
        ),
        many => (
            format!("{many} concerns still wait"),
            format!("{many} concerns that you have been told of have"),
        ),
    };
    let opening = format!("{have} had no answer yet.");
    let ending = "You are reminded until somebody has acknowledged them.";
    of_several(
        telling,
        severity,
        &format!("{wait} for an answer"),
        &opening,
        ending,
    )
}

fn yours(telling: &Telling, Gathered { count, severity }: Gathered) -> Text {
    let are = match count {
        1 => "a concern is yours now".to_owned(),
        many => format!("{many} concerns are yours now"),
    };
    let opening = format!(
        "Who looks after what has changed at the school: {are}.\nThey are not new, and nobody has answered them since."
    );
    let ending = "Concerns that nobody acknowledges come to the next person who may see them.";
    of_several(telling, severity, &are, &opening, ending)
}

fn of_several(telling: &Telling, severity: u8, what: &str, opening: &str, ending: &str) -> Text {
    let (speed, urgency) = urgency(severity);
    Text {
        subject: format!("Pastoral: {speed} - {what}"),
        body: format!(
            "{school}\n\n{opening}\nThe most urgent of them - {urgency}\n\n\
             What to do\n1. Open {url}/queue and sign in.\n\
             2. Look at the most urgent first, and acknowledge each, so that others know that\n\
             \x20  somebody is on it.\n\n\
             {ending}\n\n{CLOSING}",
            school = telling.school_name,
            url = telling.console_url,
        ),
    }
}

fn review(telling: &Telling, Gathered { count, .. }: Gathered) -> Text {
    let are = match count {
        1 => "a concern that you deal with is due for review".to_owned(),
        many => format!("{many} concerns that you deal with are due for review"),
    };
    Text {
        subject: format!("Pastoral: please look - {are}"),
        body: format!(
            "{school}\n\nThe day has come on which you are asked how it stands: {are}.\n\n\
             What to do\n1. Open {url}/queue and sign in.\n\
             2. For each, set the next review date, pass it on, or close it.\n\n\
             If you do not, the next person who may see it is told.\n\n{CLOSING}",
            school = telling.school_name,
            url = telling.console_url,
        ),
    }
}

fn agreement_wanted(telling: &Telling, count: i64) -> Text {
    let waits = match count {
        1 => "something waits for your agreement".to_owned(),
        many => format!("{many} things wait for your agreement"),
    };
    Text {
        subject: format!("Pastoral: please look - {waits}"),
        body: format!(
            "{school}\n\nSome things are done only when a second person has agreed: {waits}.\n\n\
             What to do\n1. Open {url} and sign in.\n\
             2. Look at the pages that have a number beside their name in the menu: there you can\n\
             \x20  agree or refuse.\n\n{CLOSING}",
            school = telling.school_name,
            url = telling.console_url,
        ),
    }
}

/// About what devices kept while they could not deliver.
fn digest(telling: &Telling) -> Text {
    Text {
        subject: "Pastoral: please look today - concerns from earlier have arrived".into(),
        body: format!(
            "{school}\n\nOne or more devices could not reach the school's server for a while, for example\n\
             at home or in the holidays. What they kept has now arrived, and there are concerns\n\
             from that time for you to look at.\n\n\
             What to do\n1. Open {url}/queue and sign in.\n\
             2. Look at the most urgent first, and acknowledge each, so that others know that\n\
             \x20  somebody is on it.\n\n\
             Concerns that nobody acknowledges come to the next person who may see them.\n\n{CLOSING}",
            school = telling.school_name,
            url = telling.console_url,
        ),
    }
}

/// A reader is kept out of some concerns, or is not any more. INVARIANT 4: neither who nor of what.
#[must_use]
pub fn conflict(telling: &Telling, lapses: bool) -> Text {
    let lapses = if lapses {
        "It ends by itself unless a second person agrees within 24 hours.\n"
    } else {
        ""
    };
    Text {
        subject: "Pastoral: please look - who is kept out of which concerns has changed".into(),
        body: format!(
            "{school}\n\nA conflict of interest that is your business was recorded, agreed to, or has ended: a reader\n\
             is kept out of some concerns, or is not any more. {lapses}\n\
             What to do\n1. Open {url}/people and sign in.\n2. Look under \"Kept out\". If it should not be so, end it there.\n\n\
             {CLOSING}",
            school = telling.school_name,
            url = telling.console_url,
        ),
    }
}

/// To a reader who may know that nobody can read a concern.
#[must_use]
pub fn unread(telling: &Telling) -> Text {
    Text {
        subject: "Pastoral: look now - a concern waits that nobody can read".into(),
        body: format!(
            "{school}\n\nA concern has come in, and nobody who should read it has both an e-mail address and a way to\n\
             sign in. Nobody is looking at it.\n\n\
             What to do\n1. Open {url}/people and sign in.\n\
             2. See who has not set up a sign-in yet, or give somebody the duty to read concerns.\n\n{CLOSING}",
            school = telling.school_name,
            url = telling.console_url,
        ),
    }
}

/// To a technician, where no reader may know of it or can be told. Says no more than that.
#[must_use]
pub fn unread_to_technician(telling: &Telling) -> Text {
    Text {
        subject: "Pastoral: look now - a concern waits that nobody can read".into(),
        body: format!(
            "{school}\n\nA concern waits, and nobody can be told of it who may read it.\n\n\
             What to do\n1. Run: pastoral-collector check\n   It says what is missing.\n\
             2. Tell the headteacher or the chair of governors today that somebody must be given a duty to read.\n",
            school = telling.school_name,
        ),
    }
}

/// What the daily message says of the audit chain.
#[derive(Debug, Clone, Copy)]
pub struct HeadNumbers<'a> {
    /// The head's number, see [`crate::chain::number`].
    pub number: &'a str,
    /// The fingerprint of the keys that content is sealed to.
    pub keys: &'a str,
}

/// The head of the audit chain, which leaves the machine daily (invariant 5). INVARIANT 4: it says nothing of how many
/// entries there are, since some are hidden from whoever they are about.
#[must_use]
pub fn audit_head(telling: &Telling, head: &HeadNumbers<'_>, at: i64) -> Text {
    Text {
        subject: format!("Pastoral: audit record of {}", local(telling, at, "%-d %B %Y")),
        body: format!(
            "{school}\n\nPlease keep this message. You need not do anything now.\n\n\
             Pastoral records who looked at what and who changed what. Each entry is tied to the\n\
             one before, so the number below stands for everything up to now.\n\n\
             Time    {time}\nNumber  {number}\nKeys    {keys}\nKept    {days} days\n\n\
             To compare, now and then, and whenever you doubt something\n\
             1. Open {url}/audit\n   and sign in.\n\
             2. Look whether the same time has the same number there, letter by letter.\n\
             3. \"Keys\" must be the same in every message and on the printed sheets: a difference\n\
             \x20  means that what is new is sealed for a stranger.\n\n\
             If anything differs, tell the chair of governors or the headteacher, not the technician:\n\
             whoever runs the school's server can rewrite what came after the last such message,\n\
             and nothing before it without the numbers showing it.\n\n\
             On another computer somebody you trust compares a backup, or what \"audit export\" wrote:\n\
             pastoral-collector audit verify FILE --head \"NUMBER\"\n",
            school = telling.school_name,
            time = local(telling, at, "%H:%M on %A %-d %B %Y"),
            number = head.number,
            keys = head.keys,
            days = telling.profile.retention_ms() / 86_400_000,
            url = telling.console_url,
        ),
    }
}

/// The audit chain is not whole. INVARIANT 4: neither which entry nor how many there are.
#[must_use]
pub fn audit_broken(telling: &Telling) -> Text {
    Text {
        subject: "Pastoral: please look today - the audit record was changed".into(),
        body: format!(
            "{school}\n\nPastoral records who looked at what and who changed what. Checking that record today found\n\
             that an entry was changed or removed. Pastoral itself never does that: somebody may have\n\
             changed the store, or a disk may be failing.\n\n\
             What to do\n1. Keep the messages about the audit record that you have received.\n\
             2. Have somebody other than the technician take the newest backup and one from before,\n\
             \x20  and compare both on another computer with a number from those messages:\n\
             \x20  pastoral-collector audit verify FILE --head \"NUMBER\"\n\
             3. It says where the record is broken. Ask the technician what happened then.\n",
            school = telling.school_name,
        ),
    }
}

/// The link by which somebody sets up how they sign in. It opens nothing without a code, which is in no message.
#[must_use]
pub fn link(telling: &Telling, path: &str, until: i64) -> Text {
    Text {
        subject: "Pastoral: set up how you sign in".into(),
        body: format!(
            "{school}\n\nWith the link below you set up how you sign in to Pastoral.\n\n\
             What to do\n1. Wait until a colleague tells you a code: in person or on the telephone, at a number\n\
             \x20  that you know. The code never comes by mail. The page says who has it.\n\
             2. Have your phone at hand, open the link, and do what the page says.\n\n\
             {url}{path}\n\n\
             The link works once, until {until}. If nobody has told you about this,\n\
             tell the headteacher or the safeguarding lead, in person.\n",
            school = telling.school_name,
            url = telling.console_url,
            until = local_time(telling, until),
        ),
    }
}

/// What was done about somebody's access. INVARIANT 9: neither whose it is nor who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Two people agreed on it.
    Agreed(Act),
    /// A link was used.
    SetUp {
        /// In the place of a sign-in that was there.
        reset: bool,
    },
    /// Too many wrong codes were tried with a link.
    WrongCodes,
}

impl Access {
    const fn words(self) -> &'static str {
        match self {
            Self::Agreed(Act::Grant) => "a duty was given, with what it lets somebody see.",
            Self::Agreed(Act::FirstLink) => "a link was sent, by which somebody sets up how they sign in.",
            Self::Agreed(Act::Reset) => {
                "a sign-in is being reset: a link was sent, by which it gets a new\npassword and new codes."
            }
            Self::Agreed(Act::Change) => "the recorded name, e-mail address or role of somebody was changed.",
            Self::Agreed(Act::EndDuty) => "a duty was ended.",
            Self::SetUp { reset: false } => "a sign-in was set up with the link that was sent for it.",
            Self::SetUp { reset: true } => {
                "a sign-in was reset: it has a new password and new codes now, and the old\nones open nothing any more."
            }
            Self::WrongCodes => "a link was tried with wrong codes, ten times. It opens nothing any more.",
        }
    }
}

/// To the person whose access it is.
#[must_use]
pub fn own_access(telling: &Telling, what: Access) -> Text {
    Text {
        subject: "Pastoral: your access has changed".into(),
        body: format!(
            "{school}\n\nThis is about your own access to Pastoral: {what}\n\n\
             If you know of this, you need not do anything.\n\
             If you do not, tell another person who reads in Pastoral at once, in person or on the\n\
             telephone: the headteacher, the safeguarding lead or the chair of governors. They see under\n\
             People and in the audit log who did it, and can undo it.\n",
            school = telling.school_name,
            what = what.words(),
        ),
    }
}

/// To every other reader.
#[must_use]
pub fn access_of_another(telling: &Telling, what: Access) -> Text {
    Text {
        subject: "Pastoral: somebody's access has changed".into(),
        body: format!(
            "{school}\n\nAbout the access of somebody else: {what}\n\n\
             What to do\n1. Open {url}/people and sign in. It shows whose access it is, and the\n\
             \x20  audit log shows who did it.\n\
             2. If it surprises you, ask that person, in person or on the telephone.\n",
            school = telling.school_name,
            url = telling.console_url,
            what = what.words(),
        ),
    }
}

/// The keys that content is sealed to are not those that the readers hold. INVARIANT 4: not whose concerns it is about.
#[must_use]
pub fn keys_differ(telling: &Telling, keys: &str) -> Text {
    Text {
        subject: "Pastoral: please look today - content is sealed for a stranger".into(),
        body: format!(
            "{school}\n\nWhat is seen and written is sealed so that only the school's readers can open it. The key that\n\
             the school's server seals it with is not the one that belongs to the readers' own. Pastoral\n\
             never changes these keys: somebody may have put in a key of theirs, to read what is new.\n\n\
             Keys    {keys}\n\n\
             What to do\n1. Compare the line above with the printed sheets and with earlier messages.\n\
             2. Record nothing more on the console, and have the server stopped.\n\
             3. Have somebody other than the technician bring back a backup from before. What was\n\
             \x20  recorded since may be known to whoever changed the key.\n",
            school = telling.school_name,
        ),
    }
}

/// The school safe was opened. INVARIANT 9: neither by whom nor what.
#[must_use]
pub fn safe_opened(telling: &Telling, at: i64) -> Text {
    Text {
        subject: "Pastoral: the school safe was opened".into(),
        body: format!(
            "{school}\n\nA reader has typed in the printed sheet with the key of the school safe, at {time}.\n\
             It opens what no present reader could read, such as a concern whose words name every reader.\n\
             Every reader is told, so that this is never done unseen.\n\n\
             What to do\n1. Open {url}/audit and sign in: it says who it was.\n\
             2. If you did not expect it, ask them why, and tell the chair of governors.\n",
            school = telling.school_name,
            time = local_time(telling, at),
            url = telling.console_url,
        ),
    }
}

/// Others try to sign in as the reader of this. Names no source: whose machine it is would be guessing.
#[must_use]
pub fn siege(telling: &Telling, at: i64) -> Text {
    Text {
        subject: "Pastoral: somebody tries to sign in as you".into(),
        body: format!(
            "{school}\n\nSince about {time} somebody has typed wrong passwords for you again and again.\n\
             None was right. The tries are held back, and what you read stays closed to them.\n\n\
             What to do\n1. If it was you: wait a minute between tries, or use a recovery code.\n\
             2. If not: sign in as usual, with a browser that you have used for it before. A new one\n   \
             may be held back too for as long as this goes on, above all on the same network.\n\
             3. Tell your technician. The audit log says where it comes from.\n\
             4. If you use the same password anywhere else, change it: {url}/account\n\n\
             This is said once a day at most.\n",
            school = telling.school_name,
            time = local_time(telling, at),
            url = telling.console_url,
        ),
    }
}

/// In words for the subject line, and for the message.
const fn urgency(severity: u8) -> (&'static str, &'static str) {
    match severity {
        5 => (
            "look now",
            "Urgency: the highest. A life may be at risk. Please look now.",
        ),
        4 => (
            "look as soon as you can",
            "Urgency: high. Please look as soon as you can.",
        ),
        3 => ("look today", "Urgency: medium. Please look today."),
        2 => ("look soon", "Urgency: low. Please look within a day."),
        _ => (
            "for your notice",
            "Urgency: the lowest. Please look when you next go through the list.",
        ),
    }
}

fn local_time(telling: &Telling, at_ms: i64) -> String {
    local(telling, at_ms, "%H:%M on %A %-d %B")
}

fn local(telling: &Telling, at_ms: i64, format: &str) -> String {
    let Ok(at) = Timestamp::from_millisecond(at_ms) else {
        return "then".into();
    };
    at.to_zoned(telling.profile.cover.time_zone.clone())
        .strftime(format)
        .to_string()
}
