//! Ending, stopping and restarting a system's process, through its own scripts.

use std::time::Duration;

use super::action::NodeAction;
use super::cgroup;
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
        ProcessAct::Freeze => cgroup::freeze(scripts),
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
         i=0; while [ ! -s {file} ] && [ $i -lt 250 ]; do sleep 0.02; i=$((i+1)); done\n\
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
