//! A node's clock, set forward or back, to and fro, or made to run too fast or too slow.
//!
//! All is done against the time since boot, which no such fault changes: when the first begins, the
//! difference between the two is kept in a file, and undoing it sets the clock to the time since
//! boot plus that difference.
//!
//! Where the node has Perl, as Debian and Ubuntu always have, both times are read and the clock is
//! set by the kernel's own calls, right to half a millisecond. Elsewhere by `date -s`, which the
//! evidence tells: `/proc/uptime` counts hundredths of a second; the scripts wait for it to count,
//! so that they know the time to a millisecond or two. `date` takes time to be started: the scripts
//! look how late it came, and set the clock again, up to ten times, until it is right to 3 ms.
//!
//! Where the kernel is the controller's, as in containers, so is the clock: then nothing is done.

use std::time::Duration;

use super::action::NodeAction;
use super::delivery::NOTHING_DONE;
use super::evidence::Expectation;
use crate::cluster::quote;
use crate::spec::{FaultSpec, Way};

/// What happens to a clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Skew {
    /// It is so many milliseconds ahead, or behind.
    Bump { by_ms: i64 },
    /// It is set ahead, and back again, each for a period.
    Strobe { by: Duration, period: Duration },
    /// It gains so much of each second, or loses it.
    Drift { share: f64 },
}

impl Skew {
    /// `None` for a fault of something else.
    pub fn of(fault: &FaultSpec) -> Option<Self> {
        let sign = |way: Way| if way == Way::Back { -1 } else { 1 };
        Some(match fault {
            FaultSpec::ClockBump(bump) => Self::Bump { by_ms: bump.way.ms(bump.by) },
            FaultSpec::ClockStrobe(strobe) => {
                Self::Strobe { by: strobe.by.0, period: strobe.period.0 }
            }
            FaultSpec::ClockDrift(drift) => {
                Self::Drift { share: drift.share.0 * sign(drift.way) as f64 }
            }
            _ => return None,
        })
    }
}

/// Kept while a clock is not as it was; gone with a reboot, as the fault is.
const STATE: &str = "/run/isobar-clock";
const MARK: &str = "isobar-clock-loop";

/// Services that would set the clock right.
const SERVICES: &str = "chrony chronyd ntp ntpd ntpsec systemd-timesyncd openntpd";

const BY_CALLS: &str = include_str!("clock.pl");

/// The numbers of clock_gettime and clock_settime: of x86-64, and of the architectures that came
/// after it. `$calls` is the way to make them, or nothing.
const CALLS: &str = r#"case $(uname -m) in
  x86_64) calls='228 227' ;;
  aarch64|riscv64|loongarch64) calls='113 112' ;;
  *) calls= ;;
esac
[ -z "$calls" ] || perl -e 1 2>/dev/null || calls=
by_calls() { perl -e "$program" $calls "$@"; }
"#;

