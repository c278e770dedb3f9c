//! A measured CAP and PACELC profile (Brewer 2000; Gilbert & Lynch 2002; Abadi, Computer 45:2,
//! 2012): what each side of each partition served and refused, what that cost in consistency, and
//! the same with no fault in force.
//!
//! The sides of a partition are the sets of nodes that could still talk to one another, both ways.
//! Operations count for a window when they were invoked in it, once it was installed and before its
//! heal began. A compare-and-set that failed is an answer, and left out (as in `availability`).
//! Consistency is measured by stale reads (see `versions`): a lower bound, and null where all
//! values repeat.
//!
//! The class is read off the measurements: `PA` if every side served half of its reads and half of
//! its writes in every partition, otherwise `PC` if no read was stale meanwhile, otherwise `P-`
//! (neither); `EC` if no read was stale outside of faults, otherwise `EL`. It describes this run,
//! not the system.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;
use serde_json::{Map, Value, json};

use super::evidence::Evidence;
use super::parts::{Op, Spelt, by_key, is_fail, is_ok, operations};
use super::set_full::quantiles;
use super::versions::Versions;
use crate::finding::{CheckResult, Verdict};
use crate::history::{FaultWindow, History};
use crate::latency::{milliseconds, share};

const CHECK: &str = "profile";
/// The share of operations from which on a side counts as serving.
const SERVING: f64 = 0.5;

/// Which reads were stale; `None` where nobody can know.
type Stale = Option<FxHashSet<u32>>;

/// Never violated. Figures: `class`, `partitions` (per partition `id`, `from_ms`, `to_ms` and
/// `sides`: `nodes`, and per side as `outside`), `outside` (no fault in force: `reads`,
/// `reads_ok_share`, `reads_failed_share`, `read_latency_ms` by quantile, the same of `writes`,
/// `stale_reads`).
pub fn profile(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let evidence = Evidence::new(CHECK, history);
    let stale = stale_reads(history);
    let nodes: BTreeSet<&str> = operations(history).filter_map(|op| op.node).collect();
    let mut partitions = Vec::new();
    let (mut available, mut stale_inside) = (true, 0);
    let mut served: Vec<f64> = Vec::new();
    for fault in history.faults.iter().filter(|fault| fault.fault == "partition") {
        let Some(from) = fault.installed_at else { continue };
        let to = fault.heal_from.or(fault.to).unwrap_or(history.end);
        let during: Vec<Op<'_>> =
            operations(history).filter(|op| (from..=to).contains(&op.invoked_at)).collect();
        let mut sides = Vec::new();
        for side in sides_of(fault, &nodes) {
            let here = |op: &Op<'_>| op.node.is_some_and(|node| side.contains(node));
            let service = Service::of(during.iter().copied().filter(here), &stale);
            available &= service.serves();
            stale_inside += service.stale.unwrap_or(0);
            served.push(service.ok_share());
            let mut told = service.figures();
            told.insert("nodes".to_owned(), json!(side));
            sides.push(Value::Object(told));
        }
        partitions.push(json!({
            "id": fault.id,
            "from_ms": milliseconds(from),
            "to_ms": milliseconds(to),
            "sides": sides,
        }));
    }
    let quiet = |op: &Op<'_>| history.faults_during(op.invoked_at, op.invoked_at).is_empty();
    let outside = Service::of(operations(history).filter(quiet), &stale);
    let class = class(&partitions, available, stale_inside, &outside);
    let summary = match (partitions.len(), served.iter().copied().reduce(f64::min)) {
        (count @ 1.., Some(least)) => format!(
            "{class}: in {count} partitions each side served {:.0} % or more, {stale_inside} \
             reads were stale; {:.0} % and {} stale with no fault in force",
            least * 100.0,
            outside.ok_share() * 100.0,
            outside.stale.unwrap_or(0)
        ),
        _ => format!("{class}: no partition was there"),
    };
    let verdict = match history.operations.is_empty() {
        true => Verdict::Unknown("there are no operations".to_owned()),
        false => Verdict::Valid,
    };
    let figures = [
        ("class", json!(class)),
        ("partitions", json!(partitions)),
        ("outside", Value::Object(outside.figures())),
    ];
    evidence.finish(verdict, summary, figures)
}

