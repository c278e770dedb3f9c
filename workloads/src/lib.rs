//! What clients do to a system under test.
//!
//! A [`Workload`] draws operations from a seed; a [`Client`] performs them against **one** node
//! and says what it saw. There is no retry, redirect, pool or balancer between the two.

pub mod client;
pub mod etcd;
pub mod register;
pub mod toy;
pub mod txn;
pub mod workload;

pub use client::{Client, Connect, ConnectError, Outcome};
pub use register::{Register, RegisterOptions};
pub use workload::{Invocation, Workload};
