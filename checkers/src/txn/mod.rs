//! Transactions: isolation from read uncommitted to strict serializability.
//!
//! ```text
//! History ──▶ Transactions (micro-operations in columns) ──▶ version orders ──▶ typed graph
//!         ──▶ cycles ──▶ anomalies ──▶ which models are ruled out, and which survive
//! ```

mod anomaly;
mod append;
#[cfg(test)]
mod brute;
mod check;
mod cycles;
mod decide;
mod dependencies;
pub mod draw;
#[cfg(test)]
mod drawn;
mod entries;
mod evidence;
pub mod exact;
mod explain;
mod hubs;
mod lists;
mod models;
#[cfg(test)]
mod notation;
mod origins;
mod peel;
mod register;
mod registers;
mod rivals;
mod sources;
mod spelt;
mod timeline;
mod told;
mod transactions;
#[cfg(test)]
mod twins;
pub mod weak;
mod words;

pub use anomaly::{Anomaly, Level, UnknownAnomaly};
pub use append::list_append;
pub use check::TxnOptions;
pub use models::{Boundary, Model, UnknownModel};
pub use register::Assumptions;
pub use registers::rw_register;
pub use transactions::{Function, Micro, Transactions, TxnError};
