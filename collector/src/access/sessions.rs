//! Sessions live in memory only, for they hold reader keys: a restart signs everybody out.

use super::{Unlocked, Visits};
use crate::concerns::model::ReaderGroup;
use crate::seal::groups::GroupPrivateKey;
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use subtle::ConstantTimeEq;

const IDLE_MS: i64 = 30 * 60 * 1000;
const LONGEST_MS: i64 = 12 * 60 * 60 * 1000;
const MOST: usize = 1_000;
const MOST_OF_ONE_PERSON: usize = 8;

/// The random 256 bits in the cookie.
pub type SessionId = String;

/// What a signed-in person may use until the session ends.
pub struct Session {
    /// Who.
    pub person_id: String,
    /// The keys of the groups they read for.
    pub keys: Vec<(ReaderGroup, GroupPrivateKey)>,
    /// Their own private key.
    pub own: Option<GroupPrivateKey>,
    /// Whether content is sealed for other keys than these, as their sign-in showed. Nothing is sealed again then.
    pub keys_differ: bool,
    /// The school safe's key, for a while.
    pub safe: Unlocked,
    /// Which lists are open.
    pub visits: Visits,
    last_look: Mutex<Option<(Look, ByForm)>>,
}

/// A page of a concern as somebody saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The concern.
    pub concern_id: String,
    /// Which of its pages of flags.
    pub page: i64,
    /// The concern's version.
    pub version: i64,
}

/// Whether the next such look is the one that a form's own entry in the audit log speaks of.
type ByForm = bool;

impl Session {
    /// A session that begins now.
    #[must_use]
    pub fn new(
        person_id: String,
        keys: Vec<(ReaderGroup, GroupPrivateKey)>,
        own: Option<GroupPrivateKey>,
    ) -> Self {
        Self {
            person_id,
            keys,
            own,
            keys_differ: false,
            safe: Unlocked::default(),
            visits: Visits::default(),
            last_look: Mutex::default(),
        }
    }

    /// A look was recorded.
    pub fn looked(&self, look: Look) {
        *self.last_look() = Some((look, false));
    }

    /// This person changed the concern they had just looked at, which is recorded: the page that answers the form shows
    /// them the same again. Counts once, and only while nobody else changes anything.
    pub fn acted(&self, concern_id: &str, seen_version: i64, version: i64) {
        if let Some((look, by_form)) = self.last_look().as_mut()
            && look.concern_id == concern_id
            && look.version == seen_version
        {
            (look.version, *by_form) = (version, true);
        }
    }

    /// Whether a look is the answer to a form of theirs, whose entry in the audit log tells of it already.
    #[must_use]
    pub fn answers_form(&self, look: &Look) -> bool {
        match self.last_look().as_mut() {
            Some((last, by_form)) if last == look => std::mem::take(by_form),
            _ => false,
        }
    }

    fn last_look(&self) -> MutexGuard<'_, Option<(Look, ByForm)>> {
        self.last_look.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of a group, where this person has it.
    #[must_use]
    pub fn key(&self, group: ReaderGroup) -> Option<&GroupPrivateKey> {
        self.keys.iter().find(|(of, _)| *of == group).map(|(_, key)| key)
    }
}

struct Held {
    session: Arc<Session>,
    began_at: i64,
    used_at: i64,
}

impl Held {
    fn is_over(&self, now_ms: i64) -> bool {
        // A clock that was set ahead and comes back ends a session; it never keeps one open.
        now_ms.abs_diff(self.used_at) >= IDLE_MS.unsigned_abs()
            || now_ms.abs_diff(self.began_at) >= LONGEST_MS.unsigned_abs()
    }
}

/// Every open session, by the hash of its cookie.
pub struct Sessions {
    held: Mutex<HashMap<Vec<u8>, Held>>,
    form_key: hmac::Key,
}

impl Sessions {
    /// None yet. Fails only when the system has no randomness.
    #[must_use]
    pub fn new() -> Option<Self> {
        let form_key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok()?;
        Some(Self {
            held: Mutex::default(),
            form_key,
        })
    }

    /// Begins a session. Of one person's sessions and of all, the one longest unused gives way.
    #[must_use]
    pub fn begin(&self, session: Session, now_ms: i64) -> Option<SessionId> {
        let id = random_id()?;
        let mut held = self.lock();
        held.retain(|_, held| !held.is_over(now_ms));
        let of_person = |held: &Held| held.session.person_id == session.person_id;
        if held.values().filter(|held| of_person(held)).count() >= MOST_OF_ONE_PERSON {
            end_oldest(&mut held, of_person);
        }
        if held.len() >= MOST {
            end_oldest(&mut held, |_| true);
        }
        held.insert(
            hash(&id),
            Held {
                session: Arc::new(session),
                began_at: now_ms,
                used_at: now_ms,
            },
        );
        Some(id)
    }

