//! The beam pass: few configurations per value, those that look best. An order it finds is a
//! linearization; that it finds none means nothing.
//!
//! At a completion that a configuration does not pass, short chains of steps are tried that end
//! with it; past level 0 also all steps breadth first, up to a limit. When the beam dies it
//! starts again some way back, wider, and becomes narrow again when it is through.

use rustc_hash::FxHashMap;

use super::antichain::Antichain;
use super::bits::Bits;
use super::configuration::Configuration;
use super::moment::Moment;
use super::problem::{Act, INITIAL, Kind, NONE, Problem};
use super::trail::Trail;
use crate::linearizability::Budget;

/// How hard to look, by level.
#[derive(Clone, Copy)]
struct Level {
    /// Configurations kept per value.
    kept: usize,
    /// Steps in a chain.
    depth: u32,
    /// Configurations visited breadth first at one completion.
    breadth: usize,
    /// Events to go back when the level before has failed.
    back: usize,
}

const LEVELS: [Level; 5] = [
    Level { kept: 6, depth: 2, breadth: 0, back: 0 },
    Level { kept: 24, depth: 2, breadth: 200, back: 300 },
    Level { kept: 100, depth: 3, breadth: 300, back: 600 },
    Level { kept: 400, depth: 3, breadth: 1000, back: 1200 },
    Level { kept: 1000, depth: 3, breadth: 4000, back: 2400 },
];
/// Events that a level is kept for once it got past where the beam had died.
const STAY: usize = 256;
/// Events between places to start again from, and how many of those are kept.
const MARK_EVERY: usize = 128;
const MARKS_MAX: usize = 400;
/// Steps from which on unused ones are looked for.
const COLLECT_FROM: usize = 50_000;

pub(super) enum Beam {
    /// A linearization.
    Order(Vec<u32>),
    /// It died at this event, every time.
    Lost(usize),
}

/// With levels up to `widest`.
pub(super) fn pass<const W: usize>(problem: &Problem, widest: usize, budget: &mut Budget) -> Beam {
    let mut pass = Pass {
        moment: Moment::<W>::new(problem),
        trail: Trail::new(),
        frontier: vec![Configuration::first(INITIAL)],
        marks: Vec::new(),
        collect_at: COLLECT_FROM,
        steps: 0,
        last_alike: FxHashMap::default(),
    };
    let (mut level, mut until, mut lost) = (0, 0, 0);
    while let Some((act, completes)) = pass.moment.peek() {
        let event = pass.moment.next;
        pass.mark(event);
        if level > 0 && event > until {
            level = 0;
        }
        if !completes {
            pass.invoke(act);
            continue;
        }
        let next = pass.complete(act, LEVELS[level]);
        let bytes = Trail::BYTES * pass.trail.len() as u64;
        if bytes > budget.bytes || !budget.spend(std::mem::take(&mut pass.steps)) {
            return Beam::Lost(lost.max(event));
        }
        if next.is_empty() {
            lost = lost.max(event);
            level = if event <= until { level + 1 } else { 1 };
            if level > widest {
                return Beam::Lost(lost);
            }
            until = until.max(event + STAY);
            pass.rewind(event.saturating_sub(LEVELS[level].back));
            continue;
        }
        pass.frontier = next;
        pass.moment.forward();
    }
    match pass.frontier.iter().min_by_key(|configuration| configuration.cost) {
        Some(best) => Beam::Order(pass.trail.order(problem, best.trail)),
        None => Beam::Lost(lost),
    }
}

struct Pass<'p, const W: usize> {
    moment: Moment<'p, W>,
    trail: Trail,
    frontier: Vec<Configuration<W>>,
    /// Frontiers at earlier events, to start again from.
    marks: Vec<(usize, Vec<Configuration<W>>)>,
    collect_at: usize,
    steps: u64,
    /// For [`Pass::unite`].
    last_alike: FxHashMap<(u32, Bits<W>, Bits<W>), u32>,
}

