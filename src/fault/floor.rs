//! Which faults are in force, which must not be together, and when everything has to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::effect::{Effect, Place};

/// Shared by the tracks of a run.
#[derive(Debug, Default)]
pub struct Floor {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    claims: BTreeMap<u32, Claim>,
}

/// What a fault needs for itself while it is in force.
#[derive(Clone, Debug, Default)]
struct Claim {
    places: BTreeSet<Place>,
    harmed: BTreeSet<String>,
}

/// Why a fault cannot be in force now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// By the fault with this id, until the limit.
    By(u32),
    Stopped,
}

impl Claim {
    fn of(effect: &Effect) -> Self {
        Self { places: effect.places(), harmed: effect.harmed().into_iter().collect() }
    }

    fn conflicts(&self, other: &Self) -> bool {
        !self.places.is_disjoint(&other.places)
    }
}

impl Floor {
    /// Waits for the place of a fault, until `until` at the latest. It is kept until released.
    pub fn claim(&self, id: u32, effect: &Effect, until: Instant) -> Result<(), Refused> {
        let claim = Claim::of(effect);
        let mut state = self.lock();
        loop {
            if state.stopped {
                return Err(Refused::Stopped);
            }
            let Some(by) =
                state.claims.iter().find_map(|(by, held)| held.conflicts(&claim).then_some(*by))
            else {
                state.claims.insert(id, claim);
                return Ok(());
            };
            let Some(rest) = until.checked_duration_since(Instant::now()) else {
                return Err(Refused::By(by));
            };
            let waited = self.changed.wait_timeout(state, rest);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub fn release(&self, id: u32) {
        self.lock().claims.remove(&id);
        self.changed.notify_all();
    }

    /// Waits; `false` when everything has to stop.
    pub fn wait_until(&self, until: Instant) -> bool {
        let mut state = self.lock();
        while !state.stopped {
            let Some(rest) = until.checked_duration_since(Instant::now()) else { return true };
            let waited = self.changed.wait_timeout(state, rest);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    /// Nodes that a fault in force keeps from agreeing with the others.
    pub fn harmed(&self) -> BTreeSet<String> {
        self.lock().claims.values().flat_map(|claim| claim.harmed.clone()).collect()
    }

    /// Nodes whose process a fault in force may have ended or paused.
    pub fn handled(&self) -> BTreeSet<String> {
        let state = self.lock();
        let places = state.claims.values().flat_map(|claim| &claim.places);
        let process = |place: &Place| match place {
            Place::Process(node) => Some(node.clone()),
            _ => None,
        };
        places.filter_map(process).collect()
    }

    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fault::effect::ProcessAct;
    use crate::fault::topology::Grudge;

    fn kill(nodes: &[&str]) -> Effect {
        let nodes = nodes.iter().map(|n| (*n).to_owned()).collect();
        Effect::Process { act: ProcessAct::Kill, nodes }
    }

    fn cut() -> Effect {
        let senders = BTreeSet::from(["n2".to_owned()]);
        let grudge = Grudge(BTreeMap::from([("n1".to_owned(), senders)]));
        Effect::Partition { grudge, port: None }
    }

    #[test]
    fn partitions_exclude_each_other_and_processes_a_shared_node() {
        let floor = Floor::default();
        let now = Instant::now();
        assert_eq!(floor.claim(0, &cut(), now), Ok(()));
        assert_eq!(floor.claim(1, &cut(), now), Err(Refused::By(0)));
        assert_eq!(floor.claim(2, &kill(&["n1", "n3"]), now), Ok(()));
        assert_eq!(floor.claim(3, &kill(&["n3"]), now), Err(Refused::By(2)));
        assert_eq!(floor.claim(4, &kill(&["n2"]), now), Ok(()));
        assert_eq!(floor.harmed(), ["n1", "n2", "n3"].map(str::to_owned).into());
    }

    #[test]
    fn a_claim_waits_for_a_release_and_ends_with_a_stop() {
        let floor = Floor::default();
        let late = Instant::now() + Duration::from_secs(60);
        assert_eq!(floor.claim(0, &cut(), late), Ok(()));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| floor.claim(1, &cut(), late));
            floor.release(0);
            assert_eq!(waiting.join().ok(), Some(Ok(())));
            let waiting = scope.spawn(|| floor.claim(2, &cut(), late));
            let sleeping = scope.spawn(|| floor.wait_until(late));
            floor.stop();
            assert_eq!(waiting.join().ok(), Some(Err(Refused::Stopped)));
            assert_eq!(sleeping.join().ok(), Some(false));
        });
        assert!(Instant::now() < late);
    }
}
