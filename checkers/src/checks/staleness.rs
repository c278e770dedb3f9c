//! How old what was read had become.
//!
//! For each read of a register with unique values: *age*, the time from when a later version had
//! certainly replaced the one found to when the read began, and *versions*, how many were certainly
//! between. Both are lower bounds. The greatest age is Δ of Δ-atomicity and the greatest count the
//! k−1 of k-atomicity (Golab, Li & Shah, PODC 2011), as far as the order of versions is certain
//! (see `versions`); the share of reads by age is the curve of probabilistically bounded staleness
//! (Bailis et al., VLDB 2012). O(n log n).

use std::collections::BTreeMap;

use serde_json::json;

use super::evidence::{Case, Evidence, name, shown, unjudged, who};
use super::parts::{Spelt, by_key};
use super::set_full::quantiles;
use super::versions::{Stale, Versions};
use crate::finding::{CheckResult, Verdict};
use crate::history::{History, Nanos};
use crate::latency::{milliseconds, share};

const CHECK: &str = "staleness";
/// Points of the curve, in milliseconds.
const CURVE_MS: [u64; 8] = [0, 1, 10, 100, 500, 1_000, 5_000, 30_000];

/// *Violated* by `stale-beyond-bound`: a read older than `bound`; without a bound it only measures.
/// *Unknown* when no read can be judged. Figures: `reads`, `stale_reads`, `stale_share`,
/// `age_ms` (quantiles over the stale reads), `versions_behind_max`, `delta_ms`,
/// `fresh_share_by_ms`
/// (the share of reads at most so stale), `stale_reads_by_node`, `keys_left_out` (values repeat).
pub fn staleness(history: &History, bound: Option<Nanos>) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let (mut reads, mut keys_left_out) = (0, 0);
    let mut ages = Vec::new();
    let mut versions_max = 0;
    let mut by_node: BTreeMap<&str, usize> = BTreeMap::new();
    for part in by_key(history) {
        let versions = match Versions::of(&part) {
            Ok(Some(versions)) => versions,
            Ok(None) => {
                keys_left_out += 1;
                continue;
            }
            Err(problem) => return unjudged(CHECK, problem),
        };
        reads += versions.reads.len();
        for stale in versions.stale() {
            ages.push(stale.age().0);
            versions_max = versions_max.max(stale.behind);
            let node = stale.read.node.unwrap_or("unknown");
            *by_node.entry(node).or_default() += 1;
            if let Some(bound) = bound.filter(|&bound| stale.age() > bound) {
                let told = evidence.add("stale-beyond-bound", || too_old(part.key, stale, bound));
                told.against(
                    format!("age of what {} read", name(stale.read)),
                    format!("at most {bound}"),
                    stale.age().to_string(),
                );
            }
        }
    }
    let delta = Nanos(ages.iter().max().copied().unwrap_or_default());
    let verdict = match (reads, keys_left_out) {
        (0, 0) => Verdict::Unknown("no read was ok".to_owned()),
        (0, _) => Verdict::Unknown("values repeat: no version can be told from another".to_owned()),
        _ => Verdict::Valid,
    };
    let summary = match ages.len() {
        0 => format!("none of {reads} reads was stale"),
        stale => format!(
            "{stale} of {reads} reads were stale, by {delta} and {versions_max} versions at most"
        ),
    };
    let fresh = |&ms: &u64| {
        let older = ages.iter().filter(|&&age| age > ms * 1_000_000).count();
        // A stale read is older than nothing, even if by less than the clock tells.
        let older = if ms == 0 { ages.len() } else { older };
        (ms.to_string(), share(reads - older, reads))
    };
    let curve: serde_json::Map<String, serde_json::Value> =
        CURVE_MS.iter().map(fresh).map(|(ms, share)| (ms, json!(share))).collect();
    let figures = [
        ("reads", json!(reads)),
        ("stale_reads", json!(ages.len())),
        ("stale_share", json!(if reads == 0 { 0.0 } else { share(ages.len(), reads) })),
        ("fresh_share_by_ms", json!(curve)),
        ("versions_behind_max", json!(versions_max)),
        ("delta_ms", json!(milliseconds(delta))),
        ("stale_reads_by_node", json!(by_node)),
        ("keys_left_out", json!(keys_left_out)),
        ("age_ms", quantiles(ages)),
    ];
    evidence.finish(verdict, summary, figures)
}

fn too_old<'a>(key: Option<&'a serde_json::Value>, stale: Stale<'a>, bound: Nanos) -> Case<'a> {
    Case {
        key,
        title: format!(
            "{} read {}, replaced {} before; {bound} was allowed",
            who(stale.read),
            shown(&stale.read.result),
            stale.age()
        ),
        argument: format!(
            "When {} completed at {}, a later version was there; {} began {} after that and found \
             a version at least {} behind.",
            name(stale.by),
            stale.since,
            name(stale.read),
            stale.age(),
            stale.behind
        ),
        about: vec![stale.by, stale.read],
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::{found, history};
    use super::*;

    const TEXT: &str = "0-1 p0 n1 write 1\n 2-3 p0 n1 write 2\n 103-104 p1 n2 read -> 1\n
                        105-106 p1 n2 read -> 2\n 107-108 p1 n3 read -> null";

    #[test]
    fn without_a_bound_it_measures() {
        let result = staleness(&history(TEXT), None);
        assert_eq!(found(&result), "valid");
        assert_eq!(result.figures["stale_reads"], 2);
        assert_eq!(result.figures["delta_ms"], 106.0);
        assert_eq!(result.figures["versions_behind_max"], 2);
        assert_eq!(result.figures["fresh_share_by_ms"]["100"], 0.6667);
        assert_eq!(result.figures["fresh_share_by_ms"]["500"], 1.0);
        assert_eq!(result.figures["stale_reads_by_node"], json!({"n2": 1, "n3": 1}));
    }

    #[test]
    fn accepts_reads_within_the_bound_and_rejects_older_ones() {
        let within = Nanos(106_000_000);
        assert_eq!(found(&staleness(&history(TEXT), Some(within))), "valid");
        let less = Nanos(105_999_999);
        let result = staleness(&history(TEXT), Some(less));
        assert_eq!(found(&result), "stale-beyond-bound 1");
        assert_eq!(result.findings[0].operations.len(), 2);
    }

    #[test]
    fn what_cannot_be_told_is_unknown() {
        let repeated = "0-1 p0 write 1\n 2-3 p0 write 1\n 4-5 p1 read -> 1";
        assert_eq!(found(&staleness(&history(repeated), None)), "unknown");
        assert_eq!(found(&staleness(&history("0-1 p0 write 1"), None)), "unknown");
        assert_eq!(found(&staleness(&history("0-1 p0 push 1"), None)), "unknown");
    }
}
