//! What certainly comes before what.
//!
//! One node for each transaction; where reads come from a snapshot, one for its begin B and, if it
//! writes, one for its commit C, B before C. Who read from a transaction begins after its commit;
//! who read what it replaced begins before its commit (C, not B: such a reader and the writer may
//! both begin first). So the graph has a cycle only where the history has one without two adjacent
//! anti-dependencies (Fekete et al., TODS 30:2, 2005; Cerone & Gotsman, PODC 2016).
//!
//! A chain of versions comes before another of its key by one edge or two, from its tail (its last
//! writer; and the reader of its last version, or a node which all of them precede) to the head of
//! the other. A topological order in which no two chains of a key overlap is an execution.
//!
//! Real time takes one line of nodes: completions lead to the next node of the line, and the line
//! to invocations. Where the level does not ask for real time, it is assumed as far as it can be.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::chains::{Run, Versions};
use super::input::{Input, NEVER, Rules};
use super::label::NUMBERS_MAX;
use super::sort::sort;
use crate::txn::lists::Lists;
use crate::txn::sources::INITIAL;
use crate::txn::transactions::NONE;

/// A chain of versions by its ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    pub key: u32,
    /// Begin and commit of the first writer.
    pub begin: u32,
    pub commit: u32,
    /// Commit of the last writer.
    pub last: u32,
    /// What all readers of the last version precede; [`NONE`] without readers.
    pub readers: u32,
}

impl Chain {
    /// The edges that put `self` before `other`.
    pub(super) fn before(&self, other: &Self, snapshots: bool) -> [Option<(u32, u32)>; 2] {
        let has_readers = self.readers != NONE;
        if snapshots {
            let readers = has_readers.then_some((self.readers, other.commit));
            return [Some((self.last, other.begin)), readers];
        }
        let tail = if has_readers { self.readers } else { self.last };
        [Some((tail, other.begin)), None]
    }
}

pub(super) struct Graph {
    pub out: Lists,
    /// By transaction; [`NONE`] where it did not happen.
    pub begin: Vec<u32>,
    pub commit: Vec<u32>,
    /// The transaction of each begin: nodes 0, 1, ….
    pub txns: Vec<u32>,
    /// When a node should come, in quarters of an event; `u32::MAX` where nothing says so.
    pub due: Vec<u32>,
    /// Nodes that only gather readers.
    pub gatherers: std::ops::Range<u32>,
    pub time_line: std::ops::Range<u32>,
    /// Whether the edges from the time line are assumptions, and of which nodes they are not made.
    pub assumed: bool,
    pub retracted: Vec<bool>,
    /// Chains of keys with more than one, in the order of their first versions: what is near in
    /// time is near in memory.
    pub chains: Vec<Chain>,
    pub keys: usize,
}

/// More nodes than there are numbers for.
#[derive(Debug)]
pub(super) struct TooLarge;

/// The parts of a graph, as they come.
struct Draft<'a> {
    input: &'a Input,
    rules: Rules,
    edges: Vec<(u32, u32)>,
    begin: Vec<u32>,
    commit: Vec<u32>,
    txns: Vec<u32>,
    due: Vec<u32>,
    chains: Vec<Chain>,
    /// Whether a transaction certainly does not keep real time.
    is_late: bool,
}

/// What is known of transactions that do not keep real time, where they need not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// Taken for none unless one is met. If the graph then has a cycle, this may be why.
    Unsought,
    Sought,
}

