//! What the collector asks this device to do once, each with an answer (what stays in force is policy).
//!
//! A new command is a message in `device.proto` and an arm of [`done`].

use crate::context::Context;
use crate::health;
use pastoral_proto::device::command::What;
use pastoral_proto::device::command_answer::Outcome;
use pastoral_proto::device::{Command, CommandAnswer, CommandFailed};
use std::sync::Arc;
use std::time::Duration;

/// Commands that run at a time; one more is answered with a failure.
pub(crate) const AT_A_TIME: usize = 8;
/// No command takes longer, whatever it says.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// Does what is asked, within the command's time.
pub(crate) async fn carry_out(context: Arc<Context>, command: Command) -> CommandAnswer {
    let limit = Duration::from_millis(command.time_limit_ms.into()).min(LONGEST);
    let outcome = tokio::time::timeout(limit, done(&context, command.what)).await;
    CommandAnswer {
        id: command.id,
        outcome: Some(outcome.unwrap_or_else(|_| failed("it took longer than it was given"))),
    }
}

/// The answer to a command for which there is no room.
pub(crate) fn too_many(command: Command) -> CommandAnswer {
    CommandAnswer {
        id: command.id,
        outcome: Some(failed("it is busy with other commands")),
    }
}

async fn done(context: &Context, what: Option<What>) -> Outcome {
    match what {
        Some(What::SayHowYouAre(_)) => Outcome::Health(health::message(context)),
        None => failed("its agent is too old to know what was asked: update it"),
    }
}

fn failed(reason: &str) -> Outcome {
    Outcome::Failed(CommandFailed {
        reason: reason.into(),
    })
}
