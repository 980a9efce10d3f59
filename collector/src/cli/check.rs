//! `check`: whether configuration, records and deliveries are as they should be.

mod devices;

use super::{school, when};
use crate::backup;
use crate::ca::Authority;
use crate::clock;
use crate::config::Config;
use crate::console::listener;
use crate::devices as of_devices;
use crate::lists;
use crate::net::files;
use crate::profile::Profile;
use crate::seal;
use crate::store::{audit, disk, keys, outbox, overview, person_keys, routing, specialist, unread};
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;

/// Exit code for findings.
const FOUND: u8 = 3;
/// Exit code for settings that nothing carries out, where that is asked.
const NOT_DONE: u8 = 4;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A backup a day, and some hours for it.
const BACKUP_HOURS: u64 = 30;

/// Says whether configuration, records and deliveries are as they should be.
#[derive(Debug, Args)]
#[command(
    after_help = "Exits with 0 when all is well, 3 when a person has to look at something; with --strict also with 4 \
                        when nothing but a note is left, such as a setting of the profile that nothing carries out."
)]
pub(super) struct Check {
    /// Answers as JSON
    #[arg(long)]
    json: bool,
    /// Exits with 4 when there are notes: what the profile asks for and nothing carries out
    #[arg(long)]
    strict: bool,
}

/// One thing that was looked at. Says nothing of content, and no person's name.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    good: bool,
    /// Worth knowing, and nothing to be put right.
    note: bool,
    says: String,
}

impl Check {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let opened = school::open(config).await?;
        let mut findings = vec![
            profile(config),
            accountability(&opened.profile),
            settings(&opened.profile),
        ];
        findings.push(authority(config, &opened.school.school_id));
        findings.push(chain(&opened).await?);
        findings.push(sealing(&opened).await?);
        findings.push(mail(config, &opened).await?);
        findings.push(links(config, &opened).await?);
        findings.push(readers(&opened).await?);
        findings.push(specialist_lists(config, &opened).await?);
        findings.extend(devices::findings(&opened).await?);
        findings.push(disk_of(config));
        findings.push(proxy(config));
        findings.push(connections());
        findings.push(backups(config));
        let good = findings.iter().all(|finding| finding.good);
        if self.json {
            println!("{}", serde_json::json!({ "good": good, "findings": findings }));
        } else {
            for finding in &findings {
                println!(
                    "{}  {:<14} {}",
                    match finding {
                        Finding { good: false, .. } => "LOOK",
                        Finding { note: true, .. } => "note",
                        _ => "ok  ",
                    },
                    finding.what,
                    finding.says
                );
            }
        }
        Ok(ExitCode::from(code(&findings, self.strict)))
    }
}

fn code(findings: &[Finding], strict: bool) -> u8 {
    if findings.iter().any(|finding| !finding.good) {
        FOUND
    } else if strict && findings.iter().any(|finding| finding.note) {
        NOT_DONE
    } else {
        0
    }
}

fn finding(what: &'static str, good: bool, says: impl Into<String>) -> Finding {
    Finding {
        what,
        good,
        note: false,
        says: says.into(),
    }
}

fn profile(config: &Config) -> Finding {
    let Some(file) = &config.profile else {
        return finding("profile", true, "the one kept in the store is in force");
    };
    let name = file.display().to_string();
    match std::fs::read_to_string(file) {
        Err(error) => finding(
            "profile",
            false,
            format!("{name} cannot be read ({error}); the last good one is in force"),
        ),
        Ok(text) => match Profile::parse(&text, &name) {
            Ok(_) => finding("profile", true, format!("{name} is sound")),
            Err(error) => finding(
                "profile",
                false,
                format!("{error}; the last good one is in force"),
            ),
        },
    }
}

fn accountability(profile: &Profile) -> Finding {
    let missing = profile.accountability_missing();
    if missing.is_empty() {
        return finding(
            "accountability",
            true,
            "the profile says who answers for the monitoring",
        );
    }
    finding(
        "accountability",
        false,
        format!(
            "no device can be approved before the profile says: {}",
            missing.join(", ")
        ),
    )
}

