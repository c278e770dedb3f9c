//! Facts about the nodes, looked at before anything is touched.
//!
//! Nothing is changed on a node but an own, empty chain of its firewall, made and removed to see
//! whether that works.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cluster::{Cluster, Command, Member, RemoteError, boot_id, quote};

/// What the test is going to ask of the nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Commands that only root may run.
    pub root: bool,
    /// Partitions by iptables and ip6tables; implies root.
    pub firewall: bool,
    /// The nodes have IPv6 addresses, so that ip6tables is needed as well.
    pub ipv6: bool,
    /// What single faults need.
    pub probes: Vec<Probe>,
    /// Where the system keeps its data, by node.
    pub data: BTreeMap<String, String>,
}

/// A script which says whether a node can have some faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Their names.
    pub faults: String,
    /// Status 0, or prints what is missing; `$controller_boot` tells this machine's kernel from
    /// others, and `$data` is the directory of the system's data.
    pub script: String,
    pub wanted: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Without it nothing is started.
    Needed,
    /// Without it the fault is skipped.
    OrSkipped,
    /// Only asked for.
    No,
}

/// One fact about one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    pub node: String,
    pub item: Item,
    pub state: State,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Reach,
    Address,
    Root,
    Firewall,
    Watchdog,
    Clock,
    Disk,
    Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Ok,
    /// The run can go on.
    Warning,
    /// The run would fail, or its faults would do nothing.
    Error,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reach => "reach",
            Self::Address => "address",
            Self::Root => "root",
            Self::Firewall => "firewall",
            Self::Watchdog => "watchdog",
            Self::Clock => "clock",
            Self::Disk => "disk",
            Self::Fault => "fault",
        })
    }
}

/// More apart, and times in logs of several nodes tell nothing.
const OFFSET_MAX_MS: f64 = 1000.0;

/// Less free, and logs or data of the system may not fit.
const DISK_FREE_KIB_MIN: u64 = 512 << 10;