fn class(partitions: &[Value], available: bool, stale_inside: usize, outside: &Service) -> String {
    let partitioned = match (partitions.is_empty(), available, stale_inside) {
        (true, ..) => "P?",
        (_, true, _) => "PA",
        (_, _, 0) => "PC",
        _ => "P-",
    };
    let otherwise = match outside.stale {
        None => "E?",
        Some(0) => "EC",
        Some(_) => "EL",
    };
    format!("{partitioned}/{otherwise}")
}

fn stale_reads(history: &Spelt<'_>) -> Stale {
    let (mut judged, mut stale) = (false, FxHashSet::default());
    for part in by_key(history) {
        if let Ok(Some(versions)) = Versions::of(&part) {
            judged = true;
            stale.extend(versions.stale().iter().map(|stale| stale.read.invoked_rank));
        }
    }
    judged.then_some(stale)
}

/// The nodes that can still talk, both ways, in order of their least member. Without a grudge in
/// its description, a fault parts its nodes from the others.
fn sides_of<'a>(fault: &'a FaultWindow, nodes: &BTreeSet<&'a str>) -> Vec<BTreeSet<&'a str>> {
    let Some(Value::Object(grudge)) = fault.detail.get("grudge") else {
        let one: BTreeSet<&str> =
            nodes.iter().copied().filter(|node| fault.nodes.iter().any(|n| n == node)).collect();
        let other = nodes - &one;
        return [one, other].into_iter().filter(|side| !side.is_empty()).collect();
    };
    let drops = |receiver: &str, sender: &str| {
        let senders = grudge.get(receiver).and_then(Value::as_array);
        senders.is_some_and(|senders| senders.iter().any(|other| other == sender))
    };
    let mut left = nodes.clone();
    let mut sides = Vec::new();
    while let Some(first) = left.pop_first() {
        let mut side = BTreeSet::from([first]);
        let mut pending = vec![first];
        while let Some(node) = pending.pop() {
            let talks = |other: &&str| !drops(node, other) && !drops(other, node);
            let reached: Vec<&str> = left.iter().copied().filter(|other| talks(other)).collect();
            for other in reached {
                left.remove(other);
                side.insert(other);
                pending.push(other);
            }
        }
        sides.push(side);
    }
    sides
}

/// What some nodes did in some time.
struct Service {
    reads: Kind,
    writes: Kind,
    stale: Option<usize>,
}

#[derive(Default)]
struct Kind {
    asked: usize,
    ok: usize,
    failed: usize,
    latencies: Vec<u64>,
}

impl Kind {
    fn add(&mut self, op: Op<'_>) {
        self.asked += 1;
        self.ok += usize::from(is_ok(op));
        self.failed += usize::from(is_fail(op));
        if let Some(end) = op.completed_at.filter(|_| is_ok(op)) {
            self.latencies.push(end.0.saturating_sub(op.due_at.0));
        }
    }

    fn figures(&self, name: &str, figures: &mut Map<String, Value>) {
        figures.insert(format!("{name}s"), json!(self.asked));
        figures.insert(format!("{name}s_ok_share"), json!(share(self.ok, self.asked)));
        let failed = if self.asked == 0 { 0.0 } else { share(self.failed, self.asked) };
        figures.insert(format!("{name}s_failed_share"), json!(failed));
        figures.insert(format!("{name}_latency_ms"), quantiles(self.latencies.clone()));
    }
}

