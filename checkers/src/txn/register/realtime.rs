//! The order of versions in real time, if each key is linearizable by itself.
//!
//! Version a comes before version b when some transaction was done with a before another began
//! with b: when the first completion of a is before the last invocation of b. These are the zones
//! of Gibbons & Korach (SIAM J. Comput. 1997): forward ones, from completion to invocation, must
//! be disjoint, and no backward one may lie within a forward one.

use super::assumptions::LINEARIZABLE;
use super::versions::Versions;
use crate::graph::Kinds;

/// First completion, last invocation, version; ranks, of which the initial state has the least
/// possible completion.
#[derive(Clone, Copy)]
struct Zone {
    done: i64,
    begun: i64,
    version: u32,
}

/// Pushes an edge for every pair of versions without a third between them. Returns whether the
/// versions contradict each other.
pub(super) fn follow(
    versions: &Versions<'_>,
    key: usize,
    edges: &mut Vec<(u32, u32, Kinds)>,
) -> bool {
    let (range, accesses) = versions.range(key);
    let zone = |version| Zone { done: i64::MAX, begun: -1, version: version as u32 };
    let mut zones: Vec<Zone> = range.clone().map(zone).collect();
    zones[0].done = -1;
    for access in &versions.accesses[accesses] {
        let operation = versions.txns.operation(access.txn as usize);
        let begun = &mut zones[access.first() as usize - range.start].begun;
        *begun = (*begun).max(operation.invoked_rank().into());
        if let Some(done) = operation.completed_rank() {
            let left = &mut zones[access.left() as usize - range.start].done;
            *left = (*left).min(done.into());
        }
    }
    zones.sort_unstable_by_key(|zone| (zone.begun, zone.version));
    if contradict(&zones) {
        return true;
    }
    let least = Least::of(&zones);
    for zone in &zones {
        let from = zones.partition_point(|other| other.begun <= zone.done);
        for (place, next) in zones.iter().enumerate().skip(from) {
            // Whoever is done before this begins comes between.
            let between = least.from(from, [zone.version, next.version]);
            if next.version != zone.version && next.begun <= between {
                edges.push((zone.version, next.version, LINEARIZABLE));
            }
            if next.begun > least.from(from, [zone.version, zone.version]) && place > from {
                break;
            }
        }
    }
    false
}

/// `zones` are sorted by invocation.
fn contradict(zones: &[Zone]) -> bool {
    let mut forward: Vec<Zone> =
        zones.iter().copied().filter(|zone| zone.done < zone.begun).collect();
    forward.sort_unstable_by_key(|zone| (zone.done, zone.version));
    if forward.windows(2).any(|pair| pair[1].done < pair[0].begun) {
        return true;
    }
    zones.iter().filter(|zone| zone.done >= zone.begun && zone.begun >= 0).any(|zone| {
        let around = forward.partition_point(|other| other.done < zone.begun);
        around.checked_sub(1).is_some_and(|place| zone.done < forward[place].begun)
    })
}

/// The three least completions from each place on, with their versions.
struct Least(Vec<[(i64, u32); 3]>);

impl Least {
    fn of(zones: &[Zone]) -> Self {
        let mut all = vec![[(i64::MAX, u32::MAX); 3]; zones.len() + 1];
        for (place, zone) in zones.iter().enumerate().rev() {
            let [a, b, c] = all[place + 1];
            let mut four = [a, b, c, (zone.done, zone.version)];
            four.sort_unstable();
            all[place] = [four[0], four[1], four[2]];
        }
        Self(all)
    }

    /// The least completion from a place on, two versions aside.
    fn from(&self, place: usize, aside: [u32; 2]) -> i64 {
        let others = self.0[place].iter().find(|(_, version)| !aside.contains(version));
        others.map_or(i64::MAX, |&(done, _)| done)
    }
}
