//! Puts and appends of strings that can be told apart, in O(n log n) plus the length of the gets.
//!
//! Let all strings put and appended be different, not empty, and none a prefix of another. Then a
//! get reads as a put (or nothing: the key was absent) and appends after it, in one way. So a get
//! tells the exact order of what it found, and the key becomes a register:
//!
//! * A put writes a new value. An append that some get found is a *compare-and-set* from what that
//!   get has before it to what it has with it: each append has one such place, or two gets
//!   contradict each other. A get reads the value of the last append, or put, in it.
//! * An append that no get found has nothing after it up to the next put but other such appends: a
//!   get, or an append that a get found, would have it in front. So it stands between a value's
//!   last use and the next put, as a *write that nobody reads* does, and both may stand wherever
//!   the other may.
//!
//! Registers with distinct values are decided by [`Register`]'s zones. What contradicts there, with
//! all that its gets found, contradicts here.

use serde_json::json;

use super::KvOp;
use crate::linearizability::{
    Call, Contradiction, Decision, Model, Reason, Register, RegisterOp, Rule,
};

const PHANTOM: Rule = Rule {
    anomaly: "phantom-read",
    although: "which no puts and appends make up",
    argument: "Each put begins a value anew, and each append is in it once at most: nothing that \
               happened, or may have happened, makes up what was found.",
};
const TWO_ORDERS: Rule = Rule {
    anomaly: "incompatible-order",
    although: "although another get found the same in another order",
    argument: "Appends stay where they are, but two gets found one and the same append behind \
               different values.",
};
const STALE: Rule = Rule {
    anomaly: "stale-read",
    although: "although that had been replaced, or was not complete, at that time",
    argument: "What the gets found tells the order of puts and appends; with real time it runs in \
               a circle.",
};

/// No call, or the absent key.
const NONE: u32 = u32::MAX;

pub(super) fn decide(calls: &[Call<KvOp>]) -> Option<Decision> {
    let tokens = Tokens::new(calls)?;
    let mut places = Places::new(calls.len());
    for (number, call) in (0..).zip(calls) {
        if let KvOp::Get(value) = &call.op
            && let Err(refused) = places.read(calls, &tokens, number, value)
        {
            return Some(Decision::Violated(refused));
        }
    }
    let register: Vec<Call<RegisterOp>> =
        (0..).zip(calls).map(|(number, call)| places.as_register(number, call)).collect();
    Some(match Register.decide(&register)? {
        Decision::Violated(found) => {
            let call = culprit(calls, &found);
            // The gets which tell where the appends stand, and all that they found.
            let gets = found.calls.iter().map(|&call| places.found_by[call as usize]);
            let core: Vec<u32> = found.calls.iter().copied().chain(gets).collect();
            Decision::Violated(contradiction(places.behind(&core), call, &STALE))
        }
        other => other,
    })
}

/// The last get of a contradiction, or else its last call.
fn culprit(calls: &[Call<KvOp>], found: &Contradiction) -> u32 {
    let is_get = |call: u32| matches!(calls[call as usize].op, KvOp::Get(_));
    let latest = found.calls.iter().copied();
    latest.max_by_key(|&call| (is_get(call), calls[call as usize].invoked)).unwrap_or_default()
}

fn contradiction(mut calls: Vec<u32>, call: u32, rule: &'static Rule) -> Contradiction {
    calls.sort_unstable();
    calls.dedup();
    Contradiction { calls, effective: Vec::new(), reason: Reason::Rule { call, rule } }
}

/// The strings put and appended, sorted, with their calls.
struct Tokens<'a>(Vec<(&'a str, u32)>);

impl<'a> Tokens<'a> {
    /// `None` unless they can be told apart.
    fn new(calls: &'a [Call<KvOp>]) -> Option<Self> {
        let mut tokens = Vec::new();
        for (number, call) in (0..).zip(calls) {
            match &call.op {
                KvOp::Put(text) | KvOp::Append(text) if text.is_empty() => return None,
                KvOp::Put(text) | KvOp::Append(text) => tokens.push((text.as_str(), number)),
                KvOp::Get(_) => {}
            }
        }
        tokens.sort_unstable();
        // A prefix sorts before what it begins, with nothing else between.
        let apart = tokens.windows(2).all(|pair| !pair[1].0.starts_with(pair[0].0));
        apart.then_some(Self(tokens))
    }

    /// The call whose string `text` begins with: the last one not after `text`, if any.
    fn first(&self, text: &str) -> Option<(&'a str, u32)> {
        let after = self.0.partition_point(|&(token, _)| token <= text);
        let found = self.0[after.checked_sub(1)?];
        text.starts_with(found.0).then_some(found)
    }
}

/// Where each append stands.
struct Places {
    /// The call in front of each append that a get found; [`NONE`] for the absent key.
    before: Vec<u32>,
    /// A get that found the call, if any.
    found_by: Vec<u32>,
    /// The last call in each get.
    last: Vec<u32>,
}

impl Places {
    fn new(count: usize) -> Self {
        Self { before: vec![NONE; count], found_by: vec![NONE; count], last: vec![NONE; count] }
    }

    /// Takes a get apart.
    fn read(
        &mut self,
        calls: &[Call<KvOp>],
        tokens: &Tokens<'_>,
        get: u32,
        value: &str,
    ) -> Result<(), Contradiction> {
        let phantom = || contradiction(vec![get], get, &PHANTOM);
        let mut rest = value;
        let mut before = NONE;
        while !rest.is_empty() {
            let (token, call) = tokens.first(rest).ok_or_else(phantom)?;
            rest = &rest[token.len()..];
            let place = call as usize;
            let other = self.found_by[place];
            let is_put = matches!(calls[place].op, KvOp::Put(_));
            if other == get || is_put && before != NONE {
                return Err(phantom());
            }
            if other != NONE && self.before[place] != before {
                // Both gets, up to this append.
                let mut core = self.behind(&[before, other]);
                core.extend([call, get]);
                return Err(contradiction(core, get, &TWO_ORDERS));
            }
            self.before[place] = before;
            self.found_by[place] = get;
            before = call;
        }
        self.last[get as usize] = before;
        Ok(())
    }

    /// These calls with everything that gets found in front of them.
    fn behind(&self, calls: &[u32]) -> Vec<u32> {
        let mut seen = vec![false; self.before.len()];
        let mut behind = Vec::new();
        for &call in calls {
            let mut next = call;
            while next != NONE && !std::mem::replace(&mut seen[next as usize], true) {
                behind.push(next);
                let (before, last) = (self.before[next as usize], self.last[next as usize]);
                next = if last == NONE { before } else { last };
            }
        }
        behind
    }

    /// Each call counts as a value; null is the absent key.
    fn as_register(&self, number: u32, call: &Call<KvOp>) -> Call<RegisterOp> {
        let value = |call: u32| if call == NONE { json!(null) } else { json!(call) };
        let place = number as usize;
        let op = match call.op {
            KvOp::Get(_) => RegisterOp::Read(value(self.last[place])),
            KvOp::Append(_) if self.found_by[place] != NONE => {
                RegisterOp::Cas { old: value(self.before[place]), new: value(number) }
            }
            KvOp::Put(_) | KvOp::Append(_) => RegisterOp::Write(value(number)),
        };
        let Call { invoked, completed, operation, .. } = *call;
        Call { op, invoked, completed, operation }
    }
}
