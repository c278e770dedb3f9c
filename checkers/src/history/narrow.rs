//! Columns of numbers in as few bytes as they need.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::ValueId;

/// Numbers of one width: that of the greatest so far.
#[derive(Clone, Debug)]
pub(crate) enum Narrow {
    Bytes(Vec<u8>),
    Shorts(Vec<u16>),
    Words(Vec<u32>),
}

impl Default for Narrow {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl PartialEq for Narrow {
    /// By content: widths depend on what was there before.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && (0..self.len()).all(|place| self.get(place) == other.get(place))
    }
}

/// The same numbers in a wider column, with the same room.
fn widened<T: Copy, U: From<T>>(numbers: &Vec<T>) -> Vec<U> {
    let mut wider = Vec::with_capacity(numbers.capacity());
    wider.extend(numbers.iter().map(|&number| U::from(number)));
    wider
}

impl Narrow {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self::Bytes(Vec::with_capacity(count))
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(numbers) => numbers.len(),
            Self::Shorts(numbers) => numbers.len(),
            Self::Words(numbers) => numbers.len(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, place: usize) -> u32 {
        match self {
            Self::Bytes(numbers) => numbers[place].into(),
            Self::Shorts(numbers) => numbers[place].into(),
            Self::Words(numbers) => numbers[place],
        }
    }

    /// Calls `visit` with each of these numbers, in order.
    pub(crate) fn each(&self, of: Range<usize>, visit: impl FnMut(u32)) {
        match self {
            Self::Bytes(numbers) => numbers[of].iter().map(|&number| number.into()).for_each(visit),
            Self::Shorts(numbers) => {
                numbers[of].iter().map(|&number| number.into()).for_each(visit);
            }
            Self::Words(numbers) => numbers[of].iter().copied().for_each(visit),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, number: u32) {
        self.fit(number);
        match self {
            Self::Bytes(numbers) => numbers.push(number as u8),
            Self::Shorts(numbers) => numbers.push(number as u16),
            Self::Words(numbers) => numbers.push(number),
        }
    }

    pub(super) fn set(&mut self, place: usize, number: u32) {
        self.fit(number);
        match self {
            Self::Bytes(numbers) => numbers[place] = number as u8,
            Self::Shorts(numbers) => numbers[place] = number as u16,
            Self::Words(numbers) => numbers[place] = number,
        }
    }

    /// Makes room for numbers as great as this one.
    fn fit(&mut self, number: u32) {
        *self = match self {
            Self::Bytes(numbers) if number > u32::from(u16::MAX) => Self::Words(widened(numbers)),
            Self::Bytes(numbers) if number > u32::from(u8::MAX) => Self::Shorts(widened(numbers)),
            Self::Shorts(numbers) if number > u32::from(u16::MAX) => Self::Words(widened(numbers)),
            _ => return,
        }
    }

    /// The number at `order[i]` goes to `i`.
    pub(super) fn permute(&mut self, order: &[u32]) {
        match self {
            Self::Bytes(numbers) => pick(numbers, order),
            Self::Shorts(numbers) => pick(numbers, order),
            Self::Words(numbers) => pick(numbers, order),
        }
    }
}

/// What is at `order[i]` goes to `i`.
pub(super) fn pick<T: Copy>(column: &mut Vec<T>, order: &[u32]) {
    *column = order.iter().map(|&place| column[place as usize]).collect();
}

/// Names of which there are few, by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Named {
    /// In order of first use.
    pub names: Vec<ValueId>,
    numbers: Narrow,
    /// Filled when there are too many names to look through.
    many: FxHashMap<ValueId, u32>,
}

/// Names that are looked through one by one.
const FEW: usize = 16;

impl Named {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self { numbers: Narrow::with_capacity(count), ..Self::default() }
    }

    #[inline]
    pub(crate) fn get(&self, place: usize) -> ValueId {
        self.names[self.number(place) as usize]
    }

    /// The number of the name: a place in `names`.
    #[inline]
    pub(crate) fn number(&self, place: usize) -> u32 {
        self.numbers.get(place)
    }

    #[inline]
    pub(super) fn push(&mut self, name: ValueId) {
        let number = self.number_of(name);
        self.numbers.push(number);
    }

    pub(crate) fn set(&mut self, place: usize, name: ValueId) {
        let number = self.number_of(name);
        self.numbers.set(place, number);
    }

    #[inline]
    fn number_of(&mut self, name: ValueId) -> u32 {
        let first = &self.names[..self.names.len().min(FEW)];
        if let Some(known) = first.iter().position(|&known| known == name) {
            return known as u32;
        }
        let new = self.names.len() as u32;
        if self.names.len() < FEW {
            self.names.push(name);
            return new;
        }
        let number = *self.many.entry(name).or_insert(new);
        if number == new {
            self.names.push(name);
        }
        number
    }

    pub(super) fn permute(&mut self, order: &[u32]) {
        self.numbers.permute(order);
    }
}

