//! The commands that look at the service or ask it for something.

use crate::config::Config;
use crate::control::ask;
use crate::enrolment::{Enrolment, FILE, Progress};
use crate::explain::Explanation;
use crate::identity::Identity;
use crate::platform;
use crate::status::{Detail, Status};
use crate::token::Token;
use anyhow::{Context as _, bail};
use pastoral_proto::local::question::Question as Asked;
use pastoral_proto::local::{ExplainQuestion, StatusQuestion};
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use zeroize::Zeroizing;

/// A token file is never larger.
const TOKEN_BYTES: u64 = 4096;
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Records the wish to join, for the service to carry through.
pub fn enrol(config: &Config, collector: &str, token_file: &Path, wait: bool) -> anyhow::Result<ExitCode> {
    let token = Token::parse(&read_token(token_file)?)?;
    let enrolment = Enrolment::new(collector, &token)?;
    platform::make_private_folder(&config.state_dir)
        .with_context(|| format!("cannot make the folder {}", config.state_dir.display()))?;
    // The service must be able to read and replace what is written here, and root must not follow its links.
    platform::act_as_owner_of(&config.state_dir).with_context(|| {
        format!(
            "cannot act for the owner of {}; run this as root",
            config.state_dir.display()
        )
    })?;
    let before = Identity::load(&config.state_dir)
        .ok()
        .flatten()
        .map(|identity| identity.pairs[0].chain.clone());
    enrolment
        .save(&config.state_dir)
        .context("run this as root, or as the service's user")?;
    println!(
        "The request to join is recorded. The service brings it to the collector; a person approves it there."
    );
    if ask(&config.control_socket(), Asked::Status(StatusQuestion {})).is_err() {
        println!("The service is not running: start it with `systemctl start pastoral-agent`.");
    }
    if !wait {
        println!("See how far it is with `pastoral-agent status`.");
        return Ok(ExitCode::SUCCESS);
    }
    wait_for_outcome(config, before.as_deref())
}

fn read_token(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    if file == Path::new("-") {
        std::io::stdin()
            .take(TOKEN_BYTES)
            .read_to_string(&mut text)
            .context("cannot read the token")?;
    } else {
        let opened = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        opened
            .take(TOKEN_BYTES)
            .read_to_string(&mut text)
            .with_context(|| format!("{} is not text", file.display()))?;
    }
    Ok(text)
}

