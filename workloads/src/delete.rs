//! Objects that are deleted while others update them: afterwards they have to stay away.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::{Invocation, Outcome, Workload};

/// What follows once an object is there, for clients that race one another.
const RACE: [&str; 5] = ["update", "delete", "update", "read", "read"];
/// Objects that [`Workload::final_reads`] reads, the latest ones.
const FINAL_READS_MAX: usize = 1_000;

/// `create`, then `update`, `delete`, `update` and two `read`s side by side, on the objects `d0`,
/// `d1`, …; values count from 1 for each. Nothing is random in it: the races are the clients' own.
#[derive(Debug, Default)]
pub struct Delete {
    created: u64,
    /// Objects that are there, and how far their race has come.
    racing: VecDeque<(Value, usize)>,
    /// In order of creation.
    raced: VecDeque<Value>,
}

impl Delete {
    pub fn new() -> Self {
        Self::default()
    }
}

impl Workload for Delete {
    fn next(&mut self, _worker: u32) -> Option<Invocation> {
        if let Some((key, step)) = self.racing.front_mut() {
            let (key, f) = (key.clone(), RACE[*step]);
            *step += 1;
            let value = if f == "update" { json!(*step + 1) } else { Value::Null };
            if *step == RACE.len() {
                self.racing.pop_front();
                self.raced.push_back(key.clone());
                if self.raced.len() > FINAL_READS_MAX {
                    self.raced.pop_front();
                }
            }
            return Some(Invocation::of(f, Some(key), value));
        }
        let key = json!(format!("d{}", self.created));
        self.created += 1;
        Some(Invocation::of("create", Some(key), json!(1)))
    }

    fn observe(&mut self, invocation: &Invocation, outcome: &Outcome) {
        if let ("create", Outcome::Ok(_), Some(key)) =
            (invocation.f.as_str(), outcome, &invocation.key)
        {
            self.racing.push_back((key.clone(), 0));
        }
    }

    fn final_reads(&mut self) -> Vec<Invocation> {
        let begun = self.racing.iter().map(|(key, _)| key);
        let keys = self.raced.iter().chain(begun).cloned();
        keys.map(|key| Invocation::of("read", Some(key), Value::Null)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_object_is_raced_for_only_once_it_is_there() {
        let mut delete = Delete::new();
        let create = delete.next(0).unwrap();
        assert_eq!((create.f.as_str(), create.key.clone()), ("create", Some(json!("d0"))));
        // Nobody knows yet whether it is there: another one is begun, and never comes to be.
        let refused = delete.next(1).unwrap();
        assert_eq!(refused.key, Some(json!("d1")));
        delete.observe(&refused, &Outcome::Fail("refused".to_owned()));
        delete.observe(&create, &Outcome::Ok(json!(1)));
        let race: Vec<Invocation> = (0..5).map(|n| delete.next(n).unwrap()).collect();
        assert!(race.iter().all(|op| op.key == Some(json!("d0"))), "{race:?}");
        assert_eq!(race.iter().map(|op| op.f.as_str()).collect::<Vec<_>>(), RACE);
        assert_eq!((&race[0].value, &race[2].value), (&json!(2), &json!(4)));
        assert_eq!(delete.next(0).unwrap().f, "create");
        let read = delete.final_reads();
        assert_eq!(read, [Invocation::of("read", Some(json!("d0")), Value::Null)]);
    }
}
