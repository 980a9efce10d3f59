//! What `strace -f -yy` wrote: the system calls in the order in which they began and ended.

use std::collections::HashMap;

/// A system call that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Such as `fdatasync`.
    pub name: String,
    /// What stands between its brackets.
    pub arguments: String,
    /// What it gave; none where that is no number.
    pub result: Option<i64>,
    /// The line on which it began.
    pub began: usize,
    /// The line on which it ended.
    pub ended: usize,
}

/// Reads a trace. Calls that never ended are left out.
#[must_use]
pub fn parse(trace: &str) -> Vec<Call> {
    let mut open: HashMap<&str, (String, String, usize)> = HashMap::new();
    let mut calls = Vec::new();
    for (number, line) in trace.lines().enumerate() {
        let Some((process, rest)) = line.trim_start().split_once(char::is_whitespace) else {
            continue;
        };
        let rest = rest.trim_start();
        let (name, text, began) = if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some((name, mut begun, began)) = open.remove(process) else {
                continue;
            };
            begun.push_str(resumed.split_once("resumed>").map_or("", |(_, more)| more));
            (name, begun, began)
        } else {
            let Some((name, text)) = rest.split_once('(') else {
                continue;
            };
            if let Some(begun) = text.strip_suffix("<unfinished ...>") {
                open.insert(process, (name.into(), begun.into(), number));
                continue;
            }
            (name.to_owned(), text.to_owned(), number)
        };
        let Some((arguments, result)) = text.rsplit_once(") = ").or_else(|| text.rsplit_once(" = ")) else {
            continue;
        };
        calls.push(Call {
            name,
            arguments: arguments.trim_end().trim_end_matches(')').into(),
            result: result
                .split_whitespace()
                .next()
                .and_then(|result| result.parse().ok()),
            began,
            ended: number,
        });
    }
    calls.sort_by_key(|call| call.began);
    calls
}

/// What the calls of a program mean to a test.
pub struct Meaning<'a> {
    /// Something came in that has to be kept.
    pub arrives: &'a dyn Fn(&Call) -> bool,
    /// It is written to the file that has to keep it.
    pub writes: &'a dyn Fn(&Call) -> bool,
    /// That file is synced.
    pub syncs: &'a dyn Fn(&Call) -> bool,
    /// It is passed on, or acknowledged.
    pub sends: &'a dyn Fn(&Call) -> bool,
}

/// How often something arrived, was written, synced and only then sent.
pub fn syncs_before_sends(calls: &[Call], meaning: &Meaning<'_>) -> Result<usize, String> {
    let mut proven = 0;
    let mut from = 0;
    while let Some(arrival) = calls
        .iter()
        .find(|call| call.began >= from && (meaning.arrives)(call))
    {
        let after = |call: &&Call| call.began > arrival.ended;
        let Some(sent) = calls.iter().filter(after).find(|call| (meaning.sends)(call)) else {
            break;
        };
        let written = calls
            .iter()
            .filter(after)
            .find(|call| call.ended < sent.began && (meaning.writes)(call));
        let synced = written.and_then(|written| {
            calls.iter().find(|call| {
                call.began > written.ended
                    && call.ended < sent.began
                    && call.result == Some(0)
                    && (meaning.syncs)(call)
            })
        });
        if synced.is_none() {
            return Err(format!(
                "what arrived on line {} was sent on line {}, {} before",
                arrival.ended + 1,
                sent.began + 1,
                if written.is_some() {
                    "written but not synced"
                } else {
                    "not even written"
                }
            ));
        }
        proven += 1;
        from = sent.ended + 1;
    }
    Ok(proven)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
71 recvfrom(9<UNIX-STREAM:[1]>, "\0\0\0#i want", 4096, 0, NULL, NULL) = 39
72 pwrite64(5</s/spool/db>, "...", 512, 0 <unfinished ...>
71 sendto(12<TCP:[127.0.0.1:5->127.0.0.1:7443]>, "beat", 35, MSG_NOSIGNAL, NULL, 0) = 35
72 <... pwrite64 resumed>)          = 512
72 fsync(5</s/spool/db> <unfinished ...>
72 <... fsync resumed>)             = 0
71 sendto(12<TCP:[127.0.0.1:5->127.0.0.1:7443]>, "...", 400, MSG_NOSIGNAL, NULL, 0) = 400
"#;

    fn check(trace: &str) -> Result<usize, String> {
        let meaning = Meaning {
            arrives: &|call| call.name == "recvfrom" && call.arguments.contains("i want"),
            writes: &|call| call.name == "pwrite64",
            syncs: &|call| call.name == "fsync",
            sends: &|call| call.name == "sendto" && call.result >= Some(200),
        };
        syncs_before_sends(&parse(trace), &meaning)
    }

    #[test]
    fn calls_are_read_whole_also_when_others_come_between() {
        let calls = parse(GOOD);
        let write = calls.iter().find(|call| call.name == "pwrite64").unwrap();
        assert_eq!((write.began, write.ended, write.result), (2, 4, Some(512)));
        assert!(write.arguments.contains("/s/spool/db"));
        assert_eq!(calls.len(), 5);
    }

    #[test]
    fn a_trace_in_the_right_order_passes() {
        assert_eq!(check(GOOD), Ok(1));
    }

    #[test]
    fn a_send_before_its_sync_has_ended_is_found() {
        let mut lines: Vec<_> = GOOD.lines().collect();
        let send = lines.pop().unwrap();
        lines.insert(lines.len() - 1, send);
        let fault = check(&lines.join("\n")).unwrap_err();
        assert!(fault.contains("written but not synced"), "{fault}");
    }

    #[test]
    fn a_sync_that_failed_or_came_before_the_write_is_none() {
        assert!(check(&GOOD.replace("resumed>)             = 0", "resumed>) = -1 EIO (error)")).is_err());
        let early = GOOD.replace(
            "72 fsync(5</s/spool/db> <unfinished ...>\n72 <... fsync resumed>)             = 0\n",
            "",
        );
        assert!(check(&early).is_err());
    }
}
