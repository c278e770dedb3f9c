//! What a node shows of a fault, and whether that is what was meant to be there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::cgroup::Limit;
use super::disk::DiskTrouble;
use crate::spec::MemberChange;
use crate::system::ProcessState;

/// What the evidence script should print while the fault is in force.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// Our chain, hooked in, with so many DROP rules per address.
    Rules(BTreeMap<IpAddr, usize>),
    /// A line per node that is not heard.
    Links(BTreeSet<String>),
    /// Our queue, with netem in it or not, and so many filters that lead there.
    Queue { netem: bool, filters: usize },
    /// So many rules per address that send packets to a queue of ours, and the helper at it.
    Helped { rules: BTreeMap<IpAddr, usize>, what: String },
    /// The process may have so many files.
    FileLimit(u32),
    /// The clock is so far from where it would be.
    Offset { by_ms: i64 },
    /// The process sees another time than the machine.
    ProcessOffset { by_ms: i64 },
    /// Something goes on setting the clock.
    ClockLoop,
    /// That, or the kernel's clocks gain so much.
    ClockDrift { millionths: i64 },
    /// The system's processes, all of them, are limited.
    Limit(Limit),
    /// The node is switched off and silent; on again, it has started anew.
    Off,
    /// The disk of the data is not as it should be.
    Disk(DiskTrouble),
    /// The others list the member of this name no more, or anew.
    Member { change: MemberChange, name: String },
    /// No process.
    Gone,
    /// A stopped process.
    Paused,
    /// A process in the kernel's freezer.
    Frozen,
    /// A running process other than the one before.
    Restarted,
    /// The same process; of its clients' connections some were ended.
    Disconnected,
    /// What kills it again and again.
    CrashLoop,
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
            Self::Rules(expected) => Rules::parse("DROP", shown).reading(expected),
            Self::Helped { rules, what } => helped(rules, what, shown),
            Self::Links(expected) => links(expected, shown),
            Self::Queue { netem, filters } => queue(*netem, *filters, shown),
            Self::Offset { by_ms } => {
                let by_date = shown.lines().any(|line| line.starts_with("by date"));
                let near_ms = if by_date { NEAR_BY_DATE_MS } else { NEAR_MS };
                let near_ms = near_ms.max(by_ms.abs() / 1000);
                clock(shown, |_, offset| (offset - by_ms).abs() <= near_ms)
            }
            Self::ProcessOffset { by_ms } => {
                let runs = matches!(state_of(shown), Some(ProcessState::Running(_)));
                let reading = clock(shown, |_, offset| near(offset, *by_ms) && runs);
                Reading { seen: format!("for the process {}", reading.seen), ..reading }
            }
            Self::ClockLoop => clock(shown, |sets, _| sets),
            Self::ClockDrift { millionths } => {
                let gains = rate(shown) == Some(*millionths);
                let reading = clock(shown, |sets, _| sets || gains);
                let gains = if gains { ", by the rate of all its clocks" } else { "" };
                Reading { seen: format!("{}{gains}", reading.seen), ..reading }
            }
            Self::Disk(trouble) => disk(*trouble, shown),
            Self::Limit(limit) => limited(*limit, shown),
            Self::Off => Power::parse(shown).reading(true),
            Self::Member { change, name } => {
                let (was, is) = (Members::parse(before), Members::parse(shown));
                let holds = match change {
                    MemberChange::Remove => is.without(name),
                    MemberChange::Replace => is.with(name) && is.id != was.id,
                    MemberChange::Add => is.with(name) && was.without(name),
                };
                Reading { seen: format!("{}, then {}", was.in_words(), is.in_words()), holds }
            }
            Self::FileLimit(files) => {
                let holds = shown.trim() == files.to_string();
                Reading { seen: format!("{} files at most", words(shown)), holds }
            }
            _ => self.process(before, shown),
        }
    }

    /// Whether evidence of its heal is read after the undo: of a process that it runs, of a disk
    /// that it works; that of a partition is read before, since it is what was dropped until then.
    pub fn is_seen_after_undo(&self) -> bool {
        match self {
            Self::Rules(_)
            | Self::Links(_)
            | Self::Queue { .. }
            | Self::Helped { .. }
            | Self::FileLimit(_)
            | Self::Offset { .. }
            | Self::ClockLoop
            | Self::ClockDrift { .. } => false,
            Self::Disk(_)
            | Self::Off
            | Self::Limit(_)
            | Self::Member { .. }
            | Self::ProcessOffset { .. }
            | Self::Gone
            | Self::Paused
            | Self::Frozen
            | Self::Restarted
            | Self::Disconnected
            | Self::CrashLoop => true,
        }
    }

    /// Reads the evidence of a heal.
    pub fn read_healed(&self, shown: &str) -> Reading {
        if !self.is_seen_after_undo() {
            let seen = self.read("", shown).seen;
            return Reading { seen, holds: true };
        }
        if let Self::Off = self {
            return Power::parse(shown).reading(false);
        }
        if let Self::Disk(_) = self {
            let disk = Disk::parse(shown);
            let holds = disk.writes == "writes work" && matches!(disk.table, "" | "linear");
            return Reading { seen: disk.in_words(), holds };
        }
        if let Self::Member { change, name } = self {
            let is = Members::parse(shown);
            let holds = match change {
                MemberChange::Remove | MemberChange::Replace => is.with(name),
                MemberChange::Add => is.without(name),
            };
            return Reading { seen: is.in_words(), holds };
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
            (Self::Disconnected, Some(ProcessState::Running(_))) => {
                before.contains("ended ") && !before.contains("ended 0 ")
            }
            (Self::Frozen, None) => shown.starts_with("frozen ") && !shown.contains("not "),
            (Self::CrashLoop, None) => shown.starts_with("looping "),
            _ => false,
        };
        // After the state, `apply` may tell what it did.
        let did: Vec<&str> = before.lines().skip(1).map(str::trim).collect();
        let did = did.iter().filter(|line| !line.is_empty()).map(|line| format!(", {line}"));
        let seen = match was {
            Some(was) => format!("{was}, then {}{}", words(shown), did.collect::<String>()),
            None => words(shown),
        };
        Reading { seen, holds }
    }
}

