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
#[error("no anomaly is called `{0}`; there are {names}", names = names())]
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
        let error = Anomaly::parse("G7").map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.starts_with("no anomaly is called `G7`; there are")));
    }

    #[test]
    fn the_order_of_telling_is_that_of_the_list() {
        assert!(Anomaly::ALL.is_sorted());
    }
}
