//! Dependencies between transactions on registers.

use super::super::dependencies::{Source, WR, WW};
use super::super::hubs::all_pairs;
use super::super::transactions::NONE;
use super::order::Order;
use crate::graph::Kinds;

impl Source for Order<'_, '_> {
    /// The order of blind writes is nobody's to guess here.
    fn rivals(&self, _: &mut dyn FnMut(&[u32])) {}

    fn committed(&self, txn: u32) -> bool {
        self.versions.committed[txn as usize]
    }

    fn parts(&self) -> usize {
        1
    }

    fn edges(&self, _: usize, add: &mut impl FnMut(u32, u32, Kinds)) {
        for &(version, reader) in &self.readers {
            let writer = self.versions.all[version as usize].writer;
            if writer != NONE && writer != reader {
                add(writer, reader, WR);
            }
        }
        for (from, to, kinds) in self.after.edges().filter(|edge| edge.2 & self.assumed != 0) {
            debug_assert_ne!(kinds, 0);
            let [from, to] = [from, to].map(|version| self.versions.all[version as usize].writer);
            if from != NONE && to != NONE && from != to {
                add(from, to, WW);
            }
        }
        self.anti(add);
    }
}

impl Order<'_, '_> {
    /// Anti-dependencies: from who read a version to who wrote one behind it. What is behind only
    /// by who read and wrote is reached from there by wr.
    fn anti(&self, add: &mut impl FnMut(u32, u32, Kinds)) {
        let mut hubs = 0;
        let mut hub = || {
            hubs += 1;
            self.versions.txns.len() as u32 + hubs - 1
        };
        let mut key = 0;
        for same in self.readers.chunk_by(|a, b| a.0 == b.0) {
            let version = same[0].0;
            while self.versions.ends[key].0 <= version {
                key += 1;
            }
            let range = self.versions.range(key).0;
            let next: Vec<u32> = match version as usize == range.start {
                true => range.map(|v| v as u32).filter(|&v| self.first[v as usize]).collect(),
                false => self.after.out(version).map(|(next, _)| next).collect(),
            };
            let writers = next.iter().map(|&next| self.versions.all[next as usize].writer);
            let mut writers: Vec<u32> = writers.filter(|&writer| writer != NONE).collect();
            writers.sort_unstable();
            writers.dedup();
            let mut readers: Vec<u32> = same.iter().map(|read| read.1).collect();
            readers.dedup();
            all_pairs(&readers, &writers, &mut hub, add);
        }
    }
}
