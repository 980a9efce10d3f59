//! What the collector asks a device to do once.

use crate::collector;
use crate::device::Device;
use pastoral_proto::device::collector_message::Message as Down;
use pastoral_proto::device::command::What;
use pastoral_proto::device::command_answer::Outcome;
use pastoral_proto::device::{Command, SayHowYouAre};
use pastoral_support::poll::comes_true;

fn command(id: u8, what: Option<What>) -> Down {
    Down::Command(Command {
        id: vec![id; 16],
        time_limit_ms: 60_000,
        what,
    })
}

#[tokio::test]
async fn a_command_is_answered_under_its_id_and_one_that_is_not_known_is_said_to_be_so() {
    let collector = collector().await;
    let _device = Device::joined(&collector).await;
    collector
        .send(command(1, Some(What::SayHowYouAre(SayHowYouAre {}))))
        .await;
    collector.send(command(2, None)).await;
    comes_true("both are answered", async || {
        collector.see(|script| script.answers.len() == 2)
    })
    .await;
    let answer = |id: u8| {
        let answers = collector.see(|script| script.answers.clone());
        let answer = answers.into_iter().find(|answer| answer.id == [id; 16]);
        answer.unwrap().outcome.unwrap()
    };
    match answer(1) {
        Outcome::Health(health) => assert_eq!(health.fault, "", "{health:?}"),
        other => panic!("{other:?}"),
    }
    match answer(2) {
        Outcome::Failed(failed) => assert!(failed.reason.contains("too old"), "{failed:?}"),
        other => panic!("{other:?}"),
    }
}
