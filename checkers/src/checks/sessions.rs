//! Session guarantees (Terry et al., PDIS 1994), a process being a session: read your writes,
//! monotonic reads, monotonic writes, writes follow reads. One pass, with the greatest version per
//! session and key that it wrote and that it read: O(n).
//!
//! * [`sessions`]: a register with unique values. Of two versions one is later only where real
//!   time says so (see `versions`), so that writes out of their session's order cannot be seen:
//!   only the first two guarantees are judged.
//! * [`versioned_sessions`]: results are `[version, value]`, as those of Jepsen's etcd test; the
//!   system itself tells the order, and all four are judged.
//!
//! A write whose outcome is unknown asks for nothing.

use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::evidence::{Case, Evidence, capital, name, shown, unjudged, who};
use super::parts::{Op, Part, Spelt, by_key, is_ok, stranger};
use super::versions::Versions;
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "sessions";

/// What a session knows of one key.
#[derive(Clone, Copy, Default)]
struct Known<'a> {
    written: Option<(u64, Op<'a>)>,
    read: Option<(u64, Op<'a>)>,
}

fn raise<'a>(slot: &mut Option<(u64, Op<'a>)>, version: u64, op: Op<'a>) {
    if slot.is_none_or(|(most, _)| version > most) {
        *slot = Some((version, op));
    }
}

/// *Violated* by `read-your-writes` and `monotonic-reads`. *Unknown* when nothing can be judged.
/// Figures: `reads`, `sessions`, `keys_left_out` (values repeat).
pub fn sessions(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let (mut reads, mut keys_left_out) = (0, 0);
    for part in by_key(history) {
        match Versions::of(&part) {
            Ok(Some(versions)) => {
                reads += versions.reads.len();
                by_real_time(&part, &versions, &mut evidence);
            }
            Ok(None) => keys_left_out += 1,
            Err(problem) => return unjudged(CHECK, problem),
        }
    }
    finish(history, evidence, reads, keys_left_out)
}

fn finish(
    history: &Spelt<'_>,
    evidence: Evidence<'_>,
    reads: usize,
    keys_left_out: usize,
) -> CheckResult {
    let processes = history.operations.iter().map(|op| op.process);
    let sessions = processes.collect::<std::collections::BTreeSet<_>>().len();
    let verdict = match (reads, keys_left_out) {
        (0, 0) => Verdict::Unknown("no read was ok".to_owned()),
        (0, _) => Verdict::Unknown("values repeat: no version can be told from another".to_owned()),
        _ => Verdict::Valid,
    };
    let summary = format!("{reads} reads of {sessions} sessions were followed");
    let figures = [
        ("reads", json!(reads)),
        ("sessions", json!(sessions)),
        ("keys_left_out", json!(keys_left_out)),
    ];
    evidence.finish(verdict, summary, figures)
}