/// Prints lines of a word and its value. `-w` waits for whoever else changes the firewall. The
/// legacy programs are only tried where the others fail: asking them makes tables of theirs.
const FIREWALL: &str = "\
for family in iptables ip6tables; do
  for tool in $family $family-nft $family-legacy; do
    command -v $tool >/dev/null 2>&1 || { echo \"$tool missing\"; continue; }
    $tool -w 5 -X ISOBAR-PROBE 2>/dev/null
    if why=$($tool -w 5 -N ISOBAR-PROBE 2>&1) && why=$($tool -w 5 -X ISOBAR-PROBE 2>&1)
    then echo \"$tool works $($tool --version 2>/dev/null)\"; break
    else echo \"$tool fails $(echo $why)\"
    fi
  done
done
";

const FACTS: &str = "\
echo \"uid $(id -u)\"
echo \"setsid $(command -v setsid)\"
echo \"uptime $(cat /proc/uptime 2>/dev/null)\"
for directory in / /var /tmp; do
  echo \"disk $directory $(df -Pk $directory 2>/dev/null | awk 'NR == 2 { print $4 }')\"
done
";

/// Asks all nodes at once; in the order of the nodes, and worst news are [`State::Error`].
pub fn doctor(cluster: &Cluster, needs: &Needs) -> Vec<Diagnosis> {
    let mut all = same_addresses(cluster);
    for (member, found) in cluster.members.iter().zip(cluster.on_all(|member| {
        // A node that cannot be asked is a diagnosis, not an error.
        Ok(examine(member, needs))
    })) {
        match found {
            Ok(found) => all.extend(found),
            Err(error) => all.push(unreachable(&member.node.name, &error)),
        }
    }
    all
}

fn examine(member: &Member, needs: &Needs) -> Vec<Diagnosis> {
    let node = member.node.name.as_str();
    let privileged = needs.root || needs.firewall;
    let script = if needs.firewall { format!("{FACTS}{FIREWALL}") } else { FACTS.to_owned() };
    let mut command = Command::shell(script).deadline(Duration::from_secs(20));
    command.privileged = privileged;
    let answer = match member.remote.run(&command) {
        Ok(output) => output.text(),
        Err(error) => return vec![unreachable(node, &error)],
    };
    let mut found = vec![Diagnosis::ok(node, Item::Reach, "commands run".to_owned())];
    found.extend(judge(node, needs, &answer));
    found.push(clock(member));
    found.extend(needs.probes.iter().map(|probe| possible(member, probe, needs)));
    found
}

impl Diagnosis {
    fn ok(node: &str, item: Item, message: String) -> Self {
        Self { node: node.to_owned(), item, state: State::Ok, message, remedy: None }
    }

    fn bad(node: &str, item: Item, state: State, message: String, remedy: &str) -> Self {
        Self { node: node.to_owned(), item, state, message, remedy: Some(remedy.to_owned()) }
    }
}

fn unreachable(node: &str, error: &RemoteError) -> Diagnosis {
    let (item, remedy) = match error {
        RemoteError::Unreachable { .. } => {
            (Item::Reach, "check the address and the port, and that the node and its sshd run")
        }
        // These say themselves what to do.
        RemoteError::HostKey { .. } | RemoteError::Authentication { .. } => {
            return Diagnosis {
                node: node.to_owned(),
                item: Item::Reach,
                state: State::Error,
                message: error.to_string(),
                remedy: None,
            };
        }
        _ => (Item::Reach, "look at the node: it is frozen, overloaded, or cut off"),
    };
    Diagnosis::bad(node, item, State::Error, error.to_string(), remedy)
}

/// Nodes that share an address cannot be cut off from each other by a firewall.
fn same_addresses(cluster: &Cluster) -> Vec<Diagnosis> {
    if cluster.controller.is_none() {
        return Vec::new();
    }
    let nodes = cluster.nodes();
    let pairs = nodes.iter().enumerate().filter_map(|(index, node)| {
        let other = nodes[..index].iter().find(|other| other.ip == node.ip)?;
        Some(Diagnosis::bad(
            &node.name,
            Item::Address,
            State::Error,
            format!("has the address {} of {}", node.ip, other.name),
            "give every node an address of its own",
        ))
    });
    pairs.collect()
}

/// Reads the scripts' answer. Pure.
fn judge(node: &str, needs: &Needs, answer: &str) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    let fact = |word: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        line.map(str::trim).filter(|value| !value.is_empty())
    };
    if needs.root || needs.firewall {
        found.push(match fact("uid") {
            Some("0") => Diagnosis::ok(node, Item::Root, "commands run as root".to_owned()),
            uid => Diagnosis::bad(
                node,
                Item::Root,
                State::Error,
                format!("commands run as user {}, not as root", uid.unwrap_or("unknown")),
                "log in as root, or allow sudo without a password",
            ),
        });
    }
    if needs.firewall {
        found.push(firewall(node, "iptables", fact));
        let mut v6 = firewall(node, "ip6tables", fact);
        if !needs.ipv6 {
            v6.state = v6.state.min(State::Warning);
        }
        found.push(v6);
    }
    found.push(match (fact("setsid"), fact("uptime")) {
        (Some(_), Some(_)) => {
            Diagnosis::ok(node, Item::Watchdog, "setsid and /proc/uptime are there".to_owned())
        }
        (setsid, _) => Diagnosis::bad(
            node,
            Item::Watchdog,
            if needs.firewall { State::Error } else { State::Warning },
            format!("no {}", if setsid.is_none() { "setsid" } else { "/proc/uptime" }),
            "faults mend themselves only with setsid (util-linux) and /proc on the node",
        ),
    });
    found.push(disk(node, answer));
    found
}

