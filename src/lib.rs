//! isobar puts a real cluster under load, breaks its network, clocks, processes and disks,
//! records what every client saw, and decides whether the system kept its promises.
//!
//! ```text
//! spec ──▶ cluster ──▶ run (load + faults) ──▶ history ──▶ checkers ──▶ report
//! ```

pub mod bench;
pub mod campaign;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod compare;
pub mod exit;
pub mod fault;
pub mod fingerprint;
pub mod interrupt;
pub mod judge;
pub mod lab;
pub mod metrics;
pub mod models;
pub mod replay;
pub mod report;
pub mod run;
pub mod serve;
pub mod spec;
pub mod store;
pub mod system;
pub mod terminal;
pub mod usage;
