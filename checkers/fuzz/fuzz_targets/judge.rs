//! Whatever can be read can be judged as every type, within a small budget: a verdict, never a
//! panic. What is valid has an order that the replayer accepts.

#![no_main]

use isobar_checkers::models::{Counter, FifoQueue, Kv, Mutex, Set, Stack};
use isobar_checkers::{Budget, History, Model, Register, certificates, history, linearizable};
use libfuzzer_sys::fuzz_target;

fn judge<M: Model>(history: &History, model: &M) {
    let budget = Budget { states: 10_000, bytes: 1 << 24 };
    let _ = linearizable(history, model, &budget);
    for certificate in certificates(history, model, &budget).unwrap_or_default() {
        certificate.verify(history, model).expect("an order that explains the history");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(history) = history::read("fuzz", bytes, None) else { return };
    judge(&history, &Register);
    judge(&history, &Kv);
    judge(&history, &Set);
    judge(&history, &Counter);
    judge(&history, &Mutex);
    judge(&history, &FifoQueue::default());
    judge(&history, &Stack::default());
});
