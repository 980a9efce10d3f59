//! Laptops that a person has retired. They are `revoked` and count nowhere, but can be brought back: the certificates
//! that retiring revoked, and only those, then count again.

use super::devices::DeviceState;
use super::{Store, Write, certificates, devices};

/// Retires an approved device. Says whether it was one.
pub async fn retire(
    tx: &mut Write,
    school_id: &str,
    device_id: &str,
    by: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let move_to = ([DeviceState::Approved; 2], DeviceState::Revoked);
    if !devices::decide(tx, school_id, device_id, move_to, by, now_ms).await? {
        return Ok(false);
    }
    sqlx::query(
        "UPDATE device SET retired_at = $1, retired_heard_at = NULL WHERE school_id = $2 AND device_id = $3",
    )
    .bind(now_ms)
    .bind(school_id)
    .bind(device_id)
    .execute(&mut **tx)
    .await?;
    certificates::revoke_certificates(tx, school_id, device_id, now_ms).await?;
    Ok(true)
}

/// Brings a retired device back. Says whether it was one.
pub async fn bring_back(
    tx: &mut Write,
    school_id: &str,
    device_id: &str,
    by: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query(
        "UPDATE device_certificate SET revoked_at = NULL WHERE school_id = $1 AND device_id = $2 AND revoked_at =
             (SELECT retired_at FROM device WHERE school_id = $1 AND device_id = $2 AND state = 'revoked')",
    )
    .bind(school_id)
    .bind(device_id)
    .execute(&mut **tx)
    .await?;
    let done = sqlx::query(
        "UPDATE device SET state = 'approved', decided_at = $1, decided_by = $2, retired_at = NULL,
         retired_heard_at = NULL
         WHERE school_id = $3 AND device_id = $4 AND state = 'revoked' AND retired_at IS NOT NULL",
    )
    .bind(now_ms)
    .bind(by)
    .bind(school_id)
    .bind(device_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Cuts a retired device off for good. Says whether it was one.
pub async fn for_good(
    tx: &mut Write,
    school_id: &str,
    device_id: &str,
    by: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE device SET decided_at = $1, decided_by = $2, retired_at = NULL, retired_heard_at = NULL
         WHERE school_id = $3 AND device_id = $4 AND state = 'revoked' AND retired_at IS NOT NULL",
    )
    .bind(now_ms)
    .bind(by)
    .bind(school_id)
    .bind(device_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A retired device spoke.
pub async fn spoke(store: &Store, school_id: &str, device_id: &str, now_ms: i64) -> Result<(), sqlx::Error> {
    let mut tx = store.write().await?;
    sqlx::query(
        "UPDATE device SET retired_heard_at = $1 WHERE school_id = $2 AND device_id = $3 AND retired_at IS NOT NULL",
    )
    .bind(now_ms)
    .bind(school_id)
    .bind(device_id)
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}