// A note: nobody can put it right, so that every run would fail by it; but somebody may rely on it. `--strict` tells scripts.
fn settings(profile: &Profile) -> Finding {
    let not_done = profile.not_done();
    let says = match not_done.is_empty() {
        true => "everything the profile asks for is done".to_owned(),
        false => format!("not done yet: {}", not_done.join("; ")),
    };
    Finding {
        note: !not_done.is_empty(),
        ..finding("settings", true, says)
    }
}

fn authority(config: &Config, school_id: &str) -> Finding {
    match Authority::open(&config.data_dir, school_id) {
        Ok(_) => finding("certificates", true, "the school's authority is in place"),
        Err(error) => finding("certificates", false, format!("{error:#}")),
    }
}

async fn chain(opened: &school::Opened) -> anyhow::Result<Finding> {
    Ok(
        match audit::verify(&opened.store, &opened.school.school_id, clock::now_ms()).await? {
            // How many there are would count what people do with concerns.
            Ok(_) => finding("audit", true, "unbroken"),
            Err(broken) => finding("audit", false, broken.to_string()),
        },
    )
}

/// Whether content is sealed for the readers, as far as this machine can say: its own word against root is worth little.
async fn sealing(opened: &school::Opened) -> anyhow::Result<Finding> {
    let (store, school_id) = (&opened.store, &opened.school.school_id);
    let now = seal::fingerprint(&keys::publics(&mut *store.read().await?, school_id).await?);
    let heads = audit::sent_heads(&mut *store.read().await?, school_id, 1).await?;
    let mailed = heads.first().and_then(audit::SentHead::keys);
    let says = if keys::are_in_doubt(&mut *store.read().await?, school_id).await? {
        format!(
            "{now}: not the keys that the readers hold, as a sign-in showed; what is new is sealed for a stranger: stop `serve`, and tell the headteacher and the chair of governors"
        )
    } else if mailed.is_some_and(|mailed| mailed != now) {
        format!(
            "{now}: not the keys that the last mail about the audit record named; stop `serve`, and tell the headteacher and the chair of governors"
        )
    } else if person_keys::are_in_doubt(&mut *store.read().await?, school_id).await? {
        format!(
            "{now}, but somebody signed in with another key than the one recorded of them, as the audit log says; two readers reset their sign-in"
        )
    } else {
        let says =
            format!("{now}: the printed sheets and the mails about the audit record must say the same");
        return Ok(finding("keys", true, says));
    };
    Ok(finding("keys", false, says))
}

async fn mail(config: &Config, opened: &school::Opened) -> anyhow::Result<Finding> {
    let (store, school_id) = (&opened.store, &opened.school.school_id);
    let waits = outbox::waits(store, school_id).await?;
    // How many, and when the last left, would count what is told of concerns; the daily mail leaves whatever happens.
    let last = overview::daily_mail_left(&mut *store.read().await?, school_id).await?;
    let last = last.map_or_else(
        || "no daily mail has left yet".into(),
        |at| format!("the daily mail last left {}", when(at)),
    );
    let mut says = if waits {
        format!("some mail was not taken yet and is tried again; {last}")
    } else {
        format!("all mail has left; {last}")
    };
    if let Some(why) = outbox::last_error(store, school_id).await? {
        says = format!("{says}; the last one: {why}");
    }
    if config.mail.is_none() {
        return Ok(finding(
            "mail",
            false,
            format!("there is no [mail] in the configuration, so nobody is told; {says}"),
        ));
    }
    Ok(finding("mail", !waits, says))
}

/// Whether somebody waits for the link by which they set up how they sign in.
async fn links(config: &Config, opened: &school::Opened) -> anyhow::Result<Finding> {
    let says = match outbox::links_waiting(&opened.store, &opened.school.school_id).await? {
        0 => return Ok(finding("links", true, "no link waits to be mailed")),
        1 => "1 link, by which somebody sets up how they sign in, waits to be mailed".to_owned(),
        many => format!("{many} links, by which people set up how they sign in, wait to be mailed"),
    };
    let remedy = match config.mail.is_some() {
        true => "they leave while `serve` runs; if it does, see the line on mail",
        false => "write [mail] into the configuration and run `serve`",
    };
    Ok(finding("links", false, format!("{says}: {remedy}")))
}

