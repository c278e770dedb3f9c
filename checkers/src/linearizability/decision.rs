//! What was decided about one object, with the evidence. Numbers are places in the calls given.

/// The answer for one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A linearization: every completed call once, open calls at most once.
    Valid(Vec<u32>),
    /// No order explains the calls.
    Violated(Contradiction),
    /// The budget ran out; how far it got.
    Unknown(String),
}

/// Calls that no order explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// In order of invocation. If some call's value comes from outside of these, that call counts
    /// as [`Model::unmoored`](super::Model::unmoored).
    pub calls: Vec<u32>,
    /// Open calls among `calls` whose effect was seen by somebody, perhaps not in `calls`.
    pub effective: Vec<u32>,
    /// Why not.
    pub reason: Reason,
}

impl Contradiction {
    /// With numbers among its own calls alone.
    pub(super) fn among_its_own(self) -> Self {
        let place = |call: u32| self.calls.partition_point(|&other| other < call) as u32;
        Self {
            calls: (0..).take(self.calls.len()).collect(),
            effective: self.effective.iter().map(|&call| place(call)).collect(),
            reason: self.reason.renumbered(place),
        }
    }
}

/// Why no order explains the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the sentences of the variants say what their fields are")]
pub enum Reason {
    /// Nobody can have written the value which `call` found.
    NeverWritten { call: u32 },
    /// `call` knew of the effect of `writer` and completed before `writer` was invoked.
    BeforeWritten { call: u32, writer: u32 },
    /// `call` found a value which had been replaced when `by` completed, before `call` began.
    Replaced { call: u32, by: u32 },
    /// Two compare-and-sets found a value that was written once.
    TwoSuccessors { first: u32, second: u32 },
    /// Compare-and-sets each of which found what another one wrote.
    Circle,
    /// A value comes back: `early` (`None`: the initial state) and `late` belong to one value,
    /// `first` and `last` to another; `early` precedes `last`, and `first` precedes `late`.
    ComesBack { early: Option<u32>, late: u32, first: u32, last: u32 },
    /// The calls break a rule of their data type, shown best by `call`.
    Rule { call: u32, rule: &'static Rule },
    /// The search found no order; `call` completes when all attempts have failed.
    NoOrder { call: u32 },
}

/// What a data type promises, and what it is called when that is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The field's name for the anomaly, e.g. `out-of-order`.
    pub anomaly: &'static str,
    /// The second half of the title: `although …`.
    pub although: &'static str,
    /// From the operations told to the contradiction: one sentence.
    pub argument: &'static str,
}

impl Reason {
    /// The same reason with other numbers for the calls.
    pub(super) fn renumbered(self, new: impl Fn(u32) -> u32) -> Self {
        match self {
            Self::NeverWritten { call } => Self::NeverWritten { call: new(call) },
            Self::BeforeWritten { call, writer } => {
                Self::BeforeWritten { call: new(call), writer: new(writer) }
            }
            Self::Replaced { call, by } => Self::Replaced { call: new(call), by: new(by) },
            Self::TwoSuccessors { first, second } => {
                Self::TwoSuccessors { first: new(first), second: new(second) }
            }
            Self::Circle => Self::Circle,
            Self::ComesBack { early, late, first, last } => Self::ComesBack {
                early: early.map(&new),
                late: new(late),
                first: new(first),
                last: new(last),
            },
            Self::Rule { call, rule } => Self::Rule { call: new(call), rule },
            Self::NoOrder { call } => Self::NoOrder { call: new(call) },
        }
    }
}
