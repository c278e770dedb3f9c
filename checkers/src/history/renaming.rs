//! Names given for a while, so that pieces of a file can be scanned side by side, and what the
//! whole history calls the same values.

use super::keying::Given;
use super::pairing::Record;
use super::values::{Interner, Kind, ValueId, Values};

/// Names of the values of one piece.
pub(super) struct Provisional {
    pub names: Interner,
    final_names: Known,
}

/// By place; null where nobody asked.
#[derive(Default)]
struct Known {
    texts: Vec<ValueId>,
    arrays: Vec<ValueId>,
    large: Vec<ValueId>,
    other: Vec<ValueId>,
    /// Elements of the arrays that are being renamed.
    items: Vec<ValueId>,
}

impl Default for Provisional {
    fn default() -> Self {
        Self { names: Interner::provisional(), final_names: Known::default() }
    }
}

impl Provisional {
    /// Another piece begins. Texts and the like are often those of the one before, and kept.
    pub(super) fn begin_again(&mut self) {
        self.final_names.arrays.clear();
        if self.names.begin_again() {
            self.final_names = Known::default();
        }
    }

    /// The same record by the names of `to`: of the same interner for one and the same piece.
    pub(super) fn rename(&mut self, record: &Record, to: &mut Interner) -> Record {
        let mut renamer = Renamer { from: self.names.values(), known: &mut self.final_names, to };
        Record {
            stamp: record.stamp,
            process: record.process,
            f: renamer.value(record.f),
            key: record.key.map(|key| renamer.value(key)),
            value: match record.value {
                Given::Whole(id) => Given::Whole(renamer.value(id)),
                Given::Pair(key, value) => Given::Pair(renamer.value(key), renamer.value(value)),
                Given::Micros(list) => Given::Micros(renamer.micros(list)),
            },
            node: renamer.value(record.node),
            error: renamer.value(record.error),
            scheduled: record.scheduled,
        }
    }
}

struct Renamer<'a> {
    from: &'a Values,
    known: &'a mut Known,
    to: &'a mut Interner,
}

impl Renamer<'_> {
    /// Recursive, as the value is: readers bound the depth.
    #[inline]
    fn value(&mut self, id: ValueId) -> ValueId {
        match id.split() {
            Err((kind, place)) if !id.is_null() => {
                let known = self.known.get(kind, place);
                known.unwrap_or_else(|| self.new_value(id, kind, place))
            }
            _ => id,
        }
    }

    fn new_value(&mut self, id: ValueId, kind: Kind, place: usize) -> ValueId {
        let new = match kind {
            Kind::Text => self.to.text(self.from.text_at(place)),
            Kind::Large => self.to.integer(self.from.large_at(place)),
            Kind::Other => self.to.value(&self.from.get(id)),
            Kind::Array => return self.array(place, Self::value, Interner::array_in_table),
        };
        self.known.set(kind, place, new)
    }

    /// The micro-operations of a transaction.
    fn micros(&mut self, list: ValueId) -> ValueId {
        self.loose(list, |renamer, micro| renamer.loose(micro, Self::value))
    }

    /// An array that nobody compares, its elements by `item`; or any other value.
    #[inline]
    fn loose(&mut self, id: ValueId, item: impl Fn(&mut Self, ValueId) -> ValueId) -> ValueId {
        let Err((Kind::Array, place)) = id.split() else { return self.value(id) };
        let known = self.known.get(Kind::Array, place);
        known.unwrap_or_else(|| self.array(place, item, Interner::another_array))
    }

    #[inline]
    fn array(
        &mut self,
        place: usize,
        item: impl Fn(&mut Self, ValueId) -> ValueId,
        name: impl FnOnce(&mut Interner, &[ValueId]) -> ValueId,
    ) -> ValueId {
        let (start, items) = (self.known.items.len(), self.from.items_at(place));
        if items.iter().all(|item| item.is_inline()) {
            let new = name(self.to, items);
            return self.known.set(Kind::Array, place, new);
        }
        for &id in items {
            let id = item(self, id);
            self.known.items.push(id);
        }
        let new = name(self.to, &self.known.items[start..]);
        self.known.items.truncate(start);
        self.known.set(Kind::Array, place, new)
    }
}

impl Known {
    fn of(&mut self, kind: Kind) -> &mut Vec<ValueId> {
        match kind {
            Kind::Text => &mut self.texts,
            Kind::Array => &mut self.arrays,
            Kind::Large => &mut self.large,
            Kind::Other => &mut self.other,
        }
    }

    #[inline]
    fn get(&mut self, kind: Kind, place: usize) -> Option<ValueId> {
        self.of(kind).get(place).copied().filter(|known| !known.is_null())
    }

    fn set(&mut self, kind: Kind, place: usize, name: ValueId) -> ValueId {
        let names = self.of(kind);
        if names.len() <= place {
            names.resize(place + 1, ValueId::NULL);
        }
        names[place] = name;
        name
    }
}
