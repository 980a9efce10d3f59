//! A concern whose owner has not answered, or may not see it any more, is nobody's again.

use super::actions::{self, NewAction};
use super::{Write, audit};
use crate::concerns::action::Action;
use serde_json::json;

/// Takes a concern from its owner, so that it is new; `action` says why in its history.
pub(super) async fn lose(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    action: Action,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET state = 'new', owner_id = NULL, acknowledged_at = NULL, review_at = NULL, review_answer_by = NULL
         WHERE school_id = $1 AND concern_id = $2",
    )
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    actions::touch(tx, school_id, concern_id, now).await?;
    let new = NewAction {
        concern_id,
        at: now,
        by: "pastoral",
        action,
        detail: json!({}),
        words: None,
    };
    let action_id = actions::add(tx, school_id, &new).await?;
    let entry = audit::Entry {
        school_id,
        actor: "pastoral",
        deed: action.into(),
        concern_id: Some(concern_id),
        detail: json!({ "action": action_id }),
    };
    audit::append(tx, now, &entry).await
}
