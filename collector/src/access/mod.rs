//! Who may come in: invitations, passwords and second factors, sessions, and the limits on trying.

mod codes;
mod invitation;
mod limits;
pub(crate) mod own_keys;
mod sessions;
pub mod siege;
mod sign_in;
mod unlocked;
mod vault;
mod visits;

pub use codes::{RecoveryCodes, SecondFactor};
pub use invitation::{InvitationError, Link, WrappedKeys, agree, invite, unwrap_keys};
pub use limits::{Attempt, Limits, TooMany};
pub use sessions::{Look, Session, SessionId, Sessions};
pub use sign_in::{Refused, SignIn, Typed, Work, accept, change_password, new_recovery_codes, sign_in};
pub use unlocked::{OPEN_MS as SAFE_OPEN_MS, Unlocked};
pub use vault::{Owner, SealedVault, Vault, VaultError};
pub use visits::Visits;

/// The shortest password that is taken.
pub const PASSWORD_LEAST: usize = 12;
/// The longest password that is taken, in bytes.
pub const PASSWORD_MOST: usize = 256;
