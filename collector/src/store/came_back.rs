//! A clock that was set ahead and has come back: what was timed by it meanwhile is brought back with it, so that nothing
//! waits for a time that is long in coming. Timers of concerns know when they were set, and look after themselves.

use super::Write;

/// The step of a code that people sign in with.
const CODE_STEP_MS: i64 = 30_000;

/// What was begun by the clock of then ends as long after now as it would have after its beginning: otherwise whoever sets
/// the clock ahead for a minute keeps somebody out for a year by a conflict that nobody agrees to, or has a link that long.
const BEGUN: [&str; 8] = [
    "UPDATE conflict SET lapses_at = $2 + lapses_at - recorded_at
     WHERE school_id = $1 AND recorded_at > $2 AND lapses_at > $2 + lapses_at - recorded_at",
    "UPDATE invitation SET expires_at = $2 + expires_at - made_at, made_at = $2
     WHERE school_id = $1 AND made_at > $2",
    "UPDATE proposal SET expires_at = $2 + expires_at - proposed_at, proposed_at = $2
     WHERE school_id = $1 AND proposed_at > $2",
    "UPDATE held_import SET expires_at = $2 + expires_at - held_at, held_at = $2
     WHERE school_id = $1 AND held_at > $2",
    "UPDATE token SET expires_at = $2 + expires_at - created_at, created_at = $2
     WHERE school_id = $1 AND created_at > $2",
    "UPDATE draft SET written_at = $2 WHERE school_id = $1 AND written_at > $2",
    "UPDATE writer SET began_at = $2 WHERE school_id = $1 AND began_at > $2",
    // Or nobody hears of a siege until then.
    "UPDATE siege_told SET told_at = $2 WHERE school_id = $1 AND told_at > $2",
];

/// Brings everything that waits for a time back by as much as the clock has gone back.
pub async fn bring_back(
    tx: &mut Write,
    school_id: &str,
    jump_ms: i64,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    for statement in [
        "UPDATE outbox SET due_at = CASE WHEN due_at - $2 > $3 THEN due_at - $2 ELSE $3 END,
             created_at = CASE WHEN created_at > $3 THEN $3 ELSE created_at END
         WHERE school_id = $1 AND (due_at > $3 OR created_at > $3)",
        // A device is not heard because the clock was wrong when it was.
        "UPDATE device SET last_seen_at = $3 WHERE school_id = $1 AND last_seen_at > $3 AND $2 > 0",
    ] {
        sqlx::query(statement)
            .bind(school_id)
            .bind(jump_ms)
            .bind(now_ms)
            .execute(&mut **tx)
            .await?;
    }
    for statement in BEGUN {
        sqlx::query(statement)
            .bind(school_id)
            .bind(now_ms)
            .execute(&mut **tx)
            .await?;
    }
    // A code serves once, by the clock of then; the codes of now would all count as used.
    sqlx::query("UPDATE \"user\" SET totp_last_step = $2 WHERE school_id = $1 AND totp_last_step > $2 + 1")
        .bind(school_id)
        .bind(now_ms / CODE_STEP_MS)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
