//! What can go wrong between transactions, by the names that Elle has for it.
//!
//! Every dependency here is between items, never predicates: `G-single` is Elle's
//! `G-single-item`, `G-nonadjacent` its `G-nonadjacent-item`, and `G2-item` says so.

use std::fmt;

use thiserror::Error;

/// How strong an order it takes to close a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// What transactions read and wrote.
    Plain,
    /// The order of each process as well.
    Process,
    /// Real time as well.
    Realtime,
}

impl Level {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Process, Self::Realtime];
}

/// An anomaly; the order is that of telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anomaly {
    /// A read found what nobody wrote.
    PhantomRead,
    /// A list has one element twice.
    DuplicateElements,
    /// The versions of one object follow each other in a circle.
    CyclicVersions,
    /// A read found what an aborted transaction wrote.
    G1a,
    /// A read found what its writer had not finished.
    G1b,
    /// What an aborted transaction wrote was built upon.
    DirtyUpdate,
    /// Two reads of a list contradict each other.
    IncompatibleOrder,
    /// A transaction read its own write before it made it.
    FutureRead,
    /// A transaction did not find what it had itself written or read before.
    Internal,
    /// Two transactions read one version, and both replaced it.
    LostUpdate,
    /// A cycle of ww.
    G0(Level),
    /// A cycle of ww and at least one wr.
    G1c(Level),
    /// A cycle with one rw.
    GSingle(Level),
    /// A cycle with several rw, no two of them side by side.
    GNonadjacent(Level),
    /// A cycle with several rw, two of them side by side.
    G2Item(Level),
}

use Level::{Plain, Process, Realtime};

impl Anomaly {
    /// Every anomaly, in that order.
    pub const ALL: [Self; 25] = [
        Self::PhantomRead,
        Self::DuplicateElements,
        Self::CyclicVersions,
        Self::G1a,
        Self::G1b,
        Self::DirtyUpdate,
        Self::IncompatibleOrder,
        Self::FutureRead,
        Self::Internal,
        Self::LostUpdate,
        Self::G0(Plain),
        Self::G0(Process),
        Self::G0(Realtime),
        Self::G1c(Plain),
        Self::G1c(Process),
        Self::G1c(Realtime),
        Self::GSingle(Plain),
        Self::GSingle(Process),
        Self::GSingle(Realtime),
        Self::GNonadjacent(Plain),
        Self::GNonadjacent(Process),
        Self::GNonadjacent(Realtime),
        Self::G2Item(Plain),
        Self::G2Item(Process),
        Self::G2Item(Realtime),
    ];

