//! Values, each kept once and named by 32 bits.
//!
//! ```text
//! 0 + 31 bits   an integer from -2^30 to 2^30 - 1, in the name itself
//! 100 + 29 bits a text           101 … an array of names
//! 110 …         another i64      111 … null, a boolean, a float, an object
//! ```
//!
//! Equal values have equal names, so a checker compares names; but for a transaction's list of
//! micro-operations and these themselves, which nobody compares. Arrays are slices of one arena: a
//! transaction's micro-operations lie side by side.

mod interner;

pub(super) use interner::Interner;
use serde_json::Value;

/// The name of a value in the [`Values`] of one history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(u32);

const INLINE_MIN: i64 = -(1 << 30);
const INLINE_MAX: i64 = (1 << 30) - 1;
const TABLE: u32 = 1 << 31;
const PLACE_BITS: u32 = 29;
const PLACE_MASK: u32 = (1 << PLACE_BITS) - 1;

/// What a name that is no small integer stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    Text = 0,
    Array = 1,
    Large = 2,
    Other = 3,
}

impl ValueId {
    /// JSON null.
    pub const NULL: Self = Self(TABLE | (Kind::Other as u32) << PLACE_BITS);

    fn inline(number: i64) -> Option<Self> {
        let small = (INLINE_MIN..=INLINE_MAX).contains(&number);
        small.then(|| Self((number - INLINE_MIN) as u32))
    }

    fn at(kind: Kind, place: usize) -> Self {
        Self(TABLE | (kind as u32) << PLACE_BITS | place as u32 & PLACE_MASK)
    }

    /// The integer in the name, or the place of the value among those of its kind.
    #[inline]
    pub(super) fn split(self) -> Result<i64, (Kind, usize)> {
        if self.0 & TABLE == 0 {
            return Ok(i64::from(self.0) + INLINE_MIN);
        }
        let kind = match (self.0 & !TABLE) >> PLACE_BITS {
            0 => Kind::Text,
            1 => Kind::Array,
            2 => Kind::Large,
            _ => Kind::Other,
        };
        Err((kind, (self.0 & PLACE_MASK) as usize))
    }

    /// Whether it is an integer that every interner calls the same.
    #[inline]
    pub(super) fn is_inline(self) -> bool {
        self.0 & TABLE == 0
    }

    /// The bits of the name; none has all of them set.
    pub(crate) fn raw(self) -> u32 {
        self.0
    }

    /// The name with these bits, as [`raw`](Self::raw) gave them.
    pub(crate) fn from_raw(bits: u32) -> Self {
        Self(bits)
    }

    /// Whether it is an array.
    pub fn is_array(self) -> bool {
        matches!(self.split(), Err((Kind::Array, _)))
    }

    /// Whether it is JSON null.
    pub fn is_null(self) -> bool {
        self == Self::NULL
    }
}

/// The values of a history by their names.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    text: String,
    text_ends: Vec<u64>,
    items: Vec<ValueId>,
    item_ends: Vec<u32>,
    large: Vec<i64>,
    other: Vec<Value>,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            text: String::new(),
            text_ends: Vec::new(),
            items: Vec::new(),
            item_ends: Vec::new(),
            large: Vec::new(),
            other: vec![Value::Null],
        }
    }
}

impl Values {
    /// As JSON. Costs an allocation for texts and arrays.
    pub fn get(&self, id: ValueId) -> Value {
        match id.split() {
            Ok(number) => number.into(),
            Err((Kind::Text, place)) => self.text_at(place).into(),
            Err((Kind::Array, place)) => {
                self.items_at(place).iter().map(|&item| self.get(item)).collect()
            }
            Err((Kind::Large, place)) => self.large[place].into(),
            Err((Kind::Other, place)) => self.other[place].clone(),
        }
    }

    /// The text, if it is one.
    pub fn text(&self, id: ValueId) -> Option<&str> {
        match id.split() {
            Err((Kind::Text, place)) => Some(self.text_at(place)),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    pub fn elements(&self, id: ValueId) -> Option<&[ValueId]> {
        match id.split() {
            Err((Kind::Array, place)) => Some(self.items_at(place)),
            _ => None,
        }
    }

    /// The integer, if it is one that fits.
    pub fn integer(&self, id: ValueId) -> Option<i64> {
        match id.split() {
            Ok(number) => Some(number),
            Err((Kind::Large, place)) => Some(self.large[place]),
            Err(_) => None,
        }
    }

    pub(super) fn large_at(&self, place: usize) -> i64 {
        self.large[place]
    }

    /// Forgets all but null.
    fn clear(&mut self) {
        self.text.clear();
        self.text_ends.clear();
        self.items.clear();
        self.item_ends.clear();
        self.large.clear();
        self.other.truncate(1);
    }

    /// How many arrays there are then.
    fn add_array(&mut self, items: &[ValueId]) -> usize {
        self.items.extend_from_slice(items);
        self.item_ends.push(self.items.len() as u32);
        self.item_ends.len()
    }

    pub(super) fn text_at(&self, place: usize) -> &str {
        let start = place.checked_sub(1).map_or(0, |before| self.text_ends[before]);
        &self.text[start as usize..self.text_ends[place] as usize]
    }

    pub(super) fn items_at(&self, place: usize) -> &[ValueId] {
        let start = place.checked_sub(1).map_or(0, |before| self.item_ends[before]);
        &self.items[start as usize..self.item_ends[place] as usize]
    }
}
