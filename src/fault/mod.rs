//! Faults: planned from a seed, injected with evidence, always undone.
//!
//! ```text
//! spec + seed ──▶ Plan (pure) ──▶ Injector: journal → apply → evidence → … → undo → evidence
//! ```
