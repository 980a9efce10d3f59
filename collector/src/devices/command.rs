//! What is sent to a device that is asked for something, and what its answer says. Pure.

use super::health::Health;
use crate::store::commands::{self, CommandState};
use pastoral_proto::device::command::What;
use pastoral_proto::device::command_answer::Outcome;
use pastoral_proto::{device, limits};

/// A command as it goes to the device.
#[must_use]
pub fn message(command: commands::Command, command_id: &[u8]) -> device::Command {
    let what = match command {
        commands::Command::SayHowItIs => What::SayHowYouAre(device::SayHowYouAre {}),
    };
    device::Command {
        id: command_id.to_vec(),
        time_limit_ms: command.time_limit_ms(),
        what: Some(what),
    }
}

/// What an answer says, for people to read; nothing of content, nor how much waits on the device.
#[must_use]
pub fn in_words(outcome: Option<&Outcome>) -> (CommandState, String) {
    match outcome {
        Some(Outcome::Health(said)) => {
            let troubles = Health::from(said).troubles();
            if troubles.is_empty() {
                (CommandState::Done, "It says that it protects.".to_owned())
            } else {
                (CommandState::Done, troubles.join(" "))
            }
        }
        Some(Outcome::Failed(failed)) => (CommandState::Failed, limits::sentence(&failed.reason)),
        None => (
            CommandState::Failed,
            "Its answer is of a later version: update the collector.".to_owned(),
        ),
    }
}
