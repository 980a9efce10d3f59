//! About the audit record, the keys and the school safe.

use super::{Text, local, local_time};
use crate::telling::Telling;

/// The head of the audit chain, which leaves the machine daily (invariant 5). INVARIANT 4: it says nothing of how many
/// entries there are, since some are hidden from whoever they are about.
pub(super) fn audit_head(telling: &Telling, number: &str, keys: &str, at: i64) -> Text {
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
            days = telling.profile.retention_ms() / 86_400_000,
            url = telling.console_url,
        ),
    }
}

/// The audit chain is not whole. INVARIANT 4: neither which entry nor how many there are.
pub(super) fn audit_broken(telling: &Telling, at: i64) -> Text {
    Text {
        subject: "Pastoral: please look today - the audit record was changed".into(),
        body: format!(
            "{school}\n\nPastoral records who looked at what and who changed what. Checking that record at {time}\n\
             found that an entry was changed or removed. Pastoral itself never does that: somebody may have\n\
             changed the store, or a disk may be failing.\n\n\
             What to do\n1. Keep the messages about the audit record that you have received.\n\
             2. Have somebody other than the technician take the newest backup and one from before,\n\
             \x20  and compare both on another computer with a number from those messages:\n\
             \x20  pastoral-collector audit verify FILE --head \"NUMBER\"\n\
             3. It says where the record is broken. Ask the technician what happened then.\n",
            school = telling.school_name,
            time = local_time(telling, at),
        ),
    }
}

/// The keys that content is sealed to are not those that the readers hold. INVARIANT 4: not whose concerns it is about.
pub(super) fn keys_differ(telling: &Telling, keys: &str) -> Text {
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

/// Whoever signs in as somebody holds another key than the one recorded. INVARIANT 9: not as whom.
pub(super) fn own_key_differs(telling: &Telling) -> Text {
    Text {
        subject: "Pastoral: please look today - somebody’s key is not their own".into(),
        body: format!(
            "{school}\n\nEverybody who signs in has a key of their own, to which the keys for reading are sealed. It\n\
             stands in the audit record. Somebody has signed in with another one: either that entry or\n\
             their sign-in was put there by somebody else.\n\n\
             From now on nothing is sealed to this person.\n\n\
             What to do\n1. Open {url}/audit: it says who, and when.\n\
             2. Ask them, by voice, whether it was they who signed in.\n\
             3. Two readers reset their sign-in, under People. That ends it.\n\n\
             Do not leave it to the technician: whoever runs the school's server can write such an entry.\n",
            school = telling.school_name,
            url = telling.console_url,
        ),
    }
}

/// A backup was brought back. INVARIANT 9: nothing of what it holds or lacks.
pub(super) fn restored(telling: &Telling, from: i64, at: i64) -> Text {
    Text {
        subject: "Pastoral: a backup was brought back".into(),
        body: format!(
            "{school}\n\nAt {at} a backup was put in the place of what was recorded. Everything is as it was\n\
             at {from}: what was written, decided or told since is not there any more, and what was\n\
             ended since stands again - a duty, a password, a recovery code.\n\n\
             What to do\n1. Open {url}/people: look who may read, and end what had been ended.\n\
             2. Go through what you remember or were mailed since then.\n\
             3. If you do not know why it was brought back, ask the headteacher and the chair of governors:\n\
             \x20  they have the numbers of the audit record since then, which the backup has not.\n",
            school = telling.school_name,
            at = local(telling, at, "%H:%M on %A %-d %B %Y"),
            from = local(telling, from, "%H:%M on %A %-d %B %Y"),
            url = telling.console_url,
        ),
    }
}

/// The school safe was opened. INVARIANT 9: neither by whom nor what.
pub(super) fn safe_opened(telling: &Telling, at: i64) -> Text {
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
