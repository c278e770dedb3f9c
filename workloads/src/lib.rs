//! What clients do to a system under test.
//!
//! A [`Workload`] draws operations from a seed; a [`Client`] performs them against **one** node
//! and says what it saw. There is no retry, redirect, pool or balancer between the two.

pub mod bank;
pub mod client;
pub mod context;
pub mod counter;
pub mod delete;
mod draw;
pub mod etcd;
pub mod http;
pub mod process;
pub mod publish;
pub mod register;
pub mod relation;
pub mod set;
pub mod strapi;
pub mod template;
pub mod toy;
pub mod txn;
pub mod unique;
pub mod workload;

pub use bank::{Bank, BankOptions};
pub use client::{Client, Connect, ConnectError, Outcome};
pub use context::Context;
pub use counter::{Counter, CounterOptions};
pub use delete::Delete;
pub use publish::{Publish, PublishOptions};
pub use register::{Register, RegisterOptions};
pub use relation::{Relation, RelationOptions};
pub use set::{Set, SetOptions};
pub use unique::{Unique, UniqueOptions};
pub use workload::{Invocation, Workload};
