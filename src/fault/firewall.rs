//! Chains of our own in a node's firewall: made, listed, taken away.
//!
//! Never a rule in somebody else's chain other than the one jump to ours, never a flush of
//! somebody else's chain, never a DROP in OUTPUT (the sender would see EPERM: that is no lost
//! packet), and never the controller's address.

use std::fmt::Write;
use std::net::IpAddr;

use super::action::NodeAction;
use super::evidence::Expectation;
use crate::cluster::quote;

/// A node whose packets are dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub node: String,
    pub address: IpAddr,
}

/// What becomes of the packets that a chain is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    Drop,
    /// A share of them is dropped.
    DropSome(f64),
    /// Whoever serves the queue of this number decides; they pass when nobody does.
    Queue(u16),
}

impl Verdict {
    /// A packet that comes back from a queue has passed the table: so that no other rule of the
    /// filter is skipped, queues are in a table before it, behind all rules that are there.
    fn table(self) -> &'static str {
        if let Self::Queue(_) = self { "mangle" } else { "filter" }
    }

    /// Puts the jump to our chain into INPUT.
    fn hook(self) -> &'static str {
        if let Self::Queue(_) = self { "-A INPUT" } else { "-I INPUT 1" }
    }

    /// The chains of the table when nobody has put anything into it.
    fn hooks(self) -> &'static [&'static str] {
        match self.table() {
            "mangle" => &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
            _ => &["INPUT", "FORWARD", "OUTPUT"],
        }
    }

    fn rule(self) -> String {
        match self {
            Self::Drop => "-j DROP".to_owned(),
            Self::DropSome(share) => {
                format!("-m statistic --mode random --probability {share:.6} -j DROP")
            }
            Self::Queue(number) => format!("-j NFQUEUE --queue-num {number} --queue-bypass"),
        }
    }
}

/// A chain of ours, in the tables of IPv4 and IPv6.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    pub name: String,
    /// Only TCP packets to this port or from it.
    pub port: Option<u16>,
    pub verdict: Verdict,
}

impl Chain {
    /// For packets from `senders`.
    pub fn action(&self, senders: &[Sender], controller: Option<IpAddr>) -> NodeAction {
        let (mut apply, mut evidence) = (String::new(), String::new());
        for (suffix, v6) in [("", false), ("6", true)] {
            let of_family = |address: &IpAddr| address.is_ipv6() == v6;
            let cut: Vec<IpAddr> = senders.iter().map(|s| s.address).filter(of_family).collect();
            if !cut.is_empty() {
                let rules = self.rules(&cut, controller.filter(of_family));
                apply.push_str(&install(suffix, self.verdict.table(), &rules));
                evidence.push_str(&self.listing(suffix));
            }
        }
        let rules_per_sender = if self.port.is_some() { 2 } else { 1 };
        let expected = senders.iter().map(|s| (s.address, rules_per_sender)).collect();
        NodeAction {
            apply: apply.trim_end().to_owned(),
            undo: self.undo(),
            evidence: evidence.trim_end().to_owned(),
            expectation: Expectation::Rules(expected),
        }
    }

    /// The whole chain and the jump to it, as one transaction of iptables-restore: all or nothing.
    fn rules(&self, cut: &[IpAddr], controller: Option<IpAddr>) -> String {
        let Self { name, port, verdict } = self;
        let mut rules = format!("*{}\n:{name} - [0:0]\n", verdict.table());
        if let Some(controller) = controller {
            let _ = writeln!(rules, "-A {name} -s {controller} -j RETURN");
        }
        if let Verdict::Queue(_) = verdict {
            // Copies that the helper makes.
            let _ = writeln!(rules, "-A {name} -i lo -j RETURN");
        }
        let rule = verdict.rule();
        for address in cut {
            let Some(port) = port else {
                let _ = writeln!(rules, "-A {name} -s {address} {rule}");
                continue;
            };
            for side in ["--dport", "--sport"] {
                let _ = writeln!(rules, "-A {name} -s {address} -p tcp {side} {port} {rule}");
            }
        }
        let _ = write!(rules, "{} -j {name}\nCOMMIT", verdict.hook());
        rules
    }

