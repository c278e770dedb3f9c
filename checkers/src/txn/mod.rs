//! Transactions: isolation from read uncommitted to strict serializability.
//!
//! ```text
//! History ──▶ Transactions (micro-operations in columns) ──▶ version orders ──▶ typed graph
//!         ──▶ cycles ──▶ anomalies ──▶ which models are ruled out, and which survive
//! ```

#[cfg(test)]
mod notation;
mod transactions;

pub use transactions::{Function, Micro, Transactions, TxnError};
