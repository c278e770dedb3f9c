//! Why events make no history.

/// The events make no history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {index}: {problem}")]
pub struct HistoryError {
    /// Place of the event in what was given, from 0.
    pub position: usize,
    /// The event's own index.
    pub index: u64,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with an event. `open`: the index of the invocation that is open; times in ns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what their fields are")]
pub enum Problem {
    #[error(
        "process {process} completes `{f}` without having invoked anything; expected an `invoke` \
         of this process before it"
    )]
    NotInvoked { process: u32, f: String },
    #[error(
        "process {process} invokes `{f}` while its operation {open} is open; expected the \
         completion (ok, fail or info) of that one first"
    )]
    StillOpen { process: u32, f: String, open: u32 },
    #[error(
        "process {process} completes `{f}`, but its open operation {open} is a `{open_f}`; \
         expected the same `f`"
    )]
    OtherFunction { process: u32, f: String, open: u32, open_f: String },
    #[error(
        "completed at {completed} ns, before its invocation (event {open}) at {invoked} ns; \
         expected times of one monotonic clock"
    )]
    BackInTime { open: u32, invoked: u64, completed: u64 },
    #[error(
        "an earlier event has the same index; expected every index once (are two histories in \
         one file?)"
    )]
    Duplicate,
    #[error("`{member}` is missing, although earlier events have it; expected it in all or none")]
    Missing { member: &'static str },
    #[error("`{member}` is there, although earlier events lack it; expected it in all or none")]
    Unexpected { member: &'static str },
    #[error("the index is too large; at most 4294967295 events can be judged")]
    TooLarge,
    #[error("more than {} different values; they cannot be told apart any more", 1 << 29)]
    TooManyValues,
}