fn firewall<'a>(node: &str, tool: &str, fact: impl Fn(&str) -> Option<&'a str>) -> Diagnosis {
    let variants = [tool.to_owned(), format!("{tool}-nft"), format!("{tool}-legacy")];
    for variant in &variants {
        if let Some(version) = fact(variant).and_then(|fact| fact.strip_prefix("works")) {
            return Diagnosis::ok(node, Item::Firewall, format!("{variant} works:{version}"));
        }
    }
    let why = variants.iter().find_map(|variant| fact(variant)?.strip_prefix("fails "));
    match why {
        Some(why) => Diagnosis::bad(
            node,
            Item::Firewall,
            State::Error,
            format!("{tool} does not work: {why}"),
            "the kernel of the node needs nf_tables or ip_tables; in a container, NET_ADMIN",
        ),
        None => Diagnosis::bad(
            node,
            Item::Firewall,
            State::Error,
            format!("{tool} is missing"),
            "install iptables on the node (Debian: apt-get install iptables)",
        ),
    }
}

fn disk(node: &str, answer: &str) -> Diagnosis {
    let free = answer.lines().filter_map(|line| {
        let mut words = line.strip_prefix("disk ")?.split_whitespace();
        Some((words.next()?, words.next()?.parse::<u64>().ok()?))
    });
    match free.min_by_key(|(_, free_kib)| *free_kib) {
        Some((directory, free_kib)) if free_kib < DISK_FREE_KIB_MIN => Diagnosis::bad(
            node,
            Item::Disk,
            State::Warning,
            format!("{} MiB are free in {directory}", free_kib >> 10),
            "make room: logs and data of the system have to fit",
        ),
        Some((directory, free_kib)) => Diagnosis::ok(
            node,
            Item::Disk,
            format!("{} MiB or more are free, least in {directory}", free_kib >> 10),
        ),
        None => Diagnosis::bad(
            node,
            Item::Disk,
            State::Warning,
            "free space is unknown".to_owned(),
            "df on the node gives no answer in the format of POSIX",
        ),
    }
}

/// Whether the node can have the faults of a probe.
fn possible(member: &Member, probe: &Probe, needs: &Needs) -> Diagnosis {
    let node = member.node.name.as_str();
    let boot = quote([boot_id()]);
    let data = quote([needs.data.get(node).map_or("/", String::as_str)]);
    let script = format!(
        "PATH=$PATH:/usr/sbin:/sbin\ncontroller_boot={boot}\ndata={data}\n{}",
        probe.script
    );
    let command = Command::shell(script).deadline(Duration::from_secs(10)).privileged();
    let faults = &probe.faults;
    let why = match member.remote.run(&command) {
        Ok(output) if output.ok() => {
            // A script that found another way than the usual one says which.
            let way: Vec<String> = output.text().split_whitespace().map(str::to_owned).collect();
            let way = if way.is_empty() { String::new() } else { format!(", {}", way.join(" ")) };
            return Diagnosis::ok(node, Item::Fault, format!("{faults}: possible{way}"));
        }
        Ok(output) => format!("{} {}", output.text(), output.error_text()),
        Err(error) => error.to_string(),
    };
    let why: Vec<&str> = why.split_whitespace().collect();
    let message = format!("{faults}: impossible: {}", why.join(" "));
    match probe.wanted {
        Wanted::No => Diagnosis::ok(node, Item::Fault, message),
        Wanted::OrSkipped => {
            let remedy = "it will be skipped, as the specification says";
            Diagnosis::bad(node, Item::Fault, State::Warning, message, remedy)
        }
        Wanted::Needed => {
            let remedy = "leave it out, or write `on-unavailable: skip`";
            Diagnosis::bad(node, Item::Fault, State::Error, message, remedy)
        }
    }
}

