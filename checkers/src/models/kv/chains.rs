//! Puts and appends of strings that can be told apart, in O(n log n) plus the length of the gets.
//!
//! Let no string that is put or appended be empty or begin with another one. Then a get reads as a
//! put (or nothing: the key was absent) and appends after it, in one way. A *place* is a string
//! together with the place in front of it. If no string that is put is put or appended again, no
//! two moments have the same place, and the key becomes a register whose values are places:
//!
//! * A put writes its place. An append that some get found is a *compare-and-set* from the place in
//!   front to its own. A get reads the last place in it.
//! * An append that no get found has nothing after it up to the next put but other such appends: a
//!   get, or an append that a get found, would have it in front. So it stands between a value's
//!   last use and the next put, as a *write that nobody reads* does, and both may stand wherever
//!   the other may.
//!
//! Registers with distinct values are decided by [`Register`]'s zones.
//!
//! **Equal strings.** When a string is put or appended several times it is open which call belongs
//! to which of its places (more places than calls: a contradiction). Any way that has an order
//! will do; if none has one, what contradicts each of them contradicts all together, provided that
//! it needs no place that two moments may have had (as when two puts of one string were both
//! found): such keys are left to the general search.

use rustc_hash::FxHashMap;
use serde_json::json;

use super::KvOp;
use super::choice::Choices;
use crate::linearizability::{
    Call, Contradiction, Decision, Model, Reason, Register, RegisterOp, Rule,
};

const PHANTOM: Rule = Rule {
    anomaly: "phantom-read",
    although: "which no puts and appends make up",
    argument: "Each put begins a value anew, and each append is in it once at most: nothing that \
               happened, or may have happened, makes up what was found.",
};
const TWO_ORDERS: Rule = Rule {
    anomaly: "incompatible-order",
    although: "although another get found the same in another order",
    argument: "Appends stay where they are, but the gets found more places of one string than it \
               was appended.",
};
const STALE: Rule = Rule {
    anomaly: "stale-read",
    although: "although that had been replaced, or was not complete, at that time",
    argument: "What the gets found tells the order of puts and appends; with real time it runs in \
               a circle.",
};

/// The place of an absent key.
const ABSENT: u32 = u32::MAX;

pub(super) fn decide(calls: &[Call<KvOp>]) -> Option<Decision> {
    let tokens = Tokens::new(calls)?;
    let mut places = Places::default();
    let mut last = vec![ABSENT; calls.len()];
    for (number, call) in (0..).zip(calls) {
        if let KvOp::Get(value) = &call.op {
            match places.read(&tokens, number, call.completed, value) {
                Some(place) => last[number as usize] = place,
                None => {
                    return Some(Decision::Violated(contradiction(vec![number], number, &PHANTOM)));
                }
            }
        }
    }
    let story = Story { calls, tokens, places, last };
    let of_string = story.places_of_strings();
    let groups = of_string.iter().map(|places| story.candidates(places));
    let mut choices = Choices::new(groups)?;
    if let Some(string) = choices.impossible() {
        return Some(Decision::Violated(story.too_many(&of_string[string])));
    }
    let mut core = Vec::new();
    let mut culprit = None;
    let mut in_doubt = false;
    let twice = story.begins_twice();
    let of_call = story.tokens.strings(calls.len());
    loop {
        let place_of = story.assigned(&of_string, &choices);
        let register: Vec<Call<RegisterOp>> =
            (0..).zip(calls).map(|(number, _)| story.as_register(number, &place_of)).collect();
        let found = match Register.decide(&register)? {
            Decision::Violated(found) => found,
            other => return Some(other),
        };
        // A place that two moments may have had is more than one value.
        in_doubt |= found.calls.iter().any(|&call| story.is_of_two(call, &place_of, &twice));
        culprit = culprit.or(Some(story.culprit(&found)));
        core.extend(&found.calls);
        // What contradicts this way contradicts all that give these calls the same places.
        let strings = found.calls.iter().map(|&call| of_call[call as usize]);
        if !choices.advance(strings.filter(|&string| string != ABSENT).map(|s| s as usize)) {
            if in_doubt {
                return None;
            }
            let call = culprit.unwrap_or_default();
            return Some(Decision::Violated(contradiction(story.closed(&core), call, &STALE)));
        }
    }
}

fn contradiction(mut calls: Vec<u32>, call: u32, rule: &'static Rule) -> Contradiction {
    calls.sort_unstable();
    calls.dedup();
    Contradiction { calls, effective: Vec::new(), reason: Reason::Rule { call, rule } }
}

