//! A small program of isobar's that works on a node: brought there when a fault needs it, gone with
//! the run's directory.
//!
//! It moves clocks ([`clock`]), and it holds packets back, loses them or changes them, at the
//! receivers: their firewalls send packets to a queue, which it serves. A node's part in each fault
//! has a chain, a queue and a process of its own, named after the first sender, who is in no other
//! such fault at the time.
//!
//! [`clock`]: super::clock

use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::action::NodeAction;
use super::delivery::{NOTHING_DONE, NotApplied};
use super::evidence::Expectation;
use super::firewall::{Chain, Sender, Verdict};
use super::packet::Disturbance;
use super::watchdog::Watchdog;
use crate::cluster::{Member, quote};

/// Ends a script that wants the helper before anything else.
pub const WANTED: i32 = 96;
/// A guest on a busy machine takes in 10 KiB a second.
const UPLOAD_DEADLINE: Duration = Duration::from_secs(120);
/// Queues from here on are ours; others begin at 0.
const FIRST_QUEUE: u16 = 7000;

/// Sets `"$@"` to what has to come before a program in `$dir` to start it. Distributions forbid
/// programs under `/run`: then they are allowed in a mount namespace that only the helper sees.
const START: &str = r#"set --
"$dir/helper" version >/dev/null 2>&1 ||
  set -- unshare -m sh -c 'mount -n --bind "$0" "$0" &&
    mount -n -o remount,bind,exec "$0" && exec "$@"' "$dir"
"#;

/// Defines `helper WHAT…`, which starts the program `$tool` as [`START`] does.
pub const CALL: &str = r#"if "$tool" version >/dev/null 2>&1; then helper() { "$tool" "$@"; }
else helper() {
  unshare -m sh -c 'mount -n --bind "$0" "$0" && mount -n -o remount,bind,exec "$0" &&
    exec "$@"' "${tool%/*}" "$tool" "$@"
}
fi
"#;

/// For a script that can do without: `$dir/helper` is there, or `$dir/helper.why` says why not.
/// Nothing is to be had where this isobar has no helper, or the node's machine is another.
pub fn wanted() -> String {
    let why = match isobar_helper::program() {
        Ok(_) => String::new(),
        Err(why) => format!("echo {} >\"$dir/helper.why\"\n", quote([not_built(why)])),
    };
    format!("{why}[ -s \"$dir/helper\" ] || [ -s \"$dir/helper.why\" ] || exit {WANTED}\n")
}

/// The receiver's helper disturbs what `senders` send; the first of them is number `index`.
/// `None` where it cannot do that.
pub fn disturbing(
    disturbance: &Disturbance,
    senders: &[Sender],
    index: usize,
    port: Option<u16>,
    controller: Option<IpAddr>,
) -> Option<NodeAction> {
    let told = disturbance.helper()?;
    let number = FIRST_QUEUE.saturating_add(u16::try_from(index).unwrap_or(u16::MAX));
    let name = format!("ISOBAR-Q{number}");
    let rules = Chain { name, port, verdict: Verdict::Queue(number) }.action(senders, controller);
    let state = format!("$dir/queue.{number}");
    let apply = format!(
        "[ -s \"$dir/helper\" ] || exit {WANTED}\n\
         {START}\
         rm -f \"{state}\"\n\
         setsid \"$@\" \"$dir/helper\" queue {number} \"{state}\" {told} \
           >\"{state}.log\" 2>&1 </dev/null &\n\
         i=0\n\
         until [ -s \"{state}\" ] || [ -s \"{state}.log\" ] || [ $i -ge 100 ]; do\n  \
           sleep 0.05; i=$((i+1))\n\
         done\n\
         [ -s \"{state}\" ] ||\n  \
           {{ echo \"the helper did not start: $(cat \"{state}.log\")\" >&2; rm -f \"{state}\"; \
           exit {NOTHING_DONE}; }}\n\
         {rules}",
        rules = rules.apply,
    );
    // First the rules: a packet that finds nobody passes, and those held pass when it ends.
    let undo = format!(
        "(\n{rules}\n)\n\
         left=$?\n\
         pid=\n\
         {{ read -r _ pid _ <\"{state}\"; }} 2>/dev/null\n\
         rm -f \"{state}\"\n\
         runs() {{ [ -n \"$pid\" ] && grep -qsF \"$dir/helper\" \"/proc/$pid/cmdline\"; }}\n\
         i=0; while runs && [ $i -lt 40 ]; do sleep 0.05; i=$((i+1)); done\n\
         ! runs || kill -KILL \"$pid\"\n\
         exit $left",
        rules = rules.undo,
    );
    let evidence = format!(
        "{rules}\n\
         {{ read -r _ pid counts <\"{state}\"; }} 2>/dev/null &&\n  \
           grep -qsF \"$dir/helper\" \"/proc/$pid/cmdline\" && echo \"helper $counts\"",
        rules = rules.evidence,
    );
    let Expectation::Rules(rules) = rules.expectation else { return None };
    let expectation = Expectation::Helped { rules, what: disturbance.to_string() };
    Some(NodeAction { apply, undo, evidence, expectation })
}