impl<const W: usize> Pass<'_, W> {
    fn mark(&mut self, event: usize) {
        if !event.is_multiple_of(MARK_EVERY) || self.marks.last().is_some_and(|m| m.0 >= event) {
            return;
        }
        self.marks.push((event, self.frontier.clone()));
        if self.marks.len() > MARKS_MAX {
            self.marks.drain(1..MARKS_MAX / 2);
        }
        if self.trail.len() > self.collect_at {
            let marked = self.marks.iter_mut().flat_map(|(_, frontier)| frontier);
            let all = marked.chain(&mut self.frontier);
            self.trail.collect(all.map(|configuration| &mut configuration.trail));
            self.collect_at = self.trail.len() * 2 + COLLECT_FROM;
        }
    }

    /// Goes back to the last mark at or before `event`, or to the first one.
    fn rewind(&mut self, event: usize) {
        while self.marks.len() > 1 && self.marks.last().is_some_and(|mark| mark.0 > event) {
            self.marks.pop();
        }
        let Some((event, frontier)) = self.marks.last() else { return };
        self.frontier.clone_from(frontier);
        while self.moment.next > *event {
            self.moment.back();
        }
    }

    fn invoke(&mut self, act: &Act) {
        if act.kind == Kind::Read {
            self.frontier.iter_mut().for_each(|configuration| configuration.invoke_read(act));
        }
        self.moment.forward();
    }

    /// What passes the completion of `act`.
    fn complete(&mut self, act: &Act, level: Level) -> Vec<Configuration<W>> {
        let bit = Bits::one(act.slot);
        let frontier = std::mem::take(&mut self.frontier);
        let mut next = Vec::with_capacity(frontier.len() + 8);
        let mut chose = level.breadth > 0;
        if chose {
            self.search(&frontier, bit, act.kind == Kind::Write, level.breadth, &mut next);
        }
        for from in &frontier {
            if !from.passes(bit) {
                chose = true;
                self.chain(from, act, level.depth, false, &mut next);
                continue;
            }
            let only_absorbed = act.kind == Kind::Write && !bit.meets(from.done);
            let passed = from.done | from.absorbed;
            if only_absorbed && (from.value != act.sets || !self.moment.writes.within(passed)) {
                chose = true;
                next.extend(self.step(from, act.signature));
            }
            next.push(from.clone());
        }
        next.iter_mut().for_each(|configuration| configuration.retire(&self.moment, bit));
        if chose || next.len() < frontier.len() {
            self.reduce(&mut next, level.kept, bit);
        }
        self.frontier = frontier;
        next
    }

    fn step(&mut self, from: &Configuration<W>, signature: u32) -> Option<Configuration<W>> {
        self.steps += 1;
        from.step(&self.moment, signature, &mut self.trail)
    }

    /// Chains of at most `depth` steps, the last of which lets `act` pass. After a write that
    /// nobody needed, `idle`, no other write comes.
    fn chain(
        &mut self,
        from: &Configuration<W>,
        act: &Act,
        depth: u32,
        idle: bool,
        next: &mut Vec<Configuration<W>>,
    ) {
        for signature in self.lasts(from, act, idle) {
            next.extend(self.step(from, signature));
        }
        if depth <= 1 {
            return;
        }
        let written = if act.kind == Kind::Write || idle { &[] } else { self.moment.written() };
        let firsts: Vec<u32> =
            written.iter().chain(self.moment.leaving(from.value)).copied().collect();
        for signature in firsts {
            let (needs, leaves) = self.moment.problem.ends[signature as usize];
            let is_last = match act.kind {
                Kind::Read => leaves == act.sees,
                _ => signature == act.signature,
            };
            let too_late = act.kind == Kind::Cas && depth == 2 && leaves != act.sees;
            let idles = needs == NONE && leaves == from.value;
            if is_last || too_late || idles {
                continue;
            }
            if let Some(after) = self.step(from, signature) {
                let reads = self.moment.reads;
                let idle = needs == NONE && after.done & reads == from.done & reads;
                self.chain(&after, act, depth - 1, idle, next);
            }
        }
    }

    /// Steps from here after which `act` has passed.
    fn lasts(&self, from: &Configuration<W>, act: &Act, idle: bool) -> Vec<u32> {
        match act.kind {
            Kind::Read => {
                let ends = &self.moment.problem.ends;
                let leaving = self.moment.leaving(from.value).iter().copied();
                let cas = leaving.filter(|&signature| ends[signature as usize].1 == act.sees);
                (!idle).then_some(act.sees).into_iter().chain(cas).collect()
            }
            Kind::Write if idle => Vec::new(),
            Kind::Write => self.moment.written().to_vec(),
            Kind::Cas if from.value == act.sees => vec![act.signature],
            Kind::Cas => Vec::new(),
        }
    }

    /// All chains, shortest first; stops after `limit` configurations.
    fn search(
        &mut self,
        frontier: &[Configuration<W>],
        bit: Bits<W>,
        is_write: bool,
        limit: usize,
        next: &mut Vec<Configuration<W>>,
    ) {
        let mut seen = Antichain::new(self.moment.cas);
        for configuration in frontier {
            seen.add(configuration.clone(), &self.moment);
        }
        let (mut place, mut visited) = (0, 0);
        while place < seen.len() && visited < limit {
            place += 1;
            let Some(from) = seen.get(place - 1).cloned() else { continue };
            visited += 1;
            if from.passes(bit) {
                next.push(from.clone());
                if bit.meets(from.done) || !is_write {
                    continue;
                }
            }
            let written = self.moment.written().iter();
            let signatures: Vec<u32> =
                written.chain(self.moment.leaving(from.value)).copied().collect();
            for signature in signatures {
                if let Some(after) = self.step(&from, signature) {
                    seen.add(after, &self.moment);
                }
            }
        }
    }

    /// Keeps the best of each value, without those that another one can stand in for.
    fn reduce(&mut self, all: &mut Vec<Configuration<W>>, kept_max: usize, gone: Bits<W>) {
        self.unite(all);
        for configuration in all.iter_mut() {
            configuration.cost = self.cost(configuration, gone);
        }
        all.sort_by_key(|configuration| (configuration.value, configuration.cost));
        let exact = self.moment.cas.without(gone);
        let mut kept: Vec<Configuration<W>> = Vec::with_capacity(all.len());
        let mut of_value = 0;
        for configuration in all.drain(..) {
            if kept.last().is_some_and(|last| last.value != configuration.value) {
                of_value = kept.len();
            }
            let alike = &kept[of_value..];
            let dominated =
                |other: &Configuration<W>| other.dominates(&configuration, &self.moment, exact);
            if alike.len() < kept_max && !alike.iter().any(dominated) {
                kept.push(configuration);
            }
        }
        *all = kept;
    }

    /// Drops what is there already with no more crashed calls used: many chains lead to one end,
    /// and this costs less than to rank them all.
    fn unite(&mut self, all: &mut Vec<Configuration<W>>) {
        self.last_alike.clear();
        let mut before: Vec<u32> = Vec::with_capacity(all.len());
        let mut kept = 0;
        for place in 0..all.len() {
            let new = &all[place];
            let last = self.last_alike.entry((new.value, new.done, new.absorbed)).or_insert(NONE);
            let mut other = *last;
            while other != NONE && !all[other as usize].spent_within(new) {
                other = before[other as usize];
            }
            if other == NONE {
                before.push(std::mem::replace(last, kept as u32));
                all.swap(kept, place);
                kept += 1;
            }
        }
        all.truncate(kept);
    }

    /// Less is better: few calls waiting, many tokens to serve them with. A guess, measured on
    /// random histories; no verdict depends on it. `gone` has completed.
    fn cost(&self, configuration: &Configuration<W>, gone: Bits<W>) -> i32 {
        const SPARE: [i32; 4] = [0, 5, 8, 9];
        let moment = &self.moment;
        let done = configuration.done | gone;
        let waiting = |signature: u32| moment.live[signature as usize].without(done).count() as i32;
        let spare = |signature: u32| match moment.crashed[signature as usize] {
            0 => 0,
            crashed => (crashed - configuration.used(signature)) as i32,
        };
        let mut cost = 2 * configuration.spent as i32;
        for &value in moment.current() {
            let tokens = waiting(value) + spare(value);
            cost -= SPARE[tokens.clamp(0, 3) as usize];
            let is_read = !moment.readers[value as usize].within(done);
            let leaving: i32 = moment.leaving(value).iter().map(|&cas| waiting(cas)).sum();
            if !is_read && leaving == 0 {
                continue;
            }
            let entering = moment.entering(value).iter().map(|&cas| waiting(cas) + spare(cas));
            let ways = tokens + i32::from(configuration.value == value) + entering.sum::<i32>();
            if is_read {
                cost += if ways == 0 { 12 } else { 4 };
            }
            cost += 5 * leaving + 8 * (leaving - ways).max(0);
        }
        let passed = done | configuration.absorbed;
        if moment.writes.within(passed) { cost } else { cost + 2 }
    }
}
