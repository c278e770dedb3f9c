//! Transactions of micro-operations on many keys: `append` (lists) and `wr` (registers).
//!
//! ```text
//! invoke  txn  [["append","k3",5],["r","k1",null]]
//! ok      txn  [["append","k3",5],["r","k1",[2,4]]]
//! ```
//! After Elle (Kingsbury and Alvaro, *Elle: Inferring Isolation Anomalies from Experimental
//! Observations*, VLDB 2020): since a list shows the order in which it was written, its history
//! tells what depends on what.

mod generator;
mod micro;
mod perform;

pub use generator::{KeyDistribution, Kind, TxnOptions, Txns};
pub use micro::{Function, Micro};
pub use perform::{Performed, perform};
