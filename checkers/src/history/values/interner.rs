//! Values → names.

use std::hash::{Hash, Hasher};

use hashbrown::HashTable;
use rustc_hash::FxHasher;
use serde_json::Value;

use super::super::eight::Short;
use super::{Kind, PLACE_MASK, TABLE, ValueId, Values};

fn hash<T: Hash + ?Sized>(kind: Kind, content: &T) -> u64 {
    let mut hasher = FxHasher::default();
    (kind as u32).hash(&mut hasher);
    content.hash(&mut hasher);
    hasher.finish()
}

/// As [`hash`], two elements at a time.
fn hash_array(items: &[ValueId]) -> u64 {
    let mut hasher = FxHasher::default();
    let pairs = items.chunks_exact(2);
    hasher.write_u32(pairs.remainder().first().map_or(TABLE, |last| last.0));
    for pair in pairs {
        hasher.write_u64(u64::from(pair[0].0) << 32 | u64::from(pair[1].0));
    }
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

/// In the hash of an array that nobody compares, since such a one must not be taken for another.
const LOOSE: u64 = 1;
/// As many as fit into a processor's second cache.
const RECENT: usize = 1 << 12;
/// Of one piece of a file there are fewer.
const RECENT_PROVISIONAL: usize = 1 << 10;
/// As many as fit into its first cache.
const WORDS: usize = 1 << 11;
/// Leaves as many bits.
const WORD_SHIFT: u32 = u64::BITS - WORDS.trailing_zeros();

/// Names values while a history is read.
#[derive(Default)]
pub(in super::super) struct Interner {
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
    /// Whether equal arrays may have several names.
    provisional: bool,
}

impl Interner {
    pub(in super::super) fn values(&self) -> &Values {
        &self.values
    }

    /// For a while: equal arrays may have several names.
    pub(in super::super) fn provisional() -> Self {
        Self { provisional: true, ..Self::default() }
    }

    /// Forgets the arrays; and everything, if it has become much: whether it did that. Only for
    /// provisional names.
    pub(in super::super) fn begin_again(&mut self) -> bool {
        self.values.items.clear();
        self.values.item_ends.clear();
        self.recent.clear();
        let much = self.texts.len() + self.others.len() > WORDS;
        if much {
            self.values.clear();
            self.texts.clear();
            self.others.clear();
            self.words.clear();
        }
        much
    }

    /// The values by their names.
    pub(in super::super) fn finish(self) -> Values {
        self.values
    }

    /// Whether there were more values than names: then nothing that was read may be judged.
    pub(in super::super) fn is_full(&self) -> bool {
        self.full
    }

    pub(in super::super) fn integer(&mut self, number: i64) -> ValueId {
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

    pub(in super::super) fn text(&mut self, text: &str) -> ValueId {
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
    pub(in super::super) fn word(&mut self, bytes: &[u8]) -> Option<ValueId> {
        match Short::of(bytes) {
            Some(short) => self.short(short),
            None => std::str::from_utf8(bytes).ok().map(|text| self.text(text)),
        }
    }

    /// As [`word`](Self::word): those that were asked for lately are known at once.
    #[inline]
    pub(in super::super) fn short(&mut self, short: Short) -> Option<ValueId> {
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
            self.words.resize(WORDS, (Short::NONE, ValueId::NULL));
        }
        self.words[slot] = (short, id);
        Some(id)
    }

    pub(in super::super) fn array(&mut self, items: &[ValueId]) -> ValueId {
        let hash = hash_array(items) & !LOOSE;
        self.recent(hash, items).unwrap_or_else(|slot| {
            let id = match self.provisional {
                true => self.another_array(items),
                false => self.hashed_array(hash, items),
            };
            self.recent[slot] = (hash, id);
            id
        })
    }

    /// As [`array`](Self::array), for one that was not named lately.
    pub(in super::super) fn array_in_table(&mut self, items: &[ValueId]) -> ValueId {
        self.hashed_array(hash_array(items) & !LOOSE, items)
    }

    fn hashed_array(&mut self, hash: u64, items: &[ValueId]) -> ValueId {
        self.full |= self.values.items.len() + items.len() > u32::MAX as usize;
        self.name(
            Kind::Array,
            hash,
            |values, place| values.items_at(place) == items,
            |values| values.add_array(items),
        )
    }

    /// As [`array`](Self::array), but an equal one may have got another name: for arrays that
    /// nobody compares, of which there are too many to look each of them up.
    pub(in super::super) fn loose_array(&mut self, items: &[ValueId]) -> ValueId {
        let hash = hash_array(items) | LOOSE;
        self.recent(hash, items).unwrap_or_else(|slot| {
            let id = self.another_array(items);
            self.recent[slot] = (hash, id);
            id
        })
    }

    /// As [`loose_array`](Self::loose_array), for one that was not named lately.
    pub(in super::super) fn another_array(&mut self, items: &[ValueId]) -> ValueId {
        self.full |= self.values.items.len() + items.len() > u32::MAX as usize;
        if self.full {
            return ValueId::NULL;
        }
        let place = self.values.add_array(items) - 1;
        self.full |= place >= PLACE_MASK as usize;
        ValueId::at(Kind::Array, place)
    }

    /// The array, if it was named lately; else where to put it.
    fn recent(&mut self, hash: u64, items: &[ValueId]) -> Result<ValueId, usize> {
        if self.recent.is_empty() {
            let size = if self.provisional { RECENT_PROVISIONAL } else { RECENT };
            self.recent.resize(size, (0, ValueId::NULL));
        }
        let slot = hash as usize & (self.recent.len() - 1);
        let (last, id) = self.recent[slot];
        let same = last == hash && self.values.elements(id) == Some(items);
        if same { Ok(id) } else { Err(slot) }
    }

    /// Any value. Recursive, as [`Value`] is: readers bound the depth.
    pub(in super::super) fn value(&mut self, value: &Value) -> ValueId {
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

    use super::super::{INLINE_MAX, INLINE_MIN};
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