async fn readers(opened: &school::Opened) -> anyhow::Result<Finding> {
    let without = routing::without_reader(&opened.store, &opened.school.school_id).await?;
    if !unread::is_any(&opened.store, &opened.school.school_id).await? {
        return Ok(finding(
            "readers",
            true,
            "every open concern has a reader who can be told and can sign in",
        ));
    }
    if !without {
        let says = "nobody can read an open concern, because its readers have no e-mail address or no sign-in: have \
                    them use their links, or put their addresses into the school's list and import it";
        return Ok(finding("readers", false, says));
    }
    let says = "an open concern has no reader left; make an independent reader with `user recover` and the copy from the \
                school safe";
    Ok(finding("readers", false, says))
}

async fn specialist_lists(config: &Config, opened: &school::Opened) -> anyhow::Result<Finding> {
    let school_id = &opened.school.school_id;
    let key = school::list_key(config);
    let rows = specialist::all(&opened.store, school_id).await?;
    let (_, closed) = lists::opened(&rows, school_id, &key);
    if closed.is_empty() {
        let says = match rows.len() {
            0 => "there is no specialist list".to_owned(),
            1 => "the specialist list can be opened".to_owned(),
            many => format!("each of {many} specialist lists can be opened"),
        };
        return Ok(finding("lists", true, says));
    }
    let says = format!("{}: {}", lists::CLOSED, closed.join("; "));
    Ok(finding("lists", false, says))
}

fn backups(config: &Config) -> Finding {
    let Some(settings) = &config.backup else {
        let says = "there is no [backup] in the configuration; make one daily with `pastoral-collector backup --to DIR`";
        return finding("backup", false, says);
    };
    let dir = settings.dir.display();
    match backup::age(&settings.dir).map(|age| age.as_secs() / 3600) {
        None => finding(
            "backup",
            false,
            format!("there is none in {dir} yet; `serve` makes one a day"),
        ),
        Some(hours) => finding(
            "backup",
            hours < BACKUP_HOURS,
            format!("the newest in {dir} is {hours} hours old"),
        ),
    }
}

fn proxy(config: &Config) -> Finding {
    match (config.console.has_unnamed_proxy(), config.console.proxies.len()) {
        (true, _) => finding("proxy", false, listener::UNNAMED_PROXY),
        (false, 0) => finding("proxy", true, "browsers connect without a proxy"),
        (false, _) => finding(
            "proxy",
            true,
            "clients' addresses are taken from the proxies that are named",
        ),
    }
}

fn connections() -> Finding {
    let allowed = files::allowed(&[listener::BOUNDS, of_devices::BOUNDS]);
    match allowed.too_low() {
        Some(words) => finding("connections", false, words),
        None => finding(
            "connections",
            true,
            "as many may be open as are wanted, where it is run like this",
        ),
    }
}

fn disk_of(config: &Config) -> Finding {
    let (free, laid) = disk::state(&config.data_dir);
    let free = free.map_or_else(
        || "unknown".into(),
        |free| format!("{} MiB", free / (1024 * 1024)),
    );
    if laid {
        return finding("disk", true, format!("{free} free"));
    }
    finding(
        "disk",
        false,
        format!("{free} free, and the reserve is used up (or `serve` has never run): make room"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_asks_for_it_notices_what_the_profile_wants_and_nothing_does() {
        let profile = Profile::parse(Profile::shipped("somerset").unwrap(), "somerset").unwrap();
        let (note, well, bad) = (
            settings(&profile),
            finding("a", true, ""),
            finding("b", false, ""),
        );
        assert!(note.good && note.note && note.says.contains("lock_after_minutes"));
        let all = [note, well, bad];
        assert_eq!((code(&all, false), code(&all, true)), (FOUND, FOUND));
        assert_eq!((code(&all[..2], false), code(&all[..2], true)), (0, NOT_DONE));
        assert_eq!(code(&all[1..2], true), 0);
    }
}
