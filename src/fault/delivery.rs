//! One round trip to a node: leave the undo script there, apply the fault, read the evidence.

use std::time::{Duration, Instant};

use super::action::NodeAction;
use super::evidence::{Expectation, Reading};
use super::helper;
use super::watchdog::Watchdog;
use crate::cluster::{self, Member, RemoteError, quote};

/// For rules and commands: a dozen programs, each of which takes a second on a guest that is busy.
const DEADLINE: Duration = Duration::from_secs(20);
/// A system may take 10 s to stop, and some to start.
const PROCESS_DEADLINE: Duration = Duration::from_secs(25);
/// Members are asked one after another, some of which may not answer; twice for a replacement.
const MEMBERSHIP_DEADLINE: Duration = Duration::from_secs(60);
/// A guest's kernel has to start.
const POWER_DEADLINE: Duration = Duration::from_secs(120);
/// A signal takes a moment to show, a process to start.
const EVIDENCE_WITHIN: Duration = Duration::from_secs(2);
const EVIDENCE_EVERY: Duration = Duration::from_millis(50);
const APPLIED: &str = "--isobar applied: ";
const UNDONE: &str = "--isobar undone: ";
/// Ends a script before anything was done.
pub(super) const NOTHING_DONE: i32 = 98;
/// Ends a script that came too late: the watchdog has undone everything meanwhile.
const LAPSED: i32 = 99;

/// Why a fault is not known to be on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotApplied {
    /// The node is as before.
    Untouched(String),
    /// It may be there, or some of it.
    Unknown(String),
}

/// Applies a fault to a node; its undo script is on the node first, and whole: it comes with the
/// script that does it all, of which no shell is given a half.
///
/// The script may still run when the watchdog undoes everything. Whoever undoes renames the undo
/// script first: as long as it has its name after the fault was applied, all of the fault is there
/// to be undone. When not, the script undoes what it did, after the watchdog. It outlives a
/// controller that no longer listens.
pub fn apply(
    watchdog: &Watchdog,
    id: u32,
    member: &Member,
    action: &NodeAction,
) -> Result<Reading, NotApplied> {
    if let Some(reading) = apply_once(watchdog, id, member, action)? {
        return Ok(reading);
    }
    let uploaded = helper::upload(watchdog, member);
    // Some faults can do without it.
    let applied = apply_once(watchdog, id, member, action)?;
    let gone = || NotApplied::Untouched(format!("{}: the helper is gone again", member.node.name));
    applied.ok_or_else(|| uploaded.err().unwrap_or_else(gone))
}

/// Nothing was done, and `None` returned, where the helper has to be brought there first.
fn apply_once(
    watchdog: &Watchdog,
    id: u32,
    member: &Member,
    action: &NodeAction,
) -> Result<Option<Reading>, NotApplied> {
    let script = format!(
        "{frame}controller_boot={boot}\n\
         alive || {{ echo 'no watchdog is running' >&2; exit {NOTHING_DONE}; }}\n\
         trap : PIPE\n\
         undo=$dir/undo.d/{id:010}\n\
         text={text}\n\
         printf '%s\\n' \"dir=$dir\" \"$text\" >\"$undo.new\" &&\n  \
           mv \"$undo.new\" \"$undo\" ||\n  \
           {{ rm -f \"$undo.new\"; no_room {NOTHING_DONE}; }}\n\
         (\n{apply}\n)\n\
         echo \"{APPLIED}$?\"\n\
         (\n{evidence}\n)\n\
         [ ! -f \"$undo\" ] || exit 0\n\
         i=0; while [ -f \"$undo.undoing\" ] && [ $i -lt 50 ]; do sleep 0.2; i=$((i+1)); done\n\
         i=0\n\
         until dir=$dir sh -c \"$text\" >/dev/null 2>&1 || [ $i -ge 5 ]; do\n  \
           sleep 1; i=$((i+1))\n\
         done\n\
         exit {LAPSED}",
        frame = watchdog.frame(&member.node.name),
        boot = quote([cluster::boot_id()]),
        text = quote([&action.undo]),
        apply = action.apply,
        evidence = action.evidence,
    );
    let command = watchdog.command(script, deadline(action));
    let output = member.remote.run(&command).map_err(|error| match error {
        RemoteError::Unreachable { .. }
        | RemoteError::Authentication { .. }
        | RemoteError::HostKey { .. } => NotApplied::Untouched(error.to_string()),
        _ => NotApplied::Unknown(error.to_string()),
    })?;
    let said = |what: &str| format!("{}: {what}{}", member.node.name, after(&output.error_text()));
    if output.status == NOTHING_DONE {
        return Err(NotApplied::Untouched(said("nothing could be done")));
    }
    if output.status == LAPSED {
        return Err(NotApplied::Unknown(said("the watchdog undid it at once")));
    }
    let text = output.text();
    match split(&text, APPLIED) {
        Some((before, "0", shown)) => {
            let reading = action.expectation.read(before, shown);
            let again = |shown: &str| action.expectation.read(before, shown);
            Ok(Some(until_it_holds(watchdog, member, action, reading, again)))
        }
        Some((_, status, _)) if status == helper::WANTED.to_string() => Ok(None),
        Some((_, status, _)) if status == NOTHING_DONE.to_string() => {
            Err(NotApplied::Untouched(said("it cannot be done here")))
        }
        Some((_, status, _)) => {
            Err(NotApplied::Unknown(said(&format!("applying it ended with status {status}"))))
        }
        None => Err(NotApplied::Unknown(said("it answered something else"))),
    }
}

