//! Damage to what a system keeps on its disk, and to how much it may have open.

use super::action::NodeAction;
use super::delivery::NOTHING_DONE;
use super::effect::{Damage, DamageKind};
use super::evidence::Expectation;
use super::process::in_turn;
use crate::cluster::quote;
use crate::system::ProcessScripts;

/// The system is killed, a file of its data is damaged, and undoing it starts the system again:
/// the damage stays.
pub fn of_file(damage: &Damage, scripts: &ProcessScripts) -> NodeAction {
    let ProcessScripts { start, kill, state, data, .. } = scripts;
    let pattern = quote([damage.file.as_deref().unwrap_or("*")]);
    let spoil = match damage.kind {
        DamageKind::Truncate { bytes } => format!(
            "rest=$((used > {bytes} ? used - {bytes} : 0))\n\
             truncate -s $rest \"$file\" && echo \"$file ends after $rest bytes of $used\""
        ),
        DamageKind::BitFlip => FLIP.to_owned(),
    };
    let spoil = format!(
        "file=$(find {data} -type f -name {pattern} -size +0 -printf '%T@ %p\\n' |\n  \
           awk '$1 > last {{ last = $1; sub(/^[^ ]* /, \"\"); file = $0 }} END {{ print file }}')\n\
         [ -n \"$file\" ] || {{ echo 'no file '{pattern}' in '{data} >&2; exit 1; }}\n\
         {USED}{spoil}",
        data = quote([data]),
    );
    // A file that is not there is found before anything is done.
    let first = format!(
        "[ -n \"$(find {data} -type f -name {pattern} -size +0 -print -quit 2>/dev/null)\" ] ||\n  \
           {{ echo 'no file '{pattern}' in '{data} >&2; exit {NOTHING_DONE}; }}",
        data = quote([data]),
    );
    NodeAction {
        apply: format!("{first}\n{}", in_turn(&[state, kill, &spoil])),
        undo: start.clone(),
        evidence: state.clone(),
        expectation: Expectation::Gone,
    }
}

/// Logs are made long in advance: `$used` is where the last byte that is not 0 ends. It is looked
/// for at the end first, since each byte that is not 0 is a line of `cmp`.
const USED: &str = "\
size=$(wc -c <\"$file\")
from=$((size > 4096 ? size - 4096 : 0))
last() { cmp -l - /dev/zero 2>/dev/null | awk '{ at = $1 } END { print at }'; }
used=$(tail -c +$((from + 1)) \"$file\" | last)
if [ -n \"$used\" ]; then used=$((from + used)); else used=$(last <\"$file\"); fi
used=${used:-$size}
";

/// The lowest bit of the byte in the middle of what is used.
const FLIP: &str = "\
place=$((used / 2))
byte=$(od -An -tu1 -j $place -N 1 \"$file\" | tr -d ' ')
other=$((byte ^ 1))
printf \"\\\\$(printf '%03o' $other)\" |
  dd of=\"$file\" bs=1 seek=$place conv=notrunc 2>/dev/null &&
  echo \"$file has $other for $byte at $place of $used\"";

/// The process may open `files` files and sockets, and has its old limits back afterwards.
pub fn file_limit(files: u32, scripts: &ProcessScripts) -> NodeAction {
    let ProcessScripts { find, pid_file, .. } = scripts;
    let kept = quote([format!("{pid_file}.file-limit")]);
    NodeAction {
        apply: format!(
            "command -v prlimit >/dev/null || {{ echo 'no prlimit' >&2; exit {NOTHING_DONE}; }}\n\
             {find}[ -n \"$pid\" ] || {{ echo 'no process' >&2; exit {NOTHING_DONE}; }}\n\
             soft=$(prlimit --pid $pid --nofile --noheadings -o SOFT | tr -d ' ')\n\
             echo \"$pid $soft\" >{kept} && prlimit --pid $pid --nofile={files}:"
        ),
        undo: format!(
            "{find}read -r was soft 2>/dev/null <{kept} || exit 0\n\
             [ \"$was\" != \"$pid\" ] || prlimit --pid $pid --nofile=$soft: || exit 1\n\
             rm -f {kept}"
        ),
        evidence: format!(
            "{find}[ -z \"$pid\" ] ||\n  \
               prlimit --pid $pid --nofile --noheadings -o SOFT | tr -d ' '"
        ),
        expectation: Expectation::FileLimit(files),
    }
}