    /// Lists our chain in the tables of one family. Where both names mean the same program, its
    /// rules count once.
    fn listing(&self, suffix: &str) -> String {
        let (name, table) = (&self.name, self.verdict.table());
        let of = if table == "filter" { String::new() } else { format!(" -t {table}") };
        format!(
            "ip{suffix}tables -w{of} -nvxL {name} 2>/dev/null || {{\n  \
               grep -qs {table} /proc/net/ip{suffix}_tables_names &&\n    \
                 ip{suffix}tables-legacy -w{of} -nvxL {name} 2>/dev/null\n\
             }}\n"
        )
    }

    fn undo(&self) -> String {
        let empty: Vec<String> =
            self.verdict.hooks().iter().map(|hook| format!("-P {hook} ACCEPT")).collect();
        let undo = UNDO.trim_end().replace("EMPTY_TABLE", &empty.join("\n"));
        let undo = undo.replace("ISOBAR-IN", &self.name).replace("TABLE", self.verdict.table());
        format!("drop={}\n{undo}", quote([DROP]))
    }
}

/// Some kernels know only one of the two kinds of tables (`TABLE_ADD failed`): the legacy
/// programs are tried where the usual ones fail. Where there was no table at all, one more chain
/// says so, for the undo.
fn install(suffix: &str, table: &str, rules: &str) -> String {
    let rules = quote([rules]);
    format!(
        "rules={rules}\n\
         case \"\n$(ip{suffix}tables-save 2>/dev/null)\n\" in\n  \
           *\"\n*{table}\n\"*) ;;\n  \
           *) rules=\"*{table}\n:{FRESH} - [0:0]${{rules#*{table}}}\" ;;\n\
         esac\n\
         why=$(printf '%s\\n' \"$rules\" | ip{suffix}tables-restore -w --noflush 2>&1) ||\n\
         also=$(printf '%s\\n' \"$rules\" | ip{suffix}tables-legacy-restore -w --noflush 2>&1) ||\n\
         {{ printf '%s\\n' \"$why\" \"$also\" >&2; exit 1; }}\n"
    )
}

/// An empty chain: there was no filter table before us.
const FRESH: &str = "ISOBAR-NEW";

const DROP: &str = include_str!("table.pl");

/// Unhooks, flushes and deletes our chain wherever it is, whichever program `iptables` is by now.
/// The legacy programs are only asked where their tables are in use, since asking creates them. A
/// listing that fails says nothing of chains; a refusal means that nobody knows.
///
/// A table of nf_tables that we made goes with our last chain, if nobody has put anything into it:
/// what is not as we made it, be it a policy, stays with its table. No program deletes a table on
/// condition that it is empty, but the kernel does on condition that nothing has changed since it
/// was listed ([`DROP`]). Without Perl it is listed as late as can be, with nothing started in
/// between, and restored to nothing, which deletes it. A legacy table stays, empty.
const UNDO: &str = r#"left=0
EMPTY='EMPTY_TABLE'
for t in iptables iptables-nft iptables-legacy ip6tables ip6tables-nft ip6tables-legacy; do
  case $t in
    iptables-legacy) grep -qs TABLE /proc/net/ip_tables_names || continue ;;
    ip6tables-legacy) grep -qs TABLE /proc/net/ip6_tables_names || continue ;;
  esac
  command -v $t >/dev/null 2>&1 || continue
  all=$($t -w -t TABLE -S 2>&1) || {
    case $all in *"ermission denied"*|*"must be root"*) echo "$all" >&2; left=1 ;; esac
    continue
  }
  case $all in *'-N ISOBAR-IN'*)
    while $t -w -t TABLE -D INPUT -j ISOBAR-IN 2>/dev/null; do :; done
    $t -w -t TABLE -F ISOBAR-IN && $t -w -t TABLE -X ISOBAR-IN || left=1
    all=$($t -w -t TABLE -S 2>/dev/null) ;;
  esac
  case $all in *'-N ISOBAR-'[!N]*) continue ;; *'-N ISOBAR-NEW'*) ;; *) continue ;; esac
  $t -w -t TABLE -X ISOBAR-NEW || left=1
  case $($t -V) in *nf_tables*) ;; *) continue ;; esac
  perl -e "$drop" $t TABLE "$EMPTY" 2>/dev/null ||
    { [ "$($t -w -t TABLE -S)" = "$EMPTY" ] && printf '*TABLE\nCOMMIT\n' | $t-restore -w; }
done
exit $left
"#;
