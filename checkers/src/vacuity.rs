//! Whether a run could have shown anything. A valid verdict over no reads, or with faults that
//! never were there, proves nothing, and this check says so: *unknown*.

use std::collections::BTreeMap;

use serde_json::json;

use crate::finding::{CheckResult, Verdict};
use crate::history::{Completion, History, Operation, ValueId};

/// What the run set out to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Per track the kinds of its faults, as the nemesis names them: `partition`, `kill`, …; one of
    /// them has to be seen.
    pub faults: Vec<Vec<String>>,
}

/// *Valid* when the run proves something; otherwise *unknown* with every reason. Figures:
/// `reads_ok`, `writes_ok` (every function but `read`), `operations_during_faults`, and per planned
/// track `<kinds>_installed_with_evidence`. A transaction counts as a read and as a write if it
/// does both.
pub fn vacuity(history: &History, expectation: &Expectation) -> CheckResult {
    let (mut reads, mut writes) = (0, 0);
    for operation in history.operations().filter(|op| op.completion() == Completion::Ok) {
        let (read, write) = reads_and_writes(history, operation);
        reads += usize::from(read);
        writes += usize::from(write);
    }
    let during = operations_during_faults(history);
    let mut reasons = Vec::new();
    let mut figures = BTreeMap::from([
        ("reads_ok".to_owned(), json!(reads)),
        ("writes_ok".to_owned(), json!(writes)),
        ("operations_during_faults".to_owned(), json!(during)),
    ]);
    if reads == 0 {
        reasons.push("no read was ok".to_owned());
    }
    if writes == 0 {
        reasons.push("no write was ok".to_owned());
    }
    let mut tracks: Vec<&Vec<String>> = expectation.faults.iter().collect();
    tracks.sort_unstable();
    tracks.dedup();
    let mut installed = 0;
    for kinds in &tracks {
        let with_evidence = |window: &&crate::history::FaultWindow| {
            kinds.contains(&window.fault) && window.has_evidence()
        };
        let count = history.faults.iter().filter(with_evidence).count();
        installed += count;
        figures.insert(format!("{}_installed_with_evidence", kinds.join("_or_")), json!(count));
        if count == 0 {
            let kinds = kinds.join(" or ");
            reasons.push(format!("the planned {kinds} was never installed with evidence"));
        }
    }
    if installed > 0 && during == 0 {
        reasons.push("no operation was invoked while a fault was in force".to_owned());
    }
    let (verdict, summary) = if reasons.is_empty() {
        let faults = if tracks.is_empty() && history.faults.is_empty() {
            "no fault was planned".to_owned()
        } else {
            format!("{during} operations while a fault was in force")
        };
        (Verdict::Valid, format!("{reads} reads and {writes} writes were ok, {faults}"))
    } else {
        let reason = format!("the run proves nothing: {}", reasons.join("; "));
        (Verdict::Unknown(reason.clone()), reason)
    };
    CheckResult { check: "vacuity".to_owned(), verdict, summary, figures, findings: Vec::new() }
}

/// Whether an operation reads, and whether it writes.
fn reads_and_writes(history: &History, operation: Operation<'_>) -> (bool, bool) {
    if operation.f() != "txn" {
        // What is generated is read off what the system already gave away.
        let reads = ["read", "generate"].contains(&operation.f());
        return (reads, operation.f() != "read");
    }
    let values = history.values();
    let micros = values.elements(operation.argument_id()).unwrap_or_default();
    let read = |micro: &&ValueId| {
        let f = values.elements(**micro).and_then(|micro| values.text(*micro.first()?));
        f.is_some_and(|f| ["r", "read"].contains(&f.trim_start_matches(':')))
    };
    let reads = micros.iter().filter(read).count();
    (reads > 0, reads < micros.len())
}

fn operations_during_faults(history: &History) -> usize {
    let installed: Vec<_> = history.faults.iter().filter(|window| window.has_evidence()).collect();
    let during = |operation: &Operation<'_>| {
        let at = operation.invoked_at();
        installed.iter().any(|window| window.overlaps(at, at))
    };
    history.operations().filter(during).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::InjectOutcome;
    use crate::linearizability::notation::{history, with_fault};

    fn reason(history: &History, faults: &[&str]) -> String {
        let track = |kinds: &&str| kinds.split('|').map(str::to_owned).collect();
        let faults = faults.iter().map(track).collect();
        match vacuity(history, &Expectation { faults }).verdict {
            Verdict::Unknown(reason) => reason,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_run_that_proves_something_is_valid() {
        let history = with_fault(history("0-1 w1, 5-6 r1"), "partition", 4, Some(9));
        assert_eq!(reason(&history, &["partition"]), "Valid");
        assert_eq!(reason(&history, &["kill|partition"]), "Valid");
        assert_eq!(reason(&history, &[]), "Valid");
    }

    #[test]
    fn transactions_count_by_what_they_do() {
        let of = |micros: &str| {
            let event = |index: u32, kind: &str| {
                let head = format!(r#"{{"index":{index},"time":{index},"process":0,"type":"#);
                format!(r#"{head}"{kind}","f":"txn","value":{micros}}}"#)
            };
            let text = format!("{}\n{}\n", event(0, "invoke"), event(1, "ok"));
            let history = crate::history::jsonl::read("txn.jsonl", text.as_bytes());
            history.map(|history| reason(&history, &[])).unwrap_or_else(|e| e.to_string())
        };
        assert_eq!(of(r#"[["append","x",1],["r","y",[1]]]"#), "Valid");
        assert_eq!(of(r#"[["r","y",[1]]]"#), "the run proves nothing: no write was ok");
        assert_eq!(of(r#"[["w","x",1]]"#), "the run proves nothing: no read was ok");
    }

    #[test]
    fn a_run_that_proves_nothing_says_why() {
        let prefix = "the run proves nothing: ";
        assert_eq!(reason(&history("0-1 w1, 2-3! r1"), &[]), format!("{prefix}no read was ok"));
        assert_eq!(reason(&history("0-? w1, 2-3 r1"), &[]), format!("{prefix}no write was ok"));
        let missing = reason(&history("0-1 w1, 2-3 r1"), &["kill"]);
        assert_eq!(missing, format!("{prefix}the planned kill was never installed with evidence"));
        let idle = with_fault(history("0-1 w1, 2-3 r1"), "kill", 4, Some(9));
        assert!(reason(&idle, &["kill"]).ends_with("while a fault was in force"));
        let mut unproved = with_fault(history("0-1 w1, 5-6 r1"), "kill", 4, Some(9));
        unproved.faults[0].outcome = InjectOutcome::Indeterminate("no answer".to_owned());
        assert!(reason(&unproved, &["kill"]).contains("the planned kill was never installed"));
    }
}