    /// `G-single-realtime`, `lost-update`.
    pub fn name(self) -> &'static str {
        match self {
            Self::PhantomRead => "phantom-read",
            Self::DuplicateElements => "duplicate-elements",
            Self::CyclicVersions => "cyclic-versions",
            Self::G1a => "G1a",
            Self::G1b => "G1b",
            Self::DirtyUpdate => "dirty-update",
            Self::IncompatibleOrder => "incompatible-order",
            Self::FutureRead => "future-read",
            Self::Internal => "internal",
            Self::LostUpdate => "lost-update",
            Self::G0(Plain) => "G0",
            Self::G0(Process) => "G0-process",
            Self::G0(Realtime) => "G0-realtime",
            Self::G1c(Plain) => "G1c",
            Self::G1c(Process) => "G1c-process",
            Self::G1c(Realtime) => "G1c-realtime",
            Self::GSingle(Plain) => "G-single",
            Self::GSingle(Process) => "G-single-process",
            Self::GSingle(Realtime) => "G-single-realtime",
            Self::GNonadjacent(Plain) => "G-nonadjacent",
            Self::GNonadjacent(Process) => "G-nonadjacent-process",
            Self::GNonadjacent(Realtime) => "G-nonadjacent-realtime",
            Self::G2Item(Plain) => "G2-item",
            Self::G2Item(Process) => "G2-item-process",
            Self::G2Item(Realtime) => "G2-item-realtime",
        }
    }

    /// Whether this one is the other as well: a G-single is a G-nonadjacent, and that a G2-item,
    /// and each is one in real time too.
    pub fn is(self, other: Self) -> bool {
        self == other || self.also().into_iter().flatten().any(|more| more.is(other))
    }

    /// The anomalies that are there with this one.
    fn also(self) -> [Option<Self>; 2] {
        let next = |level| match level {
            Plain => Some(Process),
            Process => Some(Realtime),
            Realtime => None,
        };
        match self {
            Self::G0(level) => [Some(Self::G1c(level)), next(level).map(Self::G0)],
            Self::G1c(level) => [None, next(level).map(Self::G1c)],
            Self::GSingle(level) => {
                [Some(Self::GNonadjacent(level)), next(level).map(Self::GSingle)]
            }
            Self::GNonadjacent(level) => {
                [Some(Self::G2Item(level)), next(level).map(Self::GNonadjacent)]
            }
            Self::G2Item(level) => [None, next(level).map(Self::G2Item)],
            Self::LostUpdate => [None, Some(Self::GSingle(Plain))],
            Self::DirtyUpdate => [None, Some(Self::G1a)],
            Self::FutureRead => [None, Some(Self::G1c(Plain))],
            Self::PhantomRead
            | Self::DuplicateElements
            | Self::CyclicVersions
            | Self::IncompatibleOrder
            | Self::G1a
            | Self::G1b
            | Self::Internal => [None, None],
        }
    }

    /// The anomalies that a name takes in, as Elle has it: for `G2` whatever is a G2, a G-single
    /// among them; for `G1` what is a G1a, G1b or G1c. A write skew is a G2-item that is no less.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_all(name: &str) -> Result<Vec<Self>, UnknownAnomaly> {
        let asked = match name.trim_start_matches(':').to_ascii_lowercase().as_str() {
            "write-skew" => return Self::parse(name).map(|exactly| vec![exactly]),
            "g1" => vec![Self::G1a, Self::G1b, Self::G1c(Plain)],
            "g1-process" => vec![Self::G1a, Self::G1b, Self::G1c(Process)],
            "g1-realtime" => vec![Self::G1a, Self::G1b, Self::G1c(Realtime)],
            _ => vec![Self::parse(name)?],
        };
        let taken = |anomaly: &Self| asked.iter().any(|&asked| anomaly.is(asked));
        Ok(Self::ALL.into_iter().filter(taken).collect())
    }

    /// The anomaly of a name; `-item` may be there or not. Of Elle's other names: a `write-skew` is
    /// a G2-item; `GSIb`, missed effects, a G-single in real time; `GSIa`, interference, a G1c.
    ///
    /// # Errors
    /// [`UnknownAnomaly`] lists those there are.
    pub fn parse(name: &str) -> Result<Self, UnknownAnomaly> {
        let bare =
            |name: &str| name.trim_start_matches(':').to_ascii_lowercase().replace("-item", "");
        match bare(name).as_str() {
            "write-skew" => return Ok(Self::G2Item(Plain)),
            "gsia" | "g-sia" => return Ok(Self::G1c(Realtime)),
            "gsib" | "g-sib" => return Ok(Self::GSingle(Realtime)),
            _ => {}
        }
        let named = Self::ALL.into_iter().find(|anomaly| bare(anomaly.name()) == bare(name));
        named.ok_or_else(|| UnknownAnomaly(name.to_owned()))
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No anomaly is called so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no anomaly is called `{0}`; there are G1 and {names}", names = names())]
pub struct UnknownAnomaly(pub String);

fn names() -> String {
    Anomaly::ALL.map(Anomaly::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_with_or_without_item() {
        for anomaly in Anomaly::ALL {
            assert_eq!(Anomaly::parse(anomaly.name()), Ok(anomaly));
        }
        assert_eq!(Anomaly::parse("G-single-item-process"), Ok(Anomaly::GSingle(Process)));
        assert_eq!(Anomaly::parse("G2"), Ok(Anomaly::G2Item(Plain)));
        assert_eq!(Anomaly::parse("G2-process"), Ok(Anomaly::G2Item(Process)));
        assert_eq!(Anomaly::parse(":write-skew"), Ok(Anomaly::G2Item(Plain)));
        assert_eq!(Anomaly::parse("GSIb"), Ok(Anomaly::GSingle(Realtime)));
        let taken = |name| {
            let all = Anomaly::parse_all(name).unwrap_or_default();
            all.into_iter().map(Anomaly::name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(taken(":G1"), "G1a G1b dirty-update future-read G0 G1c");
        assert_eq!(taken("g-single"), "lost-update G-single");
        assert_eq!(taken("G2"), "lost-update G-single G-nonadjacent G2-item");
        assert_eq!((taken("write-skew"), taken("internal")), ("G2-item".into(), "internal".into()));
        let error = Anomaly::parse("G7").map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.starts_with("no anomaly is called `G7`; there are")));
    }

    #[test]
    fn anomalies_are_those_that_are_less_special_too() {
        assert!(Anomaly::GSingle(Plain).is(Anomaly::G2Item(Realtime)));
        assert!(Anomaly::G0(Plain).is(Anomaly::G1c(Plain)));
        assert!(Anomaly::LostUpdate.is(Anomaly::GSingle(Process)));
        assert!(!Anomaly::G2Item(Plain).is(Anomaly::GSingle(Plain)));
        assert!(!Anomaly::G1c(Plain).is(Anomaly::G2Item(Plain)));
        assert!(Anomaly::ALL.into_iter().all(|anomaly| anomaly.is(anomaly)));
    }

    #[test]
    fn the_order_of_telling_is_that_of_the_list() {
        assert!(Anomaly::ALL.is_sorted());
    }
}
