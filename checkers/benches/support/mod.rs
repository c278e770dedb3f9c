//! What the benches share: generators.

pub mod transaction_calls;
