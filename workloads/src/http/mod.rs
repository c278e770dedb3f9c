//! HTTP: a session with one node, and a client whose requests are data.
//!
//! [`Session`] sends requests and tells what came back; [`Statuses`] says what an answer means for
//! an operation. Both are there for clients written in Rust too. [`HttpConnect`] needs none: its
//! [`Operation`]s are templates.
//!
//! **No hidden retry.** Read in the sources of reqwest 0.13 and hyper-util 0.1:
//! - Redirects and proxies are off, and so is the retry of "protocol nacks" (`retry::never`).
//! - A session has one connection, kept for at most two seconds without use: servers close theirs
//!   later (Node.js after five), and a request into a closing connection would be lost.
//! - What is left is hyper-util's: when a connection that was kept turns out to be closed before
//!   any of a request was written to it, another one is opened. Nothing is ever sent twice.
//! - Dropping the session closes the connection, also under a request in flight.

mod client;
mod objects;
mod operation;
mod session;
mod status;

pub use client::{HttpConnect, HttpOptions, HttpTarget};
pub use operation::{CreateOptions, Operation, OperationOptions, RequestOptions};
pub use session::{Answer, Lost, Request, Session, SessionOptions, authority};
pub use status::{Meaning, Statuses};
