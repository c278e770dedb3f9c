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

/// What is dropped by a chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drops {
    /// Its name, in the filter tables of IPv4 and IPv6.
    pub chain: &'static str,
    /// Only TCP packets to this port or from it.
    pub port: Option<u16>,
    /// Of those, this share; all by default.
    pub share: Option<f64>,
}

impl Drops {
    /// Drops packets from `senders`.
    pub fn action(&self, senders: &[Sender], controller: Option<IpAddr>) -> NodeAction {
        let (mut apply, mut evidence) = (String::new(), String::new());
        for (suffix, v6) in [("", false), ("6", true)] {
            let of_family = |address: &IpAddr| address.is_ipv6() == v6;
            let cut: Vec<IpAddr> = senders.iter().map(|s| s.address).filter(of_family).collect();
            if !cut.is_empty() {
                let rules = self.table(&cut, controller.filter(of_family));
                apply.push_str(&install(suffix, &rules));
                evidence.push_str(&self.listing(suffix));
            }
        }
        let rules_per_sender = if self.port.is_some() { 2 } else { 1 };
        let expected = senders.iter().map(|s| (s.address, rules_per_sender)).collect();
        NodeAction {
            apply: apply.trim_end().to_owned(),
            undo: UNDO.trim_end().replace("ISOBAR-IN", self.chain),
            evidence: evidence.trim_end().to_owned(),
            expectation: Expectation::Rules(expected),
        }
    }

    /// The whole chain and the jump to it, as one transaction of iptables-restore: all or nothing.
    fn table(&self, cut: &[IpAddr], controller: Option<IpAddr>) -> String {
        let Self { chain, port, share } = *self;
        let mut rules = format!("*filter\n:{chain} - [0:0]\n");
        if let Some(controller) = controller {
            let _ = writeln!(rules, "-A {chain} -s {controller} -j RETURN");
        }
        let some = share.map_or_else(String::new, |share| {
            format!(" -m statistic --mode random --probability {share:.6}")
        });
        for address in cut {
            let Some(port) = port else {
                let _ = writeln!(rules, "-A {chain} -s {address}{some} -j DROP");
                continue;
            };
            for side in ["--dport", "--sport"] {
                let tcp = format!("-p tcp {side} {port}");
                let _ = writeln!(rules, "-A {chain} -s {address} {tcp}{some} -j DROP");
            }
        }
        let _ = write!(rules, "-I INPUT 1 -j {chain}\nCOMMIT");
        rules
    }

    /// Lists our chain in the tables of one family. Where both names mean the same program, its
    /// rules count once.
    fn listing(&self, suffix: &str) -> String {
        let chain = self.chain;
        format!(
            "ip{suffix}tables -w -nvxL {chain} 2>/dev/null || {{\n  \
               grep -qs filter /proc/net/ip{suffix}_tables_names &&\n    \
                 ip{suffix}tables-legacy -w -nvxL {chain} 2>/dev/null\n\
             }}\n"
        )
    }
}

/// Some kernels know only one of the two kinds of tables (`TABLE_ADD failed`): the legacy
/// programs are tried where the usual ones fail. Where there was no table at all, one more chain
/// says so, for the undo.
fn install(suffix: &str, rules: &str) -> String {
    let rules = quote([rules]);
    format!(
        "rules={rules}\n\
         case \"\n$(ip{suffix}tables-save 2>/dev/null)\n\" in\n  \
           *\"\n*filter\n\"*) ;;\n  \
           *) rules=\"*filter\n:{FRESH} - [0:0]${{rules#*filter}}\" ;;\n\
         esac\n\
         why=$(printf '%s\\n' \"$rules\" | ip{suffix}tables-restore -w --noflush 2>&1) ||\n\
         also=$(printf '%s\\n' \"$rules\" | ip{suffix}tables-legacy-restore -w --noflush 2>&1) ||\n\
         {{ printf '%s\\n' \"$why\" \"$also\" >&2; exit 1; }}\n"
    )
}

/// An empty chain: there was no filter table before us.
const FRESH: &str = "ISOBAR-NEW";

/// Unhooks, flushes and deletes our chain wherever it is, whichever program `iptables` is by now.
/// The legacy programs are only asked where their tables are in use, since asking creates them. A
/// listing that fails says nothing of chains; a refusal means that nobody knows.
///
/// A table that we made goes with our last chain, if nobody has put anything into it: the nft
/// programs delete a table that is restored to nothing. A legacy table stays, empty.
///
/// No program deletes a table on condition that it is empty: it is listed as late as can be, with
/// nothing started in between. What is not as we made it, be it a policy, stays with its table.
const UNDO: &str = r#"left=0
EMPTY='-P INPUT ACCEPT
-P FORWARD ACCEPT
-P OUTPUT ACCEPT'
for t in iptables iptables-nft iptables-legacy ip6tables ip6tables-nft ip6tables-legacy; do
  case $t in
    iptables-legacy) grep -qs filter /proc/net/ip_tables_names || continue ;;
    ip6tables-legacy) grep -qs filter /proc/net/ip6_tables_names || continue ;;
  esac
  command -v $t >/dev/null 2>&1 || continue
  all=$($t -w -S 2>&1) || {
    case $all in *"ermission denied"*|*"must be root"*) echo "$all" >&2; left=1 ;; esac
    continue
  }
  case $all in *'-N ISOBAR-IN'*)
    while $t -w -D INPUT -j ISOBAR-IN 2>/dev/null; do :; done
    $t -w -F ISOBAR-IN && $t -w -X ISOBAR-IN || left=1
    all=$($t -w -S 2>/dev/null) ;;
  esac
  case $all in *'-N ISOBAR-'[!N]*) continue ;; *'-N ISOBAR-NEW'*) ;; *) continue ;; esac
  $t -w -X ISOBAR-NEW || left=1
  [ "$($t -w -S)" = "$EMPTY" ] && printf '*filter\nCOMMIT\n' | $t-restore -w
done
exit $left
"#;