/// The strings put and appended, in order, with their calls.
struct Tokens<'a> {
    texts: Vec<&'a str>,
    puts: Vec<Vec<u32>>,
    appends: Vec<Vec<u32>>,
}

impl<'a> Tokens<'a> {
    /// `None` unless they can be told apart.
    fn new(calls: &'a [Call<KvOp>]) -> Option<Self> {
        let mut all: Vec<(&str, u32)> = Vec::new();
        for (number, call) in (0..).zip(calls) {
            match &call.op {
                KvOp::Put(text) | KvOp::Append(text) if text.is_empty() => return None,
                KvOp::Put(text) | KvOp::Append(text) => all.push((text.as_str(), number)),
                KvOp::Get(_) => {}
            }
        }
        all.sort_unstable();
        let mut tokens = Self { texts: Vec::new(), puts: Vec::new(), appends: Vec::new() };
        for equals in all.chunk_by(|a, b| a.0 == b.0) {
            let text = equals[0].0;
            // A prefix sorts before what it begins, with nothing else between.
            if tokens.texts.last().is_some_and(|last| text.starts_with(last)) {
                return None;
            }
            let is_put =
                |&&(_, call): &&(&str, u32)| matches!(calls[call as usize].op, KvOp::Put(_));
            let (puts, appends): (Vec<_>, Vec<_>) = equals.iter().partition(is_put);
            tokens.texts.push(text);
            tokens.puts.push(puts.into_iter().map(|(_, call)| call).collect());
            tokens.appends.push(appends.into_iter().map(|(_, call)| call).collect());
        }
        Some(tokens)
    }

    /// Its puts and appends.
    fn calls(&self, string: u32) -> impl Iterator<Item = u32> {
        let string = string as usize;
        self.puts[string].iter().chain(&self.appends[string]).copied()
    }

    /// The string of each of so many calls; [`ABSENT`] for gets.
    fn strings(&self, count: usize) -> Vec<u32> {
        let mut strings = vec![ABSENT; count];
        for string in 0..self.texts.len() as u32 {
            self.calls(string).for_each(|call| strings[call as usize] = string);
        }
        strings
    }

    /// The string which `text` begins with: the last one not after `text`, if any.
    fn first(&self, text: &str) -> Option<u32> {
        let after = self.texts.partition_point(|&token| token <= text);
        let found = after.checked_sub(1)?;
        text.starts_with(self.texts[found]).then_some(found as u32)
    }
}

/// A string behind another place.
struct Place {
    before: u32,
    string: u32,
    /// The first get to complete of those that found it, and when it did.
    found_by: u32,
    deadline: u32,
}

#[derive(Default)]
struct Places {
    all: Vec<Place>,
    /// By the place before and the string.
    numbers: FxHashMap<(u32, u32), u32>,
}

impl Places {
    /// The last place in a get; `None` if nothing makes it up.
    fn read(&mut self, tokens: &Tokens<'_>, get: u32, completed: u32, value: &str) -> Option<u32> {
        let mut rest = value;
        let mut before = ABSENT;
        while !rest.is_empty() {
            let string = tokens.first(rest)?;
            let next = self.all.len() as u32;
            let place = *self.numbers.entry((before, string)).or_insert(next);
            if place == next {
                self.all.push(Place { before, string, found_by: get, deadline: completed });
            }
            let known = &mut self.all[place as usize];
            if completed < known.deadline {
                (known.deadline, known.found_by) = (completed, get);
            }
            before = place;
            rest = &rest[tokens.texts[string as usize].len()..];
        }
        Some(before)
    }
}

/// What the gets tell.
struct Story<'a> {
    calls: &'a [Call<KvOp>],
    tokens: Tokens<'a>,
    places: Places,
    /// The last place in each get.
    last: Vec<u32>,
}

