//! Judges concurrent histories.
//!
//! A pure library: no clock, no randomness, no async, no I/O beyond its readers. Same history,
//! same budget, same answer.
//!
//! ```text
//! history::Event* ──▶ History (operations, fault windows) ──▶ checker ──▶ CheckResult
//! ```
//!
//! A history read from anywhere, and judged as a register:
//!
//! ```
//! use isobar_checkers::{Budget, Register, Verdict, history, linearizable};
//!
//! let lines = r#"
//! {"index":0,"time":0,"process":0,"type":"invoke","f":"write","value":1}
//! {"index":1,"time":1,"process":0,"type":"ok","f":"write","value":1}
//! {"index":2,"time":2,"process":1,"type":"invoke","f":"read","value":null}
//! {"index":3,"time":3,"process":1,"type":"ok","f":"read","value":null}
//! "#;
//! let history = history::read("example", lines.as_bytes(), None)?;
//! let result = linearizable(&history, &Register, &Budget::default());
//! assert_eq!(result.verdict, Verdict::Violated);
//! assert_eq!(result.findings[0].anomaly, "stale-read");
//! # Ok::<(), history::ReadError>(())
//! ```
//!
//! A type of your own is five methods: here a light that can be toggled and looked at.
//!
//! ```
//! use isobar_checkers::{Budget, Model, Operation, Verdict, history, linearizable};
//! use serde_json::{Value, json};
//!
//! struct Light;
//!
//! #[derive(Clone, PartialEq, Eq, Hash)]
//! enum Deed {
//!     Toggle,
//!     Look(bool),
//! }
//!
//! impl Model for Light {
//!     type Op = Deed;
//!     type State = bool;
//!
//!     fn initial(&self) -> bool {
//!         false
//!     }
//!     fn parse(&self, operation: &Operation<'_>) -> Result<Option<Deed>, String> {
//!         match (operation.f(), operation.result().as_bool()) {
//!             ("toggle", _) => Ok(Some(Deed::Toggle)),
//!             ("look", Some(on)) => Ok(Some(Deed::Look(on))),
//!             // Nobody knows what it saw.
//!             ("look", None) => Ok(None),
//!             (other, _) => Err(format!("`{other}` is nothing a light does")),
//!         }
//!     }
//!     fn apply(&self, on: &bool, deed: &Deed) -> Option<bool> {
//!         match deed {
//!             Deed::Toggle => Some(!on),
//!             Deed::Look(seen) => (seen == on).then_some(*on),
//!         }
//!     }
//!     fn show(&self, on: &bool) -> Value {
//!         json!(if *on { "on" } else { "off" })
//!     }
//!     fn describe(&self, deed: &Deed) -> String {
//!         match deed {
//!             Deed::Toggle => "toggled".to_owned(),
//!             Deed::Look(on) => format!("saw {}", self.show(on)),
//!         }
//!     }
//! }
//!
//! let lines = r#"
//! {"index":0,"time":0,"process":0,"type":"invoke","f":"toggle","value":null}
//! {"index":1,"time":1,"process":0,"type":"ok","f":"toggle","value":null}
//! {"index":2,"time":2,"process":1,"type":"invoke","f":"look","value":null}
//! {"index":3,"time":3,"process":1,"type":"ok","f":"look","value":false}
//! "#;
//! let history = history::read("example", lines.as_bytes(), None)?;
//! let result = linearizable(&history, &Light, &Budget::default());
//! assert_eq!(result.verdict, Verdict::Violated);
//! # Ok::<(), history::ReadError>(())
//! ```

#![deny(missing_docs)]

/// The page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/library.md")]
struct LibraryPage;

pub mod availability;
pub mod checks;
pub mod finding;
pub mod generate;
mod graph;
pub mod history;
mod latency;
pub mod linearizability;
pub mod models;
pub mod promptness;
pub mod recovery;
pub mod stats;
pub mod topics;
pub mod txn;
pub mod vacuity;

pub use availability::{Thresholds, availability};
pub use finding::{
    Blocked, CheckResult, Contrast, Cycle, CycleEdge, CycleNode, Dependency, Finding, Step,
    Verdict, Witness,
};
pub use history::{
    Event, EventType, FaultWindow, History, HistoryBuilder, HistoryError, InjectOutcome, Nanos,
    OpIndex, Operation, OwnedOperation, Process, ReadError, ValueId, Values,
};
pub use linearizability::{Budget, Certificate, Model, Register, certificates, linearizable};
pub use promptness::{During, LatencyLimits, LeastVolume, latency, volume};
pub use recovery::{FaultRecovery, recoveries};
pub use stats::stats;
pub use txn::{TxnOptions, list_append, rw_register};
pub use vacuity::{Expectation, vacuity};
