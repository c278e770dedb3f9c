//! Which faults are in force, which must not be together, and when everything has to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::effect::{Effect, Place};
use super::quorum::Losses;
use crate::spec::Quorum;
use crate::system::Voter;

/// Shared by the tracks of a run.
#[derive(Debug, Default)]
pub struct Floor {
    state: Mutex<State>,
    changed: Condvar,
}

/// What the cluster is like before a fault, and what faults may make of it.
#[derive(Clone, Debug, Default)]
pub struct Room {
    pub quorum: Quorum,
    pub voters: BTreeSet<Voter>,
    /// Nodes of voters that do not answer; faults in force or not.
    pub silent: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    claims: BTreeMap<u32, Claim>,
    /// How many wait for a place.
    waiting: u32,
}

/// What a fault needs for itself while it is in force.
#[derive(Clone, Debug, Default)]
struct Claim {
    places: BTreeSet<Place>,
    harmed: BTreeSet<String>,
    losses: Losses,
}

/// Why a fault cannot be in force now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("fault {0} was in the way until it was too late")]
    By(u32),
    #[error("quorum: keep, and by itself it would leave no majority")]
    NoMajorityAlone,
    #[error("quorum: keep, and with what was lost already it would have left no majority")]
    NoMajority,
    #[error("quorum: lose, and it would have left a majority")]
    Majority,
    /// It had to wait, and what is known of the cluster is from before that.
    #[error("it waited until it was too late to ask the nodes again")]
    Stale,
    #[error("everything has to stop")]
    Stopped,
}

impl Refused {
    /// Whether it may be otherwise a little later.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::NoMajority | Self::Majority | Self::Stale)
    }
}

impl Claim {
    fn of(effect: &Effect) -> Self {
        let harmed = effect.harmed().into_iter().collect();
        Self { places: effect.places(), harmed, losses: Losses::of(effect) }
    }

    fn conflicts(&self, other: &Self) -> bool {
        !self.places.is_disjoint(&other.places)
    }
}

impl Room {
    /// Whether the policy allows `losses` with those of the `others` in force.
    fn admit<'a>(
        &self,
        losses: &Losses,
        others: impl Iterator<Item = &'a Losses>,
    ) -> Result<(), Refused> {
        let mut all = losses.clone();
        others.for_each(|other| all.add(other));
        all.down.extend(self.silent.iter().cloned());
        match (self.quorum, all.leave_a_majority(&self.voters)) {
            (Quorum::Any, _) | (Quorum::Keep, true) | (Quorum::Lose, false) => Ok(()),
            (Quorum::Keep, false) => Err(Refused::NoMajority),
            (Quorum::Lose, true) => Err(Refused::Majority),
        }
    }

    /// With fewer faults there is more left: what leaves no majority by itself never may.
    fn admit_alone(&self, losses: &Losses) -> Result<(), Refused> {
        let keeps = self.quorum != Quorum::Keep || losses.leave_a_majority(&self.voters);
        if keeps { Ok(()) } else { Err(Refused::NoMajorityAlone) }
    }
}

