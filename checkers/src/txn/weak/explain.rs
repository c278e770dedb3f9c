//! Why there is no order, in words: who wrote, who read, and which order is forced.

use super::Level;
use super::commits::{Paths, Step, Why};
use super::demand::Demand;
use super::sessions::{NOBODY, Sessions};
use crate::txn::sources::{Fault, FaultKind};
use crate::txn::spelt::Spelt;
use crate::txn::told::{self, Case, Evidence, capital};

/// What words are made of.
pub(super) struct Explain<'a, 'h> {
    pub txns: &'a Spelt<'h>,
    pub faults: &'a [Fault],
    pub sessions: &'a Sessions,
}

impl Explain<'_, '_> {
    fn txn(&self, node: u32) -> u32 {
        self.sessions.txn(node) as u32
    }

    pub(super) fn name(&self, node: u32) -> String {
        told::name(self.txns.get(), self.txn(node))
    }

    fn who(&self, node: u32) -> String {
        told::who(self.txns.get(), self.txn(node))
    }

    fn key(&self, key: u32) -> String {
        told::key(self.txns.get(), key)
    }

    /// What `node` wrote to `key`; null for the initial transaction. Of a list the last element.
    pub(super) fn value(&self, node: u32, key: u32) -> String {
        match (node, self.sessions.are_ranked()) {
            (NOBODY, false) => "null".to_owned(),
            (NOBODY, true) => "[]".to_owned(),
            (_, false) => told::written(self.txns.get(), self.txn(node), key),
            (_, true) => format!("[… {}]", told::written(self.txns.get(), self.txn(node), key)),
        }
    }

    /// Reads that nothing explains, if the level minds them.
    pub(super) fn faults(&self, level: Level, evidence: &mut Evidence<'_, '_>) {
        for fault in self.faults {
            let is_minded = match fault.kind {
                FaultKind::NonRepeatable => {
                    matches!(level, Level::ReadAtomic | Level::Causal | Level::Pram)
                }
                FaultKind::Internal => {
                    level.is_ordered() || matches!(level, Level::Pram | Level::ReadYourWrites)
                }
                _ => level.is_ordered() || level == Level::Pram,
            };
            if is_minded {
                told::fault(self.txns.get(), fault, evidence);
            }
        }
    }