/// The version that a session knows is later than the one it finds, if it was begun after that
/// one had been seen: so what is kept per session is the greatest `begun`.
fn by_real_time<'a>(part: &Part<'a>, versions: &Versions<'a>, evidence: &mut Evidence<'a>) {
    let mut written: Vec<(Op<'a>, u64)> = Vec::new();
    for version in &versions.all {
        if let Some(write) = version.write.filter(|write| is_ok(write)) {
            written.push((write, u64::from(version.begun)));
        }
    }
    let found = |&(read, number): &(Op<'a>, usize)| (read, Some(&versions.all[number]));
    let mut steps: Vec<_> = versions.reads.iter().map(found).collect();
    let begun: FxHashMap<u32, u64> =
        written.iter().map(|(op, begun)| (op.invoked_rank, *begun)).collect();
    steps.extend(written.iter().map(|&(op, _)| (op, None)));
    steps.sort_by_key(|(op, _)| op.invoked_rank);
    let mut known: FxHashMap<u32, Known<'a>> = FxHashMap::default();
    for (op, version) in steps {
        let known = known.entry(op.process).or_default();
        let Some(version) = version else {
            raise(&mut known.written, begun[&op.invoked_rank], op);
            continue;
        };
        if version.seen < version.begun {
            continue;
        }
        judge_read(part.key, op, u64::from(version.seen), known, evidence);
        raise(&mut known.read, u64::from(version.begun), op);
    }
}

/// Accuses a read that is behind what its session wrote or had read.
fn judge_read<'a>(
    key: Option<&'a Value>,
    op: Op<'a>,
    version: u64,
    known: &Known<'a>,
    evidence: &mut Evidence<'a>,
) {
    let found = shown(&op.result);
    if let Some((_, before)) = known.written.filter(|(most, _)| *most > version) {
        let case = || Case {
            key,
            title: format!("{} found {found}, older than what its process had written", who(op)),
            argument: format!(
                "{} of the same process had been acknowledged, and {found} is older.",
                capital(&name(before))
            ),
            about: vec![before, op],
        };
        let told = evidence.add("read-your-writes", case);
        told.against(by(op), format!("{}, or newer", written(before)), format!("{found}, older"));
    }
    if let Some((_, before)) = known.read.filter(|(most, _)| *most > version) {
        let case = || Case {
            key,
            title: format!("{} found {found}, older than what its process had read", who(op)),
            argument: format!(
                "{} of the same process had found {}, which is later than {found}.",
                capital(&name(before)),
                shown(&before.result)
            ),
            about: vec![before, op],
        };
        let expected = format!("{}, or newer", shown(&before.result));
        let told = evidence.add("monotonic-reads", case);
        told.against(by(op), expected, format!("{found}, older"));
    }
}

/// What a contrast is about.
fn by(op: Op<'_>) -> String {
    format!("{} of process {}", name(op), op.process)
}

/// What a write made of its key, as far as the history tells.
fn written(op: Op<'_>) -> String {
    match (op.f, &op.argument) {
        ("cas", Value::Array(pair)) if pair.len() == 2 => shown(&pair[1]),
        _ if op.result.is_null() => shown(&op.argument),
        _ => shown(&op.result),
    }
}

/// `read` → `[version, value]`, `write` and `cas` → `[version, …]`; versions are integers which
/// the system counts per key. *Violated* by `read-your-writes`, `monotonic-reads`,
/// `monotonic-writes` and `writes-follow-reads`. Figures: `reads`, `sessions`, `keys_left_out` (0).
pub fn versioned_sessions(history: &History) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let mut reads = 0;
    for part in by_key(history) {
        let mut known: FxHashMap<u32, Known<'_>> = FxHashMap::default();
        for &op in part.operations.iter().filter(|op| is_ok(op)) {
            let version = match version(op) {
                Ok(version) => version,
                Err(problem) => return unjudged(CHECK, problem),
            };
            let known = known.entry(op.process).or_default();
            if op.f == "read" {
                reads += 1;
                judge_read(part.key, op, version, known, &mut evidence);
                raise(&mut known.read, version, op);
            } else {
                judge_write(part.key, op, version, known, &mut evidence);
                raise(&mut known.written, version, op);
            }
        }
    }
    finish(history, evidence, reads, 0)
}

fn version(op: Op<'_>) -> Result<u64, String> {
    if !["read", "write", "cas"].contains(&op.f) {
        return Err(stranger(op, "read, write or cas"));
    }
    // A key that is absent has no version.
    if op.f == "read" && op.result.is_null() {
        return Ok(0);
    }
    let version = op.result.as_array().and_then(|pair| pair.first());
    match version {
        Some(Value::Null) if op.f == "read" => Some(0),
        Some(version) => version.as_u64(),
        None => None,
    }
    .ok_or_else(|| {
        let shown = shown(&op.result);
        format!("op {}: a `{}` of {shown}; expected [version, value]", op.index.0, op.f)
    })
}

