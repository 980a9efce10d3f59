//! Who may come in: acts of two people on access, links, passwords and second factors, each person's own key, sessions,
//! and the limits on trying.

pub mod acts;
mod codes;
mod doubt;
mod invitation;
mod joining;
mod limits;
mod password;
mod person_key;
pub(crate) mod school_keys;
mod second;
mod sessions;
pub mod siege;
mod sign_in;
mod strength;
mod unlocked;
mod vault;
mod visits;
mod voice;
mod work;

pub use codes::{Code, RecoveryCodes, SecondFactor};
pub use invitation::{Link, NewLink, Opened, ReaderKeys};
pub use joining::{Typed, accept};
pub use limits::{Attempt, Limits, TooMany};
pub use password::{change_password, new_recovery_codes};
pub use person_key::{fingerprint, open_from, seal_to};
pub use sessions::{Look, Session, SessionId, Sessions};
pub use sign_in::{Refused, SignIn, sign_in};
pub use unlocked::{OPEN_MS as SAFE_OPEN_MS, Unlocked};
pub use vault::{Owner, Vault, VaultError};
pub use visits::Visits;
pub use voice::VoiceCode;
pub use work::Work;

/// The shortest password that is taken.
pub const PASSWORD_LEAST: usize = 12;
/// The longest password that is taken, in bytes.
pub const PASSWORD_MOST: usize = 256;
