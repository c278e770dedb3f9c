//! What a node shows of a fault, and whether that is what was meant to be there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::system::ProcessState;

/// What the evidence script should print while the fault is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Our chain, hooked in, with so many DROP rules per address.
    Rules(BTreeMap<IpAddr, usize>),
    /// A line per node that is not heard.
    Links(BTreeSet<String>),
    /// No process.
    Gone,
    /// A stopped process.
    Paused,
    /// A running process other than the one before.
    Restarted,
}

/// What was seen, in words, and whether it is what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub seen: String,
    pub holds: bool,
}

impl Expectation {
    /// Reads the evidence script's output; `before` is what `apply` printed.
    pub fn read(&self, before: &str, shown: &str) -> Reading {
        match self {
            Self::Rules(expected) => rules(expected, shown),
            Self::Links(expected) => links(expected, shown),
            Self::Gone | Self::Paused | Self::Restarted => self.process(before, shown),
        }
    }

    /// Whether it is of a process: evidence of its heal is read after the undo, since it is the
    /// process that runs; that of a partition before, since it is what was dropped until then.
    pub fn is_of_process(&self) -> bool {
        matches!(self, Self::Gone | Self::Paused | Self::Restarted)
    }

    /// Reads the evidence of a heal.
    pub fn read_healed(&self, shown: &str) -> Reading {
        if !self.is_of_process() {
            let seen = self.read("", shown).seen;
            return Reading { seen, holds: true };
        }
        let state = ProcessState::parse(shown);
        let holds = matches!(state, Some(ProcessState::Running(_)));
        Reading { seen: words(shown), holds }
    }

    fn process(&self, before: &str, shown: &str) -> Reading {
        let (was, is) = (ProcessState::parse(before), ProcessState::parse(shown));
        let holds = match (self, is) {
            (Self::Gone, Some(ProcessState::Gone)) => true,
            (Self::Paused, Some(ProcessState::Paused(_))) => true,
            (Self::Restarted, Some(ProcessState::Running(pid))) => {
                was != Some(ProcessState::Running(pid))
            }
            _ => false,
        };
        let seen = match was {
            Some(was) => format!("{was}, then {}", words(shown)),
            None => words(shown),
        };
        Reading { seen, holds }
    }
}

/// Reads `iptables -nvxL`, of both families one after the other.
fn rules(expected: &BTreeMap<IpAddr, usize>, shown: &str) -> Reading {
    let mut found: BTreeMap<IpAddr, usize> = BTreeMap::new();
    let mut packets = 0_u64;
    let mut hooked = true;
    for line in shown.lines() {
        if line.starts_with("Chain ") {
            hooked &= !line.contains("(0 references)");
        }
        let mut fields = line.split_whitespace();
        let Some(count) = fields.next().and_then(|field| field.parse::<u64>().ok()) else {
            continue;
        };
        if fields.nth(1) != Some("DROP") {
            continue;
        }
        // The first address is the source; some versions leave the column before it empty.
        let address = |field: &str| field.split('/').next().and_then(|ip| ip.parse().ok());
        if let Some(source) = fields.find_map(address) {
            *found.entry(source).or_default() += 1;
            packets += count;
        }
    }
    let total: usize = found.values().sum();
    let seen = match (total, hooked) {
        (0, _) => "no rule".to_owned(),
        (_, false) => format!("{}, but no jump to them", counted(total as u64, "rule")),
        _ => format!("{}, {} dropped", counted(total as u64, "rule"), counted(packets, "packet")),
    };
    Reading { seen, holds: hooked && found == *expected }
}

fn links(expected: &BTreeSet<String>, shown: &str) -> Reading {
    let mut dropped = BTreeSet::new();
    let mut messages = 0_u64;
    for line in shown.lines() {
        let mut fields = line.split_whitespace();
        if let Some(node) = fields.next() {
            dropped.insert(node.to_owned());
            messages += fields.next().and_then(|count| count.parse().ok()).unwrap_or(0);
        }
    }
    let seen = format!(
        "{}, {} dropped",
        counted(dropped.len() as u64, "link"),
        counted(messages, "message")
    );
    Reading { seen, holds: dropped == *expected }
}

fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn words(shown: &str) -> String {
    let words: Vec<&str> = shown.split_whitespace().collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