/// Undoes a fault on a node and takes its undo script away.
///
/// # Errors
/// In words, with the node's name; it can be tried again.
pub fn undo(
    watchdog: &Watchdog,
    id: u32,
    member: &Member,
    action: &NodeAction,
) -> Result<Reading, String> {
    let after_undo = action.expectation.is_seen_after_undo();
    let evidence = |wanted: bool| if wanted { action.evidence.as_str() } else { ":" };
    let script = format!(
        "{frame}\
         (\n{first}\n)\n\
         undoing {id:010}\n\
         (\n{undo}\n)\n\
         status=$?\n\
         [ $status -ne 0 ] || undone {id:010}\n\
         echo \"{UNDONE}$status\"\n\
         (\n{then}\n)",
        frame = watchdog.frame(&member.node.name),
        first = evidence(!after_undo),
        undo = action.undo,
        then = evidence(after_undo),
    );
    let name = &member.node.name;
    let command = watchdog.command(script, deadline(action));
    let output = member.remote.run(&command).map_err(|error| error.to_string())?;
    let text = output.text();
    match split(&text, UNDONE) {
        Some((before, "0", shown)) => {
            let shown = if after_undo { shown } else { before };
            let reading = action.expectation.read_healed(shown);
            let again = |shown: &str| action.expectation.read_healed(shown);
            let reading = until_it_holds(watchdog, member, action, reading, again);
            if reading.holds { Ok(reading) } else { Err(format!("{name}: {}", reading.seen)) }
        }
        Some((_, status, _)) => {
            let why = after(&output.error_text());
            Err(format!("{name}: undoing it ended with status {status}{why}"))
        }
        None => Err(format!("{name}: it answered something else{}", after(&output.error_text()))),
    }
}

fn deadline(action: &NodeAction) -> Duration {
    match &action.expectation {
        Expectation::Off => POWER_DEADLINE,
        Expectation::Member { .. } => MEMBERSHIP_DEADLINE,
        expectation if expectation.is_seen_after_undo() => PROCESS_DEADLINE,
        _ => DEADLINE,
    }
}

fn until_it_holds(
    watchdog: &Watchdog,
    member: &Member,
    action: &NodeAction,
    first: Reading,
    read: impl Fn(&str) -> Reading,
) -> Reading {
    let began = Instant::now();
    let mut reading = first;
    while !reading.holds && began.elapsed() < EVIDENCE_WITHIN {
        std::thread::sleep(EVIDENCE_EVERY);
        let script = format!("{}{}", watchdog.frame(&member.node.name), action.evidence);
        let command = watchdog.command(script, EVIDENCE_WITHIN);
        if let Ok(output) = member.remote.run(&command) {
            reading = read(&output.text());
        }
    }
    reading
}

/// What was printed before the marker, the status on its line, and what was printed after.
fn split<'a>(text: &'a str, marker: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, rest) = text.split_once(marker)?;
    let (status, shown) = rest.split_once('\n').unwrap_or((rest, ""));
    Some((before, status.trim(), shown))
}

fn after(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_printed_is_told_apart_by_the_marker() {
        let text = "running 7\n--isobar applied: 0\ngone";
        assert_eq!(split(text, APPLIED), Some(("running 7\n", "0", "gone")));
        assert_eq!(split("--isobar applied: 4", APPLIED), Some(("", "4", "")));
        assert_eq!(split("running 7\n", APPLIED), None);
    }
}