/// What a firewall has of a chain of ours.
struct Rules {
    /// How many, per source.
    found: BTreeMap<IpAddr, usize>,
    packets: u64,
    /// Whether something leads to them.
    hooked: bool,
}

impl Rules {
    /// Reads `iptables -nvxL`, of both families one after the other; of its rules those with this
    /// target.
    fn parse(target: &str, shown: &str) -> Self {
        let mut rules = Self { found: BTreeMap::new(), packets: 0, hooked: true };
        for line in shown.lines() {
            if line.starts_with("Chain ") {
                rules.hooked &= !line.contains("(0 references)");
            }
            let mut fields = line.split_whitespace();
            let Some(count) = fields.next().and_then(|field| field.parse::<u64>().ok()) else {
                continue;
            };
            if fields.nth(1) != Some(target) {
                continue;
            }
            // The first address is the source; some versions leave the column before it empty.
            let address = |field: &str| field.split('/').next().and_then(|ip| ip.parse().ok());
            if let Some(source) = fields.find_map(address) {
                *rules.found.entry(source).or_default() += 1;
                rules.packets += count;
            }
        }
        rules
    }

    fn counted(&self) -> String {
        let total: usize = self.found.values().sum();
        match (total, self.hooked) {
            (0, _) => "no rule".to_owned(),
            (_, false) => format!("{}, but no jump to them", counted(total as u64, "rule")),
            _ => counted(total as u64, "rule"),
        }
    }

    fn hold(&self, expected: &BTreeMap<IpAddr, usize>) -> bool {
        self.hooked && self.found == *expected
    }

    fn reading(&self, expected: &BTreeMap<IpAddr, usize>) -> Reading {
        let mut seen = self.counted();
        if self.hooked && !self.found.is_empty() {
            seen = format!("{seen}, {} dropped", counted(self.packets, "packet"));
        }
        Reading { seen, holds: self.hold(expected) }
    }
}

/// Reads the rules, and what the helper tells: `helper packets 120 disturbed 24 held 3`.
fn helped(expected: &BTreeMap<IpAddr, usize>, what: &str, shown: &str) -> Reading {
    let rules = Rules::parse("NFQUEUE", shown);
    let told = shown.lines().find_map(|line| line.strip_prefix("helper "));
    let words: Vec<&str> = told.unwrap_or_default().split_whitespace().collect();
    let ["packets", packets, "disturbed", disturbed, "held", _] = words[..] else {
        return Reading { seen: format!("{}, but no helper", rules.counted()), holds: false };
    };
    let seen = format!(
        "{what} by isobar's helper, {}, {packets} packets, {disturbed} of them disturbed",
        rules.counted()
    );
    Reading { seen, holds: rules.hold(expected) }
}

/// A clock that is read by a script is off by the time that takes on a busy node; of great
/// offsets a thousandth more does not matter.
const NEAR_MS: i64 = 50;

