//! The least of a history that still breaks the promise: judged again and again, run never.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use isobar_checkers::history::History;
use isobar_checkers::{Finding, OwnedOperation, Verdict};
use serde_json::Value;

use super::minimise::minimise;
use super::schedule::touched;
use crate::fingerprint::Fingerprint;
use crate::judge;
use crate::spec::{CheckSpec, Spec};

/// Histories judged at the most; each is at most as long as the operations on a few keys.
const JUDGEMENTS_MAX: usize = 2_000;
/// Operations with which a search begins at the most.
const OPERATIONS_MAX: usize = 5_000;

/// Operations out of a history which by themselves break the promise in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeastHistory {
    /// Indexes of their invocations in the recorded history.
    pub operations: BTreeSet<u32>,
}

/// Leaves out what `finding` can do without. `None` when no part could be shown to violate by
/// itself, such as when the finding is about the whole run.
pub fn least_history(
    history: &History,
    spec: &Spec,
    check: &str,
    finding: &Finding,
) -> Option<LeastHistory> {
    let wanted = Fingerprint::of(check, finding);
    let check = spec.checks.iter().find(|asked| asked.name() == check)?;
    let all: Vec<OwnedOperation> = history.operations().map(|op| op.owned()).collect();
    let mut left = JUDGEMENTS_MAX;
    let mut shows = |part: &[OwnedOperation]| {
        left = left.checked_sub(1)?;
        Some(violates(spec, check, part, &wanted))
    };
    let witness: BTreeSet<u32> = finding.operations.iter().map(|op| op.0).collect();
    let keys = keys_of(&all, &witness);
    let on_keys = |op: &&OwnedOperation| !keys.is_disjoint(&keys_of_one(op));
    let candidates = [
        all.iter().filter(|op| witness.contains(&op.index.0)).cloned().collect::<Vec<_>>(),
        all.iter().filter(on_keys).cloned().collect(),
    ];
    let start = candidates
        .into_iter()
        .filter(|part| !part.is_empty() && part.len() <= OPERATIONS_MAX)
        .find(|part| shows(part) == Some(true))?;
    let least = minimise(start, shows);
    Some(LeastHistory { operations: least.iter().map(|op| op.index.0).collect() })
}

impl LeastHistory {
    /// The lines of `history.jsonl` at `path` that tell of these operations.
    pub fn lines(&self, path: &Path) -> io::Result<String> {
        let mut out = String::new();
        let mut open: BTreeSet<String> = BTreeSet::new();
        for line in BufReader::new(File::open(path)?).lines() {
            let line = line?;
            // A torn last line belongs to no operation.
            let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
            let process = event["process"].to_string();
            let index = event["index"].as_u64().and_then(|index| u32::try_from(index).ok());
            let begins = event["type"] == "invoke";
            let kept = match begins {
                true => index.is_some_and(|index| self.operations.contains(&index)),
                false => open.remove(&process),
            };
            if kept && begins {
                open.insert(process);
            }
            if kept {
                out.push_str(&line);
                out.push('\n');
            }
        }
        Ok(out)
    }
}

fn violates(spec: &Spec, check: &CheckSpec, part: &[OwnedOperation], wanted: &Fingerprint) -> bool {
    let history = History::from_operations(part.iter().cloned());
    let result = judge::decide(check, spec, &history);
    let same = |finding: &Finding| Fingerprint::of(&result.check, finding) == *wanted;
    result.verdict == Verdict::Violated && result.findings.iter().any(same)
}

fn keys_of(all: &[OwnedOperation], witness: &BTreeSet<u32>) -> BTreeSet<String> {
    let in_witness = all.iter().filter(|op| witness.contains(&op.index.0));
    in_witness.flat_map(keys_of_one).collect()
}

fn keys_of_one(op: &OwnedOperation) -> BTreeSet<String> {
    touched(&op.f, op.key.as_ref(), &op.argument)
}
