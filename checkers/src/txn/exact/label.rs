//! Why an edge is there.

/// What an edge, or a conclusion, rests on, in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Label(u32);

/// A [`Label`], told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// On the history alone.
    Certain,
    /// On the assumption that this node keeps real time.
    RealTime(u32),
    /// On a set of such assumptions, by its number.
    Assumed(u32),
    /// On a decision of the search: a literal.
    Decided(u32),
}

const ASSUMED: u32 = 1 << 31;
const REAL_TIME: u32 = 1 << 30;

/// Nodes, sets and literals have numbers below this.
pub(super) const NUMBERS_MAX: usize = REAL_TIME as usize;

impl Label {
    pub(super) const CERTAIN: Self = Self(u32::MAX);

    pub(super) fn real_time(node: u32) -> Self {
        Self(REAL_TIME | node)
    }

    /// Of a set of assumptions; the set 0 is the empty one.
    pub(super) fn assumed(set: u32) -> Self {
        if set == 0 { Self::CERTAIN } else { Self(ASSUMED | set) }
    }

    pub(super) fn decided(literal: u32) -> Self {
        Self(literal)
    }

    pub(super) fn ground(self) -> Ground {
        match self.0 {
            u32::MAX => Ground::Certain,
            bits if bits & ASSUMED != 0 => Ground::Assumed(bits & !ASSUMED),
            bits if bits & REAL_TIME != 0 => Ground::RealTime(bits & !REAL_TIME),
            bits => Ground::Decided(bits),
        }
    }
}
