//! Data types: what their operations do, and for most of them an algorithm that knows the type.
//!
//! Each is a [`Model`](crate::Model): give it to [`linearizable`](crate::linearizable). Where an
//! algorithm does not apply (a value inserted twice, say), the general search decides, exactly
//! and within the budget.

pub mod container;
mod counter;
mod deed;
pub mod element;
mod kv;
pub mod lock;
mod multi_register;
mod set;
mod sorted;
#[cfg(test)]
mod testing;

pub use container::{Container, ContainerOp, FifoQueue, PriorityQueue, Stack, UnorderedQueue};
pub use counter::{Counter, CounterOp};
pub use kv::{Kv, KvOp};
pub use lock::{FencedLock, LockOp, Mutex, ReentrantMutex, Semaphore};
pub use multi_register::{MicroOp, MultiRegister};
pub use set::{Set, SetOp};
use sorted::sorted;
