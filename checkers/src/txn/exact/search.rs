//! What is left after saturation: conflict-driven clause learning (Marques-Silva & Sakallah, 1999;
//! watched literals, first unique implication point as in MiniSat) over the question which of two
//! chains of a key comes first, with acyclicity as the theory (Bayless et al., AAAI 2015).
//!
//! Variables are made when two chains overlap in the order at hand, so a history with a million
//! transactions has a few. A decision puts its edges into the order; a cycle becomes a clause. When
//! nothing overlaps any more, the order is an execution.
//!
//! What was learnt may rest on assumptions about real time: each clause, and each value known
//! before any decision, carries the set of those. A contradiction before any decision gives up its
//! set, and with it the clauses that need it; one that rests on nothing is final.

use rustc_hash::FxHashMap;

use super::Budget;
use super::label::{Ground, Label};
use super::saturate::{Conflict, Halt, State};
use crate::txn::transactions::NONE;

/// Twice the variable, plus one if negated.
type Literal = u32;

fn variable(literal: Literal) -> usize {
    literal as usize >> 1
}

#[derive(Clone, Copy)]
struct Variable {
    /// True: the first chain comes before the second.
    chains: (u32, u32),
    /// 1 true, -1 false, 0 open.
    value: i8,
    level: u32,
    /// The clause that implied it.
    reason: u32,
    /// The assumptions behind it, if it was known before any decision.
    assumed: u32,
    seen: bool,
}

struct Clause {
    literals: Vec<Literal>,
    assumed: u32,
}

/// A clause that is false.
struct Falsified {
    literals: Vec<Literal>,
    assumed: u32,
}

/// Where a decision began: lengths of the trail and of the edges added.
#[derive(Clone, Copy)]
struct Mark {
    trail: usize,
    edges: usize,
}

pub(super) struct Search<'a> {
    state: &'a mut State,
    numbers: FxHashMap<(u32, u32), u32>,
    variables: Vec<Variable>,
    trail: Vec<Literal>,
    decisions: Vec<Mark>,
    /// How much of the trail the clauses know, and the order.
    propagated: usize,
    ordered: usize,
    clauses: Vec<Clause>,
    /// By literal, the clauses to look at when it becomes false.
    watches: Vec<Vec<u32>>,
    conflicts: u64,
    /// Nodes of the last conflict.
    nodes: Vec<u32>,
}

impl<'a> Search<'a> {
    pub(super) fn new(state: &'a mut State) -> Self {
        Self {
            state,
            numbers: FxHashMap::default(),
            variables: Vec::new(),
            trail: Vec::new(),
            decisions: Vec::new(),
            propagated: 0,
            ordered: 0,
            clauses: Vec::new(),
            watches: Vec::new(),
            conflicts: 0,
            nodes: Vec::new(),
        }
    }

    /// Until nothing overlaps; returns how many conflicts it took.
    ///
    /// # Errors
    /// [`Halt`].
    pub(super) fn run(mut self, budget: &Budget) -> Result<u64, Halt> {
        // Assumptions help to find an execution; where they do not, they go.
        let chains = self.state.overlaps.chains.len() as u64;
        let mut limit = budget.conflicts;
        let mut assumes = self.state.order.has_assumptions();
        if assumes {
            limit = limit.min(20_000 + chains / 4);
        }
        loop {
            let falsified = self.propagate();
            if self.state.order.steps > budget.steps {
                return Err(Halt::Budget);
            }
            if let Some(falsified) = falsified {
                self.conflicts += 1;
                if self.conflicts > limit {
                    if !assumes {
                        return Err(Halt::Budget);
                    }
                    assumes = false;
                    limit = self.conflicts.saturating_add(budget.conflicts);
                    self.state.order.retract_all();
                    self.restart();
                } else {
                    self.resolve(falsified)?;
                }
                continue;
            }
            let State { order, overlaps, .. } = &mut *self.state;
            match overlaps.next(order) {
                Some((a, b)) => self.decide(a, b),
                None if overlaps.verify(order) => return Ok(self.conflicts),
                None => {}
            }
        }
    }

    fn value(&self, literal: Literal) -> i8 {
        let value = self.variables[variable(literal)].value;
        if literal & 1 == 1 { -value } else { value }
    }

    /// The literal that says: `a` before `b`.
    fn literal(&mut self, a: u32, b: u32) -> Literal {
        let chains = (a.min(b), a.max(b));
        let next = self.variables.len() as u32;
        let number = *self.numbers.entry(chains).or_insert(next);
        if number == next {
            self.variables.push(Variable {
                chains,
                value: 0,
                level: 0,
                reason: NONE,
                assumed: 0,
                seen: false,
            });
            self.watches.extend([Vec::new(), Vec::new()]);
        }
        2 * number + u32::from(a > b)
    }

