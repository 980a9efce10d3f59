//! Places for connections: bounded in all and for each source, with a part kept for those who have proven themselves.
//!
//! INVARIANT 8. A school may be one address behind a router, so that a stranger's connections and a reader's cannot be
//! told apart when they come in. Each holds an unproven place until it proves itself: a device by its certificate, a
//! browser by its cookie. Where those places are full, nobody is refused: the connection gives way that has held one
//! longest, of the source that holds most. Whoever proves themselves within the time that others need to fill all
//! unproven places gets through, and then holds a place that strangers cannot take.

use super::source::Source;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// How many places there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// For connections that have not proven themselves.
    pub unproven: usize,
    /// Of those, for one source.
    pub of_a_source: usize,
    /// For those that have.
    pub proven: usize,
    /// Of those, for one device or browser.
    pub of_an_owner: usize,
}

impl Bounds {
    /// All of them.
    #[must_use]
    pub const fn all(&self) -> usize {
        self.unproven + self.proven
    }
}

/// What somebody has proven to be: a hash of a certificate or a cookie.
pub type Owner = Arc<[u8]>;

/// All places of a listener.
#[derive(Debug, Clone)]
pub struct Places(Arc<Mutex<Table>>);

#[derive(Debug)]
struct Table {
    next: u64,
    unproven: Part<Source>,
    proven: Part<Owner>,
    gave_way: u64,
}

/// A connection's place; free again when this is dropped.
#[derive(Debug)]
pub struct Place(Proof);

/// By which a connection proves itself.
#[derive(Debug, Clone)]
pub struct Proof(Arc<Held>);

#[derive(Debug)]
struct Held {
    places: Places,
    number: u64,
    source: Source,
    owner: Mutex<Option<Owner>>,
    give_way: CancellationToken,
}

