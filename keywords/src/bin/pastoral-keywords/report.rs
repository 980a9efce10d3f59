//! How commands end and how they say it.

use std::fmt::Display;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

/// How a command ended, where nothing kept it from its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// There is nothing to say against what was looked at.
    Fine,
    /// There is, and it was said.
    WithFindings,
}

impl Ended {
    pub(crate) fn findings(found: bool) -> Self {
        if found { Self::WithFindings } else { Self::Fine }
    }
}

/// The program's answer: 0 fine, 1 findings, 2 wrong use or an input that cannot be worked with.
pub(crate) fn answer(outcome: anyhow::Result<Ended>) -> ExitCode {
    match outcome {
        Ok(Ended::Fine) => ExitCode::SUCCESS,
        Ok(Ended::WithFindings) => ExitCode::from(1),
        // Whoever reads our output has had enough, which is their right.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("{}: {error:#}", coloured("error", AnsiColor::Red));
            ExitCode::from(2)
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let json = cause
            .downcast_ref::<serde_json::Error>()
            .and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(std::io::ErrorKind::BrokenPipe)
    })
}

/// Words in a colour, which `anstream` takes off where nobody sees it.
pub(crate) fn coloured(words: &str, colour: AnsiColor) -> String {
    let style: Style = colour.on_default().bold();
    format!("{style}{words}{style:#}")
}

/// So many of a thing, in words.
pub(crate) fn counted(count: impl Display + PartialEq<usize>, one: &str, several: &str) -> String {
    if count == 1 {
        format!("{count} {one}")
    } else {
        format!("{count} {several}")
    }
}