    /// The session of a cookie, if it is still open; using it keeps it open.
    #[must_use]
    pub fn get(&self, id: &str, now_ms: i64) -> Option<Arc<Session>> {
        self.find(id, now_ms, true)
    }

    /// The same without keeping it open: a page left open updates itself, which is not use.
    #[must_use]
    pub fn look(&self, id: &str, now_ms: i64) -> Option<Arc<Session>> {
        self.find(id, now_ms, false)
    }

    /// Ends one session.
    pub fn end(&self, id: &str) {
        self.lock().remove(&hash(id));
    }

    /// Ends every session of a person, except one.
    pub fn end_all(&self, person_id: &str, except: Option<&str>) {
        let except = except.map(hash);
        self.lock()
            .retain(|id, held| held.session.person_id != person_id || Some(id) == except.as_ref());
    }

    /// A random value for a cookie: also for visitors who are not signed in.
    #[must_use]
    pub fn random_id() -> Option<String> {
        random_id()
    }

    /// What a form of this cookie's browser carries, against forged requests.
    #[must_use]
    pub fn form_token(&self, cookie: &str) -> String {
        HEXLOWER.encode(hmac::sign(&self.form_key, cookie.as_bytes()).as_ref())
    }

    /// Whether a form's token belongs to the cookie; compared in constant time.
    #[must_use]
    pub fn form_token_fits(&self, cookie: &str, token: &str) -> bool {
        self.form_token(cookie).as_bytes().ct_eq(token.as_bytes()).into()
    }

    fn find(&self, id: &str, now_ms: i64, is_use: bool) -> Option<Arc<Session>> {
        let mut held = self.lock();
        let key = hash(id);
        let found = held.get_mut(&key)?;
        if found.is_over(now_ms) {
            held.remove(&key);
            return None;
        }
        if is_use {
            found.used_at = now_ms;
        }
        Some(Arc::clone(&found.session))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Held>> {
        // Nothing between lock and unlock leaves the map half changed.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end_oldest(held: &mut HashMap<Vec<u8>, Held>, of: impl Fn(&Held) -> bool) {
    let oldest = held
        .iter()
        .filter(|(_, held)| of(held))
        .min_by_key(|(_, held)| held.used_at);
    if let Some(id) = oldest.map(|(id, _)| id.clone()) {
        held.remove(&id);
    }
}

// By its hash: looking a cookie up takes no time that depends on how much of it is right.
fn hash(id: &str) -> Vec<u8> {
    digest(&SHA256, id.as_bytes()).as_ref().to_vec()
}

fn random_id() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(person_id: &str) -> Session {
        Session::new(person_id.into(), Vec::new(), None)
    }

    #[test]
    fn a_session_ends_after_half_an_hour_unused_or_half_a_day() {
        let sessions = Sessions::new().unwrap();
        let id = sessions.begin(of("robin"), 0).unwrap();
        for at in (0..LONGEST_MS).step_by(20 * 60 * 1000) {
            assert!(sessions.get(&id, at).is_some(), "{at}");
        }
        assert!(sessions.get(&id, LONGEST_MS).is_none());
        let id = sessions.begin(of("robin"), 0).unwrap();
        assert!(sessions.look(&id, IDLE_MS - 1).is_some());
        assert!(sessions.get(&id, IDLE_MS).is_none(), "looking is not use");
    }

    #[test]
    fn a_clock_that_comes_back_keeps_no_session_open() {
        let sessions = Sessions::new().unwrap();
        let ahead = 365 * 24 * 60 * 60 * 1000;
        let id = sessions.begin(of("robin"), ahead).unwrap();
        assert!(
            sessions.get(&id, ahead - 1000).is_some(),
            "a clock is corrected by seconds"
        );
        assert!(sessions.get(&id, 0).is_none());
    }

    #[test]
    fn one_person_cannot_push_others_out() {
        let sessions = Sessions::new().unwrap();
        let sam = sessions.begin(of("sam"), 0).unwrap();
        let first = sessions.begin(of("robin"), 1).unwrap();
        for at in 2..50 {
            let _ = sessions.begin(of("robin"), at);
        }
        assert!(sessions.get(&sam, 60).is_some());
        assert!(sessions.get(&first, 60).is_none());
    }

    #[test]
    fn a_form_belongs_to_its_cookie() {
        let sessions = Sessions::new().unwrap();
        let token = sessions.form_token("one");
        assert!(sessions.form_token_fits("one", &token));
        assert!(!sessions.form_token_fits("two", &token));
        assert!(!sessions.form_token_fits("one", ""));
    }

    #[test]
    fn signing_out_everywhere_can_leave_the_one_in_hand() {
        let sessions = Sessions::new().unwrap();
        let (here, there) = (
            sessions.begin(of("robin"), 0).unwrap(),
            sessions.begin(of("robin"), 0).unwrap(),
        );
        sessions.end_all("robin", Some(&here));
        assert!(sessions.get(&here, 1).is_some() && sessions.get(&there, 1).is_none());
    }
}
