//! What makes two findings the same one: a name that stays from run to run.
//!
//! Keys, values and times differ with every run, even of one seed. What stays is the check, the
//! anomaly, and of a cycle the kinds of its edges: `G-single` over `rw` and `wr` is another finding
//! than over `rw` and `realtime`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use isobar_checkers::{CheckResult, Dependency, Finding, Verdict};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::Results;

/// Bytes of the hash that are kept: 12 hexadecimal digits.
const BYTES: usize = 6;

/// A finding's name across runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint {
    /// As in the specification: `linearizable`.
    pub check: String,
    /// `stale-read`, `G-single`, …
    pub anomaly: String,
    /// 12 hexadecimal digits, of all that makes it what it is.
    pub id: String,
}

impl Fingerprint {
    pub fn of(check: &str, finding: &Finding) -> Self {
        let edges = finding.cycle.as_ref().map(|cycle| cycle.edges.as_slice()).unwrap_or_default();
        let kinds: BTreeSet<&str> = edges.iter().map(|edge| Dependency::word(edge.kind)).collect();
        let mut hash = Sha256::new();
        for part in [check, &finding.anomaly].into_iter().chain(kinds) {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let id = hash.finalize().iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
        Self { check: check.to_owned(), anomaly: finding.anomaly.clone(), id }
    }

    /// Those of a run, each with how often it was found: only what broke a promise counts.
    pub fn counted(results: &Results) -> BTreeMap<Self, usize> {
        let mut counts = BTreeMap::new();
        for (check, finding) in violations(results) {
            *counts.entry(Self::of(&check.check, finding)).or_default() += 1;
        }
        counts
    }
}

/// Every finding of a violated check.
pub fn violations(results: &Results) -> impl Iterator<Item = (&CheckResult, &Finding)> {
    let violated = results.checks.iter().filter(|check| check.verdict == Verdict::Violated);
    violated.flat_map(|check| check.findings.iter().map(move |finding| (check, finding)))
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} against {} [{}]", self.anomaly, self.check, self.id)
    }
}

#[cfg(test)]
mod tests {
    use isobar_checkers::{Cycle, CycleEdge, Nanos, OpIndex};
    use serde_json::json;

    use super::*;

    fn finding(anomaly: &str, key: &str, edges: &[Dependency]) -> Finding {
        let edge = |&kind: &Dependency| CycleEdge {
            from: 0,
            to: 1,
            kind,
            key: None,
            from_value: None,
            to_value: None,
            from_micro: None,
            to_micro: None,
            because: String::new(),
        };
        let cycle = Cycle { nodes: Vec::new(), edges: edges.iter().map(edge).collect() };
        Finding {
            anomaly: anomaly.to_owned(),
            key: Some(json!(key)),
            title: format!("it happened to {key}"),
            prose: Vec::new(),
            operations: vec![OpIndex(3)],
            from: Nanos(1),
            to: Nanos(2),
            faults: vec![1],
            witness: None,
            contrast: Vec::new(),
            cycle: Some(cycle).filter(|cycle| !cycle.edges.is_empty()),
        }
    }

    #[test]
    fn what_changes_from_run_to_run_does_not_count_and_what_it_is_does() {
        use Dependency::{Rw, Wr, Ww};
        let id = |check: &str, finding: &Finding| Fingerprint::of(check, finding).id;
        let stale = id("linearizable", &finding("stale-read", "k1", &[]));
        assert_eq!(stale.len(), 2 * BYTES);
        assert_eq!(stale, id("linearizable", &finding("stale-read", "k7", &[])));
        assert_ne!(stale, id("linearizable", &finding("lost-write", "k1", &[])));
        assert_ne!(stale, id("sessions", &finding("stale-read", "k1", &[])));
        let cycle = |edges: &[Dependency]| id("list-append", &finding("G-single", "k1", edges));
        assert_eq!(cycle(&[Rw, Wr]), cycle(&[Wr, Rw, Wr]));
        assert_ne!(cycle(&[Rw, Wr]), cycle(&[Rw, Ww]));
    }
}