    fn chains(&self, literal: Literal) -> (u32, u32) {
        let (a, b) = self.variables[variable(literal)].chains;
        if literal & 1 == 1 { (b, a) } else { (a, b) }
    }

    /// Decides between two chains that overlap: the one whose middle lies first comes first, unless
    /// that would close a cycle at once.
    fn decide(&mut self, a: u32, b: u32) {
        let literal = self.literal(a, b);
        let state = &mut *self.state;
        let middle = |chain: u32| {
            let [begin, _, last, readers] = state.ends(chain);
            let end = if readers == NONE { last } else { readers };
            u64::from(state.order.at(begin)) + u64::from(state.order.at(end))
        };
        let (first, second, chosen) =
            if middle(a) <= middle(b) { (a, b, literal) } else { (b, a, literal ^ 1) };
        let edges = state.overlaps.edges(first, second);
        let closes = state.closes(edges, &mut Vec::new());
        let edges = self.state.order.added();
        self.decisions.push(Mark { trail: self.trail.len(), edges });
        self.enqueue(if closes { chosen ^ 1 } else { chosen }, NONE);
    }

    fn enqueue(&mut self, literal: Literal, reason: u32) {
        let mut assumed = 0;
        if self.decisions.is_empty() && reason != NONE {
            let clause = &self.clauses[reason as usize];
            let mut labels = vec![Label::assumed(clause.assumed)];
            let others = clause.literals.iter().filter(|&&other| other != literal);
            labels.extend(others.map(|&other| self.known(other)));
            assumed = self.number(&labels);
        }
        let variable = &mut self.variables[variable(literal)];
        variable.value = if literal & 1 == 1 { -1 } else { 1 };
        variable.level = self.decisions.len() as u32;
        variable.reason = reason;
        variable.assumed = assumed;
        self.trail.push(literal);
    }

    /// What a value known before any decision rests on.
    fn known(&self, literal: Literal) -> Label {
        Label::assumed(self.variables[variable(literal)].assumed)
    }

    fn number(&mut self, labels: &[Label]) -> u32 {
        let nodes = self.state.assumptions.behind(labels);
        self.state.assumptions.number(nodes, &mut self.state.order)
    }

    /// Takes back all decisions but the first `level`.
    fn cancel(&mut self, level: usize) {
        let Some(&mark) = self.decisions.get(level) else { return };
        for &literal in &self.trail[mark.trail..] {
            self.variables[variable(literal)].value = 0;
        }
        self.trail.truncate(mark.trail);
        self.decisions.truncate(level);
        self.propagated = self.propagated.min(mark.trail);
        self.ordered = self.ordered.min(mark.trail);
        self.state.order.take_back(mark.edges);
    }

    fn propagate(&mut self) -> Option<Falsified> {
        loop {
            if let Some(&literal) = self.trail.get(self.propagated) {
                self.propagated += 1;
                if let Some(clause) = self.propagate_clauses(literal ^ 1) {
                    let Clause { literals, assumed } = &self.clauses[clause as usize];
                    return Some(Falsified { literals: literals.clone(), assumed: *assumed });
                }
            } else if let Some(&literal) = self.trail.get(self.ordered) {
                self.ordered += 1;
                if let Some(falsified) = self.propagate_order(literal) {
                    return Some(falsified);
                }
            } else {
                return None;
            }
        }
    }

