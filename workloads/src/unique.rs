//! Names that nobody may have twice: several clients ask for each at the same time.

use serde_json::json;

use crate::{Invocation, Outcome, Workload};

/// How to draw the operations of a [`Unique`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueOptions {
    /// How many clients ask for each name; 0 counts as 1.
    pub rivals: u32,
}

/// `generate` of the names `u0`, `u1`, …, each asked for by `rivals` clients one after the other,
/// so that they meet: who gets it is told so, and the others are refused.
///
/// Nothing is random in it.
#[derive(Debug)]
pub struct Unique {
    options: UniqueOptions,
    asked: u64,
}

impl Unique {
    pub fn new(options: UniqueOptions) -> Self {
        Self { asked: 0, options }
    }
}

impl Workload for Unique {
    fn next(&mut self, _worker: u32) -> Option<Invocation> {
        let name = self.asked / u64::from(self.options.rivals.max(1));
        self.asked += 1;
        Some(Invocation::of("generate", None, json!(format!("u{name}"))))
    }

    fn observe(&mut self, _invocation: &Invocation, _outcome: &Outcome) {}

    /// There is nothing to read: who has a name was told so.
    fn final_reads(&mut self) -> Vec<Invocation> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::Value;

    use super::*;

    #[test]
    fn rivals_ask_for_one_name_after_another() {
        let mut unique = Unique::new(UniqueOptions { rivals: 2 });
        let names: Vec<Value> = (0..5).map(|n| unique.next(n).unwrap().value).collect();
        assert_eq!(json!(names), json!(["u0", "u0", "u1", "u1", "u2"]));
    }
}
