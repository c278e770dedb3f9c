//! Locks: mutex, reentrant mutex, semaphore, fenced lock.
//!
//! What could be argued, decided once, for all of them:
//!
//! * **Owners.** A lock is held by a process, and only a process that holds it can release it.
//!   A `release` that was acknowledged to any other process is a violation.
//! * **An acquire that fails** did not happen: that is how a lock says *no* or *timed out*. One
//!   that is ok while the lock cannot be had is a violation, also when the holder is the same
//!   process, unless the lock is reentrant.
//! * **In doubt.** An acquire in doubt may have got the lock for ever, or never: nobody can tell,
//!   so it explains nothing and hides nothing, unless its process goes on and releases it. A
//!   release in doubt may have freed the lock at any time after it was invoked.
//!
//! ```text
//! acquire p1  |--|
//! acquire p2        |--|         a violation: p1 held it all the while
//! release p1              |--|
//! ```

mod fenced;
mod mutex;
mod op;
mod reentrant;
mod semaphore;
mod sweep;
#[cfg(test)]
mod tests;

pub use fenced::{FencedLock, FencedOp};
pub use mutex::Mutex;
pub use op::LockOp;
pub use reentrant::ReentrantMutex;
pub use semaphore::Semaphore;
