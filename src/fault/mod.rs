//! Faults: planned from a seed, injected with evidence, always undone.
//!
//! ```text
//! spec + seed ──▶ Plan (pure) ──▶ Injector: journal → apply → evidence → … → undo → evidence
//! ```

mod action;
mod evidence;
mod partition;
mod plan;
mod process;
pub mod targets;
mod topology;

pub use action::{Action, ActionError, NodeAction, privileged};
pub use evidence::{Expectation, Reading};
pub use plan::{Effect, Injection, Plan, PlannedCommands, ProcessAct};
pub use topology::Grudge;
