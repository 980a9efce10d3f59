//! A person's decision about a device: the only way into the school and out of it.

use crate::chain::Deed;
use crate::profile::Profile;
use crate::store::devices::DeviceState;
use crate::store::{Store, Write, audit, certificates, devices, retire, uses};

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
    /// It is out of use: it may not connect and counts nowhere, until a person brings it back.
    Retire,
    /// What was retired may connect again.
    BringBack,
    /// It may do more than the limits allow, for the rest of the day.
    Allow,
}

impl Decision {
    const fn deed(self) -> Deed {
        match self {
            Self::Approve => Deed::DeviceApproved,
            Self::Reject => Deed::DeviceRejected,
            Self::Revoke => Deed::DeviceRevoked,
            Self::Retire => Deed::DeviceRetired,
            Self::BringBack => Deed::DeviceBroughtBack,
            Self::Allow => Deed::DeviceAllowed,
        }
    }

    /// Writes it. False when the device is not in a state in which this can be decided.
    async fn write(
        self,
        tx: &mut Write,
        school_id: &str,
        device_id: &str,
        by: &str,
        now: i64,
    ) -> Result<bool, sqlx::Error> {
        match self {
            Self::Approve => {
                let (from, to) = (
                    [DeviceState::Pending, DeviceState::Rejected],
                    DeviceState::Approved,
                );
                devices::decide(tx, school_id, device_id, (from, to), by, now).await
            }
            Self::Reject => {
                let (from, to) = ([DeviceState::Pending; 2], DeviceState::Rejected);
                devices::decide(tx, school_id, device_id, (from, to), by, now).await
            }
            Self::Revoke => {
                let (from, to) = ([DeviceState::Approved; 2], DeviceState::Revoked);
                let done = devices::decide(tx, school_id, device_id, (from, to), by, now).await?
                    || retire::for_good(tx, school_id, device_id, by, now).await?;
                certificates::revoke_certificates(tx, school_id, device_id, now).await?;
                Ok(done)
            }
            Self::Retire => retire::retire(tx, school_id, device_id, by, now).await,
            Self::BringBack => retire::bring_back(tx, school_id, device_id, by, now).await,
            Self::Allow => uses::allow(tx, school_id, device_id, now).await,
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
    if !decision.write(&mut tx, school_id, device_id, by, now_ms).await? {
        return Err(DecisionError::NotThere(device_id.to_owned()));
    }
    let entry = audit::Entry {
        school_id,
        actor: by,
        deed: decision.deed(),
        concern_id: None,
        detail: serde_json::json!({ "device_id": device_id }),
    };
    audit::append(&mut tx, now_ms, &entry).await?;
    tx.commit().await?;
    Ok(())
}
