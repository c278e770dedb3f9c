//! etcd over its gRPC API: a client of one node, and what a node says of itself.
//!
//! The stubs are checked in (`generated.rs`, from `proto/etcd`), so that building needs no protoc.
//!
//! **No hidden retry.** Read in the sources of tonic 0.14, hyper 1 and tower 0.5:
//! - A `Channel` to one endpoint is one HTTP/2 connection behind tower's `Buffer`, without a
//!   balancer, a pool or a proxy. There is no gRPC retry policy, and hyper's low-level connection
//!   (`client::conn::http2`, not its pooled client) never sends a request twice: one that meets a
//!   closing connection comes back as an error.
//! - After a lost connection tonic's `Reconnect` connects once, when the *next* operation asks
//!   for readiness and before that operation is sent. If this fails, the operation fails with
//!   tonic's `ConnectError`: it was never sent, a definite failure.
//! - No HTTP/2 or TCP keepalive is on: a silent peer stays silent until the caller's deadline.
//! - Dropping the client closes the connection, also under an operation in flight.

mod channel;
mod client;
mod error;
#[allow(clippy::all, dead_code, rust_2018_idioms, unreachable_pub)]
#[rustfmt::skip]
mod generated;
mod status;
mod traced;
mod txn;

pub use client::EtcdConnect;
pub use status::{Member, NodeStatus, member_list, status};
