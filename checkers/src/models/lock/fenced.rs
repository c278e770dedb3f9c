//! A mutex that hands out a token with every acquisition; tokens grow.

use serde_json::{Value, json};

use super::op::Holding;
use super::sweep;
use crate::history::{Completion, Operation};
use crate::linearizability::{Call, Decision, Model};
use crate::models::element::integer;

/// `acquire` → token (an integer), `release`; see the [module](super). Each token is greater than
/// all that were given before, so that a resource can refuse a holder whose time is over. Tokens
/// may be left out: an acquisition in doubt may have taken some.
#[derive(Clone, Copy, Debug, Default)]
pub struct FencedLock;

/// What an operation on a fenced lock did, and who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FencedOp {
    /// Held from now on.
    Acquire {
        /// Who holds it.
        process: u32,
        /// What it got; `None` in doubt.
        token: Option<i128>,
    },
    /// Given back.
    Release {
        /// Who held it.
        process: u32,
    },
}

impl Holding for FencedOp {
    fn process(&self) -> u32 {
        match *self {
            Self::Acquire { process, .. } | Self::Release { process } => process,
        }
    }

    fn acquires(&self) -> bool {
        matches!(self, Self::Acquire { .. })
    }
}

impl Model for FencedLock {
    type Op = FencedOp;
    /// The holder, and the greatest token that is known to have been given.
    type State = (Option<u32>, Option<i128>);

    fn initial(&self) -> Self::State {
        (None, None)
    }

    fn parse(&self, operation: &Operation<'_>) -> Result<Option<FencedOp>, String> {
        let process = operation.process();
        let token = &operation.result();
        match operation.f() {
            "acquire" if operation.completion() == Completion::Info => {
                Ok(Some(FencedOp::Acquire { process, token: None }))
            }
            "acquire" => match token.as_number().and_then(integer) {
                Some(token) => Ok(Some(FencedOp::Acquire { process, token: Some(token) })),
                None => Err(format!("an acquire gave {token}; expected a token, an integer")),
            },
            "release" => Ok(Some(FencedOp::Release { process })),
            other => {
                Err(format!("`{other}` is nothing a fenced lock does; expected acquire or release"))
            }
        }
    }

    fn apply(&self, &(holder, last): &Self::State, op: &FencedOp) -> Option<Self::State> {
        match *op {
            FencedOp::Acquire { process, token } => {
                let grows = token.is_none() || last.is_none() || token > last;
                (holder.is_none() && grows).then_some((Some(process), token.or(last)))
            }
            FencedOp::Release { process } => (holder == Some(process)).then_some((None, last)),
        }
    }

    fn show(&self, &(holder, last): &Self::State) -> Value {
        let held = holder.map_or_else(|| "free".to_owned(), |holder| format!("held by {holder}"));
        match last {
            None => json!(held),
            Some(token) => json!(format!("{held}, last token {token}")),
        }
    }

    fn describe(&self, op: &FencedOp) -> String {
        match op {
            FencedOp::Acquire { token: Some(token), .. } => {
                format!("acquired the lock with token {token}")
            }
            FencedOp::Acquire { token: None, .. } => "acquired the lock".to_owned(),
            FencedOp::Release { .. } => "released the lock".to_owned(),
        }
    }

    fn decide(&self, calls: &[Call<FencedOp>]) -> Option<Decision> {
        sweep::decide(self, calls)
    }
}
