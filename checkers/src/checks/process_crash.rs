//! Processes of the system that ended by themselves: no client may bring one down, nor a fault that
//! hits another node. A verdict of its own, since a process manager hides it: the process is
//! started again, and all that is left are connections that were reset.

use std::collections::BTreeMap;

use serde_json::json;

use crate::finding::{CheckResult, Finding, Verdict};
use crate::history::{Completion, Crash, History, Nanos, OpIndex, Operation};
use crate::topics;

const CHECK: &str = "process-crash";
/// Crashes told in full; the others are counted.
const TOLD_MAX: usize = 10;
/// Operations listed with one.
const LISTED_MAX: usize = 10;
/// A process may have ended so long before it was seen to be gone.
const SEEN_WITHIN: Nanos = Nanos(2_000_000_000);

/// *Violated* by `process-crash`, once for each. Figures: `crashes` by node.
pub fn process_crash(history: &History) -> CheckResult {
    let mut by_node: BTreeMap<&str, usize> = BTreeMap::new();
    for crash in &history.crashes {
        *by_node.entry(&crash.node).or_default() += 1;
    }
    let told: Vec<String> =
        by_node.iter().map(|(node, count)| format!("{count} on {node}")).collect();
    let (verdict, summary) = match told.is_empty() {
        true => (Verdict::Valid, "no process of the system ended by itself".to_owned()),
        false => {
            let all = history.crashes.len();
            let told = told.join(", ");
            (Verdict::Violated, format!("processes ended by themselves {all} times: {told}"))
        }
    };
    CheckResult {
        check: CHECK.to_owned(),
        verdict,
        summary,
        figures: BTreeMap::from([("crashes".to_owned(), json!(by_node))]),
        findings: history
            .crashes
            .iter()
            .take(TOLD_MAX)
            .map(|crash| told_of(crash, history))
            .collect(),
    }
}

fn told_of(crash: &Crash, history: &History) -> Finding {
    let Crash { node, at, log } = crash;
    let from = Nanos(at.0.saturating_sub(SEEN_WITHIN.0));
    let (operations, met) = met(crash, from, history);
    let faults = history.faults_during(from, *at);
    let forced = history.faults.iter().filter(|window| faults.contains(&window.id));
    let forced: Vec<String> = forced
        .map(|window| format!("{} #{} of {}", window.fault, window.id, window.nodes.join(" ")))
        .collect();
    let mut prose = vec![format!("At {at} the process of {node} was gone; no fault had ended it.")];
    prose.extend(met);
    if !log.is_empty() {
        prose.push(format!("Its log ends with: {}", log.join(" ⏎ ")));
    }
    // What is concluded comes last.
    prose.push(match forced.is_empty() {
        true => "No fault was in force: it ended by itself.".to_owned(),
        false => {
            format!("In force were {}; none of them ends the process of {node}.", forced.join(", "))
        }
    });
    Finding {
        anomaly: topics::known(CHECK).to_owned(),
        key: None,
        title: format!("the process of {node} ended by itself and was gone at {at}"),
        prose,
        operations,
        from,
        to: *at,
        faults,
        witness: None,
        cycle: None,
        contrast: Vec::new(),
    }
}

/// The requests that were under way on the node when the process ended: those that never got an
/// answer. Only where there are none, those that failed, most of which were refused after it.
fn met(crash: &Crash, from: Nanos, history: &History) -> (Vec<OpIndex>, Option<String>) {
    let there = |operation: &Operation<'_>| {
        operation.node() == Some(&crash.node)
            && operation.invoked_at() <= crash.at
            && operation.completed_at().or(operation.gave_up_at()).is_none_or(|end| end >= from)
            && operation.invoked_at() >= Nanos(from.0.saturating_sub(SEEN_WITHIN.0))
    };
    let of = |completion: Completion| -> Vec<OpIndex> {
        let all = history.operations().filter(there);
        let all = all.filter(|operation| operation.completion() == completion);
        all.take(LISTED_MAX).map(|operation| operation.index()).collect()
    };
    let (mut operations, mut what) = (of(Completion::Info), "Under way there, and never answered");
    if operations.is_empty() {
        (operations, what) = (of(Completion::Fail), "What was asked of it then failed");
    }
    let names: Vec<String> = operations.iter().map(|index| format!("op {}", index.0)).collect();
    let told = (!names.is_empty()).then(|| format!("{what}: {}.", names.join(", ")));
    (operations, told)
}

#[cfg(test)]
mod tests {
    use super::super::notation::history;
    use super::*;

    #[test]
    fn accepts_a_run_in_which_processes_end_by_faults_only() {
        let text = "2-9 fault kill {}\n 1-3! p0 n1 add 1";
        assert_eq!(process_crash(&history(text)).verdict, Verdict::Valid);
    }

    #[test]
    fn rejects_a_crash_with_what_it_met() {
        // p3 was refused afterwards: it met no process.
        let text = "0-1 p0 n1 add 1\n 2-? p1 n1 update 1\n 2-? p2 n2 update 1\n 4-5! p3 n1 add 2\n
                    3-9 fault disconnect {}\n 5 crash n1 TypeError: null";
        let result = process_crash(&history(text));
        assert_eq!(result.verdict, Verdict::Violated);
        let finding = &result.findings[0];
        assert_eq!((finding.operations.len(), finding.faults.as_slice()), (1, &[0][..]));
        assert_eq!(finding.prose[1], "Under way there, and never answered: op 2.");
        assert!(finding.prose[2].contains("TypeError: null"), "{finding:?}");
        assert!(finding.prose[3].contains("disconnect #0 of n1"), "{finding:?}");
        let refused = "0-1 p0 n1 add 1\n 4-5! p3 n1 add 2\n 5 crash n1 TypeError: null";
        let finding = &process_crash(&history(refused)).findings[0];
        assert_eq!(finding.prose[1], "What was asked of it then failed: op 2.");
    }
}
