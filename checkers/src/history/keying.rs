//! Jepsen's independent keys: `[k v]` for a value v of key k.
//!
//! Nothing in most files says that a pair is such a tuple. So pairs are split as long as every
//! argument is one, and every result that is there, with the key of its operation; and in the end
//! some argument must have been a key and nothing (a read) or a key and an array (a cas, a
//! transaction), since no value of an operation without a key looks so. Else all that was split is
//! joined again.

use super::columns::{Columns, KEYLESS, Keys};
use super::values::{Interner, ValueId, Values};

/// A value as it was found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Given {
    Whole(ValueId),
    /// An array of two, the first of which could be a key.
    Pair(ValueId, ValueId),
    /// The micro-operations of a transaction: an array of which there may be equal ones with other
    /// names, as of each of its elements that is an array.
    Micros(ValueId),
}

impl Given {
    /// From the elements of an array.
    pub(super) fn of_array(items: &[ValueId], names: &mut Interner) -> Self {
        match items {
            &[key, value] if could_be_key(names.values(), key) => Self::Pair(key, value),
            _ => Self::Whole(names.array(items)),
        }
    }

    /// As [`whole`](Self::whole), quick if the value is `other`, as a result often is the
    /// argument.
    fn whole_or(self, other: ValueId, names: &mut Interner) -> ValueId {
        match (self, names.values().elements(other)) {
            (Self::Pair(key, value), Some(items)) if items == [key, value] => other,
            _ => self.whole(names),
        }
    }

    /// The name of the value, whatever it looks like.
    pub(super) fn whole(self, names: &mut Interner) -> ValueId {
        match self {
            Self::Whole(id) | Self::Micros(id) => id,
            Self::Pair(key, value) => names.array(&[key, value]),
        }
    }
}

fn could_be_key(values: &Values, id: ValueId) -> bool {
    values.integer(id).is_some() || values.text(id).is_some()
}

/// Whether pairs are split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tuples {
    #[default]
    Never,
    /// As long as all of them could be tuples.
    Perhaps,
    /// The file says so.
    Tagged,
}

/// The keys of operations, from wherever they come.
#[derive(Default)]
pub(super) struct Keying {
    keys: Keys,
    tuples: Tuples,
    /// Whether some argument could be nothing else but a tuple.
    plain: bool,
}

impl Keying {
    /// Keys may have to be found in values.
    pub(super) fn look_for_tuples(&mut self) {
        self.tuples = Tuples::Perhaps;
    }

    /// Pairs are tuples for certain.
    pub(super) fn tagged(&mut self) {
        self.tuples = Tuples::Tagged;
    }

    pub(super) fn number(&mut self, key: ValueId) -> u32 {
        self.keys.number(key)
    }

    /// Key and argument of an invocation.
    pub(super) fn argument(
        &mut self,
        key: Option<ValueId>,
        given: Given,
        columns: &mut Columns,
        names: &mut Interner,
    ) -> (u32, ValueId) {
        if let (None, Given::Pair(key, value)) = (key, given)
            && self.tuples != Tuples::Never
        {
            self.plain |= value.is_null() || names.values().elements(value).is_some();
            return (self.number(key), value);
        }
        self.no_tuples(columns, names);
        (key.map_or(KEYLESS, |key| self.number(key)), given.whole(names))
    }

    /// The result of the operation at a place.
    pub(super) fn result(
        &mut self,
        place: usize,
        given: Given,
        ok: bool,
        columns: &mut Columns,
        names: &mut Interner,
    ) -> ValueId {
        let key = columns.key(place);
        if self.tuples == Tuples::Never || key == KEYLESS {
            return given.whole_or(columns.argument[place], names);
        }
        match given {
            Given::Pair(other, value) if self.keys.order[key as usize] == other => value,
            Given::Whole(ValueId::NULL) if !ok => ValueId::NULL,
            _ => {
                self.no_tuples(columns, names);
                given.whole(names)
            }
        }
    }

    /// The keys by number, and whether they were found in values.
    pub(super) fn finish(
        mut self,
        columns: &mut Columns,
        names: &mut Interner,
    ) -> (Vec<ValueId>, bool) {
        if !self.plain {
            self.no_tuples(columns, names);
        }
        let split = self.tuples != Tuples::Never && !self.keys.order.is_empty();
        (self.keys.order, split)
    }

    /// There was a value that is no tuple: joins all that was split, unless the file says that
    /// tuples are tuples.
    fn no_tuples(&mut self, columns: &mut Columns, names: &mut Interner) {
        if self.tuples != Tuples::Perhaps {
            return;
        }
        self.tuples = Tuples::Never;
        for place in 0..columns.len() {
            let key = self.keys.order[columns.key(place) as usize];
            columns.set_key(place, KEYLESS);
            columns.argument[place] = names.array(&[key, columns.argument[place]]);
            if columns.has_result(place) {
                columns.result[place] = names.array(&[key, columns.result[place]]);
            }
        }
        self.keys = Keys::default();
    }
}