fn judge_write<'a>(
    key: Option<&'a Value>,
    op: Op<'a>,
    version: u64,
    known: &Known<'a>,
    evidence: &mut Evidence<'a>,
) {
    if let Some((most, before)) = known.written.filter(|(most, _)| *most >= version) {
        let case = || Case {
            key,
            title: format!("{} became version {version}, before an earlier write", who(op)),
            argument: format!(
                "{}, which its process had done before, is version {most}.",
                capital(&name(before))
            ),
            about: vec![before, op],
        };
        let told = evidence.add("monotonic-writes", case);
        told.against(by(op), format!("a version after {most}"), format!("version {version}"));
    }
    if let Some((most, before)) = known.read.filter(|(most, _)| *most >= version) {
        let case = || Case {
            key,
            title: format!(
                "{} became version {version}, before what its process had read",
                who(op)
            ),
            argument: format!(
                "{} of the same process had found version {most}.",
                capital(&name(before))
            ),
            about: vec![before, op],
        };
        let told = evidence.add("writes-follow-reads", case);
        told.against(by(op), format!("a version after {most}"), format!("version {version}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::{found, history};
    use super::*;

    fn judged(text: &str) -> String {
        found(&sessions(&history(text)))
    }

    fn versioned(text: &str) -> String {
        found(&versioned_sessions(&history(text)))
    }

    #[test]
    fn accepts_sessions_that_go_forward() {
        let text = "0-1 p0 write 1\n 2-3 p0 read -> 1\n 4-5 p1 write 2\n 6-7 p2 read -> 1\n
                    8-9 p2 read -> 2\n 10-11 p0 read -> 1";
        assert_eq!(judged(text), "valid");
        // Nobody knows which of two concurrent writes is later.
        let open = "0-9 p0 write 1\n 0-8 p1 write 2\n 10-11 p0 read -> 2\n 12-13 p0 read -> 1";
        assert_eq!(judged(open), "valid");
        assert_eq!(judged("0-1 p1 write 1\n 2-2? p0 write 2\n 3-4 p0 read -> 1"), "valid");
    }

    #[test]
    fn rejects_sessions_that_go_back() {
        let own = "0-1 p0 write 1\n 2-3 p1 write 2\n 4-5 p1 read -> 1";
        assert_eq!(judged(own), "read-your-writes 1");
        let back = "0-1 p0 write 1\n 2-3 p0 write 2\n 4-5 p1 read -> 2\n 6-7 p1 read -> 1";
        assert_eq!(judged(back), "monotonic-reads 1");
    }

    #[test]
    fn known_versions_tell_all_four() {
        let good = "0-1 p0 write 7 -> [1, 7]\n 2-3 p0 read -> [1, 7]\n 4-5 p0 cas [7,8] -> [2, 8]\n
                    6-7 p1 read -> [1, 7]\n 8-9 p1 write 9 -> [3, 9]\n 8-9 p2 read -> null";
        assert_eq!(versioned(good), "valid");
        let bad = "0-1 p0 write 7 -> [5, 7]\n 2-3 p0 read -> [4, 7]\n 4-5 p0 read -> [3, 7]";
        assert_eq!(versioned(bad), "monotonic-reads 1, read-your-writes 2");
        let bad = "0-1 p0 write 7 -> [5, 7]\n 2-3 p0 write 8 -> [4, 8]";
        assert_eq!(versioned(bad), "monotonic-writes 1");
        let bad = "0-1 p0 read -> [5, 7]\n 2-3 p0 write 8 -> [4, 8]";
        assert_eq!(versioned(bad), "writes-follow-reads 1");
    }

    #[test]
    fn what_cannot_be_judged_is_unknown() {
        assert_eq!(judged("0-1 p0 write 1"), "unknown");
        assert_eq!(judged("0-1 p0 write 1\n 2-3 p0 write 1\n 4-5 p0 read -> 1"), "unknown");
        assert_eq!(versioned("0-1 p0 read -> 7"), "unknown");
        assert_eq!(versioned("0-1 p0 push 7"), "unknown");
    }
}