impl Story<'_> {
    fn place(&self, place: u32) -> &Place {
        &self.places.all[place as usize]
    }

    /// The places of each string, by deadline.
    fn places_of_strings(&self) -> Vec<Vec<u32>> {
        let mut of_string = vec![Vec::new(); self.tokens.texts.len()];
        for (number, place) in (0..).zip(&self.places.all) {
            of_string[place.string as usize].push(number);
        }
        for places in &mut of_string {
            places.sort_by_key(|&place| self.place(place).deadline);
        }
        of_string
    }

    /// The calls that each of these places may have: invoked before a get that found it completed,
    /// and a put only where nothing is in front.
    fn candidates(&self, places: &[u32]) -> Vec<Vec<u32>> {
        let of_place = |&place: &u32| {
            let place = self.place(place);
            let puts = self.tokens.puts[place.string as usize].iter();
            let puts = puts.filter(|_| place.before == ABSENT);
            let all = puts.chain(&self.tokens.appends[place.string as usize]).copied();
            all.filter(|&call| self.calls[call as usize].invoked < place.deadline).collect()
        };
        places.iter().map(of_place).collect()
    }

    /// By string, whether a value may have begun with it more than once: by two puts of it, or by
    /// a put and an append to the absent key. That was there no more once anything else was
    /// acknowledged.
    fn begins_twice(&self) -> Vec<bool> {
        let writes = self.calls.iter().filter(|call| !matches!(call.op, KvOp::Get(_)));
        let first = writes.map(|call| call.completed).min().unwrap_or(0);
        let begins = |(puts, appends): (&Vec<u32>, &Vec<u32>)| {
            let to_absent = |&&call: &&u32| self.calls[call as usize].invoked < first;
            !puts.is_empty() && puts.len() + appends.iter().filter(to_absent).count() > 1
        };
        self.tokens.puts.iter().zip(&self.tokens.appends).map(begins).collect()
    }

    /// Whether it is open which value the call belongs to, as that may have begun twice.
    fn is_of_two(&self, call: u32, place_of: &[u32], twice: &[bool]) -> bool {
        let mut place = match self.calls[call as usize].op {
            KvOp::Get(_) => self.last[call as usize],
            KvOp::Put(_) | KvOp::Append(_) => place_of[call as usize],
        };
        if place == ABSENT {
            return (0..).zip(twice).any(|(string, &twice)| {
                twice && self.tokens.calls(string).any(|other| other == call)
            });
        }
        while self.place(place).before != ABSENT {
            place = self.place(place).before;
        }
        twice[self.place(place).string as usize]
    }

    /// More places of a string than calls that may have them.
    fn too_many(&self, places: &[u32]) -> Contradiction {
        let mut gets: Vec<u32> = places.iter().map(|&place| self.place(place).found_by).collect();
        gets.sort_unstable();
        gets.dedup();
        let call = gets.last().copied().unwrap_or_default();
        let rule = if gets.len() > 1 { &TWO_ORDERS } else { &PHANTOM };
        contradiction(self.closed(&gets), call, rule)
    }

    /// The place of each put and append; [`ABSENT`] where nobody found it.
    fn assigned(&self, of_string: &[Vec<u32>], choices: &Choices) -> Vec<u32> {
        let mut place_of = vec![ABSENT; self.calls.len()];
        for (string, places) in of_string.iter().enumerate() {
            for (&place, &call) in places.iter().zip(choices.of(string)) {
                place_of[call as usize] = place;
            }
        }
        place_of
    }

    fn as_register(&self, number: u32, place_of: &[u32]) -> Call<RegisterOp> {
        let value = |place: u32| if place == ABSENT { json!(null) } else { json!(place) };
        let call = &self.calls[number as usize];
        let place = place_of[number as usize];
        let op = match call.op {
            KvOp::Get(_) => RegisterOp::Read(value(self.last[number as usize])),
            _ if place == ABSENT => {
                RegisterOp::Write(json!(self.places.all.len() + number as usize))
            }
            KvOp::Append(_) => {
                RegisterOp::Cas { old: value(self.place(place).before), new: value(place) }
            }
            KvOp::Put(_) => RegisterOp::Write(value(place)),
        };
        let Call { invoked, completed, operation, .. } = *call;
        Call { op, invoked, completed, operation }
    }

    /// The last get of a contradiction, or else its last call.
    fn culprit(&self, found: &Contradiction) -> u32 {
        let rank = |&call: &u32| {
            let call = &self.calls[call as usize];
            (matches!(call.op, KvOp::Get(_)), call.invoked)
        };
        found.calls.iter().copied().max_by_key(rank).unwrap_or_default()
    }

    /// These calls, the gets which tell where they stand, and all that these gets found.
    fn closed(&self, calls: &[u32]) -> Vec<u32> {
        let mut told = vec![false; self.calls.len()];
        calls.iter().for_each(|&call| told[call as usize] = true);
        for place in &self.places.all {
            if self.tokens.calls(place.string).any(|call| calls.contains(&call)) {
                told[place.found_by as usize] = true;
            }
        }
        let gets: Vec<usize> = (0..told.len()).filter(|&call| told[call]).collect();
        for get in gets {
            let mut next = self.last[get];
            while next != ABSENT {
                let place = self.place(next);
                self.tokens.calls(place.string).for_each(|call| told[call as usize] = true);
                next = place.before;
            }
        }
        (0..).zip(told).filter(|(_, told)| *told).map(|(call, _)| call).collect()
    }
}