/// `now`: sets `$up` and `$real` to the times since boot and since 1970, in ns, at the same
/// moment. `set_to NS`: sets the clock. `ahead NS`: sets it so far from where it would be.
const CLOCK: &str = r#"edge() {
  read -r was _ </proc/uptime; is=$was
  while [ "$is" = "$was" ]; do read -r is _ </proc/uptime; done
  up=${is%.*}${is#*.}0000000
}
now() {
  if [ -n "$calls" ]; then set -- $(by_calls now); up=$1; real=$2
  else edge; real=$(date +%s%N); fi
}
set_to() { date -s "@$(($1 / 1000000000)).$(printf %09d $(($1 % 1000000000)))" >/dev/null; }
ahead() {
  [ -z "$calls" ] || { by_calls ahead "$base" "$1"; return; }
  off=0; i=0
  while [ $i -lt 10 ]; do
    edge; set_to $((up + base + $1 - off)) || return 1
    now; late=$((real - up - base - $1)); off=$((off + late)); i=$((i + 1))
    [ ${late#-} -ge 3000000 ] || break
  done
}
loop() {
  loop=$(cat /run/isobar-clock/loop 2>/dev/null)
  [ -z "$loop" ] || grep -qsF isobar-clock-loop "/proc/$loop/cmdline" || loop=
}
"#;

/// The scripts of one node.
pub fn action(skew: &Skew) -> NodeAction {
    let (change, expected) = change(skew);
    let clock = functions();
    let apply = format!(
        "[ \"$(cat /proc/sys/kernel/random/boot_id)\" != \"$controller_boot\" ] ||\n  \
           {{ echo 'its clock is that of the controller' >&2; exit {NOTHING_DONE}; }}\n\
         {clock}\
         if [ ! -s {STATE}/base ]; then\n  \
           mkdir -p {STATE} || exit {NOTHING_DONE}\n  \
           if [ -d /run/systemd/system ]; then\n    \
             for unit in {SERVICES}; do\n      \
               systemctl -q is-active $unit && systemctl stop $unit && echo $unit\n    \
             done >{STATE}/services\n  \
           fi\n  \
           now; echo $((real - up)) >{STATE}/base\n\
         fi\n\
         {change}"
    );
    let undo = format!(
        "[ -s {STATE}/base ] || {{ rm -rf {STATE}; exit 0; }}\n\
         {clock}loop\n\
         [ -z \"$loop\" ] || kill -KILL \"-$loop\"\n\
         i=0; while [ $i -lt 50 ] && [ -n \"$loop\" ]; do loop; sleep 0.02; i=$((i+1)); done\n\
         read -r base <{STATE}/base\n\
         ahead 0 || exit 1\n\
         for unit in $(cat {STATE}/services 2>/dev/null); do systemctl start $unit; done\n\
         rm -rf {STATE}"
    );
    let evidence = format!(
        "{clock}loop\n\
         [ -n \"$calls\" ] || echo 'by date'\n\
         [ -z \"$loop\" ] || echo \"setting $loop\"\n\
         if read -r base 2>/dev/null <{STATE}/base; then\n  \
           now; echo \"offset $(((real - up - base) / 1000000))\"\n\
         fi"
    );
    NodeAction { apply, undo, evidence, expectation: expected }
}

/// What is done once the state is kept, and what should be seen then.
fn change(skew: &Skew) -> (String, Expectation) {
    match *skew {
        Skew::Bump { by_ms } => {
            let change = format!("read -r base <{STATE}/base; ahead $(({by_ms} * 1000000))");
            (change, Expectation::Offset { by_ms })
        }
        Skew::Strobe { by, period } => {
            let (by, period) = (by.as_nanos(), period.as_secs_f64());
            let body = format!(
                "read -r base </run/isobar-clock/base\n\
                 [ -z \"$calls\" ] ||\n  \
                   exec perl -e \"$program\" $calls strobe $base {by} {period} {MARK}\n\
                 while :; do\n  \
                   edge; set_to $((up + base + {by})); sleep {period}\n  \
                   edge; set_to $((up + base)); sleep {period}\n\
                 done"
            );
            (in_background(&body), Expectation::ClockLoop)
        }
        Skew::Drift { share } => {
            // In millionths, since shells count in whole numbers.
            let millionths = (share * 1e6).round() as i64;
            let body = format!(
                "read -r base </run/isobar-clock/base\n\
                 [ -z \"$calls\" ] ||\n  \
                   exec perl -e \"$program\" $calls drift $base {millionths} 0.2 {MARK}\n\
                 edge; began=$up\n\
                 while :; do\n  \
                   edge; set_to $((up + base + (up - began) / 1000000 * {millionths})); sleep 0.2\n\
                 done"
            );
            (in_background(&body), Expectation::ClockLoop)
        }
    }
}

/// What the scripts begin with.
fn functions() -> String {
    format!("program={}\n{CALLS}{CLOCK}", quote([BY_CALLS]))
}

/// A shell, or what it becomes, that goes on setting the clock; its pid is in the state.
fn in_background(body: &str) -> String {
    let script = quote([format!("echo $$ >{STATE}/loop\n{}{body}", functions())]);
    format!(
        "setsid sh -c {script} {MARK} >/dev/null 2>&1 </dev/null &\n\
         i=0; while [ ! -s {STATE}/loop ] && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done\n\
         [ -s {STATE}/loop ]"
    )
}