impl Floor {
    /// Waits for the place of a fault, until `until` at the latest. It is kept until released.
    ///
    /// # Errors
    /// Also [`Refused::Stale`] where it had to wait and `room` matters.
    pub fn claim(
        &self,
        id: u32,
        effect: &Effect,
        room: &Room,
        until: Instant,
    ) -> Result<(), Refused> {
        let claim = Claim::of(effect);
        room.admit_alone(&claim.losses)?;
        let mut waited = false;
        let mut state = self.lock();
        loop {
            if state.stopped {
                return Err(Refused::Stopped);
            }
            let Some(by) =
                state.claims.iter().find_map(|(by, held)| held.conflicts(&claim).then_some(*by))
            else {
                if waited && !room.quorum.is_any() {
                    return Err(Refused::Stale);
                }
                room.admit(&claim.losses, state.claims.values().map(|held| &held.losses))?;
                state.claims.insert(id, claim);
                return Ok(());
            };
            let Some(rest) = until.checked_duration_since(Instant::now()) else {
                return Err(Refused::By(by));
            };
            waited = true;
            state.waiting += 1;
            let woken = self.changed.wait_timeout(state, rest);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
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

    fn any() -> Room {
        Room::default()
    }

    fn three(quorum: Quorum) -> Room {
        let voters = ["n1", "n2", "n3"].map(Voter::alone).into();
        Room { quorum, voters, silent: BTreeSet::new() }
    }

    #[test]
    fn the_majority_is_kept_or_lost_by_all_faults_in_force_together() {
        let now = Instant::now();
        let (keep, lose) = (three(Quorum::Keep), three(Quorum::Lose));
        let floor = Floor::default();
        assert_eq!(floor.claim(0, &kill(&["n1"]), &lose, now), Err(Refused::Majority));
        assert_eq!(floor.claim(2, &kill(&["n1"]), &keep, now), Ok(()));
        assert_eq!(floor.claim(3, &kill(&["n2"]), &keep, now), Err(Refused::NoMajority));
        assert_eq!(floor.claim(4, &kill(&["n2"]), &lose, now), Ok(()));
        floor.release(4);
        floor.release(2);
        let silent = Room { silent: BTreeSet::from(["n3".to_owned()]), ..keep };
        assert_eq!(floor.claim(5, &kill(&["n2"]), &silent, now), Err(Refused::NoMajority));
        assert_eq!(floor.claim(6, &kill(&["n3"]), &silent, now), Ok(()));
    }

    #[test]
    fn what_takes_the_majority_alone_is_refused_without_waiting_for_others() {
        let late = Instant::now() + Duration::from_secs(60);
        let floor = Floor::default();
        assert_eq!(floor.claim(0, &kill(&["n1"]), &three(Quorum::Keep), late), Ok(()));
        let refused = floor.claim(1, &kill(&["n1", "n2"]), &three(Quorum::Keep), late);
        assert_eq!(refused, Err(Refused::NoMajorityAlone));
        assert!(!Refused::NoMajorityAlone.may_pass() && Refused::NoMajority.may_pass());
    }

    #[test]
    fn after_a_wait_the_nodes_are_to_be_asked_again() {
        let late = Instant::now() + Duration::from_secs(60);
        let floor = Floor::default();
        assert_eq!(floor.claim(0, &kill(&["n1"]), &any(), late), Ok(()));
        std::thread::scope(|scope| {
            let again = || floor.claim(1, &kill(&["n1"]), &three(Quorum::Keep), late);
            let waiting = scope.spawn(again);
            while floor.lock().waiting == 0 {
                std::thread::yield_now();
            }
            floor.release(0);
            assert_eq!(waiting.join().ok(), Some(Err(Refused::Stale)));
        });
    }

    #[test]
    fn partitions_exclude_each_other_and_processes_a_shared_node() {
        let floor = Floor::default();
        let now = Instant::now();
        assert_eq!(floor.claim(0, &cut(), &any(), now), Ok(()));
        assert_eq!(floor.claim(1, &cut(), &any(), now), Err(Refused::By(0)));
        assert_eq!(floor.claim(2, &kill(&["n1", "n3"]), &any(), now), Ok(()));
        assert_eq!(floor.claim(3, &kill(&["n3"]), &any(), now), Err(Refused::By(2)));
        assert_eq!(floor.claim(4, &kill(&["n2"]), &any(), now), Ok(()));
        assert_eq!(floor.harmed(), ["n1", "n2", "n3"].map(str::to_owned).into());
    }

    #[test]
    fn a_claim_waits_for_a_release_and_ends_with_a_stop() {
        let floor = Floor::default();
        let late = Instant::now() + Duration::from_secs(60);
        assert_eq!(floor.claim(0, &cut(), &any(), late), Ok(()));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| floor.claim(1, &cut(), &any(), late));
            floor.release(0);
            assert_eq!(waiting.join().ok(), Some(Ok(())));
            let waiting = scope.spawn(|| floor.claim(2, &cut(), &any(), late));
            let sleeping = scope.spawn(|| floor.wait_until(late));
            floor.stop();
            assert_eq!(waiting.join().ok(), Some(Err(Refused::Stopped)));
            assert_eq!(sleeping.join().ok(), Some(false));
        });
        assert!(Instant::now() < late);
    }
}
