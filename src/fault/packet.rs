//! Packets that are late, lost, doubled, damaged, out of order or too many.
//!
//! ```text
//! root: htb 1b0:  ─ class 1b0:1, everything else, as fast as before
//!                 └ class 1b0:2, packets to the receivers ─ netem 1b1:
//! ```
//!
//! The sender's kernel does it (`tc`, netem under an htb class, sorted by u32 filters), with two
//! exceptions: plain losses are dropped by the receivers' firewalls, where they are counted and
//! netem is not needed; and where a sender has no netem, or netem cannot do it, [`helper`] does it
//! at the receivers. A queue that is not the kernel's default is somebody else's: then nothing is
//! done.
//!
//! [`helper`]: super::helper

use std::fmt::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::action::NodeAction;
use super::delivery::NOTHING_DONE;
use super::evidence::Expectation;
use super::firewall::{Chain, Sender, Verdict};
use crate::spec::{Bandwidth, Distribution, FaultSpec, Share};

const CHAIN: &str = "ISOBAR-LOSS";
/// More than any link carries: the class of what is not disturbed.
const FREE: &str = "100gbit";

/// What happens to packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Disturbance {
    Delay {
        time: Duration,
        jitter: Duration,
        correlation: Share,
        distribution: Distribution,
    },
    /// In bursts where there is a correlation.
    Loss {
        share: Share,
        correlation: Option<Share>,
    },
    Duplicate {
        share: Share,
        correlation: Share,
    },
    Corrupt {
        share: Share,
        correlation: Share,
    },
    /// The share is sent at once, the others `time` later.
    Reorder {
        share: Share,
        correlation: Share,
        time: Duration,
    },
    Rate(Bandwidth),
    /// With checksums that hold; only the helper can do it.
    SilentCorrupt {
        share: Share,
    },
}

/// Who disturbs packets of which both can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// The senders' kernels.
    Netem,
    /// A program of ours at the receivers.
    Helper,
}

impl Disturbance {
    /// `None` for a fault of something else.
    pub fn of(fault: &FaultSpec) -> Option<Self> {
        Some(match fault {
            FaultSpec::Delay(delay) => Self::Delay {
                time: delay.time.0,
                jitter: delay.jitter.0,
                correlation: delay.correlation,
                distribution: delay.distribution,
            },
            FaultSpec::Loss(loss) => {
                Self::Loss { share: loss.share, correlation: loss.correlation }
            }
            FaultSpec::Duplicate(noise) => {
                Self::Duplicate { share: noise.share, correlation: noise.correlation }
            }
            FaultSpec::Corrupt(noise) => {
                Self::Corrupt { share: noise.share, correlation: noise.correlation }
            }
            FaultSpec::Reorder(reorder) => Self::Reorder {
                share: reorder.share,
                correlation: reorder.correlation,
                time: reorder.time.0,
            },
            FaultSpec::Rate(rate) => Self::Rate(rate.rate),
            FaultSpec::SilentCorrupt(noise) => Self::SilentCorrupt { share: noise.share },
            _ => return None,
        })
    }

    /// Whether the receivers' firewalls do it.
    pub fn is_plain_loss(&self) -> bool {
        matches!(self, Self::Loss { correlation: None, .. })
    }

    /// Whether it depends on netem who does it.
    pub fn is_done_by_either(&self) -> bool {
        self.netem().is_some() && !self.is_plain_loss() && self.helper().is_some()
    }

    /// Whether the helper does it, given who does what both can.
    pub fn is_helped(&self, means: Means) -> bool {
        let either = self.is_done_by_either() && means == Means::Helper;
        either || matches!(self, Self::SilentCorrupt { .. })
    }

    /// What the helper is told; nothing where it cannot do it. Times are in microseconds.
    pub fn helper(&self) -> Option<String> {
        let us = |time: Duration| time.as_micros();
        Some(match *self {
            Self::Delay { time, jitter, correlation, distribution } => {
                let spread = distribution.word();
                format!("delay {} {} {} {spread}", us(time), us(jitter), correlation.0)
            }
            Self::Loss { share, correlation } => {
                format!("loss {} {}", share.0, correlation.map_or(0.0, |share| share.0))
            }
            Self::Duplicate { share, correlation } => {
                format!("duplicate {} {}", share.0, correlation.0)
            }
            Self::Corrupt { share, correlation } => {
                format!("corrupt {} {}", share.0, correlation.0)
            }
            Self::Reorder { share, correlation, time } => {
                format!("reorder {} {} {}", share.0, correlation.0, us(time))
            }
            Self::SilentCorrupt { share } => format!("silent-corrupt {} 0", share.0),
            Self::Rate(_) => return None,
        })
    }

    /// What netem is told; nothing where the class alone does it, or nobody but the helper.
    fn netem(&self) -> Option<String> {
        let ms = |time: Duration| format!("{}ms", time.as_millis());
        Some(match *self {
            Self::Delay { time, jitter, correlation, distribution } => {
                let time = ms(time);
                if jitter.is_zero() {
                    return Some(format!("delay {time}"));
                }
                let spread = match distribution {
                    Distribution::Uniform => String::new(),
                    other => format!(" distribution {}", other.word()),
                };
                format!("delay {time} {} {correlation}{spread}", ms(jitter))
            }
            Self::Loss { share, correlation } => {
                format!("loss {share} {}", correlation.unwrap_or(Share(0.0)))
            }
            Self::Duplicate { share, correlation } => format!("duplicate {share} {correlation}"),
            Self::Corrupt { share, correlation } => format!("corrupt {share} {correlation}"),
            Self::Reorder { share, correlation, time } => {
                format!("delay {} reorder {share} {correlation}", ms(time))
            }
            Self::Rate(_) | Self::SilentCorrupt { .. } => return None,
        })
    }

