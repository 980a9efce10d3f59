//! The links of acts: made, stored, held back for a technician, mailed.

use super::NotDone;
use crate::access::Work;
use crate::access::invitation::{Link, NewLink, ReaderKeys};
use crate::store::invitations::{self, NewInvitation};
use crate::store::members::{self, Member};
use crate::store::{Read, Write, access as users};
use crate::telling::Telling;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long a link can be used.
pub(super) const LINK_MS: i64 = 7 * DAY_MS;

/// Whose link it is, and who stands behind it.
pub struct Issued<'a> {
    /// Whose.
    pub person: &'a Member,
    /// The proposal it comes from.
    pub proposal_id: Option<&'a str>,
    /// Who proposed it.
    pub proposed_by: &'a str,
    /// The second person.
    pub agreed_by: Option<&'a str>,
    /// Whether readers, the first set-up or a recovery sheet stand behind it.
    pub vouched: bool,
}

/// Stores a link that can be used from now on, and mails it to its person's recorded address.
///
/// # Errors
/// When the database cannot be written.
pub async fn issue(
    tx: &mut Write,
    telling: &Telling,
    made: &NewLink,
    about: &Issued<'_>,
    now: i64,
) -> Result<(), sqlx::Error> {
    store(tx, &telling.school_id, made, about, None, now).await?;
    let until = now.saturating_add(LINK_MS);
    members::mail_link(tx, telling, about.person, &made.link.path(), until, now).await
}

/// Makes a link off the threads that answer, a bounded number at a time.
///
/// # Errors
/// [`NotDone::Busy`].
pub async fn make(work: &Work, keys: ReaderKeys) -> Result<NewLink, NotDone> {
    work.run(move || NewLink::make(&keys)).await?.ok_or(NotDone::Busy)
}

/// The path of a link that is held back for a proposal.
pub(super) async fn held(
    connection: &mut Read,
    school_id: &str,
    proposal_id: &str,
    now: i64,
) -> Result<Option<String>, sqlx::Error> {
    let open = invitations::open(connection, school_id, now).await?;
    let of = |invitation: &invitations::Invitation| invitation.proposal_id.as_deref() == Some(proposal_id);
    Ok(open.into_iter().find(of).and_then(|invitation| {
        let secret = invitation.held_secret.as_deref()?;
        Some(Link::held(&invitation.invitation_id, secret)?.path())
    }))
}

pub(super) async fn store(
    tx: &mut Write,
    school_id: &str,
    made: &NewLink,
    about: &Issued<'_>,
    held_secret: Option<&str>,
    now: i64,
) -> Result<(), sqlx::Error> {
    let resets = about.vouched && users::had_sign_in(tx, school_id, &about.person.person_id).await?;
    let invitation = NewInvitation {
        school_id,
        invitation_id: made.link.invitation_id(),
        person_id: &about.person.person_id,
        resets,
        vouched: about.vouched,
        proposal_id: about.proposal_id,
        link_hash: &made.link_hash,
        code_hash: &made.code_hash,
        wrapped_keys: &made.wrapped_keys,
        held_secret,
        proposed_by: about.proposed_by,
        agreed_by: about.agreed_by,
        // A code for a technician to agree to stays with who proposed it.
        code_with: about.agreed_by.unwrap_or(about.proposed_by),
        expires_at: now.saturating_add(LINK_MS),
    };
    invitations::insert(tx, &invitation, now).await
}
