//! The relaxed pass: every write and compare-and-set may take effect any number of times while
//! it is live, and for ever if it crashed.
//!
//! That allows more than linearizability does, so when nothing is left it is *violated*. Nothing
//! is used up, so from a value the register best visits all it can reach, as a whole: per value
//! where it may stand, only the largest sets of live calls that took effect are kept.

use rustc_hash::FxHashMap;

use super::bits::Bits;
use super::moment::Moment;
use super::problem::{Act, INITIAL, Problem, UNSEEN};

/// The first call found that cannot have completed when it did.
pub(super) fn stuck<const W: usize>(problem: &Problem) -> Option<&Act> {
    let mut pass = Pass::<W> {
        moment: Moment::new(problem),
        frontier: vec![(INITIAL, vec![Bits::EMPTY])],
        visited: Visited { round: 0, rounds: vec![0; problem.values], values: Vec::new() },
    };
    let mut invoked = false;
    while let Some((act, completes)) = pass.moment.peek() {
        if completes {
            if std::mem::take(&mut invoked) {
                pass.spread();
            }
            if !pass.complete(act) {
                return Some(act);
            }
        } else {
            invoked = true;
        }
        pass.moment.forward();
    }
    None
}

/// Values reached in this round.
struct Visited {
    round: u32,
    rounds: Vec<u32>,
    values: Vec<u32>,
}

impl Visited {
    fn clear(&mut self) {
        self.round += 1;
        self.values.clear();
    }

    fn has(&self, value: u32) -> bool {
        self.rounds[value as usize] == self.round
    }

    fn add(&mut self, value: u32) {
        if !self.has(value) {
            self.rounds[value as usize] = self.round;
            self.values.push(value);
        }
    }
}

struct Pass<'p, const W: usize> {
    moment: Moment<'p, W>,
    /// Per value, sets of live calls that took effect; none is part of another.
    frontier: Vec<(u32, Vec<Bits<W>>)>,
    visited: Visited,
}

impl<const W: usize> Pass<'_, W> {
    /// Lets everything happen that can.
    fn spread(&mut self) {
        // What some write leads to is open to all, with all there is on the way.
        self.visited.clear();
        self.moment.written().iter().for_each(|&value| self.visited.add(value));
        let mut everywhere = self.walk(0);
        let common = self.visited.values.len();
        if common > 0 {
            everywhere = everywhere | self.moment.writes;
        }
        let mut common_sets = Vec::new();
        let mut next: FxHashMap<u32, Vec<Bits<W>>> = FxHashMap::default();
        for (value, sets) in std::mem::take(&mut self.frontier) {
            let mut met = everywhere;
            let mut stays = false;
            if !self.visited.has(value) {
                met = met | self.here(value);
                self.leave(value);
                met = met | self.walk(common);
                stays = !self.visited.has(value);
            }
            let own = self.visited.values.split_off(common);
            for set in sets {
                if stays {
                    let readers = self.moment.readers[value as usize];
                    widen(next.entry(value).or_default(), set | readers);
                }
                for &end in &own {
                    widen(next.entry(end).or_default(), set | met);
                }
                if common > 0 {
                    widen(&mut common_sets, set | met);
                }
            }
            own.iter().for_each(|&value| self.visited.rounds[value as usize] = 0);
        }
        for &value in &self.visited.values {
            next.insert(value, common_sets.clone());
        }
        self.frontier = next.into_iter().collect();
        self.frontier.sort_unstable_by_key(|&(value, _)| value);
    }

    /// What takes effect on a visit to `value` and away.
    fn here(&self, value: u32) -> Bits<W> {
        let leaving = self.moment.leaving(value).iter();
        let live = leaving.map(|&signature| self.moment.live[signature as usize]);
        live.fold(self.moment.readers[value as usize], |all, live| all | live)
    }

    fn leave(&mut self, value: u32) {
        for &signature in self.moment.leaving(value) {
            self.visited.add(self.moment.problem.ends[signature as usize].1);
        }
    }

    /// Visits all that the values visited from the `start`th on lead to; what takes effect there.
    fn walk(&mut self, start: usize) -> Bits<W> {
        let mut met = Bits::EMPTY;
        let mut place = start;
        while let Some(&value) = self.visited.values.get(place) {
            met = met | self.here(value);
            self.leave(value);
            place += 1;
        }
        met
    }

    /// Passes the completion of `act`. False: nothing does.
    fn complete(&mut self, act: &Act) -> bool {
        let bit = Bits::one(act.slot);
        let mut unseen = Vec::new();
        let last_seen = &self.moment.problem.last_seen;
        self.frontier.retain_mut(|(value, sets)| {
            sets.retain_mut(|set| {
                let passes = set.meets(bit);
                *set = set.without(bit);
                passes
            });
            if *value != UNSEEN && last_seen[*value as usize] <= act.to {
                sets.drain(..).for_each(|set| widen(&mut unseen, set));
            }
            !sets.is_empty()
        });
        if !unseen.is_empty() {
            match self.frontier.iter_mut().find(|(value, _)| *value == UNSEEN) {
                Some((_, sets)) => unseen.into_iter().for_each(|set| widen(sets, set)),
                None => self.frontier.push((UNSEEN, unseen)),
            }
        }
        !self.frontier.is_empty()
    }
}

/// Sets told apart per value; of more, one is made, which allows more and costs less.
const SETS_MAX: usize = 256;

/// Adds `set`, unless it is part of another one, and drops what is part of it.
fn widen<const W: usize>(sets: &mut Vec<Bits<W>>, set: Bits<W>) {
    if sets.iter().any(|&other| set.within(other)) {
        return;
    }
    sets.retain(|other| !other.within(set));
    sets.push(set);
    if sets.len() > SETS_MAX {
        let all = sets.drain(..).fold(Bits::EMPTY, |all, set| all | set);
        sets.push(all);
    }
}