    fn rate(&self) -> String {
        match self {
            Self::Rate(rate) => rate.to_string(),
            _ => FREE.to_owned(),
        }
    }
}

impl fmt::Display for Disturbance {
    /// As netem is told, or would be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.netem(), self) {
            (Some(netem), _) => f.write_str(&netem),
            (None, Self::SilentCorrupt { share }) => write!(f, "silent-corrupt {share}"),
            (None, _) => write!(f, "rate {}", self.rate()),
        }
    }
}

/// The receiver's firewall loses a share of what `senders` send.
pub fn by_firewall(
    senders: &[Sender],
    share: Share,
    port: Option<u16>,
    controller: Option<IpAddr>,
) -> NodeAction {
    let verdict = Verdict::DropSome(share.0);
    Chain { name: CHAIN.to_owned(), port, verdict }.action(senders, controller)
}

/// The sender's kernel disturbs what it sends to `receivers`.
pub fn by_queue(disturbance: &Disturbance, receivers: &[IpAddr], port: Option<u16>) -> NodeAction {
    let netem = disturbance.netem();
    let leaf = netem.as_ref().map_or_else(String::new, |netem| {
        format!("qdisc add dev $dev parent 1b0:2 handle 1b1: netem limit 100000 {netem}\n")
    });
    let mut apply = String::from("ways=$(ip -o -batch - <<END\n");
    for receiver in receivers {
        let _ = writeln!(apply, "route get {receiver}");
    }
    let _ = write!(
        apply,
        "END\n) || exit {NOTHING_DONE}\n{QUEUE}\
         queue() {{\n  \
           tell \"qdisc add dev $dev root handle 1b0: htb default 1\n\
           class add dev $dev parent 1b0: classid 1b0:1 htb rate {FREE} quantum 60000\n\
           class add dev $dev parent 1b0: classid 1b0:2 htb rate {rate} quantum 60000\n\
           {leaf}\"\n\
         }}\n",
        rate = disturbance.rate(),
        leaf = leaf.trim_end(),
    );
    for receiver in receivers {
        let (protocol, ip, bits) = match receiver {
            IpAddr::V4(_) => ("ip", "ip", 32),
            IpAddr::V6(_) => ("ipv6", "ip6", 128),
        };
        apply.push_str("toward\n");
        let filter = format!(
            "filter add dev $dev parent 1b0: protocol {protocol} prio {prio} u32 \
             match {ip} dst {receiver}/{bits}",
            // Filters of different protocols must not share a priority.
            prio = if receiver.is_ipv4() { 4 } else { 6 },
        );
        match port {
            None => {
                let _ = writeln!(apply, "tell \"{filter} flowid 1b0:2\"");
            }
            Some(port) => {
                for side in ["dport", "sport"] {
                    let tcp = format!("match {ip} protocol 6 0xff match {ip} {side} {port} 0xffff");
                    let _ = writeln!(apply, "tell \"{filter} {tcp} flowid 1b0:2\"");
                }
            }
        }
    }
    apply.push_str(TELL);
    NodeAction {
        apply: apply.trim_end().to_owned(),
        undo: UNDO.trim_end().to_owned(),
        evidence: EVIDENCE.trim_end().to_owned(),
        expectation: Expectation::Queue {
            netem: netem.is_some(),
            filters: receivers.len() * if port.is_some() { 2 } else { 1 },
        },
    }
}

/// `toward` sets `$dev` to the interface on the next of the ways, and makes our queue on it unless
/// it has one. `tell LINES` is for the end: each program that starts takes a while.
const QUEUE: &str = r#"toward() {
  way=${ways%%
*}
  ways=${ways#*
}
  set -- $way
  while [ $# -gt 1 ] && [ "$1" != dev ]; do shift; done
  dev=$2
  [ -n "$dev" ] || { echo "no device in: $way" >&2; exit 98; }
  case $made$had in *" $dev "*) return 0 ;; esac
  case $(tc qdisc show dev $dev root) in
    *' 1b0: '*) had="$had $dev " ;;
    ''|*' 0: '*) made="$made $dev "; queue ;;
    *) echo "$dev has a queue that is not ours: $(tc qdisc show dev $dev root)" >&2; exit 98 ;;
  esac
}
tell() {
  lines="$lines$1
"
}
made=
had=
lines=
"#;

/// All or nothing, as far as the queues are made here.
const TELL: &str = r#"why=$(printf '%s' "$lines" | tc -batch - 2>&1) || {
  echo "${why%?Command failed*}" >&2
  for dev in $made; do
    tc qdisc del dev $dev root 2>/dev/null
    case $(tc qdisc show dev $dev root) in *' 1b0: '*) exit 1 ;; esac
  done
  [ -z "$had" ] || exit 1
  exit 98
}
"#;

/// Removes our queues; the kernel puts its default back.
const UNDO: &str = r#"tc qdisc show 2>/dev/null | {
  left=0
  while read -r _ kind handle _ dev root _; do
    [ "$kind $handle $root" != 'htb 1b0: root' ] || tc qdisc del dev $dev root || left=1
  done
  exit $left
}
"#;

/// Prints our queues, their counts, and the filters.
const EVIDENCE: &str = r#"tc qdisc show 2>/dev/null | while read -r _ kind handle _ dev root _; do
  [ "$kind $handle $root" = 'htb 1b0: root' ] || continue
  echo "qdisc show dev $dev"
  echo "class show dev $dev classid 1b0:2"
  echo "filter show dev $dev parent 1b0:"
done | tc -s -batch -
"#;
