//! About access, and what waits for agreement.

use super::{CLOSING, Text, local_time};
use crate::store::acts::{AccessChange, Act};
use crate::telling::Telling;

pub(super) fn agreement_wanted(telling: &Telling, count: i64) -> Text {
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
             \x20  agree or refuse.\n\n\
             You are reminded once a day, until you or another has decided.\n\n{CLOSING}",
            school = telling.school_name,
            url = telling.console_url,
        ),
    }
}

/// A reader is kept out of some concerns, or is not any more. INVARIANT 4: neither who nor of what.
pub(super) fn conflict(telling: &Telling, lapses_at: Option<i64>) -> Text {
    let lapses = lapses_at.map_or_else(String::new, |at| {
        let at = local_time(telling, at);
        format!("It ends by itself unless a second person agrees by {at}.\n")
    });
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

/// The link by which somebody sets up how they sign in. It opens nothing without a code, which is in no message.
pub(super) fn link(telling: &Telling, path: &str, until: i64) -> Text {
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

/// To the person whose access it is.
pub(super) fn own_access(telling: &Telling, what: AccessChange, at: i64) -> Text {
    Text {
        subject: "Pastoral: your access has changed".into(),
        body: format!(
            "{school}\n\nThis is about your own access to Pastoral, at {at}:\n{what}\n\n\
             If you know of this, you need not do anything.\n\
             If you do not, tell another person who reads in Pastoral at once, in person or on the\n\
             telephone: the headteacher, the safeguarding lead or the chair of governors. They see under\n\
             People and in the audit log who did it, and can undo it.\n",
            school = telling.school_name,
            at = local_time(telling, at),
            what = words(what),
        ),
    }
}

/// To every other reader.
pub(super) fn access_of_another(telling: &Telling, what: AccessChange, at: i64) -> Text {
    Text {
        subject: "Pastoral: somebody's access has changed".into(),
        body: format!(
            "{school}\n\nAbout the access of somebody else, at {at}:\n{what}\n\n\
             What to do\n1. Open {url}/people and sign in. It shows whose access it is, and the\n\
             \x20  audit log shows who did it.\n\
             2. If it surprises you, ask that person, in person or on the telephone.\n",
            school = telling.school_name,
            url = telling.console_url,
            at = local_time(telling, at),
            what = words(what),
        ),
    }
}

/// Others try to sign in as the reader of this. Names no source: whose machine it is would be guessing.
pub(super) fn siege(telling: &Telling, at: i64) -> Text {
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

/// What was done about somebody's access. INVARIANT 9: neither whose it is nor who did it.
const fn words(what: AccessChange) -> &'static str {
    match what {
        AccessChange::Agreed(Act::Grant) => "a duty was given, with what it lets somebody see.",
        AccessChange::Agreed(Act::FirstLink) => {
            "a link was sent, by which somebody sets up how they sign in."
        }
        AccessChange::Agreed(Act::Reset) => {
            "a sign-in is being reset: a link was sent, by which it gets a new\npassword and new codes."
        }
        AccessChange::Agreed(Act::Change) => {
            "the recorded name, e-mail address or role of somebody was changed."
        }
        AccessChange::Agreed(Act::EndDuty) => "a duty was ended.",
        AccessChange::SetUp { reset: false } => "a sign-in was set up with the link that was sent for it.",
        AccessChange::SetUp { reset: true } => {
            "a sign-in was reset: it has a new password and new codes now, and the old\nones open nothing any more."
        }
        AccessChange::Refused(Act::EndDuty) => {
            "a reader refused that a duty be ended, as another had proposed."
        }
        AccessChange::Refused(_) => "a reader refused what another had proposed about it.",
        AccessChange::Stopped => {
            "the link that was sent for it was stopped before it was used. It opens nothing."
        }
        AccessChange::WrongCodes => {
            "a link was tried with wrong codes, ten times. It opens nothing any more."
        }
    }
}