impl Graph {
    /// # Errors
    /// [`TooLarge`].
    pub(super) fn of(
        input: &Input,
        rules: Rules,
        versions: Versions,
        runs: &[Run],
        late: Late,
    ) -> Result<Self, TooLarge> {
        let mut draft = Draft {
            input,
            rules,
            edges: Vec::with_capacity(input.sources.all_reads().len() * 2 + input.spans.len() * 3),
            begin: vec![NONE; input.spans.len()],
            commit: Vec::new(),
            txns: Vec::new(),
            due: Vec::new(),
            chains: Vec::with_capacity(runs.len()),
            is_late: late == Late::Sought,
        };
        draft.add_nodes();
        draft.add_reads(&versions);
        let gatherers = draft.due.len() as u32;
        draft.add_chains(&versions, runs);
        drop(versions);
        if rules.sessions {
            for (before, after) in input.sessions() {
                let edge = (draft.commit[before as usize], draft.begin[after as usize]);
                draft.edges.push(edge);
            }
        }
        let none = vec![false; draft.txns.len()];
        // On a cycle nothing need be assumed any more.
        let late = match (rules.real_time || !input.timed, draft.is_late) {
            (true, _) => None,
            (false, true) => draft.late(),
            (false, false) => Some(none.clone()),
        };
        let assumed = late.is_some();
        let late = late.unwrap_or(none);
        let gatherers = gatherers..draft.due.len() as u32;
        if rules.real_time || assumed {
            draft.add_time_line(&late);
        }
        draft.finish(gatherers, assumed, late)
    }
}

