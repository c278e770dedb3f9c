//! Killing, pausing and restarting a system's process, through its own scripts.

use super::action::NodeAction;
use super::evidence::Expectation;
use super::plan::ProcessAct;
use crate::system::ProcessScripts;

/// The scripts of one act on one node. `apply` first prints the state before.
pub fn action(act: ProcessAct, scripts: &ProcessScripts) -> NodeAction {
    let ProcessScripts { start, stop, kill, pause, resume, state, .. } = scripts;
    // A script may end its shell: each runs in one of its own.
    let (steps, undo, expectation): (&[&str], _, _) = match act {
        ProcessAct::Kill => (&[state, kill], start, Expectation::Gone),
        ProcessAct::Pause => (&[state, pause], resume, Expectation::Paused),
        ProcessAct::Restart => (&[state, stop, start], start, Expectation::Restarted),
    };
    let steps: Vec<String> = steps.iter().map(|step| format!("(\n{step}\n)")).collect();
    NodeAction {
        apply: steps.join(" &&\n"),
        undo: undo.clone(),
        evidence: state.clone(),
        expectation,
    }
}