/// The node's clock against ours, in a call of its own: the session is open by now.
fn clock(member: &Member) -> Diagnosis {
    let node = member.node.name.as_str();
    let sent = SystemTime::now();
    let answer = member.remote.run(&Command::shell("date +%s.%N"));
    let received = SystemTime::now();
    let text = answer.map(|output| output.text()).unwrap_or_default();
    // A date without nanoseconds prints `%N` or `N`.
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let Ok(theirs) = digits.parse::<f64>() else {
        return Diagnosis::bad(
            node,
            Item::Clock,
            State::Warning,
            format!("the time is unknown: `{text}`"),
            "date on the node does not answer `+%s`",
        );
    };
    let ours = (unix_seconds(sent) + unix_seconds(received)) / 2.0;
    let whole_seconds = !digits.contains('.') || text.contains('N');
    let theirs = if whole_seconds { theirs + 0.5 } else { theirs };
    let doubt_ms = (unix_seconds(received) - unix_seconds(sent)) * 500.0
        + if whole_seconds { 500.0 } else { 0.0 };
    offset(node, (theirs - ours) * 1000.0, doubt_ms)
}

fn offset(node: &str, offset_ms: f64, doubt_ms: f64) -> Diagnosis {
    let message = format!("{offset_ms:+.0} ms against this machine, ± {doubt_ms:.0} ms");
    if offset_ms.abs() - doubt_ms > OFFSET_MAX_MS {
        let remedy = "synchronise the clocks, as with chrony or systemd-timesyncd";
        return Diagnosis::bad(node, Item::Clock, State::Warning, message, remedy);
    }
    Diagnosis::ok(node, Item::Clock, message)
}

fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs =
        Needs { root: true, firewall: true, ipv6: true, probes: Vec::new(), data: BTreeMap::new() };

    const GOOD: &str = "uid 0\nsetsid /usr/bin/setsid\nuptime 12.3 45.6\ndisk / 9000000\n\
        disk /var 8000000\ndisk /tmp \niptables works iptables v1.8.9 (nf_tables)\n\
        iptables-nft missing\nip6tables fails Permission denied\n\
        ip6tables-legacy works ip6tables v1.8.9 (legacy)\n";

    fn worst(found: &[Diagnosis]) -> Vec<(Item, State)> {
        let bad = found.iter().filter(|d| d.state != State::Ok);
        bad.map(|d| (d.item, d.state)).collect()
    }

    #[test]
    fn accepts_a_node_with_all_it_needs() {
        let found = judge("n1", &NEEDS, GOOD);
        assert_eq!(worst(&found), []);
        let firewalls: Vec<&str> =
            found.iter().filter(|d| d.item == Item::Firewall).map(|d| d.message.as_str()).collect();
        assert_eq!(firewalls[0], "iptables works: iptables v1.8.9 (nf_tables)");
        assert_eq!(firewalls[1], "ip6tables-legacy works: ip6tables v1.8.9 (legacy)");
    }

    #[test]
    fn rejects_a_node_that_lacks_something_and_says_what() {
        let answer = "uid 1000\nsetsid \nuptime 1 2\ndisk / 1024\n\
            iptables fails Permission denied (you must be root)\nip6tables missing\n";
        let found = judge("n1", &NEEDS, answer);
        let error = State::Error;
        let expected = [
            (Item::Root, error),
            (Item::Firewall, error),
            (Item::Firewall, error),
            (Item::Watchdog, error),
            (Item::Disk, State::Warning),
        ];
        assert_eq!(worst(&found), expected);
        assert!(found[1].message.contains("Permission denied"), "{:?}", found[1]);
        assert!(found[2].message.contains("missing"), "{:?}", found[2]);
        assert!(found.iter().all(|d| d.state == State::Ok || d.remedy.is_some()));
    }

    #[test]
    fn what_is_not_needed_is_not_judged() {
        let found =
            judge("n1", &Needs::default(), "uid 1000\nsetsid /s\nuptime 1 2\ndisk / 9999999");
        assert_eq!(worst(&found), []);
        assert!(found.iter().all(|d| !matches!(d.item, Item::Root | Item::Firewall)));
    }

    #[test]
    fn clocks_apart_by_more_than_a_second_are_a_warning_beyond_doubt_only() {
        assert_eq!(offset("n1", -1500.0, 10.0).state, State::Warning);
        assert_eq!(offset("n1", 1500.0, 600.0).state, State::Ok);
        assert_eq!(offset("n1", 900.0, 1.0).state, State::Ok);
    }
}