    /// Visits the clauses that watch a literal now false; returns one that is false.
    fn propagate_clauses(&mut self, falsified: Literal) -> Option<u32> {
        let mut watching = std::mem::take(&mut self.watches[falsified as usize]);
        let (mut place, mut conflict) = (0, None);
        'clauses: while let Some(&number) = watching.get(place) {
            let literals = &mut self.clauses[number as usize].literals;
            if literals[0] == falsified {
                literals.swap(0, 1);
            }
            let first = literals[0];
            if self.value(first) == 1 {
                place += 1;
                continue;
            }
            for other in 2..self.clauses[number as usize].literals.len() {
                let literal = self.clauses[number as usize].literals[other];
                if self.value(literal) != -1 {
                    self.clauses[number as usize].literals.swap(1, other);
                    self.watches[literal as usize].push(number);
                    watching.swap_remove(place);
                    continue 'clauses;
                }
            }
            if self.value(first) == -1 {
                conflict = Some(number);
                break;
            }
            self.enqueue(first, number);
            place += 1;
        }
        self.watches[falsified as usize].append(&mut watching);
        if conflict.is_some() {
            self.nodes.clear();
        }
        conflict
    }

    /// Puts the edges of a literal into the order; a cycle gives a false clause.
    fn propagate_order(&mut self, literal: Literal) -> Option<Falsified> {
        let (a, b) = self.chains(literal);
        let is_known = self.variables[variable(literal)].level == 0;
        let label = if is_known { self.known(literal) } else { Label::decided(literal) };
        let mut why = Vec::new();
        if self.state.insert(self.state.overlaps.edges(a, b), label, &mut why) {
            return None;
        }
        self.nodes.clone_from(&self.state.order.cycle);
        let mut literals = vec![literal ^ 1];
        literals.extend(why.iter().filter_map(|label| match label.ground() {
            Ground::Decided(literal) => Some(literal ^ 1),
            _ => None,
        }));
        literals.sort_unstable();
        literals.dedup();
        let assumed = self.number(&why);
        Some(Falsified { literals, assumed })
    }

    /// Learns from a false clause, up to the first unique implication point.
    fn resolve(&mut self, falsified: Falsified) -> Result<(), Halt> {
        let level_of = |this: &Self, literal: Literal| this.variables[variable(literal)].level;
        let literals = falsified.literals.iter();
        let level = literals.map(|&literal| level_of(self, literal)).max().unwrap_or(0);
        if level == 0 {
            return self.contradict(&falsified);
        }
        let mut labels = vec![Label::assumed(falsified.assumed)];
        self.cancel(level as usize);
        let learnt = self.analyse(falsified.literals, level, &mut labels);
        let back = learnt.get(1).map_or(0, |&literal| level_of(self, literal));
        self.cancel(back as usize);
        let assumed = self.number(&labels);
        if let [literal] = learnt[..] {
            self.enqueue(literal, NONE);
            self.variables[variable(literal)].assumed = assumed;
        } else {
            let literal = learnt[0];
            let number = self.add(Clause { literals: learnt, assumed });
            self.enqueue(literal, number);
        }
        Ok(())
    }

    fn add(&mut self, clause: Clause) -> u32 {
        let number = self.clauses.len() as u32;
        for &literal in &clause.literals[..2] {
            self.watches[literal as usize].push(number);
        }
        self.clauses.push(clause);
        number
    }

    /// The clause to learn: first the literal it implies, then one of the next highest level.
    fn analyse(
        &mut self,
        falsified: Vec<Literal>,
        level: u32,
        labels: &mut Vec<Label>,
    ) -> Vec<Literal> {
        let mut learnt = vec![NONE];
        let (mut open, mut place) = (0, self.trail.len());
        let (mut literals, mut implied) = (falsified, NONE);
        let mut seen = Vec::new();
        loop {
            for &literal in &literals {
                let known = self.known(literal);
                let variable = &mut self.variables[variable(literal)];
                if variable.level == 0 {
                    labels.push(known);
                } else if literal != implied && !variable.seen {
                    variable.seen = true;
                    seen.push(literal);
                    if variable.level == level { open += 1 } else { learnt.push(literal) }
                }
            }
            loop {
                place -= 1;
                if self.variables[variable(self.trail[place])].seen {
                    break;
                }
            }
            implied = self.trail[place];
            open -= 1;
            if open == 0 {
                break;
            }
            let reason = &self.clauses[self.variables[variable(implied)].reason as usize];
            labels.push(Label::assumed(reason.assumed));
            literals.clone_from(&reason.literals);
        }
        learnt[0] = implied ^ 1;
        for literal in seen {
            self.variables[variable(literal)].seen = false;
        }
        let highest = (1..learnt.len())
            .max_by_key(|&at| self.variables[variable(learnt[at])].level)
            .unwrap_or(0);
        if highest > 1 {
            learnt.swap(1, highest);
        }
        learnt
    }

    /// A contradiction before any decision.
    fn contradict(&mut self, falsified: &Falsified) -> Result<(), Halt> {
        let mut labels = vec![Label::assumed(falsified.assumed)];
        labels.extend(falsified.literals.iter().map(|&literal| self.known(literal)));
        let core = self.state.assumptions.behind(&labels);
        if core.is_empty() {
            let mut nodes = std::mem::take(&mut self.nodes);
            for &literal in &falsified.literals {
                let (a, b) = self.chains(literal);
                nodes.extend(self.state.ends(a).into_iter().chain(self.state.ends(b)));
            }
            return Err(Halt::Conflict(Conflict { nodes }));
        }
        self.state.assumptions.retract(&core, &mut self.state.order);
        self.restart();
        Ok(())
    }

    /// Forgets all values, and the clauses that rest on what was given up. The edges known before
    /// any decision stay: their labels say whether they still count.
    fn restart(&mut self) {
        self.cancel(0);
        for literal in self.trail.drain(..) {
            self.variables[variable(literal)].value = 0;
        }
        for variable in &mut self.variables {
            variable.assumed = 0;
        }
        (self.propagated, self.ordered) = (0, 0);
        self.watches.iter_mut().for_each(Vec::clear);
        for clause in std::mem::take(&mut self.clauses) {
            if clause.assumed == 0 || !self.state.order.is_void(clause.assumed) {
                self.add(clause);
            }
        }
    }
}