impl Draft<'_> {
    fn node(&mut self, due: u32) -> u32 {
        self.due.push(due);
        self.due.len() as u32 - 1
    }

    fn add_nodes(&mut self) {
        let sources = &self.input.sources;
        // Beyond a thousand million events all are due alike: only the guess would be worse.
        let due = |txn: usize, begin: u32, commit: u32| {
            let span = &self.input.spans[txn];
            match span.completed {
                NEVER => u32::MAX,
                end => {
                    let (begin, commit) =
                        (span.invoked.saturating_mul(begin), end.saturating_mul(commit));
                    begin.saturating_add(commit)
                }
            }
        };
        let splits = |txn: usize| self.rules.snapshots && !sources.versions(txn).is_empty();
        for txn in (0..self.begin.len()).filter(|&txn| sources.is_present(txn)) {
            self.begin[txn] = self.txns.len() as u32;
            self.txns.push(txn as u32);
            self.due.push(if splits(txn) { due(txn, 3, 1) } else { due(txn, 2, 2) });
        }
        self.commit = self.begin.clone();
        for &txn in self.txns.iter().filter(|&&txn| splits(txn as usize)) {
            let node = self.due.len() as u32;
            self.due.push(due(txn as usize, 2, 2));
            self.commit[txn as usize] = node;
            self.edges.push((self.begin[txn as usize], node));
        }
    }

    /// From the writer to the reader, and from the reader to who replaced what it read.
    fn add_reads(&mut self, versions: &Versions) {
        let sources = &self.input.sources;
        for &txn in &self.txns {
            let begin = self.begin[txn as usize];
            for read in sources.reads(txn as usize).iter().filter(|r| r.version != INITIAL) {
                self.edges.push((self.commit[sources.writer(read.version) as usize], begin));
            }
        }
        for version in 0..sources.version_count() as u32 {
            let Some(next) = versions.next(version) else { continue };
            let commit = self.commit[sources.writer(next) as usize];
            let over = self.input.spans[sources.writer(next) as usize].completed;
            for &reader in versions.readers.at(version) {
                self.edges.push((self.begin[reader as usize], commit));
                self.is_late |= over < self.input.spans[reader as usize].invoked;
            }
        }
    }

    /// A node that all `readers` precede; or the only one.
    fn gather(&mut self, readers: &[u32]) -> u32 {
        match *readers {
            [] => NONE,
            [reader] => self.begin[reader as usize],
            _ => {
                let node = self.node(u32::MAX);
                let begins = readers.iter().map(|&reader| (self.begin[reader as usize], node));
                self.edges.extend(begins);
                node
            }
        }
    }

    fn add_chains(&mut self, versions: &Versions, runs: &[Run]) {
        let sources = &self.input.sources;
        let mut initial: FxHashMap<u32, Chain> = FxHashMap::default();
        for run in runs {
            let readers = self.gather(versions.readers.at(run.last));
            let first = sources.writer(run.first) as usize;
            let chain = Chain {
                key: sources.key(run.first),
                begin: self.begin[first],
                commit: self.commit[first],
                last: self.commit[sources.writer(run.last) as usize],
                readers,
            };
            if run.is_initial {
                initial.insert(chain.key, chain);
            } else {
                self.chains.push(chain);
            }
        }
        // Who read null comes before every writer; so does the chain that replaced it.
        let mut nulls = vec![NONE; sources.keys()];
        for key in 0..sources.keys() as u32 {
            let readers = versions.initial_readers.at(key);
            match initial.get(&key) {
                Some(chain) => {
                    let before = |&reader: &u32| (self.begin[reader as usize], chain.commit);
                    self.edges.extend(readers.iter().map(before));
                }
                None => nulls[key as usize] = self.gather(readers),
            }
        }
        for chain in &self.chains {
            match initial.get(&chain.key) {
                Some(first) => {
                    let edges = first.before(chain, self.rules.snapshots);
                    self.edges.extend(edges.into_iter().flatten());
                }
                None if nulls[chain.key as usize] != NONE => {
                    self.edges.push((nulls[chain.key as usize], chain.commit));
                }
                None => {}
            }
        }
        // A chain without another is in its place.
        let mut count = vec![0_u32; sources.keys()];
        self.chains.iter().for_each(|chain| count[chain.key as usize] += 1);
        self.chains.retain(|chain| count[chain.key as usize] > 1);
    }

    /// By begin: whether something that must follow the transaction was over before it was invoked,
    /// so that it certainly does not keep real time. `None` on a cycle.
    fn late(&self) -> Option<Vec<bool>> {
        let len = self.due.len();
        let out = Lists::of(len, self.edges.iter().copied());
        let order = sort(&out).ok()?;
        let mut deadline = vec![NEVER; len];
        for &txn in &self.txns {
            let commit = self.commit[txn as usize] as usize;
            deadline[commit] = self.input.spans[txn as usize].completed;
        }
        for &node in order.iter().rev() {
            let after = out.at(node).iter().map(|&next| deadline[next as usize]);
            deadline[node as usize] = after.fold(deadline[node as usize], u32::min);
        }
        let late = self.txns.iter().zip(&deadline);
        Some(late.map(|(&txn, &end)| end < self.input.spans[txn as usize].invoked).collect())
    }

    fn add_time_line(&mut self, late: &[bool]) {
        // By rank, each of one event; below it the number of the begin and whether it is a
        // completion, in one number that is soon sorted.
        let mut events: Vec<u64> = Vec::with_capacity(self.txns.len() * 2);
        let event = |rank: u32, begin: u64, completes: bool| {
            u64::from(rank) << 32 | begin << 1 | u64::from(completes)
        };
        for (begin, &txn) in (0..).zip(&self.txns) {
            let span = &self.input.spans[txn as usize];
            events.push(event(span.invoked, begin, false));
            if span.completed != NEVER {
                events.push(event(span.completed, begin, true));
            }
        }
        events.par_sort_unstable();
        // Completions lead to the same node until something is invoked.
        let (mut now, mut is_fresh) = (NONE, false);
        for event in events {
            let (rank, begin) = ((event >> 32) as u32, (event as u32) >> 1);
            if event & 1 == 0 {
                if now != NONE && !late[begin as usize] {
                    self.edges.push((now, begin));
                }
                is_fresh = false;
                continue;
            }
            if !is_fresh {
                let node = self.node(0);
                if now != NONE {
                    self.edges.push((now, node));
                }
                (now, is_fresh) = (node, true);
            }
            self.due[now as usize] = rank.saturating_mul(4);
            let txn = self.txns[begin as usize];
            self.edges.push((self.commit[txn as usize], now));
        }
    }

    fn finish(
        self,
        gatherers: std::ops::Range<u32>,
        assumed: bool,
        late: Vec<bool>,
    ) -> Result<Graph, TooLarge> {
        let len = self.due.len();
        if len >= NUMBERS_MAX || self.edges.len() >= NONE as usize {
            return Err(TooLarge);
        }
        let out = Lists::of(len, self.edges.iter().copied());
        drop(self.edges);
        let mut retracted = late;
        retracted.resize(len, true);
        Ok(Graph {
            out,
            begin: self.begin,
            commit: self.commit,
            txns: self.txns,
            due: self.due,
            time_line: gatherers.end..len as u32,
            gatherers,
            assumed,
            retracted,
            chains: self.chains,
            keys: self.input.sources.keys(),
        })
    }
}
