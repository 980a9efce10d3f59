//! One-time links: whose they are, who proposed and agreed, and how often a wrong code was tried.

use super::{Read, Write, outbox};

/// Wrong codes after which a link is dead. A code has 50 random bits.
pub const MOST_WRONG_CODES: i64 = 10;

/// What is stored of an invitation that was neither used nor withdrawn.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Invitation {
    /// Its id.
    pub invitation_id: String,
    /// Whose it is.
    pub person_id: String,
    /// Whether it may take the place of a sign-in that is there.
    pub resets: bool,
    /// Whether readers, the first set-up or a recovery sheet stand behind it.
    pub vouched: bool,
    /// The proposal that it comes from.
    pub proposal_id: Option<String>,
    /// Of the link's secret.
    pub link_hash: Vec<u8>,
    /// Of the link's secret and the code.
    pub code_hash: Vec<u8>,
    /// Sealed with both.
    pub wrapped_keys: Option<Vec<u8>>,
    /// The link's secret, until it is mailed.
    pub held_secret: Option<String>,
    /// Who proposed it.
    pub proposed_by: String,
    /// The second person.
    pub agreed_by: Option<String>,
    /// Who tells the code.
    pub code_with: String,
    /// Since when it can be used.
    pub ready_at: Option<i64>,
    /// Until when.
    pub expires_at: i64,
    /// How often a wrong code was tried.
    pub wrong_codes: i64,
}

impl Invitation {
    /// Whether the link can be used now.
    #[must_use]
    pub fn is_usable(&self, now_ms: i64) -> bool {
        self.ready_at.is_some() && now_ms < self.expires_at && self.wrong_codes < MOST_WRONG_CODES
    }
}

/// An invitation to be stored.
pub struct NewInvitation<'a> {
    /// The school.
    pub school_id: &'a str,
    /// Its id.
    pub invitation_id: &'a str,
    /// Whose it is.
    pub person_id: &'a str,
    /// Whether it may take the place of a sign-in that is there.
    pub resets: bool,
    /// Whether readers, the first set-up or a recovery sheet stand behind it.
    pub vouched: bool,
    /// The proposal that it comes from.
    pub proposal_id: Option<&'a str>,
    /// Of the link's secret.
    pub link_hash: &'a [u8],
    /// Of the link's secret and the code.
    pub code_hash: &'a [u8],
    /// Sealed with both.
    pub wrapped_keys: &'a [u8],
    /// The link's secret, where it waits for a technician's agreement.
    pub held_secret: Option<&'a str>,
    /// A person_id, `init`, `command line` or a recovery sheet.
    pub proposed_by: &'a str,
    /// The second person.
    pub agreed_by: Option<&'a str>,
    /// Who tells the code.
    pub code_with: &'a str,
    /// The link works until then.
    pub expires_at: i64,
}

