//! Ending, stopping and restarting a system's process, through its own scripts.

use std::time::Duration;

use super::action::NodeAction;
use super::delivery::NOTHING_DONE;
use super::effect::ProcessAct;
use super::evidence::Expectation;
use crate::cluster::quote;
use crate::system::ProcessScripts;

/// The scripts of one act on one node. `apply` first prints the state before.
pub fn action(act: ProcessAct, scripts: &ProcessScripts) -> NodeAction {
    let ProcessScripts { start, stop, kill, pause, resume, state, wipe, .. } = scripts;
    let plain = |steps: &[&str], undo: &str, expectation| NodeAction {
        apply: in_turn(steps),
        undo: undo.to_owned(),
        evidence: state.clone(),
        expectation,
    };
    match act {
        ProcessAct::Kill => plain(&[state, kill], start, Expectation::Gone),
        ProcessAct::Term => plain(&[state, stop], start, Expectation::Gone),
        ProcessAct::Pause => plain(&[state, pause], resume, Expectation::Paused),
        ProcessAct::Restart => plain(&[state, stop, start], start, Expectation::Restarted),
        ProcessAct::Wipe => plain(&[state, kill, wipe], start, Expectation::Gone),
        ProcessAct::Disconnect => disconnect(scripts),
        ProcessAct::Freeze => freeze(scripts),
        ProcessAct::CrashLoop { up, down } => crash_loop(up, down, scripts),
    }
}

/// There is nothing to undo: clients connect again, or they do not.
fn disconnect(scripts: &ProcessScripts) -> NodeAction {
    let ProcessScripts { state, disconnect, .. } = scripts;
    let none = format!("echo 'its clients cannot be told apart' >&2; exit {NOTHING_DONE}");
    NodeAction {
        apply: in_turn(&[state, disconnect.as_ref().unwrap_or(&none)]),
        undo: ":".to_owned(),
        evidence: state.clone(),
        expectation: Expectation::Disconnected,
    }
}

/// One step after another, each in a shell of its own, which it may end.
pub(super) fn in_turn(steps: &[&str]) -> String {
    let steps: Vec<String> = steps.iter().map(|step| format!("(\n{step}\n)")).collect();
    steps.join(" &&\n")
}

/// Puts the process into a cgroup of its own below the one where it is, and freezes that.
///
/// Nodes may share a tree of cgroups, so the name has the host's name in it.
fn freeze(scripts: &ProcessScripts) -> NodeAction {
    let ProcessScripts { find, state, resume, .. } = scripts;
    let apply = format!(
        "{FREEZER}{find}\
         [ -n \"$pid\" ] || exit 0\n\
         freezer || {{ echo 'no cgroups in /sys/fs/cgroup' >&2; exit {NOTHING_DONE}; }}\n\
         own=$tree$(at $pid)/$name\n\
         mkdir \"$own\" && echo $pid >\"$own/cgroup.procs\" || exit 1\n\
         echo $cold >\"$own/$switch\""
    );
    let undo = format!(
        "{FREEZER}freezer || exit 0\n\
         left=0\n\
         for own in $(find $tree -type d -name $name 2>/dev/null); do\n  \
           echo $warm >\"$own/$switch\"\n  \
           for pid in $(cat \"$own/cgroup.procs\"); do\n    \
             echo $pid >\"${{own%/*}}/cgroup.procs\"\n  \
           done\n  \
           rmdir \"$own\" || left=1\n\
         done\n\
         ({resume})\n\
         exit $left"
    );
    let evidence = format!(
        "{FREEZER}{find}\
         case \"$(at $pid 2>/dev/null)\" in\n  \
           */$name) echo \"frozen $pid\" ;;\n  \
           *) ({state}) ;;\n\
         esac"
    );
    let apply = in_turn(&[state, &apply]);
    NodeAction { apply, undo, evidence, expectation: Expectation::Frozen }
}

/// `freezer` finds the tree of cgroups and the switch; `at PID` says where a process is in it.
const FREEZER: &str = r#"name=isobar-frozen-$(hostname)
freezer() {
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    tree=/sys/fs/cgroup; switch=cgroup.freeze; cold=1; warm=0
  elif [ -d /sys/fs/cgroup/freezer ]; then
    tree=/sys/fs/cgroup/freezer; switch=freezer.state; cold=FROZEN; warm=THAWED
  else
    return 1
  fi
}
at() { sed -n 's/^0:://p; s/^[0-9]*:freezer://p' "/proc/$1/cgroup" | tail -n 1; }
"#;

/// A shell on the node that kills and starts; its pid is kept beside the system's.
fn crash_loop(up: Duration, down: Duration, scripts: &ProcessScripts) -> NodeAction {
    let ProcessScripts { start, kill, state, pid_file, .. } = scripts;
    let file = quote([format!("{pid_file}.crash-loop")]);
    let seconds = |time: Duration| time.as_secs_f64();
    let body = format!(
        "echo $$ >{file}; while :; do\n(\n{kill}\n)\nsleep {down}\n(\n{start}\n)\nsleep {up}\ndone",
        up = seconds(up),
        down = seconds(down),
    );
    let find = format!(
        "loop=$(cat {file} 2>/dev/null)\n\
         [ -z \"$loop\" ] || grep -qsF {MARK} \"/proc/$loop/cmdline\" || loop=\n"
    );
    let begin = format!(
        "rm -f {file}\n\
         setsid sh -c {body} {MARK} >/dev/null 2>&1 </dev/null &\n\
         i=0; while [ ! -s {file} ] && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done\n\
         [ -s {file} ]",
        body = quote([body]),
    );
    NodeAction {
        apply: in_turn(&[state, &begin]),
        // The whole group: it may be asleep.
        undo: format!(
            "{find}[ -z \"$loop\" ] || kill -KILL \"-$loop\" || exit 1\nrm -f {file}\n{}",
            in_turn(&[start])
        ),
        evidence: format!(
            "{find}if [ -n \"$loop\" ]; then echo \"looping $loop\"; else\n(\n{state}\n)\nfi"
        ),
        expectation: Expectation::CrashLoop,
    }
}

const MARK: &str = "isobar-crash-loop";
