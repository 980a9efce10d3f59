//! Who may come in: invitations, passwords and second factors, sessions, and the limits on trying.

mod codes;
mod invitation;
mod limits;
mod sessions;
pub mod siege;
mod sign_in;
mod vault;

pub use codes::{RecoveryCodes, SecondFactor};
pub use invitation::{InvitationError, Link, WrappedKeys, agree, invite, unwrap_keys};
pub use limits::{Attempt, Limits, TooMany};
pub use sessions::{Look, Session, SessionId, Sessions};
pub use sign_in::{Refused, SignIn, Typed, Work, accept, change_password, new_recovery_codes, sign_in};
pub use vault::{Owner, SealedVault, Vault, VaultError};

/// The shortest password that is taken.
pub const PASSWORD_LEAST: usize = 12;
/// The longest password that is taken, in bytes.
pub const PASSWORD_MOST: usize = 256;
