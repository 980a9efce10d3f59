//! About laptops that are silent. INVARIANT 9: host names and numbers, nothing else.

use super::{Text, local_time};
use crate::store::outbox::Laptops;
use crate::telling::Telling;

/// For technicians, daily: which laptops are silent.
pub(super) fn daily(telling: &Telling, laptops: &Laptops, at: i64) -> Text {
    let mut lists = String::new();
    for (what, names) in [
        (
            "Not heard, so nobody knows whether they are protected",
            &laptops.not_heard,
        ),
        (
            "Held back for doing more than a laptop does in a day",
            &laptops.held_back,
        ),
        ("Retired, and speaking all the same", &laptops.retired_heard),
    ] {
        if !names.is_empty() {
            lists.push_str(&format!("{what}:\n{}\n", listed(names)));
        }
    }
    Text {
        subject: "Pastoral: please look today - laptops that are not heard".into(),
        body: format!(
            "{school}\n\nAs it was at {at}.\n\n{lists}{groups}What to do\n1. Start each of them where it reaches the school's network, and run: pastoral-agent status\n\
             2. Retire what is out of use, and decide about what was held back, on\n   {url}/devices\n\n\
             This message comes on school days, as long as there is something to tell.\n",
            school = telling.school_name,
            at = local_time(telling, at),
            groups = silent_groups(laptops),
            url = telling.console_url,
        ),
    }
}

/// For safeguarding leads, weekly: how many laptops are silent, and which.
pub(super) fn weekly(telling: &Telling, laptops: &Laptops, at: i64) -> Text {
    Text {
        subject: "Pastoral: laptops that are not heard this week".into(),
        body: format!(
            "{school}\n\nWhat is done on a laptop that is not heard may not be seen. As it was at\n{at}:\n\n\
             Protected      {protected}\nNot protected  {not_protected}\nNot heard      {not_heard}\n\n\
             Not heard:\n{names}\n{groups}What to do\n1. Ask the technician what is wrong; they are told daily.\n\
             2. Know that children who use these laptops are not watched over by Pastoral meanwhile.\n\n\
             More: {url}/devices\n",
            school = telling.school_name,
            at = local_time(telling, at),
            protected = laptops.protected,
            not_protected = laptops.not_protected,
            not_heard = laptops.not_heard.len(),
            names = listed(&laptops.not_heard),
            groups = silent_groups(laptops),
            url = telling.console_url,
        ),
    }
}

/// Names in a mail at most; the page of devices shows all.
const NAMES: usize = 100;

fn listed(names: &[String]) -> String {
    let mut lines: Vec<_> = names.iter().take(NAMES).map(|name| format!("- {name}")).collect();
    if names.len() > NAMES {
        lines.push(format!("and {} more", names.len() - NAMES));
    }
    lines.join("\n") + "\n"
}

fn silent_groups(laptops: &Laptops) -> String {
    let line = |(group, many): &(String, usize)| {
        format!(
            "Nobody of the group {group} is heard, none of {many} laptops: look at the network and the\n\
             collector's address first.\n\n"
        )
    };
    laptops.silent_groups.iter().map(line).collect()
}