impl Places {
    /// All free.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Mutex::new(Table {
            next: 0,
            unproven: Part::new(bounds.unproven, bounds.of_a_source),
            proven: Part::new(bounds.proven, bounds.of_an_owner),
            gave_way: 0,
        })))
    }

    /// An unproven place. Where there is none left, another connection gives way.
    #[must_use]
    pub fn enter(&self, source: Source) -> Place {
        let give_way = CancellationToken::new();
        let mut table = self.lock();
        let number = table.next;
        table.next += 1;
        let gone = table.unproven.enter(source, number, give_way.clone());
        table.count(gone);
        Place(Proof(Arc::new(Held {
            places: self.clone(),
            number,
            source,
            owner: Mutex::default(),
            give_way,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing between lock and unlock leaves the table half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    // Said at 1, 10, 100, …: a flood must not flood the log.
    fn count(&mut self, gave_way: bool) {
        if !gave_way {
            return;
        }
        self.gave_way += 1;
        let mut rest = self.gave_way;
        while rest.is_multiple_of(10) {
            rest /= 10;
        }
        if rest == 1 {
            tracing::warn!(
                connections = self.gave_way,
                "so many connections had to give way since the start"
            );
        }
    }
}

impl Place {
    /// The connection has to end: others need its place.
    pub async fn gives_way(&self) {
        self.0.0.give_way.cancelled().await;
    }

    /// By which it can prove itself.
    #[must_use]
    pub fn proof(&self) -> Proof {
        self.0.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let held = &self.0.0;
        let owner = held.owner.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut table = held.places.lock();
        match owner {
            Some(owner) => table.proven.leave(&owner, held.number),
            None => table.unproven.leave(&held.source, held.number),
        }
    }
}

impl Proof {
    /// From now on the place is one that strangers cannot take. Whoever holds too many loses their oldest.
    pub fn prove(&self, owner: &Owner) {
        let held = &self.0;
        let mut proven = held.owner.lock().unwrap_or_else(PoisonError::into_inner);
        if proven.is_some() || held.give_way.is_cancelled() {
            return;
        }
        let mut table = held.places.lock();
        table.unproven.leave(&held.source, held.number);
        let gone = table
            .proven
            .enter(Arc::clone(owner), held.number, held.give_way.clone());
        table.count(gone);
        *proven = Some(Arc::clone(owner));
    }

    /// Whom the connection comes from.
    #[must_use]
    pub fn source(&self) -> Source {
        self.0.source
    }

    /// Whether it has.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.0
            .owner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }
}

/// Places of one sort, by whom they are held; of each the oldest first.
#[derive(Debug)]
struct Part<K> {
    places: usize,
    of_one: usize,
    taken: usize,
    held: HashMap<K, BTreeMap<u64, CancellationToken>>,
}

impl<K: Hash + Eq + Clone> Part<K> {
    fn new(places: usize, of_one: usize) -> Self {
        Self {
            places,
            of_one,
            taken: 0,
            held: HashMap::new(),
        }
    }

    // Whether another had to give way.
    fn enter(&mut self, key: K, number: u64, give_way: CancellationToken) -> bool {
        let of_this_one = self.held.get(&key).map_or(0, BTreeMap::len);
        let from = if of_this_one >= self.of_one {
            Some(key.clone())
        } else if self.taken >= self.places {
            self.holds_most()
        } else {
            None
        };
        let goes = from.and_then(|key| Some((self.held.get(&key)?.keys().next().copied()?, key)));
        if let Some((oldest, key)) = &goes {
            if let Some(token) = self.held.get(key).and_then(|held| held.get(oldest)) {
                token.cancel();
            }
            self.leave(key, *oldest);
        }
        self.held.entry(key).or_default().insert(number, give_way);
        self.taken += 1;
        goes.is_some()
    }

    fn leave(&mut self, key: &K, number: u64) {
        let Some(held) = self.held.get_mut(key) else {
            return;
        };
        self.taken -= usize::from(held.remove(&number).is_some());
        if held.is_empty() {
            self.held.remove(key);
        }
    }

    // The oldest place decides between those who hold as many.
    fn holds_most(&self) -> Option<K> {
        let oldest = |held: &BTreeMap<u64, CancellationToken>| held.keys().next().copied();
        let most = self
            .held
            .iter()
            .max_by_key(|(_, held)| (held.len(), std::cmp::Reverse(oldest(held))));
        most.map(|(key, _)| key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    const BOUNDS: Bounds = Bounds {
        unproven: 4,
        of_a_source: 3,
        proven: 3,
        of_an_owner: 2,
    };

    fn from(last: u8) -> Source {
        IpAddr::from([10, 0, 0, last]).into()
    }

    fn owner(name: &str) -> Owner {
        name.as_bytes().into()
    }

    fn stays(place: &Place) -> bool {
        !place.0.0.give_way.is_cancelled()
    }

    #[test]
    fn one_source_takes_nobody_s_place_but_its_own() {
        let places = Places::new(BOUNDS);
        let other = places.enter(from(1));
        let flood: Vec<_> = (0..1_000).map(|_| places.enter(from(2))).collect();
        assert!(stays(&other));
        let left = flood.iter().filter(|place| stays(place)).count();
        assert_eq!(left, 3);
        assert!(flood[997..].iter().all(stays), "the newest stay");
        let _late = places.enter(from(3));
        assert!(stays(&other), "who holds most gives way");
    }

    #[test]
    fn strangers_take_no_place_of_one_who_has_proven_who_they_are() {
        let places = Places::new(BOUNDS);
        let ann = places.enter(from(1));
        ann.proof().prove(&owner("ann"));
        let _flood: Vec<_> = (0..1_000)
            .map(|n| places.enter(from(u8::try_from(n % 200).unwrap())))
            .collect();
        assert!(stays(&ann) && ann.proof().is_proven());
        let bo = places.enter(from(1));
        bo.proof().prove(&owner("bo"));
        assert!(stays(&ann) && stays(&bo));
    }

    #[test]
    fn one_who_has_proven_who_they_are_takes_nobody_else_s_place() {
        let places = Places::new(BOUNDS);
        let proven = |name| {
            let place = places.enter(from(1));
            place.proof().prove(&owner(name));
            place
        };
        let ann = proven("ann");
        let many: Vec<_> = (0..10).map(|_| proven("bo")).collect();
        assert!(stays(&ann) && many[8..].iter().all(stays) && !stays(&many[7]));
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_ends() {
        let places = Places::new(BOUNDS);
        for _ in 0..100 {
            let one = places.enter(from(1));
            one.proof().prove(&owner("ann"));
            let two = places.enter(from(2));
            assert!(stays(&one) && stays(&two));
        }
        let table = places.lock();
        assert_eq!((table.unproven.taken, table.proven.taken), (0, 0));
        assert!(table.unproven.held.is_empty() && table.proven.held.is_empty());
    }

    #[test]
    fn who_had_to_give_way_can_prove_nothing_any_more() {
        let places = Places::new(BOUNDS);
        let slow = places.enter(from(1));
        let _others: Vec<_> = (0..3).map(|_| places.enter(from(1))).collect();
        assert!(!stays(&slow));
        slow.proof().prove(&owner("ann"));
        drop(slow);
        assert_eq!(places.lock().proven.taken, 0);
        assert_eq!(places.lock().unproven.taken, 3);
    }
}
