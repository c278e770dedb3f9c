//! Transactions: isolation from read uncommitted to strict serializability.
//!
//! ```text
//! History ──▶ Transactions (micro-operations in columns) ──▶ version orders ──▶ typed graph
//!         ──▶ cycles ──▶ anomalies ──▶ which models are ruled out, and which survive
//! ```

mod anomaly;
mod append;
mod check;
mod cycles;
mod dependencies;
mod entries;
mod evidence;
mod explain;
mod hubs;
mod models;
#[cfg(test)]
mod drawn;
pub mod exact;
mod lists;
#[cfg(test)]
mod notation;
mod register;
mod rivals;
mod transactions;
mod words;
mod sources;
mod told;
pub mod weak;

pub use anomaly::{Anomaly, Level, UnknownAnomaly};
pub use append::list_append;
pub use check::TxnOptions;
pub use models::{Boundary, Model, UnknownModel};
pub use register::{Assumptions, rw_register};
pub use transactions::{Function, Micro, Transactions, TxnError};