/// Stores an invitation, in the place of any other of this person.
pub async fn insert(tx: &mut Write, new: &NewInvitation<'_>, now_ms: i64) -> Result<(), sqlx::Error> {
    withdraw_of(tx, new.school_id, new.person_id, now_ms).await?;
    sqlx::query(
        "INSERT INTO invitation (school_id, invitation_id, person_id, resets, vouched, proposal_id, link_hash, code_hash,
             wrapped_keys, held_secret, proposed_by, agreed_by, code_with, made_at, ready_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(new.school_id)
    .bind(new.invitation_id)
    .bind(new.person_id)
    .bind(new.resets)
    .bind(new.vouched)
    .bind(new.proposal_id)
    .bind(new.link_hash)
    .bind(new.code_hash)
    .bind(new.wrapped_keys)
    .bind(new.held_secret)
    .bind(new.proposed_by)
    .bind(new.agreed_by)
    .bind(new.code_with)
    .bind(now_ms)
    .bind(new.held_secret.is_none().then_some(now_ms))
    .bind(new.expires_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// An invitation that was neither used nor withdrawn.
pub async fn find(
    db: &mut Read,
    school_id: &str,
    invitation_id: &str,
) -> Result<Option<Invitation>, sqlx::Error> {
    let open =
        "SELECT invitation_id, person_id, resets, vouched, proposal_id, link_hash, code_hash, wrapped_keys,
             held_secret, proposed_by, agreed_by, code_with, ready_at, expires_at, wrong_codes FROM invitation
         WHERE school_id = $1 AND invitation_id = $2 AND used_at IS NULL AND withdrawn_at IS NULL";
    sqlx::query_as(open)
        .bind(school_id)
        .bind(invitation_id)
        .fetch_optional(db)
        .await
}

/// Every invitation that was neither used nor withdrawn and has not run out.
pub async fn open(db: &mut Read, school_id: &str, now_ms: i64) -> Result<Vec<Invitation>, sqlx::Error> {
    let open = "SELECT invitation_id, person_id, resets, vouched, proposal_id, link_hash, code_hash, wrapped_keys,
             held_secret, proposed_by, agreed_by, code_with, ready_at, expires_at, wrong_codes FROM invitation
         WHERE school_id = $1 AND expires_at > $2 AND used_at IS NULL AND withdrawn_at IS NULL ORDER BY made_at";
    sqlx::query_as(open)
        .bind(school_id)
        .bind(now_ms)
        .fetch_all(db)
        .await
}

/// A link that was held back may be used from now on. Gives nothing when it was not there.
pub async fn release(
    tx: &mut Write,
    school_id: &str,
    proposal_id: &str,
    agreed_by: &str,
    (now_ms, expires_at): (i64, i64),
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE invitation SET agreed_by = $1, ready_at = $2, expires_at = $3, held_secret = NULL
         WHERE school_id = $4 AND proposal_id = $5 AND held_secret IS NOT NULL AND used_at IS NULL
         AND withdrawn_at IS NULL",
    )
    .bind(agreed_by)
    .bind(now_ms)
    .bind(expires_at)
    .bind(school_id)
    .bind(proposal_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Counts a wrong code, and says how many there were. With the last one, the link is dead and its keys are gone.
pub async fn wrong_code(tx: &mut Write, school_id: &str, invitation_id: &str) -> Result<i64, sqlx::Error> {
    let wrong: i64 = sqlx::query_scalar(
        "UPDATE invitation SET wrong_codes = wrong_codes + 1 WHERE school_id = $1 AND invitation_id = $2
         RETURNING wrong_codes",
    )
    .bind(school_id)
    .bind(invitation_id)
    .fetch_one(&mut **tx)
    .await?;
    if wrong >= MOST_WRONG_CODES {
        sqlx::query("UPDATE invitation SET wrapped_keys = NULL WHERE school_id = $1 AND invitation_id = $2")
            .bind(school_id)
            .bind(invitation_id)
            .execute(&mut **tx)
            .await?;
    }
    Ok(wrong)
}

/// Withdraws every link of a person that was not used, and forgets the keys it carried and the mail that waits with it.
pub async fn withdraw_of(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    outbox::withdraw_links(tx, school_id, person_id).await?;
    let done = sqlx::query(
        "UPDATE invitation SET withdrawn_at = $1, wrapped_keys = NULL, held_secret = NULL
         WHERE school_id = $2 AND person_id = $3 AND used_at IS NULL AND withdrawn_at IS NULL",
    )
    .bind(now_ms)
    .bind(school_id)
    .bind(person_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Uses up an invitation and forgets the keys it carried. False when somebody was faster.
pub async fn use_up(
    tx: &mut Write,
    school_id: &str,
    invitation_id: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE invitation SET used_at = $1, wrapped_keys = NULL WHERE school_id = $2 AND invitation_id = $3
         AND used_at IS NULL AND withdrawn_at IS NULL AND expires_at > $1 AND ready_at IS NOT NULL
         AND wrong_codes < $4",
    )
    .bind(now_ms)
    .bind(school_id)
    .bind(invitation_id)
    .bind(MOST_WRONG_CODES)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets what links and proposals that have run out still hold: keys, secrets, and mail that has not left.
pub async fn forget_expired(tx: &mut Write, school_id: &str, now_ms: i64) -> Result<(), sqlx::Error> {
    for query in [
        "DELETE FROM outbox WHERE school_id = $1 AND notice = 'link' AND sent_at IS NULL AND NOT EXISTS (
             SELECT 1 FROM invitation i WHERE i.school_id = outbox.school_id AND i.person_id = outbox.person_id
             AND i.used_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > $2)",
        "UPDATE invitation SET wrapped_keys = NULL, held_secret = NULL WHERE school_id = $1 AND expires_at <= $2",
        "DELETE FROM proposal_key WHERE school_id = $1
         AND proposal_id IN (SELECT proposal_id FROM proposal WHERE expires_at <= $2)",
        "DELETE FROM proposal_share WHERE school_id = $1
         AND proposal_id IN (SELECT proposal_id FROM proposal WHERE expires_at <= $2)",
        "DELETE FROM sealed_key WHERE school_id = $1
         AND proposal_id IN (SELECT proposal_id FROM proposal WHERE expires_at <= $2 AND state = 'proposed')",
    ] {
        sqlx::query(query)
            .bind(school_id)
            .bind(now_ms)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