impl Service {
    fn of<'a>(operations: impl Iterator<Item = Op<'a>>, stale: &Stale) -> Self {
        let (mut reads, mut writes) = (Kind::default(), Kind::default());
        let mut stale_here = 0;
        for op in operations {
            match (op.f, is_fail(op)) {
                ("cas", true) => {}
                ("read", _) => reads.add(op),
                _ => writes.add(op),
            }
            let is_stale = stale.as_ref().is_some_and(|stale| stale.contains(&op.invoked_rank));
            stale_here += usize::from(is_stale);
        }
        Self { reads, writes, stale: stale.as_ref().map(|_| stale_here) }
    }

    fn ok_share(&self) -> f64 {
        share(self.reads.ok + self.writes.ok, self.reads.asked + self.writes.asked)
    }

    fn serves(&self) -> bool {
        let kinds = [&self.reads, &self.writes];
        kinds.iter().all(|kind| share(kind.ok, kind.asked) >= SERVING)
    }

    fn figures(&self) -> Map<String, Value> {
        let mut figures = Map::new();
        self.reads.figures("read", &mut figures);
        self.writes.figures("write", &mut figures);
        figures.insert("stale_reads".to_owned(), json!(self.stale));
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::history;
    use super::*;

    const CUT: &str = "10-30 fault partition {\"grudge\":{\"n1\":[\"n2\",\"n3\"],\
                       \"n2\":[\"n1\"],\"n3\":[\"n1\"]}}\n";

    fn judged(text: &str) -> CheckResult {
        profile(&history(&format!("{CUT}{text}")))
    }

    #[test]
    fn a_side_that_refuses_is_consistent() {
        let result = judged(
            "0-1 p0 n1 write 1\n 11-12! p0 n1 read\n 11-? p1 n1 write 2\n 13-14 p2 n2 write 3\n
             15-16 p3 n3 read -> 3\n 40-41 p0 n1 read -> 3",
        );
        assert_eq!(result.figures["class"], "PC/EC", "{}", result.summary);
        let sides = &result.figures["partitions"][0]["sides"];
        assert_eq!(sides[0]["nodes"], json!(["n1"]));
        assert_eq!(sides[0]["reads_ok_share"], 0.0);
        assert_eq!(sides[0]["reads_failed_share"], 1.0);
        assert_eq!(sides[0]["writes_failed_share"], 0.0);
        assert_eq!(sides[1]["nodes"], json!(["n2", "n3"]));
        assert_eq!(sides[1]["writes_ok_share"], 1.0);
        assert_eq!(result.figures["outside"]["reads"], 1);
    }

    #[test]
    fn a_side_that_answers_from_its_own_copy_is_available() {
        let result = judged(
            "0-1 p0 n1 write 1\n 13-14 p2 n2 write 3\n 15-16 p3 n1 read -> 1\n
             40-41 p0 n1 read -> 3",
        );
        assert_eq!(result.figures["class"], "PA/EC", "{}", result.summary);
        assert_eq!(result.figures["partitions"][0]["sides"][0]["stale_reads"], 1);
        let late = judged("0-1 p0 n1 write 1\n 40-41 p2 n2 write 3\n 45-46 p3 n1 read -> 1");
        assert_eq!(late.figures["class"], "PA/EL");
    }

    #[test]
    fn refusing_does_not_help_who_is_stale() {
        let result = judged(
            "0-1 p0 n1 write 1\n 13-14 p2 n2 write 3\n 15-16 p3 n1 read -> 1\n 17-? p3 n1 write 9",
        );
        assert_eq!(result.figures["class"], "P-/EC");
    }

    #[test]
    fn without_partition_there_is_half_a_class() {
        let result = profile(&history("0-1 p0 n1 write 1\n 2-3 p0 n1 write 1"));
        assert_eq!(result.figures["class"], "P?/E?");
        assert_eq!(profile(&History::default()).verdict.word(), "unknown");
    }

    #[test]
    fn a_bridge_node_joins_both_sides() {
        let text = "0-9 fault partition {\"grudge\":{\"n1\":[\"n3\"],\"n3\":[\"n1\"]}}\n
                    1-2 p0 n1 write 1\n 1-2 p1 n2 write 2\n 1-2 p2 n3 write 3";
        let result = profile(&history(text));
        let sides = result.figures["partitions"][0]["sides"].as_array().map(Vec::len);
        assert_eq!(sides, Some(1));
    }
}
