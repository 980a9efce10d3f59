//! About concerns: one, or several at a time.

use super::{CLOSING, Gathered, Text, local_time, urgency};
use crate::concerns::escalation::Why;
use crate::telling::Telling;

/// What a notice about one concern may say.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    /// Random; says nothing.
    pub(super) concern_id: &'a str,
    /// 1 to 5.
    pub(super) severity: u8,
    /// What follows if nobody answers.
    pub(super) next: Next,
}

/// What follows if nobody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing that its reader need know.
    Nothing,
    /// Others are told at a time, or, where all have been told, all are reminded.
    At {
        /// When, if that is still to come.
        at: Option<i64>,
        /// Whether there is somebody else left to be told.
        others_left: bool,
    },
}

impl Next {
    fn words(self, telling: &Telling) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::At {
                at: Some(at),
                others_left: true,
            } => format!(
                "If nobody acknowledges it by {}, the next person who may see it is told.\n\n",
                local_time(telling, at)
            ),
            Self::At {
                at: Some(at),
                others_left: false,
            } => format!(
                "Everybody who may see it has been told. If nobody acknowledges it by {},\nall are reminded.\n\n",
                local_time(telling, at)
            ),
            Self::At {
                at: None,
                others_left: true,
            } => "The next person who may see it is told now.\n\n".into(),
            Self::At {
                at: None,
                others_left: false,
            } => {
                "Everybody who may see it has been told. All are reminded until somebody acknowledges it.\n\n"
                    .into()
            }
        }
    }
}

/// About one concern.
pub(super) fn concern(telling: &Telling, why: Why, about: &About<'_>) -> Text {
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
    let next = about.next.words(telling);
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

/// Somebody has corrected whom a severe concern is about.
pub(super) fn corrected(telling: &Telling, concern_id: &str) -> Text {
    Text {
        subject: "Pastoral: please look today - whom a concern is about was corrected".to_owned(),
        body: format!(
            "{school}\n\nA colleague has corrected whom a serious concern is about. One person alone can do that,\n\
             so you are asked to look at it too.\n\nWhat to do\n1. Open {url}/concerns/{concern_id}\n   and sign in.\n\
             2. Read in the history who corrected it, and why.\n\
             3. If that is not right, correct it again, and tell the headteacher or the chair of governors.\n\n{CLOSING}",
            school = telling.school_name,
            url = telling.console_url,
        ),
    }
}

pub(super) fn several(telling: &Telling, Gathered { count, severity }: Gathered) -> Text {
    let wait = match count {
        1 => "another concern is waiting for you".to_owned(),
        many => format!("{many} more concerns are waiting for you"),
    };
    let opening = format!("Beside what you were told of in a message of its own, {wait}.");
    let ending = "Concerns that nobody acknowledges come to the next person who may see them.";
    of_several(telling, severity, &wait, &opening, ending)
}

pub(super) fn reminder(telling: &Telling, Gathered { count, severity }: Gathered) -> Text {
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

pub(super) fn yours(telling: &Telling, Gathered { count, severity }: Gathered) -> Text {
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

pub(super) fn review(telling: &Telling, Gathered { count, .. }: Gathered) -> Text {
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

/// About what devices kept while they could not deliver.
pub(super) fn digest(telling: &Telling) -> Text {
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

/// To a reader who may know that nobody can read a concern.
pub(super) fn unread(telling: &Telling) -> Text {
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
pub(super) fn unread_to_technician(telling: &Telling) -> Text {
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
