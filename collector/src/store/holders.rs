//! Telling whoever holds some duties.

use super::Write;
use super::outbox::{self, Matter, Notice};
use super::people::Directory;
use crate::concerns::model::Duty;
use crate::telling::Telling;

/// Queues a notice that is about no concern to everybody who has one of these duties, once. Wake the outbox after the
/// commit.
pub async fn tell(
    tx: &mut Write,
    telling: &Telling,
    duties: &[Duty],
    matter: &Matter,
    now: i64,
) -> Result<(), sqlx::Error> {
    let directory = Directory::load(tx, &telling.school_id, &telling.profile).await?;
    let mut told = Vec::new();
    for person_id in duties.iter().flat_map(|duty| directory.duties().holders(*duty)) {
        if told.contains(&person_id) {
            continue;
        }
        told.push(person_id);
        outbox::queue(tx, telling, &Notice::to(person_id, matter.clone(), now), now).await?;
    }
    Ok(())
}
