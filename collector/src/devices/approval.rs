//! A person's decision about a device: the only way into the school and out of it.

use crate::profile::Profile;
use crate::store::{Store, audit, devices};

/// Why a decision does not stand.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// There is no such device, or not in a state in which this can be decided.
    #[error("there is no device `{0}` that this can be decided about; `device list` shows them")]
    NotThere(String),
    /// Real devices are approved only once the school has said who answers for what is collected.
    #[error(
        "no device can be approved before the profile's accountability block says: {0}; add it to the profile's file"
    )]
    Unaccountable(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// What a person may decide about a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may join.
    Approve,
    /// It may not.
    Reject,
    /// It may no longer: its certificates count for nothing from now on.
    Revoke,
}

impl Decision {
    const fn states(self) -> (&'static str, &'static str) {
        match self {
            Self::Approve => ("pending rejected", "approved"),
            Self::Reject => ("pending", "rejected"),
            Self::Revoke => ("approved", "revoked"),
        }
    }

    const fn audited(self) -> &'static str {
        match self {
            Self::Approve => "device-approved",
            Self::Reject => "device-rejected",
            Self::Revoke => "device-revoked",
        }
    }
}

/// Decides about a device, on behalf of `by` (a person_id, `command line` or `token`).
///
/// # Errors
/// [`DecisionError`].
pub async fn decide(
    store: &Store,
    school_id: &str,
    profile: &Profile,
    device_id: &str,
    decision: Decision,
    by: &str,
    now_ms: i64,
) -> Result<(), DecisionError> {
    let missing = profile.accountability_missing();
    if decision == Decision::Approve && !missing.is_empty() {
        return Err(DecisionError::Unaccountable(missing.join(", ")));
    }
    let mut tx = store.write().await?;
    if !devices::decide(&mut tx, school_id, device_id, decision.states(), by, now_ms).await? {
        return Err(DecisionError::NotThere(device_id.to_owned()));
    }
    if decision == Decision::Revoke {
        devices::revoke_certificates(&mut tx, school_id, device_id, now_ms).await?;
    }
    let entry = audit::Entry {
        school_id,
        actor: by,
        action: decision.audited(),
        concern_id: None,
        detail: serde_json::json!({ "device_id": device_id }),
    };
    audit::append(&mut tx, now_ms, &entry).await?;
    tx.commit().await?;
    Ok(())
}
