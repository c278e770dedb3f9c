//! A client in any language: a program that reads operations and writes what became of them, a
//! line of JSON each.
//!
//! ```text
//! stdin   {"id":1,"f":"write","key":"k0","value":5,"process":3,"traceparent":"00-…-01"}
//! stdout  {"id":1,"type":"ok"}
//! stdin   {"id":2,"f":"read","key":"k0","value":null,"process":3,"traceparent":"00-…-01"}
//! stdout  {"id":2,"type":"ok","value":5}
//!         {"id":2,"type":"fail","error":"refused"}     it certainly did not happen
//!         {"id":2,"type":"info","error":"no answer"}   nobody knows
//! ```
//!
//! There is one process per worker, bound to one node, which it finds in its environment:
//! `ISOBAR_NODE`, `ISOBAR_IP`, `ISOBAR_PORT`, `ISOBAR_ROLE`, `ISOBAR_TIMEOUT_MS`. An answer needs
//! `type`; `id`, if it is there, must be the operation's, and `exchange` may tell in a line what
//! was sent and answered. Without `value` an *ok* has what was asked. Standard error goes to a log.
//!
//! A program that does not answer in time is killed with its children, and another one started. It
//! ends when its input does.

mod client;

pub use client::{ProcessConnect, ProcessTarget};
