//! How soon the service was back after each fault, whatever other faults were in force meanwhile.

use std::collections::BTreeMap;

use crate::history::{Completion, FaultWindow, History, Nanos};

/// What followed the heal of one fault.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRecovery<'a> {
    /// The fault that was healed.
    pub fault: &'a FaultWindow,
    /// Per node that was ever used: from the heal to the next ok completion there, if any.
    pub first_ok: BTreeMap<&'a str, Option<Nanos>>,
}

impl FaultRecovery<'_> {
    /// Until every node had served again; `None` when one never did, or there is none.
    pub fn all_ok(&self) -> Option<Nanos> {
        let times: Option<Vec<Nanos>> = self.first_ok.values().copied().collect();
        times.and_then(|times| times.into_iter().max())
    }
}

/// Of every fault that was healed, in the order of the history. O((operations + faults × nodes)
/// log operations).
pub fn recoveries(history: &History) -> Vec<FaultRecovery<'_>> {
    let mut healed = history.faults.iter().filter(|fault| fault.to.is_some()).peekable();
    if healed.peek().is_none() {
        return Vec::new();
    }
    let mut ok: BTreeMap<&str, Vec<Nanos>> = BTreeMap::new();
    for operation in history.operations() {
        let Some(node) = operation.node() else { continue };
        let times = ok.entry(node).or_default();
        if operation.completion() == Completion::Ok {
            times.extend(operation.completed_at());
        }
    }
    ok.values_mut().for_each(|times| times.sort_unstable());
    let recovery = |fault: &'_ FaultWindow| -> BTreeMap<&str, Option<Nanos>> {
        let healed = fault.to.unwrap_or_default();
        let first = |times: &Vec<Nanos>| {
            let next = times.partition_point(|time| *time < healed);
            times.get(next).map(|time| Nanos(time.0 - healed.0))
        };
        ok.iter().map(|(node, times)| (*node, first(times))).collect()
    };
    healed.map(|fault| FaultRecovery { fault, first_ok: recovery(fault) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linearizability::notation::{edited, history, with_fault};

    #[test]
    fn each_node_is_timed_from_the_heal_to_its_next_ok() {
        let history = history("1-2 w1, 1-3 r1, 11-14 r1, 12-15! r1, 16-30 r1");
        let nodes = ["n1", "n3", "n1", "n2", "n2"];
        let history = edited(history, |operations| {
            for (operation, node) in operations.iter_mut().zip(nodes) {
                operation.node = Some(node.to_owned());
            }
        });
        let history = with_fault(history, "kill", 5, Some(10));
        let all = recoveries(&history);
        let times = BTreeMap::from([("n1", Some(Nanos(4))), ("n2", Some(Nanos(20))), ("n3", None)]);
        assert_eq!(all[0].first_ok, times);
        assert_eq!(all[0].all_ok(), None, "n3 never served again");
        let open = with_fault(history, "kill", 40, None);
        assert_eq!(recoveries(&open).len(), 1, "what is not healed has no recovery");
    }
}