    /// The name of one read of something that was replaced.
    pub(super) fn anomaly(&self, level: Level, demand: &Demand) -> &'static str {
        let by_session = self.sessions.precedes(demand.older, demand.reader);
        match level {
            Level::ReadCommitted => "observed-transaction-vanishes",
            _ if by_session => "read-your-writes",
            _ if self.reads_from(demand) => "fractured-read",
            _ => "causally-stale-read",
        }
    }

    fn reads_from(&self, demand: &Demand) -> bool {
        self.sessions.read_from(demand.reader).any(|writer| writer == demand.older)
    }

    /// How the reader knew of the older write.
    pub(super) fn knowledge(&self, demand: &Demand, paths: &mut Paths<'_>) -> Vec<Step> {
        let (from, to) = (demand.older, demand.reader);
        if self.reads_from(demand) {
            vec![Step { from, to, why: Why::Read }]
        } else if self.sessions.precedes(from, to) {
            vec![Step { from, to, why: Why::Session }]
        } else {
            paths.knowledge(from, to)
        }
    }

    /// `op 4 comes before op 7: op 7 read x = 1 from it.`
    fn step(&self, step: &Step) -> String {
        let (from, to) = (self.name(step.from), self.name(step.to));
        match step.why {
            Why::Session => format!("{} comes before {to} in the same session.", capital(&from)),
            Why::Read => {
                let mut found = self.sessions.reads(step.to).iter();
                let found = found.find(|read| read.writer == step.from);
                let what = found.map_or_else(String::new, |read| {
                    format!(" {} = {}", self.key(read.key), self.value(step.from, read.key))
                });
                format!("{} comes before {to}, which read{what} from it.", capital(&from))
            }
            Why::Demand => match self.replaced(step.from, step.to) {
                Some(key) => format!(
                    "{} comes before {to}, which wrote {} after it.",
                    capital(&from),
                    self.key(key)
                ),
                None => format!("{} must come before {to}.", capital(&from)),
            },
        }
    }

    /// A key that both wrote, known to be in this order.
    fn replaced(&self, from: u32, to: u32) -> Option<u32> {
        let keys = self.sessions.keys_written(from).iter().copied();
        keys.filter(|key| self.sessions.keys_written(to).binary_search(key).is_ok())
            .find(|&key| self.sessions.are_ranked() && self.sessions.contradicts(to, from, key))
    }

    fn demand(&self, demand: &Demand) -> String {
        let &Demand { older, newer, reader, key } = demand;
        let (older_name, reader_name) = (self.name(older), self.name(reader));
        let from = if newer == NOBODY {
            "the initial value".to_owned()
        } else {
            format!("what {} wrote", self.name(newer))
        };
        let end = if newer == NOBODY {
            "but nothing comes before the initial value".to_owned()
        } else if self.sessions.contradicts(older, newer, key) {
            format!("but {older_name} wrote it after {}", self.name(newer))
        } else {
            format!("so {older_name} must come before {}", self.name(newer))
        };
        format!(
            "{} knew of {older_name}, which wrote {} = {}, and read {} = {}, {from}: {end}.",
            capital(&reader_name),
            self.key(key),
            self.value(older, key),
            self.key(key),
            self.value(newer, key),
        )
    }

    /// A read of what had been replaced: `known`, how the reader knew of the newer value; `after`,
    /// the steps by which that one certainly is newer.
    pub(super) fn overwritten(&self, demand: &Demand, known: &[Step], after: &[Step]) -> Case {
        let key = self.key(demand.key);
        let title = format!(
            "{} read {key} = {} although it knew of {}, which wrote {key} = {} later",
            self.who(demand.reader),
            self.value(demand.newer, demand.key),
            self.name(demand.older),
            self.value(demand.older, demand.key),
        );
        let mut argument: Vec<String> = after.iter().map(|step| self.step(step)).collect();
        argument.extend(known.iter().map(|step| self.step(step)));
        argument.push(format!("{} A contradiction.", self.demand(demand)));
        let steps = known.iter().chain(after).flat_map(|step| [step.from, step.to]);
        let nodes = steps.chain([demand.older, demand.newer, demand.reader]);
        let about = nodes.filter(|&node| node != NOBODY).map(|node| self.txn(node)).collect();
        Case { key: Some(demand.key), title, argument, about }
    }

    /// Transactions that would all have to come before themselves.
    pub(super) fn cycle(&self, cycle: &[Step], reasons: &[Demand]) -> Case {
        let who: Vec<String> = cycle.iter().map(|step| self.name(step.from)).collect();
        let title = format!("{} have no order: each comes before the next", who.join(", "));
        let mut argument = Vec::new();
        let mut about: Vec<u32> = cycle.iter().map(|step| self.txn(step.from)).collect();
        for step in cycle {
            let is_reason = |demand: &&Demand| {
                step.why == Why::Demand && (demand.older, demand.newer) == (step.from, step.to)
            };
            match reasons.iter().find(is_reason) {
                Some(demand) => {
                    argument.push(self.demand(demand));
                    about.push(self.txn(demand.reader));
                }
                None => argument.push(self.step(step)),
            }
        }
        argument.push(format!(
            "So {} comes before itself: a contradiction.",
            who.first().map_or("each", String::as_str)
        ));
        Case { key: None, title, argument, about }
    }

    /// What a single guarantee found wrong.
    pub(super) fn case(&self, key: u32, title: String, argument: String, nodes: &[u32]) -> Case {
        let nodes = nodes.iter().filter(|&&node| node != NOBODY);
        let about = nodes.map(|&node| self.txn(node)).collect();
        Case { key: Some(key), title, argument: vec![argument], about }
    }

    /// `op 7 (process 1) read x = 1`
    pub(super) fn reading(&self, reader: u32, key: u32, writer: u32) -> String {
        format!("{} read {} = {}", self.who(reader), self.key(key), self.value(writer, key))
    }

    /// `op 4, which wrote x = 1`
    pub(super) fn writing(&self, writer: u32, key: u32) -> String {
        format!(
            "{}, which wrote {} = {}",
            self.name(writer),
            self.key(key),
            self.value(writer, key)
        )
    }
}
