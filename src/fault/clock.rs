//! A node's clock, set forward or back, to and fro, or made to run too fast or too slow.
//!
//! All is done against the time since boot, which is not set with the clock: when the first
//! begins, the difference between the two is kept in a file, and undoing it sets the clock to the
//! time since boot plus that difference.
//!
//! Isobar's [`helper`] does it, right to a tenth of a millisecond; and a clock that drifts by up
//! to [`RATE_MAX`] drifts as with a bad crystal: the kernel is told another rate, which all of its
//! clocks follow, that since boot too. What they gained is known from the one that cannot be told.
//!
//! Where the helper cannot be had, Perl makes the same calls, but for the rate: that becomes steps.
//! Where there is no Perl either, `date -s` does it: `/proc/uptime` counts hundredths of a second;
//! the scripts wait for it to count, so that they know the time to a millisecond or two. `date`
//! takes time to be started: the scripts look how late it came, and set the clock again, up to 20
//! times, until it is right to 3 ms, or to a little more the longer that takes. The evidence tells
//! who did it.
//!
//! Where the kernel is the controller's, as in containers, so is the clock: then nothing is done.
//!
//! [`helper`]: super::helper

use std::time::Duration;

use super::action::NodeAction;
use super::delivery::NOTHING_DONE;
use super::evidence::Expectation;
use super::helper;
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

/// By which the kernel's clocks can be made faster or slower, as a share.
const RATE_MAX: f64 = 0.1;

const PERL: &str = include_str!("clock.pl");

/// Sets `$by` to who does it: `helper`, `perl` or `date`. `by_calls WHAT…` has the first two do it.
/// Perl is told the numbers of clock_gettime and clock_settime: of x86-64, and of the architectures
/// that came after it.
const BY: &str = r#"by=date
case $(uname -m) in
  x86_64) calls='228 227' ;;
  aarch64|riscv64|loongarch64) calls='113 112' ;;
  *) calls= ;;
esac
if [ -s "$tool" ] && helper clock now >/dev/null 2>&1; then by=helper
elif [ -n "$calls" ] && perl -e 1 2>/dev/null; then by=perl; fi
by_calls() {
  if [ $by = helper ]; then helper clock "$@"; else perl -e "$program" $calls "$@"; fi
}
"#;

