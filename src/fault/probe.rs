//! Whether a node can have a fault, found out beforehand and without touching anything of it.

use super::cgroup;
use super::clock;
use super::disk::{self, DiskTrouble};
use super::helper;
use super::membership;
use super::power;
use super::process_clock;
use crate::cluster::Node;
use crate::cluster::doctor::{Probe, Wanted};
use crate::spec::{FaultSpec, OnUnavailable, Share};
use crate::system::System;

/// Faults by what they need of a node, with a script that ends with status 0 when it is there and
/// else prints what is missing. Queues are tried in a network namespace made for it.
fn abilities(nodes: &[Node], system: &dyn System) -> Vec<(&'static [&'static str], String)> {
    let mut abilities: Vec<(&'static [&'static str], String)> =
        vec![(&["delay", "duplicate", "corrupt", "reorder", "loss in bursts"], netem_or_helper())];
    abilities.extend(ABILITIES.iter().map(|(names, script)| (*names, (*script).to_owned())));
    for (names, trouble) in DISKS {
        abilities.push((names, disk::probe(trouble)));
    }
    abilities.push((&["silent-corrupt"], helper::probe()));
    abilities.push((&["clock-bump", "clock-strobe", "clock-drift"], clock::probe()));
    abilities.push((&["cpu-limit"], cgroup::probe("cpu")));
    abilities.push((&["memory-limit"], cgroup::probe("memory")));
    abilities.push((&["process-clock"], process_clock::probe()));
    abilities.push((&["membership"], membership::probe(nodes, system)));
    abilities.push((&["power"], power::probe(nodes)));
    abilities
}

const DISKS: [(&[&str], DiskTrouble); 4] = [
    (&["disk-fill"], DiskTrouble::Full { share: Share(1.0) }),
    (&["disk-read-only"], DiskTrouble::ReadOnly),
    (&["disk-slow", "disk-error"], DiskTrouble::Error),
    (&["lost-writes"], DiskTrouble::LostWrites),
];

/// Whether the kernel has netem.
pub(super) const NETEM: &str = "\
    command -v tc >/dev/null || { echo 'no tc (install iproute2)'; exit 1; }\n\
    unshare -n sh -c 'tc qdisc add dev lo root handle 1: htb default 1 &&\n  \
      tc class add dev lo parent 1: classid 1:1 htb rate 1mbit &&\n  \
      tc qdisc add dev lo parent 1:1 netem delay 1ms' 2>&1";

/// Where there is no netem, the helper does it: who prints that, says why.
fn netem_or_helper() -> String {
    format!(
        "why=$(\n{NETEM}\n) && exit 0\n\
         also=$(\n{helper}\n) || {{ echo \"$why; $also\"; exit 1; }}\n\
         echo \"by isobar's helper, since without it: $why\"",
        helper = helper::probe(),
    )
}

const ABILITIES: [(&[&str], &str); 4] = [
    (
        &["rate"],
        "command -v tc >/dev/null || { echo 'no tc (install iproute2)'; exit 1; }\n\
         unshare -n sh -c 'tc qdisc add dev lo root handle 1: htb default 1 &&\n  \
           tc class add dev lo parent 1: classid 1:1 htb rate 1mbit &&\n  \
           tc filter add dev lo parent 1: protocol ip prio 4 u32 match ip dst 192.0.2.1/32 \
           flowid 1:1' 2>&1",
    ),
    (
        &["loss"],
        "for tables in iptables iptables-legacy; do\n  \
           why=$(unshare -n $tables -w -A INPUT -m statistic --mode random \
             --probability 0.5 -j DROP 2>&1) && exit 0\n\
         done\n\
         echo $why; exit 1",
    ),
    (
        &["freeze"],
        "[ -f /sys/fs/cgroup/cgroup.controllers ] || [ -d /sys/fs/cgroup/freezer ] ||\n  \
           { echo 'no cgroups in /sys/fs/cgroup'; exit 1; }",
    ),
    (
        &["file-limit", "truncate", "bit-flip", "crash-loop"],
        "for program in prlimit truncate cmp od dd awk setsid; do\n  \
           command -v $program >/dev/null || { echo \"no $program\"; exit 1; }\n\
         done",
    ),
];

/// The name under which a fault's ability is known.
fn ability(fault: &FaultSpec) -> &'static str {
    match fault {
        FaultSpec::Loss(loss) if loss.correlation.is_some() => "loss in bursts",
        fault => fault.name(),
    }
}

/// A probe for each ability that `faults` need; with `all` also for those that they do not.
pub fn probes(faults: &[FaultSpec], nodes: &[Node], system: &dyn System, all: bool) -> Vec<Probe> {
    let faults: Vec<&FaultSpec> = faults.iter().flat_map(FaultSpec::leaves).collect();
    let probe = |(names, script): (&'static [&'static str], String)| {
        let of_these = || faults.iter().copied().filter(|fault| names.contains(&ability(fault)));
        let mut wanting: Vec<&'static str> = Vec::new();
        for name in of_these().map(ability) {
            if !wanting.contains(&name) {
                wanting.push(name);
            }
        }
        let wanted = match of_these().any(|f| f.on_unavailable() == OnUnavailable::Fail) {
            true => Wanted::Needed,
            false if wanting.is_empty() => Wanted::No,
            false => Wanted::OrSkipped,
        };
        let faults = if wanting.is_empty() { names.to_vec() } else { wanting };
        Probe { faults: faults.join(", "), script, wanted }
    };
    let probes = abilities(nodes, system).into_iter().map(probe);
    probes.filter(|probe| all || probe.wanted != Wanted::No).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::spec::EtcdSpec;
    use crate::system::Etcd;

    fn etcd() -> Etcd {
        Etcd::new(EtcdSpec { install: false }, Vec::new(), true)
    }

    #[test]
    fn what_is_wanted_is_probed_and_the_rest_on_demand() {
        let faults: Vec<FaultSpec> = serde_json::from_value(json!([
            {"kill": {}},
            {"loss": {"on-unavailable": "skip"}},
            {"loss": {"correlation": "25%"}},
            {"delay": {"on-unavailable": "skip"}},
        ]))
        .unwrap();
        let told = |all| {
            let probes = probes(&faults, &[], &etcd(), all).into_iter();
            probes.map(|probe| (probe.faults, probe.wanted)).collect::<Vec<_>>()
        };
        let wanted = vec![
            ("loss in bursts, delay".to_owned(), Wanted::Needed),
            ("loss".to_owned(), Wanted::OrSkipped),
        ];
        assert_eq!(told(false), wanted);
        assert_eq!(told(true).len(), abilities(&[], &etcd()).len());
        assert_eq!(told(true)[1], ("rate".to_owned(), Wanted::No));
        assert_eq!(probes(&faults[..1], &[], &etcd(), false), []);
    }

    #[test]
    fn every_ability_names_a_fault() {
        for (names, _) in abilities(&[], &etcd()) {
            for name in names.iter().filter(|name| **name != "loss in bursts") {
                let fault: Result<FaultSpec, _> = serde_json::from_value(json!({*name: {}}));
                assert_eq!(fault.unwrap().name(), *name);
            }
        }
    }
}