/// Brings the helper to a node whose watchdog runs.
///
/// # Errors
/// When it was not built, is for other machines, or does not run there; then nothing is left but
/// the reason, for [`wanted`].
pub fn upload(watchdog: &Watchdog, member: &Member) -> Result<(), NotApplied> {
    let name = &member.node.name;
    let refused = |why: String| NotApplied::Untouched(format!("{name}: {why}"));
    let program = isobar_helper::program();
    let program = program.map_err(|why| refused(not_built(why)))?;
    let packed = packed(program).map_err(|error| refused(error.to_string()))?;
    let script = format!(
        "{frame}\
         why=$({{\n{machine}}} 2>&1) ||\n  \
           {{ echo \"$why\" >\"$dir/helper.why\"; echo \"$why\" >&2; exit 1; }}\n\
         gzip -dc >\"$dir/helper.new\" && [ $(wc -c <\"$dir/helper.new\") -eq {length} ] &&\n  \
           chmod 755 \"$dir/helper.new\" && mv \"$dir/helper.new\" \"$dir/helper\" ||\n  \
           {{ rm -f \"$dir/helper.new\"; echo 'no room' >\"$dir/helper.why\"; no_room; }}\n\
         {START}\
         why=$(\"$@\" \"$dir/helper\" version 2>&1) ||\n  \
           {{ rm -f \"$dir/helper\"; why=\"the helper does not run here: $why\"\n    \
             echo \"$why\" >\"$dir/helper.why\"; echo \"$why\" >&2; exit 1; }}",
        frame = watchdog.frame(name),
        machine = machine(),
        length = program.len(),
    );
    let command = watchdog.command(script, UPLOAD_DEADLINE).stdin(packed);
    let output = member.remote.run(&command).map_err(|error| refused(error.to_string()))?;
    if output.ok() { Ok(()) } else { Err(refused(output.error_text())) }
}

/// Half as long, for guests and links that are slow.
fn packed(program: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(program)?;
    packer.finish()
}

pub fn not_built(why: &str) -> String {
    format!("this isobar was built without its helper: {why}")
}

/// Ends with the reason where the helper is for other machines, or cannot be unpacked.
pub fn machine() -> String {
    let ours = isobar_helper::MACHINE;
    format!(
        "command -v gzip >/dev/null || {{ echo 'no gzip' >&2; exit 1; }}\n\
         machine=$(uname -m)\n\
         [ \"$machine\" = {ours} ] ||\n  \
           {{ echo \"its machine is $machine, isobar's helper is for {ours}\" >&2; exit 1; }}\n"
    )
}

/// Whether the kernel has queues of packets, tried in a network namespace made for it.
const QUEUES: &str = r#"modprobe -q nfnetlink_queue 2>/dev/null
[ -e /proc/net/netfilter/nfnetlink_queue ] || { echo 'its kernel has no nfnetlink_queue'; exit 1; }
for tables in iptables iptables-legacy; do
  why=$(unshare -n $tables -w -t mangle -A INPUT -j NFQUEUE --queue-bypass 2>&1) && exit 0
done
echo $why; exit 1"#;

/// Whether a node can have the helper, and its kernel the queues that it serves.
pub fn probe() -> String {
    match isobar_helper::program() {
        Ok(_) => format!("{}{QUEUES}", machine()),
        Err(why) => format!("echo {}; exit 1", quote([not_built(why)])),
    }
}