/// `now`: sets `$up` and `$real` to the times since boot and since 1970, in ns, at the same
/// moment. `set_to NS`: sets the clock. `ahead NS`: sets it so far from where it would be.
const CLOCK: &str = r#"edge() {
  read -r was _ </proc/uptime; is=$was
  while [ "$is" = "$was" ]; do read -r is _ </proc/uptime; done
  up=${is%.*}${is#*.}0000000
}
now() {
  if [ $by != date ]; then set -- $(by_calls now); up=$1; real=$2
  else edge; real=$(date +%s%N); fi
}
set_to() { date -s "@$(($1 / 1000000000)).$(printf %09d $(($1 % 1000000000)))" >/dev/null; }
ahead() {
  [ $by = date ] || { by_calls ahead "$base" "$1"; return; }
  off=0; i=0
  while [ $i -lt 20 ]; do
    edge; set_to $((up + base + $1 - off)) || return 1
    now; late=$((real - up - base - $1)); off=$((off + late)); i=$((i + 1))
    [ ${late#-} -ge $((3000000 * (1 + i / 5))) ] || break
  done
}
loop() {
  loop=$(cat /run/isobar-clock/loop 2>/dev/null)
  [ -z "$loop" ] || grep -qsF isobar-clock-loop "/proc/$loop/cmdline" || loop=
}
"#;

/// The scripts of one node. The helper is kept with the state, so that undoing needs nothing else.
pub fn action(skew: &Skew) -> NodeAction {
    let (change, expected) = change(skew);
    let clock = functions();
    let apply = format!(
        "[ \"$(cat /proc/sys/kernel/random/boot_id)\" != \"$controller_boot\" ] ||\n  \
           {{ echo 'its clock is that of the controller' >&2; exit {NOTHING_DONE}; }}\n\
         if [ ! -s {STATE}/base ]; then\n\
           {wanted}  \
           mkdir -p {STATE} || exit {NOTHING_DONE}\n  \
           [ ! -s \"$dir/helper\" ] || ln -f \"$dir/helper\" {STATE}/helper 2>/dev/null ||\n    \
             cp \"$dir/helper\" {STATE}/helper\n\
         fi\n\
         {clock}\
         if [ ! -s {STATE}/base ]; then\n  \
           now; [ -n \"$real\" ] && echo $((real - up)) >{STATE}/base ||\n    \
             {{ rm -rf {STATE}; exit {NOTHING_DONE}; }}\n  \
           if [ -d /run/systemd/system ]; then\n    \
             for unit in {SERVICES}; do\n      \
               systemctl -q is-active $unit && echo $unit && systemctl stop $unit >&2\n    \
             done >{STATE}/services\n  \
           fi\n\
         fi\n\
         read -r base <{STATE}/base\n\
         {change}",
        wanted = helper::wanted(),
    );
    let undo = format!(
        "[ -s {STATE}/base ] || {{ rm -rf {STATE}; exit 0; }}\n\
         {clock}loop\n\
         [ -z \"$loop\" ] || kill -KILL \"-$loop\"\n\
         i=0; while [ $i -lt 50 ] && [ -n \"$loop\" ]; do loop; sleep 0.02; i=$((i+1)); done\n\
         read -r base <{STATE}/base\n\
         gained=0\n\
         if [ -s {STATE}/rate ]; then\n  \
           gained=$(helper clock steady {STATE}/rate) || exit 1; gained=${{gained#* }}\n\
         fi\n\
         ahead $((0 - gained)) || exit 1\n\
         for unit in $(cat {STATE}/services 2>/dev/null); do systemctl start $unit; done\n\
         rm -rf {STATE}"
    );
    let evidence = format!(
        "{clock}loop\n\
         case $by in helper) who=\"isobar's helper\" ;; perl) who=Perl ;; *) who=$by ;; esac\n\
         why=$(cat \"$dir/helper.why\" 2>/dev/null)\n\
         echo \"by $who${{why:+, since $why}}\"\n\
         [ -z \"$loop\" ] || echo \"setting $loop\"\n\
         gained='0 0'\n\
         if [ -s {STATE}/rate ]; then\n  \
           gained=$(helper clock gained {STATE}/rate); echo \"rate $gained\"\n\
         fi\n\
         if read -r base 2>/dev/null <{STATE}/base; then\n  \
           now; ns=$((real - up - base + ${{gained#* }}))\n  \
           echo \"offset $(((ns < 0 ? ns - 500000 : ns + 500000) / 1000000))\"\n\
         fi"
    );
    NodeAction { apply, undo, evidence, expectation: expected }
}

/// What is done once the state is kept, and what should be seen then.
fn change(skew: &Skew) -> (String, Expectation) {
    match *skew {
        Skew::Bump { by_ms } => {
            (format!("ahead $(({by_ms} * 1000000))"), Expectation::Offset { by_ms })
        }
        Skew::Strobe { by, period } => {
            let (by, period) = (by.as_nanos(), period.as_secs_f64());
            let body = format!(
                "[ $by = date ] || {{ by_calls strobe $base {by} {period}; exit; }}\n\
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
                "[ $by = date ] || {{ by_calls drift $base {millionths} 0.05; exit; }}\n\
                 edge; began=$up\n\
                 while :; do\n  \
                   edge; set_to $((up + base + (up - began) / 1000000 * {millionths})); sleep 0.2\n\
                 done"
            );
            let steps = in_background(&body);
            let change = match share.abs() <= RATE_MAX {
                true => format!(
                    "{{ [ $by = helper ] && helper clock rate {STATE}/rate {millionths}; }} || {{\n\
                     {steps}\n\
                     }}"
                ),
                false => steps,
            };
            (change, Expectation::ClockDrift { millionths })
        }
    }
}

/// What the scripts begin with.
fn functions() -> String {
    let (program, call) = (quote([PERL]), helper::CALL);
    format!("program={program}\ntool={STATE}/helper\n{call}{BY}{CLOCK}")
}

/// A shell, or what it becomes, that goes on setting the clock; its pid is in the state.
fn in_background(body: &str) -> String {
    let script = quote([format!(
        "echo $$ >{STATE}/loop\nread -r base <{STATE}/base\n{}{body}",
        functions()
    )]);
    format!(
        "setsid sh -c {script} {MARK} >/dev/null 2>&1 </dev/null &\n\
         i=0; while [ ! -s {STATE}/loop ] && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done\n\
         [ -s {STATE}/loop ]"
    )
}

/// Whether a node has a clock of its own; prints who would set it.
pub fn probe() -> String {
    let machine = match isobar_helper::program() {
        Ok(_) => helper::machine(),
        Err(why) => format!("echo {}; exit 1", quote([helper::not_built(why)])),
    };
    format!(
        "[ \"$(cat /proc/sys/kernel/random/boot_id)\" != \"$controller_boot\" ] ||\n  \
           {{ echo 'its clock is that of this machine'; exit 1; }}\n\
         why=$({{\n{machine}\n}} 2>&1) && {{ echo \"by isobar's helper\"; exit 0; }}\n\
         if perl -e 1 2>/dev/null; then echo \"by Perl, since $why\"\n\
         elif [ \"$(date -d @0.5 +%s%N 2>&1)\" = 0500000000 ]; then\n  \
           echo \"by date, right to some ms, since there is no Perl, and $why\"\n\
         else echo \"neither Perl nor a date of GNU, and $why\"; exit 1; fi"
    )
}
