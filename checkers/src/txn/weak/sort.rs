//! An order of commits that keeps to sessions, reads and demands, if there is one.

use super::sessions::{NOBODY, Sessions};
use crate::txn::lists::Lists;

/// An order of all nodes in which each comes after the one before it in its session, those that it
/// read from, and those that are demanded to come before it: `(older, newer)`. Or the nodes that
/// no order has room for: on cycles, or after them.
///
/// Each session goes on until its next node must come after one that is not in the order yet, and
/// waits for that: so nobody's readers need to be known.
pub(super) fn sort(
    sessions: &Sessions,
    demands: impl Iterator<Item = (u32, u32)> + Clone,
) -> Result<Vec<u32>, Vec<u32>> {
    let turned = demands.map(|(older, newer)| (newer, older));
    let mut sorting = Sorting {
        sessions,
        older: Lists::of(sessions.len(), turned),
        next: (0..sessions.count()).map(|session| sessions.start(session)).collect(),
        met: vec![0; sessions.count()],
        waiting: vec![NOBODY; sessions.len()],
        also: vec![NOBODY; sessions.count()],
        order: Vec::with_capacity(sessions.len()),
    };
    let mut free: Vec<u32> = (0..sessions.count() as u32).rev().collect();
    while let Some(session) = free.pop() {
        sorting.go_on(session as usize, &mut free);
    }
    if sorting.order.len() == sessions.len() {
        return Ok(sorting.order);
    }
    let left = |session: usize| sorting.next[session]..sessions.nodes(session).end;
    Err((0..sessions.count()).flat_map(left).collect())
}

struct Sorting<'a> {
    sessions: &'a Sessions,
    /// Who is demanded to come before each node.
    older: Lists,
    /// Per session its first node that is not in the order, and how many of those that this must
    /// come after are.
    next: Vec<u32>,
    met: Vec<u32>,
    /// Per node a session that waits for it.
    waiting: Vec<u32>,
    /// Per session another that waits for the same node.
    also: Vec<u32>,
    order: Vec<u32>,
}

impl Sorting<'_> {
    /// Puts nodes of a session in order as far as can be; adds sessions that waited for them to
    /// `free`.
    fn go_on(&mut self, session: usize, free: &mut Vec<u32>) {
        let end = self.sessions.nodes(session).end;
        let mut node = self.next[session];
        while node < end {
            if let Some(first) = self.missing(node, session) {
                self.also[session] =
                    std::mem::replace(&mut self.waiting[first as usize], session as u32);
                break;
            }
            self.order.push(node);
            let mut waiting = std::mem::replace(&mut self.waiting[node as usize], NOBODY);
            while waiting != NOBODY {
                free.push(waiting);
                waiting = self.also[waiting as usize];
            }
            node += 1;
            self.next[session] = node;
            self.met[session] = 0;
        }
    }

    /// Who must come before the next node of a session and is not in the order yet.
    fn missing(&mut self, node: u32, session: usize) -> Option<u32> {
        let reads = self.sessions.reads(node);
        let older = self.older.at(node);
        let met = self.met[session] as usize;
        let is_missing = |&before: &u32| before >= self.next[self.sessions.of_node(before)];
        // Of the first of a fork; of others it is there.
        if let Some(before) = self.sessions.before(node).filter(is_missing) {
            return Some(before);
        }
        let writers = reads.iter().skip(met).map(|read| read.writer);
        let demanded = older.iter().skip(met.saturating_sub(reads.len())).copied();
        for (place, before) in (met as u32..).zip(writers.chain(demanded)) {
            if before != NOBODY && is_missing(&before) {
                self.met[session] = place;
                return Some(before);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::super::notation::history;
    use super::super::super::sources::Sources;
    use super::super::super::transactions::Transactions;
    use super::super::sessions::Scope;
    use super::*;

    fn sessions(text: &str) -> Sessions {
        let history = history(text);
        let txns = Transactions::of(&history).unwrap();
        Sessions::of(&history, &Sources::of(&txns).unwrap(), Scope::Process)
    }

    #[test]
    fn everybody_comes_after_whom_they_read_from() {
        let sessions = sessions(
            "0-1 p0 wx1 | 2-3 p0 ry2 | 0-1 p1 rx1 wy2 | 2-3 p1 rz3 | 0-1 p2 rx1 ry2 | 2-3 p2 wz3",
        );
        let order = sort(&sessions, [].into_iter()).unwrap();
        assert_eq!(order, [0, 2, 1, 4, 5, 3]);
        let demanded = sort(&sessions, [(1, 2)].into_iter());
        assert_eq!(demanded, Err(vec![1, 2, 3, 4, 5]));
        assert_eq!(sort(&sessions, [(4, 1)].into_iter()).unwrap(), [0, 2, 4, 5, 3, 1]);
    }
}
