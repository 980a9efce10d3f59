//! How many helpers there may be, over all and per user.

use super::{AT_ONCE, PER_USER};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts who is in, and who has just left.
#[derive(Default)]
pub(super) struct Door {
    inside: Mutex<HashMap<u32, usize>>,
    /// Ends of helpers that may yet turn out to be ends of sessions; bounded in the same way.
    leaving: Mutex<HashMap<u32, usize>>,
}

/// One connection's place; given back when dropped.
pub(super) struct Place {
    door: Arc<Door>,
    uid: u32,
    leaving: bool,
}

impl Door {
    /// A place for one more helper of this user, if there is one.
    pub(super) fn enter(self: &Arc<Self>, uid: u32) -> Option<Place> {
        self.place(uid, false)
    }

    fn place(self: &Arc<Self>, uid: u32, leaving: bool) -> Option<Place> {
        let mut places = self.places(leaving);
        let full = places.values().sum::<usize>() >= AT_ONCE;
        let own = places.get(&uid).copied().unwrap_or_default();
        if full || own >= PER_USER {
            return None;
        }
        places.insert(uid, own + 1);
        Some(Place {
            door: Arc::clone(self),
            uid,
            leaving,
        })
    }

    fn places(&self, leaving: bool) -> MutexGuard<'_, HashMap<u32, usize>> {
        let places = if leaving { &self.leaving } else { &self.inside };
        places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Gives this place up for one among those who have just left, if there is one.
    pub(super) fn leave(self) -> Option<Self> {
        let (door, uid) = (Arc::clone(&self.door), self.uid);
        drop(self);
        door.place(uid, true)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.door.places(self.leaving);
        if let Some(own) = places.get_mut(&self.uid) {
            *own -= 1;
            if *own == 0 {
                places.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_cannot_take_every_place() {
        let door = Arc::new(Door::default());
        let own: Vec<_> = (0..PER_USER).map(|_| door.enter(1001).unwrap()).collect();
        assert!(door.enter(1001).is_none());
        assert!(door.enter(1002).is_some());
        drop(own);
        assert!(door.enter(1001).is_some());
        assert!(door.inside.lock().unwrap().is_empty());
    }

    #[test]
    fn the_machine_has_a_bound_too() {
        let door = Arc::new(Door::default());
        let users = 2000..2000 + u32::try_from(AT_ONCE).unwrap();
        let places: Vec<_> = users.map(|uid| door.enter(uid).unwrap()).collect();
        assert!(door.enter(1001).is_none());
        drop(places);
        assert!(door.enter(1001).is_some());
    }
}
