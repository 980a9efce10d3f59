//! Joining the school: a device asks with a token, and by default a person decides.

use super::approval::{self, Decision, DecisionError};
use super::refusal::{self, refusal};
use super::shared::Shared;
use crate::app::App;
use crate::ca::public_key_sha256;
use crate::chain::Deed;
use crate::clock;
use crate::metering::Limited;
use crate::store::devices::{Device, DeviceState, NewDevice};
use crate::store::tokens::{self, Token};
use crate::store::{Write, audit, certificates, devices};
use data_encoding::BASE32_NOPAD;
use pastoral_proto::device::{EnrolPending, EnrolRequest, Issued, Refusal, RefusalReason};
use pastoral_proto::limits;

/// How far an asking device has come.
pub(super) enum Joining {
    /// A person has to decide.
    Pending(EnrolPending),
    /// Its certificate.
    Issued(Issued),
    /// No.
    Refused(Refusal),
}

/// Enters a device that asks, or finds it again by its key, and says where it stands.
pub(super) async fn ask(shared: &Shared, request: &EnrolRequest) -> Result<Joining, sqlx::Error> {
    let app = &shared.app;
    let names = [
        &request.host_name,
        &request.os,
        &request.agent_version,
        &request.token_id,
    ];
    if request.csr_der.len() > limits::CSR || names.iter().any(|name| name.len() > limits::NAME) {
        return Ok(refused(RefusalReason::Malformed));
    }
    let Ok(key) = public_key_sha256(&request.csr_der) else {
        return Ok(refused(RefusalReason::Malformed));
    };
    let now = clock::now_ms();
    let mut tx = app.store.write().await?;
    let Some(token) = tokens::find(&mut tx, &app.school_id, &request.token_id, &request.token_secret).await?
    else {
        return Ok(refused(RefusalReason::TokenUnknown));
    };
    if let Some(known) = devices::by_key(&mut tx, &app.school_id, &key).await? {
        drop(tx);
        return stand(shared, &known.device_id, &request.csr_der).await;
    }
    if token.uses_left <= 0 {
        return Ok(refused(RefusalReason::TokenUsedUp));
    }
    if now >= token.expires_at {
        return Ok(refused(RefusalReason::TokenExpired));
    }
    let device_id = enter(&mut tx, app, request, (&token, &key), now).await?;
    tx.commit().await?;
    if !token.approve {
        approve_by_token(app, &device_id).await?;
    }
    stand(shared, &device_id, &request.csr_der).await
}

/// Takes one of the token's uses. Gives the device's id.
async fn enter(
    tx: &mut Write,
    app: &App,
    request: &EnrolRequest,
    (token, key): (&Token, &[u8]),
    now: i64,
) -> Result<String, sqlx::Error> {
    let device_id = uuid::Uuid::new_v4().to_string();
    let new = NewDevice {
        device_id: &device_id,
        host_name: &request.host_name,
        os: &request.os,
        agent_version: &request.agent_version,
        group: &token.group,
        confirm_code: &confirm_code(key),
        public_key_sha256: key,
        csr_der: &request.csr_der,
    };
    devices::add(tx, &app.school_id, &new, now).await?;
    tokens::take_one(tx, &app.school_id, &token.token_id).await?;
    let entry = audit::Entry {
        school_id: &app.school_id,
        actor: "pastoral",
        deed: Deed::DeviceAsked,
        concern_id: None,
        detail: serde_json::json!({ "device_id": device_id, "token_id": token.token_id }),
    };
    audit::append(tx, now, &entry).await?;
    Ok(device_id)
}

/// Says where a device stands that was entered before; makes its certificate once it is approved.
pub(super) async fn stand(shared: &Shared, device_id: &str, csr_der: &[u8]) -> Result<Joining, sqlx::Error> {
    let app = &shared.app;
    let Some(device) = devices::get(&mut *app.store.read().await?, &app.school_id, device_id).await? else {
        return Ok(refused(RefusalReason::CertificateUnknown));
    };
    match device.state {
        DeviceState::Approved => issue(shared, &device, csr_der).await,
        DeviceState::Rejected => Ok(refused(RefusalReason::Rejected)),
        DeviceState::Revoked if device.retired_at.is_some() => Ok(Joining::Refused(refusal::retired())),
        DeviceState::Revoked => Ok(refused(RefusalReason::Revoked)),
        DeviceState::Pending => Ok(Joining::Pending(EnrolPending {
            device_id: device.device_id,
            confirm_code: device.confirm_code,
        })),
    }
}

async fn issue(shared: &Shared, device: &Device, csr_der: &[u8]) -> Result<Joining, sqlx::Error> {
    if let Err(refusal) = shared.take(&device.device_id, Limited::Certificates) {
        return Ok(Joining::Refused(refusal));
    }
    let (app, authority, now) = (&shared.app, &shared.authority, clock::now_ms());
    let certificate = match authority.issue(csr_der, &device.device_id, now) {
        Ok(certificate) => certificate,
        Err(error) => {
            tracing::error!(%error, device = %device.device_id, "no certificate was made");
            return Ok(refused(RefusalReason::Malformed));
        }
    };
    let mut tx = app.store.write().await?;
    certificates::add_certificate(&mut tx, &app.school_id, &device.device_id, &certificate, now).await?;
    let entry = audit::Entry {
        school_id: &app.school_id,
        actor: "pastoral",
        deed: Deed::CertificateIssued,
        concern_id: None,
        detail: serde_json::json!({ "device_id": device.device_id, "until": certificate.not_after }),
    };
    audit::append(&mut tx, now, &entry).await?;
    tx.commit().await?;
    Ok(Joining::Issued(Issued {
        device_id: device.device_id.clone(),
        school_id: app.school_id.to_string(),
        chain_der: vec![certificate.der.to_vec(), authority.certificate().to_vec()],
        group: device.group.clone(),
    }))
}

/// Renews a certificate for the device that showed one before.
pub(super) async fn renew(shared: &Shared, device_id: &str, csr_der: &[u8]) -> Result<Joining, sqlx::Error> {
    if csr_der.len() > limits::CSR {
        return Ok(refused(RefusalReason::Malformed));
    }
    stand(shared, device_id, csr_der).await
}

async fn approve_by_token(app: &App, device_id: &str) -> Result<(), sqlx::Error> {
    let profile = app.profile.load();
    let now = clock::now_ms();
    match approval::decide(
        &app.store,
        &app.school_id,
        &profile,
        device_id,
        Decision::Approve,
        "token",
        now,
    )
    .await
    {
        Ok(()) => Ok(()),
        Err(DecisionError::Store(error)) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "the token approves devices by itself, but this one has to wait");
            Ok(())
        }
    }
}

/// Eight letters and digits of the key's hash: both sides show them, so that people can tell the device is this one.
fn confirm_code(public_key_sha256: &[u8]) -> String {
    let code = BASE32_NOPAD.encode(&public_key_sha256[..5.min(public_key_sha256.len())]);
    format!("{}-{}", &code[..4], &code[4..8])
}

fn refused(reason: RefusalReason) -> Joining {
    Joining::Refused(refusal(reason))
}
