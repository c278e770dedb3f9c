//! Which version of a register came before which, as far as that can be inferred.

use super::super::evidence::Case;
use super::super::transactions::NONE;
use super::super::{Anomaly, words};
use super::assumptions::{Assumptions, SEQUENTIAL, WFR};
use super::realtime;
use super::versions::Versions;
use crate::graph::{Components, Graph, Kinds, components};
use crate::history::Completion;

/// The versions of all keys in their partial orders.
pub(crate) struct Order<'v, 'a> {
    pub versions: &'v mut Versions<'a>,
    /// From version to version; the initial state comes before all others without an edge.
    pub(super) after: Graph,
    /// Per version, whether no other than the initial state is known to come before it.
    pub(super) first: Vec<bool>,
    /// Version and who read it, sorted.
    pub(super) readers: Vec<(u32, u32)>,
    /// The kinds of edges that order what was written as well, by assumption.
    pub(super) assumed: Kinds,
}

type Edge = (u32, u32, Kinds);

impl<'v, 'a> Order<'v, 'a> {
    pub(crate) fn of(versions: &'v mut Versions<'a>, assumptions: Assumptions) -> Self {
        let mut edges: Vec<Edge> = Vec::new();
        let mut wrong: Vec<bool> = Vec::new();
        for key in 0..versions.ends.len() {
            let start = edges.len();
            follow_reads(versions, key, &mut edges);
            if assumptions.sequential_keys {
                follow_processes(versions, key, &mut edges);
            }
            let contradicted = assumptions.linearizable_keys
                && !versions.txns.history().untimed
                && realtime::follow(versions, key, &mut edges);
            // The initial state comes first: nothing can come before it.
            let initial = versions.range(key).0.start as u32;
            wrong.push(contradicted || edges[start..].iter().any(|edge| edge.1 == initial));
            let mut kept = start;
            for place in start..edges.len() {
                if edges[place].0 != initial {
                    edges[kept] = edges[place];
                    kept += 1;
                }
            }
            edges.truncate(kept);
        }
        let mut order = Self {
            after: Graph::of_edges(versions.all.len(), &edges),
            first: Vec::new(),
            readers: Vec::new(),
            versions,
            assumed: assumptions.kinds(),
        };
        order.drop_contradictions(edges, wrong);
        order.index();
        order
    }

    /// Leaves out the keys whose versions are in a circle.
    fn drop_contradictions(&mut self, mut edges: Vec<Edge>, mut wrong: Vec<bool>) {
        let found = components(&self.after, Kinds::MAX);
        let mut blamed = wrong.clone();
        for &(from, to, kinds) in &edges {
            if found.of[from as usize] != Components::NONE && found.within(from, to) {
                let key = self.key_of(from);
                wrong[key] = true;
                // Without assumptions it is a circle of reads, which G1c tells.
                blamed[key] |= kinds & self.assumed != 0;
            }
        }
        for key in (0..blamed.len()).filter(|&key| blamed[key]) {
            let members = found.iter().find(|members| self.key_of(members[0]) == key);
            let members = members.map(<[u32]>::to_vec).unwrap_or_default();
            self.cyclic(key, &members);
        }
        if wrong.contains(&true) {
            edges.retain(|edge| !wrong[self.key_of(edge.0)]);
            self.after = Graph::of_edges(self.versions.all.len(), &edges);
        }
    }

    fn key_of(&self, version: u32) -> usize {
        self.versions.ends.partition_point(|&(end, _)| end <= version)
    }

    fn cyclic(&mut self, key: usize, members: &[u32]) {
        let Versions { txns, all, sightings, .. } = &mut *self.versions;
        let txns = *txns;
        sightings.add(Anomaly::CyclicVersions, || {
            let name = words::key(txns, key as u32);
            let writers = members.iter().map(|&version| all[version as usize].writer);
            let writers: Vec<u32> = writers.filter(|&writer| writer != NONE).take(8).collect();
            let values = members.iter().take(8).map(|&v| words::value(txns, all[v as usize].value));
            let values: Vec<String> = values.collect();
            let circle = match values.is_empty() {
                true => "they cannot be put in any order".to_owned(),
                false => format!("each of {} must come before another", values.join(", ")),
            };
            Case {
                anomaly: Anomaly::CyclicVersions,
                key: key as u32,
                txns: writers,
                title: format!("the versions of key {name} contradict what was assumed of them"),
                argument: format!("Of the versions of key {name}, {circle}."),
            }
        });
    }

    fn index(&mut self) {
        self.first = vec![true; self.versions.all.len()];
        for (_, to, _) in self.after.edges() {
            self.first[to as usize] = false;
        }
        for key in 0..self.versions.ends.len() {
            self.first[self.versions.range(key).0.start] = false;
        }
        let accesses = self.versions.accesses.iter().filter(|access| access.read != NONE);
        self.readers = accesses.map(|access| (access.read, access.txn)).collect();
        self.readers.sort_unstable();
    }
}

/// Who reads a version and writes another puts it somewhere behind the first.
fn follow_reads(versions: &Versions<'_>, key: usize, edges: &mut Vec<Edge>) {
    for access in &versions.accesses[versions.range(key).1] {
        if access.read != NONE && access.write != NONE {
            edges.push((access.read, access.write, WFR));
        }
    }
}

/// What a process had to do with later does not come earlier. Who crashed may be late.
fn follow_processes(versions: &Versions<'_>, key: usize, edges: &mut Vec<Edge>) {
    let mut last = rustc_hash::FxHashMap::default();
    for access in &versions.accesses[versions.range(key).1] {
        let txn = access.txn as usize;
        let process = versions.txns.operation(txn).process();
        let (first, left) = (access.first(), access.left());
        if let Some(&before) = last.get(&process)
            && before != first
        {
            edges.push((before, first, SEQUENTIAL));
        }
        if versions.txns.completion(txn) == Completion::Ok {
            last.insert(process, left);
        }
    }
}