/// A program that has to be started for it comes late on a node that is busy.
const NEAR_BY_DATE_MS: i64 = 250;

/// What is told by two programs, one after the other, is off by the time that starting them takes.
fn near(offset_ms: i64, by_ms: i64) -> bool {
    (offset_ms - by_ms).abs() <= (by_ms.abs() / 2).min(1000)
}

/// Reads whether the clock goes on being set, and its offset in ms.
fn clock(shown: &str, holds: impl Fn(bool, i64) -> bool) -> Reading {
    let sets = shown.lines().any(|line| line.starts_with("setting "));
    let offset = shown.lines().find_map(|line| line.strip_prefix("offset ")?.parse::<i64>().ok());
    match offset {
        Some(ms) => {
            let by = shown.lines().find_map(|line| line.strip_prefix("by "));
            let by = by.map(|by| format!(", set by {by}")).unwrap_or_default();
            Reading { seen: format!("the clock is {ms:+} ms off{by}"), holds: holds(sets, ms) }
        }
        None => Reading { seen: format!("no change of the clock: {}", words(shown)), holds: false },
    }
}

/// The millionths by which the kernel's clocks are faster.
fn rate(shown: &str) -> Option<i64> {
    let rate = shown.lines().find_map(|line| line.strip_prefix("rate "))?;
    rate.split_whitespace().next()?.parse().ok()
}

/// Reads a cgroup's limit, and how many of the system's processes it holds.
fn limited(limit: Limit, shown: &str) -> Reading {
    let after = |word: &str| shown.lines().find_map(|line| line.strip_prefix(word));
    let set = after("limit ").and_then(|set| set.split_whitespace().next()?.parse::<u64>().ok());
    let held = after("holds ").and_then(|held| held.split_once(" of "));
    let held = held.and_then(|(held, all)| Some((held.parse().ok()?, all.trim().parse().ok()?)));
    let (Some(set), Some((held, all))): (_, Option<(u64, u64)>) = (set, held) else {
        return Reading { seen: words(shown), holds: false };
    };
    let what = match limit {
        Limit::Cpu { .. } => format!("{:.1}% of a core", set as f64 / 1000.0),
        Limit::Memory { .. } => format!("{} KiB more", set >> 10),
    };
    let seen = format!("{what} for {held} of {all} processes");
    let holds = set == limit.amount() && held > 0 && held >= all;
    Reading { seen, holds }
}

/// What a script has found of a node's power: marks tell one start of its kernel, and of its first
/// process, from another.
struct Power<'a> {
    off: bool,
    before: &'a str,
    now: &'a str,
}

impl<'a> Power<'a> {
    fn parse(shown: &'a str) -> Self {
        let after = |word: &str| shown.lines().find_map(|line| line.strip_prefix(word));
        let mark = |word: &str| after(word).unwrap_or_default().trim();
        Self { off: mark("power ") == "off", before: mark("before "), now: mark("now ") }
    }

    fn reading(&self, wanted_off: bool) -> Reading {
        let Self { off, before, now } = *self;
        let silent = now.is_empty();
        let seen = match (off, silent) {
            (true, true) => format!("off and silent, before boot {before}"),
            (true, false) => format!("off, but boot {now} answers"),
            (false, true) => "on, but silent".to_owned(),
            (false, false) => format!("on, boot {now}, before {before}"),
        };
        let holds = match wanted_off {
            true => off && silent && !before.is_empty(),
            false => !off && !silent && now != before,
        };
        Reading { seen, holds }
    }
}

/// Of a script that also tells other things.
fn state_of(shown: &str) -> Option<ProcessState> {
    shown.lines().find_map(ProcessState::parse)
}

/// What a script has found of a cluster's members, and of the process of one.
struct Members<'a> {
    /// As the others list them, or why nobody does.
    names: Result<Vec<&'a str>, &'a str>,
    /// Of this one, where it is listed.
    id: Option<&'a str>,
    state: Option<ProcessState>,
}

impl<'a> Members<'a> {
    fn parse(shown: &'a str) -> Self {
        let after = |word: &str| shown.lines().find_map(|line| line.strip_prefix(word));
        let names = after("members").map(|names| names.split_whitespace().collect());
        Self {
            names: names.ok_or_else(|| shown.lines().next().unwrap_or("nothing")),
            id: after("id ").and_then(|id| id.split_whitespace().next()),
            state: state_of(shown),
        }
    }

    /// It has a vote and runs.
    fn with(&self, name: &str) -> bool {
        let runs = matches!(self.state, Some(ProcessState::Running(_)));
        self.names.as_ref().is_ok_and(|names| names.contains(&name)) && runs
    }

