//! Registers that are read and written: who read from whom is known, in which order the versions
//! came has to be inferred.
//!
//! Always inferred, since it follows from read committed: the **initial** state, null, comes first;
//! and who **reads a version and then writes** another has replaced it, or something that came
//! after it. On request, as assumptions about the system (Elle's options of the same names), the
//! order of each key also keeps to the order of processes (**sequential keys**) or to real time
//! (**linearizable keys**), and a read followed by a write orders even what is not committed
//! (**wfr keys**).
//!
//! What could be argued, decided once:
//!
//! * A value **written to a key twice**, by transactions that may both have happened, or null
//!   written by anybody, has no known writer: what rests on it is left out, and *valid* becomes
//!   *unknown*.
//! * A **failed** transaction did not happen; one in **doubt** did if an ok one read its value, and
//!   then all of it did.
//! * Only the **last** write of a transaction to a key is a version; whoever reads an earlier one
//!   has read an intermediate one.
//! * Versions that **contradict** the assumptions are `cyclic-versions`; nothing is then inferred
//!   of that key but that the initial state comes first.

mod assumptions;
mod edges;
mod links;
mod order;
mod realtime;
#[cfg(test)]
mod tests;
mod versions;

pub use self::assumptions::Assumptions;
use self::order::Order;
use self::versions::Versions;
use super::Transactions;
use super::check::{Further, Known, TxnOptions, unjudged};
use crate::finding::CheckResult;
use crate::history::History;

const CHECK: &str = "rw-register";

/// Judges transactions of reads and writes of registers by what is known for certain, or follows
/// from the assumptions: it never accuses wrongly, but does not find everything.
///
/// Verdict and figures as for [`list_append`](super::list_append).
pub(super) fn by_inference(
    history: &History,
    options: &TxnOptions,
    further: &mut Further<'_>,
) -> CheckResult {
    let problem = |text: String| unjudged(CHECK, format!("not a history of registers: {text}"));
    let txns = match Transactions::of(history) {
        Ok(txns) => txns,
        Err(error) => return problem(error.to_string()),
    };
    let mut versions = match Versions::of(&txns) {
        Ok(versions) => versions,
        Err(error) => return problem(error),
    };
    let order = Order::of(&mut versions, options.assumptions);
    let known = Known {
        check: CHECK,
        txns: &txns,
        versions: &order,
        sightings: &order.versions.sightings,
        doubts: &order.versions.doubts,
    };
    known.judge(options, further).0
}
