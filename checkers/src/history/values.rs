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

use std::hash::{Hash, Hasher};

use hashbrown::HashTable;
use rustc_hash::FxHasher;
use serde_json::Value;

use super::eight::Short;

/// The name of a value in the [`Values`] of one history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(u32);

const INLINE_MIN: i64 = -(1 << 30);
const INLINE_MAX: i64 = (1 << 30) - 1;
const TABLE: u32 = 1 << 31;
const PLACE_BITS: u32 = 29;
const PLACE_MASK: u32 = (1 << PLACE_BITS) - 1;

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Kind {
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

    fn split(self) -> Result<i64, (Kind, usize)> {
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

    /// How many arrays there are then.
    fn add_array(&mut self, items: &[ValueId]) -> usize {
        self.items.extend_from_slice(items);
        self.item_ends.push(self.items.len() as u32);
        self.item_ends.len()
    }

    fn text_at(&self, place: usize) -> &str {
        let start = place.checked_sub(1).map_or(0, |before| self.text_ends[before]);
        &self.text[start as usize..self.text_ends[place] as usize]
    }

    fn items_at(&self, place: usize) -> &[ValueId] {
        let start = place.checked_sub(1).map_or(0, |before| self.item_ends[before]);
        &self.items[start as usize..self.item_ends[place] as usize]
    }
}

fn hash<T: Hash + ?Sized>(kind: Kind, content: &T) -> u64 {
    let mut hasher = FxHasher::default();
    (kind as u32).hash(&mut hasher);
    content.hash(&mut hasher);
    hasher.finish()
}

/// A name with half of the hash of its value: values are far apart in memory, and not looked at
/// again when a table grows.
#[derive(Clone, Copy)]
struct Named {
    hash: u32,
    id: ValueId,
}

impl Named {
    fn new(hash: u64, id: ValueId) -> Self {
        // The table uses the upper bits of what it is given, and the lowest.
        Self { hash: half(hash), id }
    }
}

/// A table of up to 2^32 buckets needs no more than this.
fn half(hash: u64) -> u32 {
    (hash ^ hash >> 32) as u32
}

/// What a table is given for a hash: its upper bits tell values in one bucket apart.
fn spread(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// As many as fit into a processor's second cache.
const RECENT: usize = 1 << 12;
/// As many as fit into its first cache.
const WORDS: usize = 1 << 11;
/// Leaves as many bits.
const WORD_SHIFT: u32 = u64::BITS - WORDS.trailing_zeros();

/// Names values while a history is read.
#[derive(Default)]
pub(super) struct Interner {
    values: Values,
    /// Texts are few, often the same, and looked up for every event: their table stays in the
    /// cache.
    texts: HashTable<Named>,
    others: HashTable<Named>,
    /// The arrays named or asked for last, by hash: most are asked for again soon.
    recent: Vec<(u64, ValueId)>,
    /// The short texts named or asked for last: the names of functions, nodes and keys.
    words: Vec<(Short, ValueId)>,
    /// Whether the names did not suffice: some value has the name of another.
    full: bool,
}

impl Interner {
    pub(super) fn values(&self) -> &Values {
        &self.values
    }

    /// The values, and whether every one has a name of its own.
    pub(super) fn finish(self) -> Values {
        self.values
    }

    /// Whether there were more values than names: then nothing that was read may be judged.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn integer(&mut self, number: i64) -> ValueId {
        ValueId::inline(number).unwrap_or_else(|| {
            self.name(
                Kind::Large,
                hash(Kind::Large, &number),
                |values, place| values.large[place] == number,
                |values| {
                    values.large.push(number);
                    values.large.len()
                },
            )
        })
    }

    pub(super) fn text(&mut self, text: &str) -> ValueId {
        self.name(
            Kind::Text,
            hash(Kind::Text, text.as_bytes()),
            |values, place| values.text_at(place) == text,
            |values| {
                values.text.push_str(text);
                values.text_ends.push(values.text.len() as u64);
                values.text_ends.len()
            },
        )
    }

    /// A text, if these bytes are one.
    pub(super) fn word(&mut self, bytes: &[u8]) -> Option<ValueId> {
        match Short::of(bytes) {
            Some(short) => self.short(short),
            None => std::str::from_utf8(bytes).ok().map(|text| self.text(text)),
        }
    }

    /// As [`word`](Self::word): those that were asked for lately are known at once.
    #[inline]
    pub(super) fn short(&mut self, short: Short) -> Option<ValueId> {
        let slot = (spread(half(short.bits())) >> WORD_SHIFT) as usize;
        match self.words.get(slot) {
            Some(&(known, id)) if known == short => Some(id),
            _ => self.new_short(short, slot),
        }
    }

    #[cold]
    fn new_short(&mut self, short: Short, slot: usize) -> Option<ValueId> {
        let (bytes, length) = short.bytes();
        let id = self.text(std::str::from_utf8(&bytes[..length]).ok()?);
        if self.words.is_empty() {
            self.words = vec![(Short::NONE, ValueId::NULL); WORDS];
        }
        self.words[slot] = (short, id);
        Some(id)
    }

    pub(super) fn array(&mut self, items: &[ValueId]) -> ValueId {
        let hash = hash(Kind::Array, items);
        self.recent(hash, items).unwrap_or_else(|slot| {
            self.full |= self.values.items.len() + items.len() > u32::MAX as usize;
            let id = self.name(
                Kind::Array,
                hash,
                |values, place| values.items_at(place) == items,
                |values| values.add_array(items),
            );
            self.recent[slot] = (hash, id);
            id
        })
    }

    /// As [`array`](Self::array), but an equal one may have got another name: for arrays that
    /// nobody compares, of which there are too many to look each of them up.
    pub(super) fn loose_array(&mut self, items: &[ValueId]) -> ValueId {
        let hash = hash(Kind::Array, items);
        self.recent(hash, items).unwrap_or_else(|slot| {
            self.full |= self.values.items.len() + items.len() > u32::MAX as usize;
            if self.full {
                return ValueId::NULL;
            }
            let place = self.values.add_array(items) - 1;
            self.full |= place >= PLACE_MASK as usize;
            let id = ValueId::at(Kind::Array, place);
            self.recent[slot] = (hash, id);
            id
        })
    }

    /// The array, if it was named lately; else where to put it.
    fn recent(&mut self, hash: u64, items: &[ValueId]) -> Result<ValueId, usize> {
        if self.recent.is_empty() {
            self.recent = vec![(0, ValueId::NULL); RECENT];
        }
        let slot = hash as usize % RECENT;
        let (last, id) = self.recent[slot];
        let same = last == hash && self.values.elements(id) == Some(items);
        if same { Ok(id) } else { Err(slot) }
    }

    /// Any value. Recursive, as [`Value`] is: readers bound the depth.
    pub(super) fn value(&mut self, value: &Value) -> ValueId {
        match value {
            Value::Null => ValueId::NULL,
            Value::Number(number) if number.as_i64().is_some() => {
                self.integer(number.as_i64().unwrap_or_default())
            }
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                let items: Vec<ValueId> = items.iter().map(|item| self.value(item)).collect();
                self.array(&items)
            }
            other => self.name(
                Kind::Other,
                hash(Kind::Other, other),
                |values, place| values.other[place] == *other,
                |values| {
                    values.other.push(other.clone());
                    values.other.len()
                },
            ),
        }
    }

    /// The name of a value that hashes to `hash`: known, or given now by `add`, which returns how
    /// many there are then.
    fn name(
        &mut self,
        kind: Kind,
        hash: u64,
        is: impl Fn(&Values, usize) -> bool,
        add: impl FnOnce(&mut Values) -> usize,
    ) -> ValueId {
        let Self { values, texts, others, full, .. } = self;
        let names = if kind == Kind::Text { texts } else { others };
        let half = half(hash);
        let same = |named: &Named| {
            let of_kind = |(k, place)| k == kind && is(values, place);
            named.hash == half && named.id.split().is_err_and(of_kind)
        };
        if let Some(known) = names.find(spread(half), same) {
            return known.id;
        }
        if *full {
            return ValueId::NULL;
        }
        let place = add(values) - 1;
        *full |= place >= PLACE_MASK as usize;
        let id = ValueId::at(kind, place);
        names.insert_unique(spread(half), Named::new(hash, id), |named| spread(named.hash));
        id
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_texts() {
        let mut interner = Interner::default();
        let texts: Vec<String> = (0..5_000).map(|n| format!("k{n}")).collect();
        let more = ["", "\u{0}", "seven77", "eight888", "é"].map(str::to_owned);
        for text in texts.iter().chain(&more) {
            let id = interner.word(text.as_bytes());
            assert_eq!(id, Some(interner.text(text)), "{text}");
            assert_eq!(id, interner.word(text.as_bytes()), "{text}");
            assert_eq!(id.and_then(|id| interner.values().text(id)), Some(text.as_str()));
        }
        assert_eq!(interner.word(b"\xff"), None);
        assert_eq!(interner.word(b"too long\xff"), None);
    }

    #[test]
    fn values_come_back_as_they_were() {
        let mut interner = Interner::default();
        let samples = [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(INLINE_MIN),
            json!(INLINE_MIN - 1),
            json!(INLINE_MAX),
            json!(INLINE_MAX + 1),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1.5),
            json!(""),
            json!("é\u{0}"),
            json!([]),
            json!([1, [2, null], {"a": [3]}]),
            json!({"b": 1}),
        ];
        let ids: Vec<ValueId> = samples.iter().map(|value| interner.value(value)).collect();
        let again: Vec<ValueId> = samples.iter().map(|value| interner.value(value)).collect();
        assert_eq!(ids, again, "equal values have equal names");
        let distinct: std::collections::HashSet<ValueId> = ids.iter().copied().collect();
        assert_eq!(distinct.len(), samples.len());
        assert_eq!(ids[0], ValueId::NULL);
        let values = interner.finish();
        for (id, sample) in ids.iter().zip(&samples) {
            assert_eq!(values.get(*id), *sample);
        }
        assert_eq!(values.integer(ids[8]), Some(i64::MIN));
        assert_eq!(values.text(ids[12]), Some("é\u{0}"));
        assert_eq!(values.elements(ids[14]).map(<[ValueId]>::len), Some(3));
        assert_eq!(values.elements(ids[2]), None);
    }
}