    /// It is neither a member nor about to be one, and does not run.
    fn without(&self, name: &str) -> bool {
        let gone = self.state == Some(ProcessState::Gone) && self.id.is_none();
        self.names.as_ref().is_ok_and(|names| !names.contains(&name)) && gone
    }

    fn in_words(&self) -> String {
        let state = self.state.map(|state| format!(" ({state})")).unwrap_or_default();
        match &self.names {
            Ok(names) => format!("members {}{state}", names.join(" ")),
            Err(why) => format!("{why}{state}"),
        }
    }
}

/// What a script has found of a disk.
struct Disk<'a> {
    /// Of its file system, in percent.
    full: f64,
    /// `writes work`, or `writes fail: WHY`.
    writes: &'a str,
    /// How long a read took; `None` when it failed, or was not tried.
    read_ms: Option<u64>,
    /// The targets of the device mapper, where it is of that.
    table: &'a str,
}

impl<'a> Disk<'a> {
    fn parse(shown: &'a str) -> Self {
        let after = |word: &str| shown.lines().find_map(|line| line.strip_prefix(word));
        let count = |word: &str| word.parse::<u64>().ok();
        let space = after("free ").and_then(|rest| rest.split_once(" of "));
        let space = space.and_then(|(free, all)| Some((count(free)?, count(all.trim())?.max(1))));
        let reads = after("reads ").and_then(|rest| rest.split_once(' '));
        let reads = reads.and_then(|(from, to)| Some((count(from)?, count(to.trim())?)));
        Self {
            full: space.map_or(0.0, |(free, all)| 100.0 - free as f64 / all as f64 * 100.0),
            writes: shown.lines().find(|line| line.starts_with("writes ")).unwrap_or_default(),
            read_ms: reads.map(|(from, to)| to.saturating_sub(from) * 10),
            table: after("table ").unwrap_or_default().trim(),
        }
    }

    fn in_words(&self) -> String {
        let reads = match (self.read_ms, self.table) {
            (_, "") => String::new(),
            (Some(ms), _) => format!(", a read takes {ms} ms"),
            (None, _) => ", reads fail".to_owned(),
        };
        format!("{:.0}% full, {}{reads}", self.full, self.writes)
    }
}

fn disk(trouble: DiskTrouble, shown: &str) -> Reading {
    let disk = Disk::parse(shown);
    // `/proc/uptime` counts hundredths of a second.
    let took = |ms: u128| disk.read_ms.is_some_and(|took| u128::from(took) + 10 >= ms);
    let holds = match trouble {
        DiskTrouble::Full { share } => disk.full >= share.0 * 100.0 - 2.0,
        DiskTrouble::ReadOnly => disk.writes.contains("Read-only"),
        DiskTrouble::Slow { time } => disk.table == "delay" && took(time.as_millis()),
        DiskTrouble::Error => disk.table == "error" && disk.read_ms.is_none(),
        DiskTrouble::LostWrites => false,
    };
    Reading { seen: disk.in_words(), holds }
}

/// Reads `tc -s qdisc`, `tc -s class` and `tc filter`, per interface.
fn queue(netem: bool, filters: usize, shown: &str) -> Reading {
    let lines = || shown.lines().map(str::trim);
    let ours = |line: &&str| line.starts_with("filter ") && line.contains("flowid 1b0:2");
    let found = lines().filter(ours).count();
    let discipline = lines().find_map(|line| line.strip_prefix("qdisc netem 1b1: "));
    let class = lines().skip_while(|line| !line.starts_with("class htb 1b0:2"));
    let rate = class.clone().find_map(|line| line.split_once(" rate ")).map(|(_, rest)| rest);
    let sent = class.clone().find_map(|line| line.strip_prefix("Sent "));
    let packets = sent.and_then(|sent| sent.split_whitespace().nth(2)).unwrap_or("no");
    let what = match (netem, discipline, rate) {
        // Behind the number of packets that it holds.
        (true, Some(told), _) => told.split_once("limit ").map(|(_, rest)| rest),
        (false, _, rate) => rate,
        (true, None, _) => None,
    };
    let Some(what) = what else {
        return Reading { seen: format!("no queue of ours: {}", words(shown)), holds: false };
    };
    let what: Vec<&str> = what.split_whitespace().skip(usize::from(netem)).collect();
    let what = if netem { what.join(" ") } else { format!("rate {}", what[0]) };
    let seen = format!("{what}, {}, {packets} packets", counted(found as u64, "filter"));
    Reading { seen, holds: found == filters }
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
