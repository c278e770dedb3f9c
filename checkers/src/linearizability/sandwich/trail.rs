//! How configurations came about, and the linearization which that amounts to.
//!
//! Only calls that take effect by choice are in the trail. A read goes where the register first
//! had its value while the read was live; a write that was never chosen goes just before a write
//! that was chosen while it was live. Both are there for a configuration that passed them.

use super::problem::{INITIAL, Kind, NONE, Problem};

#[derive(Clone, Copy)]
pub(super) struct Step {
    pub parent: u32,
    pub signature: u32,
    /// [`NONE`]: some crashed call of the signature.
    pub act: u32,
    /// Rank of the completion before which it takes effect.
    pub at: u32,
}

pub(super) struct Trail {
    steps: Vec<Step>,
    kept: bool,
}

impl Trail {
    pub(super) const ROOT: u32 = NONE;
    /// Bytes of one step.
    pub(super) const BYTES: u64 = size_of::<Step>() as u64;

    pub(super) fn new() -> Self {
        Self { steps: Vec::new(), kept: true }
    }

    /// For passes whose orders nobody asks for.
    pub(super) fn unkept() -> Self {
        Self { steps: Vec::new(), kept: false }
    }

    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn push(&mut self, step: Step) -> u32 {
        if !self.kept {
            return Self::ROOT;
        }
        self.steps.push(step);
        self.steps.len() as u32 - 1
    }

    /// Forgets the steps that lead to none of `ends`, and renumbers those.
    pub(super) fn collect<'a>(&mut self, ends: impl Iterator<Item = &'a mut u32>) {
        let mut ends: Vec<&mut u32> = ends.filter(|end| **end != Self::ROOT).collect();
        let mut new = vec![NONE; self.steps.len()];
        ends.iter().for_each(|end| new[**end as usize] = 0);
        for (place, step) in self.steps.iter().enumerate().rev() {
            if new[place] == 0 && step.parent != Self::ROOT {
                new[step.parent as usize] = 0;
            }
        }
        let mut kept = 0;
        for place in 0..self.steps.len() {
            if new[place] == NONE {
                continue;
            }
            new[place] = kept as u32;
            let mut step = self.steps[place];
            if step.parent != Self::ROOT {
                step.parent = new[step.parent as usize];
            }
            self.steps[kept] = step;
            kept += 1;
        }
        self.steps.truncate(kept);
        ends.iter_mut().for_each(|end| **end = new[**end as usize]);
    }

    /// The linearization that ends with step `end`, in places among the calls given.
    pub(super) fn order(&self, problem: &Problem, end: u32) -> Vec<u32> {
        let chosen = self.chosen(problem, end);
        let mut in_trail = vec![false; problem.acts.len()];
        chosen.iter().for_each(|&(act, _)| in_trail[act as usize] = true);
        // (step before which it goes, reads before writes before the step itself, rank, act)
        let mut places: Vec<(u32, u8, u32, u32)> = Vec::with_capacity(problem.acts.len());
        // Per value the steps between which the register had it: (until, from, next step).
        let mut homes: Vec<Vec<(u32, u32, u32)>> = vec![Vec::new(); problem.values];
        let mut writes = Vec::new();
        let (mut value, mut since) = (INITIAL, 0);
        for (&(act, at), step) in chosen.iter().zip(0..) {
            homes[value as usize].push((at, since, step));
            let act_here = &problem.acts[act as usize];
            (value, since) = (act_here.sets, at);
            places.push((step, 2, 0, act));
            if act_here.kind == Kind::Write {
                writes.push((at, step));
            }
        }
        homes[value as usize].push((NONE, since, chosen.len() as u32));
        for (act, place) in problem.acts.iter().zip(0..).filter(|(act, _)| !act.crashed()) {
            match act.kind {
                Kind::Read => {
                    let homes = &homes[act.sees as usize];
                    let first = homes.partition_point(|&(until, ..)| until < act.from);
                    if let Some(&(_, _, step)) = homes.get(first).filter(|home| home.1 <= act.to) {
                        places.push((step, 0, act.from, place));
                    }
                }
                Kind::Write if !in_trail[place as usize] => {
                    let first = writes.partition_point(|&(at, _)| at < act.from);
                    if let Some(&(_, step)) = writes.get(first).filter(|write| write.0 <= act.to) {
                        places.push((step, 1, act.from, place));
                    }
                }
                _ => {}
            }
        }
        places.sort_unstable();
        places.into_iter().map(|(.., act)| problem.acts[act as usize].call).collect()
    }

    /// The chosen calls up to step `end`, each with its rank. Crashed calls of a signature are
    /// used in order of invocation.
    fn chosen(&self, problem: &Problem, mut end: u32) -> Vec<(u32, u32)> {
        let mut steps = Vec::new();
        while end != Self::ROOT {
            let step = self.steps[end as usize];
            steps.push(step);
            end = step.parent;
        }
        let mut crashed: Vec<(u32, u32)> = (0..)
            .zip(&problem.acts)
            .filter(|(_, act)| act.crashed())
            .map(|(place, act)| (act.signature, place))
            .collect();
        crashed.sort_unstable();
        let mut used = vec![0; problem.ends.len()];
        let mut chosen = Vec::with_capacity(steps.len());
        for step in steps.iter().rev() {
            let mut act = step.act;
            if act == NONE {
                let of = crashed.partition_point(|&(other, _)| other < step.signature);
                let used = &mut used[step.signature as usize];
                act = crashed[of + *used].1;
                *used += 1;
            }
            chosen.push((act, step.at));
        }
        chosen
    }
}
