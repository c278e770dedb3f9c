//! Cutting links: by the receiver's firewall, in a chain of our own, or by the system itself.
//!
//! Never a rule in somebody else's chain other than the one jump to ours, never a flush of
//! somebody else's chain, never a DROP in OUTPUT (the sender would see EPERM: that is no lost
//! packet), and never the controller's address.

use std::fmt::Write;
use std::net::IpAddr;

use super::action::NodeAction;
use super::evidence::Expectation;
use crate::cluster::quote;
use crate::system::LinkCommands;

/// Our chain, in the filter tables of IPv4 and IPv6.
const CHAIN: &str = "ISOBAR-IN";

/// A node whose packets are dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub node: String,
    pub address: IpAddr,
}

/// Drops packets from `senders`; with a port only TCP packets to it or from it.
pub fn by_firewall(
    senders: &[Sender],
    port: Option<u16>,
    controller: Option<IpAddr>,
) -> NodeAction {
    let (mut apply, mut evidence) = (String::new(), String::new());
    for (suffix, v6) in [("", false), ("6", true)] {
        let of_family = |address: &IpAddr| address.is_ipv6() == v6;
        let cut: Vec<IpAddr> = senders.iter().map(|s| s.address).filter(of_family).collect();
        if !cut.is_empty() {
            let rules = table(&cut, port, controller.filter(of_family));
            apply.push_str(&install(suffix, &rules));
            evidence.push_str(&listing(suffix));
        }
    }
    let rules_per_sender = if port.is_some() { 2 } else { 1 };
    let expected = senders.iter().map(|s| (s.address, rules_per_sender)).collect();
    NodeAction {
        apply: apply.trim_end().to_owned(),
        undo: UNDO.trim_end().to_owned(),
        evidence: evidence.trim_end().to_owned(),
        expectation: Expectation::Rules(expected),
    }
}

/// The system on this node stops hearing `names`.
pub fn by_commands(commands: &LinkCommands, names: Vec<String>) -> NodeAction {
    NodeAction {
        apply: quote(commands.drop.iter().chain(&names)),
        undo: quote(&commands.heal),
        evidence: quote(&commands.show),
        expectation: Expectation::Links(names.into_iter().collect()),
    }
}

/// The whole chain and the jump to it, as one transaction of iptables-restore: all or nothing.
fn table(cut: &[IpAddr], port: Option<u16>, controller: Option<IpAddr>) -> String {
    let mut rules = format!("*filter\n:{CHAIN} - [0:0]\n");
    if let Some(controller) = controller {
        let _ = writeln!(rules, "-A {CHAIN} -s {controller} -j RETURN");
    }
    for address in cut {
        let Some(port) = port else {
            let _ = writeln!(rules, "-A {CHAIN} -s {address} -j DROP");
            continue;
        };
        for side in ["--dport", "--sport"] {
            let _ = writeln!(rules, "-A {CHAIN} -s {address} -p tcp {side} {port} -j DROP");
        }
    }
    let _ = write!(rules, "-I INPUT 1 -j {CHAIN}\nCOMMIT");
    rules
}

/// Some kernels know only one of the two kinds of tables (`TABLE_ADD failed`): the legacy
/// programs are tried where the usual ones fail.
fn install(suffix: &str, rules: &str) -> String {
    let rules = quote([rules]);
    format!(
        "rules={rules}\n\
         why=$(printf '%s\\n' \"$rules\" | ip{suffix}tables-restore -w --noflush 2>&1) ||\n\
         also=$(printf '%s\\n' \"$rules\" | ip{suffix}tables-legacy-restore -w --noflush 2>&1) ||\n\
         {{ printf '%s\\n' \"$why\" \"$also\" >&2; exit 1; }}\n"
    )
}

/// Unhooks, flushes and deletes our chain wherever it is. The legacy programs are only asked
/// where their tables are in use, since asking creates them. Status 1 of a listing means that
/// there is no such chain; a refusal means that nobody knows.
const UNDO: &str = r#"left=0
for t in iptables ip6tables iptables-legacy ip6tables-legacy; do
  case $t in
    iptables-legacy) grep -qs filter /proc/net/ip_tables_names || continue ;;
    ip6tables-legacy) grep -qs filter /proc/net/ip6_tables_names || continue ;;
  esac
  command -v $t >/dev/null 2>&1 || continue
  if said=$($t -w -nL ISOBAR-IN 2>&1 >/dev/null); then
    while $t -w -D INPUT -j ISOBAR-IN 2>/dev/null; do :; done
    $t -w -F ISOBAR-IN && $t -w -X ISOBAR-IN || left=1
  else
    case $said in *"ermission denied"*|*"must be root"*) echo "$said" >&2; left=1 ;; esac
  fi
done
exit $left
"#;

/// Lists our chain in the tables of one family. Where both names mean the same program, its rules
/// count once.
fn listing(suffix: &str) -> String {
    format!(
        "ip{suffix}tables -w -nvxL {CHAIN} 2>/dev/null || {{\n  \
           grep -qs filter /proc/net/ip{suffix}_tables_names &&\n    \
             ip{suffix}tables-legacy -w -nvxL {CHAIN} 2>/dev/null\n\
         }}\n"
    )
}
