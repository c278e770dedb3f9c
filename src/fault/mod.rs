//! Faults: planned from a seed, injected with evidence, always undone.
//!
//! ```text
//! spec + seed ──▶ Plan (pure) ──▶ Injector: journal → apply → evidence → … → undo → evidence
//! ```

mod action;
mod cgroup;
mod clock;
mod convergence;
mod damage;
mod delivery;
mod disk;
mod effect;
mod evidence;
mod firewall;
mod floor;
mod heal;
mod helper;
mod hold;
mod injector;
mod journal;
mod membership;
mod packet;
mod partition;
mod plan;
mod power;
mod probe;
mod process;
mod process_clock;
mod quorum;
mod site;
pub mod targets;
mod topology;
mod watchdog;

pub use action::{Action, ActionError, NodeAction, privileged};
pub use effect::{Effect, ProcessAct};
pub use evidence::{Expectation, Reading};
pub use heal::{HealReport, heal_from_journal};
pub use hold::{Hold, HoldError, HoldOptions};
pub use injector::{Ground, Injector, Policy};
pub use journal::{Journal, JournalEntry, JournalError, JournalState, OpenFault};
pub use packet::Means;
pub use plan::{Injection, Plan, PlannedCommands};
pub use probe::probes;
pub use topology::Grudge;
pub use watchdog::{Renewal, Watchdog};