/// Says that a number stands elsewhere.
const FAR: u32 = u32::MAX;
/// Times that are told by their distance from the first of them.
const BLOCK: usize = 64;

/// Numbers below 2^32 nearly always; the others are kept apart.
#[derive(Clone, Debug, Default, PartialEq)]
struct Small {
    small: Vec<u32>,
    far: FxHashMap<u32, u64>,
}

impl Small {
    fn get(&self, place: usize) -> u64 {
        match self.small[place] {
            FAR => self.far.get(&(place as u32)).copied().unwrap_or_default(),
            small => small.into(),
        }
    }

    fn push(&mut self, number: u64) {
        self.small.push(FAR);
        self.set(self.small.len() - 1, number);
    }

    fn set(&mut self, place: usize, number: u64) {
        self.small[place] = match u32::try_from(number) {
            Ok(small) if small != FAR => small,
            _ => {
                self.far.insert(place as u32, number);
                FAR
            }
        };
    }
}

/// Times in ns, each near to those around it: 4 bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Times {
    /// Of every [`BLOCK`]th.
    bases: Vec<u64>,
    /// Since the base, wrapping: times go back where events are out of order.
    since: Small,
}

impl Times {
    pub(super) fn with_capacity(count: usize) -> Self {
        let since = Small { small: Vec::with_capacity(count), ..Small::default() };
        Self { bases: Vec::with_capacity(count.div_ceil(BLOCK)), since }
    }

    pub(crate) fn get(&self, place: usize) -> u64 {
        self.bases[place / BLOCK].wrapping_add(self.since.get(place))
    }

    #[inline]
    pub(super) fn push(&mut self, time: u64) {
        if self.since.small.len().is_multiple_of(BLOCK) {
            self.bases.push(time);
        }
        let base = self.bases.last().copied().unwrap_or_default();
        self.since.push(time.wrapping_sub(base));
    }

    pub(super) fn permute(&mut self, order: &[u32]) {
        let mut new = Self::with_capacity(order.len());
        order.iter().for_each(|&place| new.push(self.get(place as usize)));
        *self = new;
    }
}

/// How long each operation took, in ns: 4 bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Durations(Small);

impl Durations {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self(Small { small: Vec::with_capacity(count), ..Small::default() })
    }

    /// The end of what began then.
    pub(super) fn end(&self, place: usize, begun: u64) -> u64 {
        begun.wrapping_add(self.0.get(place))
    }

    pub(super) fn push(&mut self, begun: u64, ended: u64) {
        self.0.push(ended.wrapping_sub(begun));
    }

    pub(super) fn set(&mut self, place: usize, begun: u64, ended: u64) {
        self.0.set(place, ended.wrapping_sub(begun));
    }

    pub(super) fn permute(&mut self, order: &[u32]) {
        let mut new = Self::with_capacity(order.len());
        order.iter().for_each(|&place| new.0.push(self.0.get(place as usize)));
        *self = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_whatever_their_width() {
        let numbers = [0, 7, 255, 256, 65_535, 3, 65_536, u32::MAX];
        let mut column = Narrow::default();
        for (place, &number) in numbers.iter().enumerate() {
            column.push(number);
            assert!((0..=place).all(|place| column.get(place) == numbers[place]), "{number}");
        }
        column.set(0, 70_000);
        column.permute(&[7, 0]);
        let mut seen = Vec::new();
        column.each(0..column.len(), |number| seen.push(number));
        assert_eq!(seen, [u32::MAX, 70_000]);
    }

    #[test]
    fn widths_do_not_matter_for_equality() {
        let (mut wide, mut narrow) = (Narrow::default(), Narrow::default());
        wide.push(300);
        wide.set(0, 1);
        narrow.push(1);
        assert_eq!(wide, narrow);
        narrow.push(1);
        assert_ne!(wide, narrow);
    }

    #[test]
    fn names_past_the_first_are_found_again() {
        let mut interner = crate::history::values::Interner::default();
        let names: Vec<ValueId> = (0..40).map(|name| interner.integer(name)).collect();
        let mut column = Named::default();
        names.iter().chain(&names).for_each(|&name| column.push(name));
        assert_eq!(column.names, names);
        assert!((0..80).all(|place| column.get(place) == names[place % 40]));
    }

    #[test]
    fn times_come_back_however_far_they_are() {
        let far = u64::from(u32::MAX);
        let times = [5, 5 + far - 1, 5 + far, 4, 0, u64::MAX, 6];
        let (mut column, mut durations) = (Times::default(), Durations::default());
        for &time in times.iter().cycle().take(200) {
            column.push(time);
            durations.push(time, 0);
            durations.set(durations.0.small.len() - 1, time, far);
        }
        let order: Vec<u32> = (0..200).rev().collect();
        column.permute(&order);
        durations.permute(&order);
        for place in 0..200 {
            let time = times[(199 - place) % times.len()];
            assert_eq!(column.get(place), time);
            assert_eq!(durations.end(place, time), far);
        }
    }
}
