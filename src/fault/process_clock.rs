//! The clock of one process, by libfaketime: the system is started again with the library before
//! its calls of libc, and then a file says how far its clock is from the machine's, so that it
//! jumps while the process runs.
//!
//! What does not ask libc for the time sees nothing of it: programs in Go, such as etcd, and those
//! that are linked statically. There it is refused.

use super::action::NodeAction;
use super::delivery::NOTHING_DONE;
use super::evidence::Expectation;
use super::process::in_turn;
use crate::cluster::quote;
use crate::system::ProcessScripts;

/// Sets `$lib`, or to nothing.
const FIND_LIBRARY: &str = "\
lib=
for one in /usr/lib/*/faketime/libfaketime.so.1 /usr/lib64/faketime/libfaketime.so.1 \
/usr/lib/faketime/libfaketime.so.1 /usr/local/lib/faketime/libfaketime.so.1; do
  [ ! -f \"$one\" ] || lib=$one
done
";

/// Ends with status 0 where the library is.
pub fn probe() -> String {
    format!(
        "{FIND_LIBRARY}[ -n \"$lib\" ] || {{ echo 'no libfaketime (install faketime)'; exit 1; }}"
    )
}

/// The scripts of one node. The library makes two files of shared memory, which a process that is
/// killed leaves there.
pub fn action(by_ms: i64, scripts: &ProcessScripts) -> NodeAction {
    let ProcessScripts { start, stop, state, find, pid_file, .. } = scripts;
    let file = quote([format!("{pid_file}.faketime")]);
    let refuse = |why: &str| format!("{{ echo '{why}' >&2; exit {NOTHING_DONE}; }}");
    let check = format!(
        "{FIND_LIBRARY}[ -n \"$lib\" ] || {no_library}\n\
         {find}[ -n \"$pid\" ] || {no_process}\n\
         ! grep -qa 'Go buildinf:' \"/proc/$pid/exe\" || {go}\n\
         grep -q '/libc[.-]' \"/proc/$pid/maps\" || {no_libc}\n\
         echo +0 >{file}",
        no_library = refuse("no libfaketime (install faketime)"),
        no_process = refuse("no process"),
        go = refuse("programs in Go, as this one, ask the kernel for the time and not libc"),
        no_libc = refuse("it does not ask the libc of the system for the time"),
    );
    let wrapped = format!(
        "{FIND_LIBRARY}LD_PRELOAD=$lib FAKETIME_TIMESTAMP_FILE={file} FAKETIME_CACHE_DURATION=1\n\
         FAKETIME_DONT_FAKE_MONOTONIC=1\n\
         export LD_PRELOAD FAKETIME_TIMESTAMP_FILE FAKETIME_CACHE_DURATION\n\
         export FAKETIME_DONT_FAKE_MONOTONIC\n{start}"
    );
    let seconds = by_ms as f64 / 1000.0;
    let jump = format!("echo {seconds:+} >{file}.new && mv {file}.new {file}");
    let undo = format!(
        "if [ -f {file} ]; then\n\
         {find}if [ -n \"$pid\" ] && grep -qa faketime \"/proc/$pid/environ\"; then\n\
         (\n{stop}\n) || exit 1\n\
         rm -f \"/dev/shm/faketime_shm_$pid\" \"/dev/shm/sem.faketime_sem_$pid\"\n\
         fi\nfi\n{start}\nrm -f {file}",
        start = in_turn(&[start]),
    );
    // What any process with that environment is told, against what the machine tells.
    let evidence = format!(
        "{find}own() {{\n  \
           tr '\\0' '\\n' 2>/dev/null <\"/proc/$pid/environ\" | sed -n \"s/^$1=//p\"\n\
         }}\n\
         if [ -n \"$pid\" ] && grep -qs faketime \"/proc/$pid/maps\"; then\n  \
           theirs=$(LD_PRELOAD=$(own LD_PRELOAD) FAKETIME_NO_CACHE=1 \
             FAKETIME_TIMESTAMP_FILE=$(own FAKETIME_TIMESTAMP_FILE) date +%s%N)\n  \
           echo \"offset $(((theirs - $(date +%s%N)) / 1000000))\"\n\
         fi\n{state}"
    );
    NodeAction {
        apply: in_turn(&[state, &check, stop, &wrapped, &jump]),
        undo,
        evidence,
        expectation: Expectation::ProcessOffset { by_ms },
    }
}