fn wait_for_outcome(config: &Config, before: Option<&[Vec<u8>]>) -> anyhow::Result<ExitCode> {
    let mut told = String::new();
    loop {
        match Enrolment::load(&config.state_dir)?.map(|enrolment| enrolment.progress) {
            Some(Progress::Refused(trouble)) => bail!("{}; {}", trouble.what, trouble.to_do),
            Some(Progress::Pending { confirm_code, .. }) if confirm_code != told => {
                println!("Waiting for approval. Confirm code: {confirm_code}");
                told = confirm_code;
            }
            Some(_) => {}
            None => {
                let identity = Identity::load(&config.state_dir)?;
                match identity.filter(|identity| Some(identity.pairs[0].chain.as_slice()) != before) {
                    Some(identity) => {
                        println!("This device has joined, as {}.", identity.device_id);
                        return Ok(ExitCode::SUCCESS);
                    }
                    None => bail!(
                        "{} is gone without a result; enrol again",
                        config.state(FILE).display()
                    ),
                }
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Prints whether the device is protected: 0 if it is, 1 if not, 2 if the service cannot say.
#[must_use]
pub fn status(config: &Config, json: bool) -> ExitCode {
    let asked = ask(&config.control_socket(), Asked::Status(StatusQuestion {}));
    let status = asked.and_then(|text| Ok((serde_json::from_str::<Status>(&text)?, text)));
    match status {
        Ok((status, text)) => {
            if json {
                println!("{text}");
            } else {
                print_status(&status);
            }
            ExitCode::from(u8::from(!status.protected))
        }
        Err(error) => {
            let reason = format!("not protected: {error:#}");
            if json {
                println!("{}", serde_json::json!({ "protected": false, "reason": reason }));
            } else {
                println!("{reason}");
            }
            ExitCode::from(2)
        }
    }
}

/// Prints what a text would raise and why.
pub fn explain(
    config: &Config,
    audience: &str,
    source: &str,
    text: &str,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let mut text = text.to_owned();
    if text == "-" {
        text.clear();
        let most = pastoral_proto::limits::LOCAL_MESSAGE as u64;
        std::io::stdin()
            .take(most)
            .read_to_string(&mut text)
            .context("standard input is not text")?;
    }
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    let question = ExplainQuestion {
        text,
        audience: audience.into(),
        source: source.into(),
    };
    let answer = ask(&config.control_socket(), Asked::Explain(question))?;
    if json {
        println!("{answer}");
    } else {
        print_explanation(&serde_json::from_str(&answer)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_status(status: &Status) {
    let mut reason = status.reason.clone();
    if let Some(first) = reason.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    println!("{reason}.");
    if let Some(detail) = &status.detail {
        print_detail(detail);
    }
}

fn print_detail(detail: &Detail) {
    let line = |name: &str, value: &str| {
        if !value.is_empty() {
            println!("  {name:<16} {value}");
        }
    };
    println!();
    line("Connection", &detail.connection.replace('-', " "));
    line("Confirm code", &detail.confirm_code);
    line("School", &detail.school_name);
    line("Device", &detail.device_id);
    line("Collector", &detail.collector);
    line("Connected since", &time(detail.connected_since_ms));
    line("Last contact", &time(detail.last_contact_ms));
    line("Last delivery", &time(detail.last_delivery_ms));
    line(
        "Certificate",
        &time(detail.certificate_until_ms).replacen(
            "",
            "until ",
            usize::from(detail.certificate_until_ms.is_some()),
        ),
    );
    line(
        "Waiting",
        &format!(
            "{} records, {} KiB",
            detail.spool_records,
            detail.spool_bytes.div_ceil(1024)
        ),
    );
    if detail.quarantined > 0 {
        line(
            "Not readable",
            &format!("{} records, put aside by the collector", detail.quarantined),
        );
    }
    line("Policy", &detail.policy);
    line("Lists", &detail.lists.join(", "));
    for helper in &detail.helpers {
        line(
            "Session",
            &format!("{}: {} ({})", helper.account, helper.state, helper.titles_by),
        );
    }
    if detail.more_helpers > 0 {
        line("Session", &format!("and {} more", detail.more_helpers));
    }
    for what in &detail.not_watched {
        line("Not watched", what);
    }
    for trouble in &detail.troubles {
        println!("\n  Trouble: {}.\n  What to do: {}.", trouble.what, trouble.to_do);
    }
}

fn print_explanation(explanation: &Explanation) {
    if !explanation.flagged {
        println!(
            "This would not be flagged ({}, {}).",
            explanation.audience, explanation.source
        );
    }
    for (number, line) in explanation.found.iter().enumerate() {
        let rank = if number == 0 { "Flagged" } else { "Also" };
        println!(
            "{rank}: severity {}, {}: \"{}\"",
            line.severity, line.topic, line.matched
        );
        println!(
            "  term `{}` ({}) of list {}, seen as {}",
            line.term, line.term_id, line.list, line.view
        );
        println!("  why: {}", line.reason);
    }
    for note in &explanation.notes {
        println!("Note: {note}.");
    }
}

/// UTC, to the second.
fn time(at_ms: Option<i64>) -> String {
    let Some(at_ms) = at_ms else { return String::new() };
    let time = x509_parser::time::ASN1Time::from_timestamp(at_ms / 1000);
    time.map(|time| time.to_string()).unwrap_or_default()
}
