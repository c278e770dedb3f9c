//! Counts and latencies by function: what was done at all. Never violated.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::finding::{CheckResult, Verdict};
use crate::history::{Completion, History, Nanos, Operation};
use crate::latency::{Latencies, milliseconds};
use crate::recovery::{FaultRecovery, recoveries};

/// Figures, for every function `f` and for `all`: `<f>_ok`, `<f>_fail`, `<f>_info`, and of the ok
/// ones `<f>_latency_ms_p50`, `_p95`, `_p99`, `_max` (nearest rank, from invocation to completion).
/// `recoveries`, per fault that was healed: `id`, `fault`, `settled_ms`, `first_ok_ms_by_node`.
pub fn stats(history: &History) -> CheckResult {
    let mut by_function: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    for operation in history.operations() {
        by_function.entry(operation.f()).or_default().push(operation);
        by_function.entry("all").or_default().push(operation);
    }
    let mut figures = BTreeMap::new();
    for (f, operations) in &by_function {
        describe(f, operations, &mut figures);
    }
    let healed: Vec<Value> = recoveries(history).iter().map(told).collect();
    if !healed.is_empty() {
        figures.insert("recoveries".to_owned(), Value::Array(healed));
    }
    let all = by_function.get("all").map_or(&[][..], Vec::as_slice);
    let count = |completion| all.iter().filter(|op| op.completion() == completion).count();
    let summary = format!(
        "{} operations: {} ok, {} fail, {} info",
        all.len(),
        count(Completion::Ok),
        count(Completion::Fail),
        count(Completion::Info)
    );
    CheckResult {
        check: "stats".to_owned(),
        verdict: Verdict::Valid,
        summary,
        figures,
        findings: Vec::new(),
    }
}

/// One fault: from its heal to agreement on a leader, and to the first ok on every node.
fn told(recovery: &FaultRecovery<'_>) -> Value {
    let FaultRecovery { fault, first_ok } = recovery;
    let took = |time: &Option<Nanos>| time.map_or(Value::Null, |time| json!(milliseconds(time)));
    let nodes = first_ok.iter().map(|(node, time)| ((*node).to_owned(), took(time)));
    json!({
        "id": fault.id,
        "fault": fault.fault,
        "settled_ms": fault.settled_ms,
        "first_ok_ms_by_node": Value::Object(nodes.collect()),
    })
}

fn describe(f: &str, operations: &[Operation<'_>], figures: &mut BTreeMap<String, Value>) {
    for (name, completion) in
        [("ok", Completion::Ok), ("fail", Completion::Fail), ("info", Completion::Info)]
    {
        let count = operations.iter().filter(|op| op.completion() == completion).count();
        figures.insert(format!("{f}_{name}"), json!(count));
    }
    let latencies = Latencies::of_ok(operations.iter().copied());
    for (name, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)] {
        if let Some(latency) = latencies.quantile(share) {
            figures.insert(format!("{f}_latency_ms_{name}"), json!(milliseconds(latency)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linearizability::notation::history;

    #[test]
    fn counts_by_function_and_measures_only_what_was_ok() {
        let history = history(
            "0-2000000 w1, 0-4500000 w2, 0-9000000! w3, 0-? w4, 5000000-5001000 r2, 6-7! c1:2",
        );
        let result = stats(&history);
        assert_eq!(result.summary, "6 operations: 3 ok, 2 fail, 1 info");
        assert_eq!(result.figures["write_ok"], 2);
        assert_eq!(result.figures["write_info"], 1);
        assert_eq!(result.figures["write_latency_ms_p50"], 2.0);
        assert_eq!(result.figures["write_latency_ms_max"], 4.5);
        assert_eq!(result.figures["read_latency_ms_p99"], 0.001);
        assert_eq!(result.figures["all_latency_ms_max"], 4.5);
        assert!(!result.figures.contains_key("cas_latency_ms_p50"));
    }

    #[test]
    fn an_empty_history_has_stats() {
        assert_eq!(stats(&History::default()).summary, "0 operations: 0 ok, 0 fail, 0 info");
    }
}
