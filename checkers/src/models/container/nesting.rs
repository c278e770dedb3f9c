//! Stacks of distinct values, in O(n log n).
//!
//! After the decrease-and-conquer of Lee & Mathur, *Efficient linearizability monitoring*, OOPSLA
//! 2025: find a value that can be taken away without changing the answer, again and again.
//!
//! **In nobody's way.** A value without sure presence (a2 ≥ b1) can be pushed and popped, one right
//! after the other, at b1, whatever the rest does.
//!
//! **Stretches.** Sure presences of the others make maximal stretches of time without a gap. In a
//! gap the stack may be empty, so stretches can be judged apart (see [`cover`](super)). Inside a
//! stretch from s (the least a2) to e (the greatest b1) the stack is never empty, so its lowest
//! value stays the same from s to e: some value has a1 ≤ s and b2 ≥ e, or there is no
//! linearization.
//!
//! **Any such value will do.** Let v be one, and take a linearization in which another value is
//! the lowest. Move the push of v to its beginning, at s, and the pop to its end, at e. No call
//! completes before s or is invoked after e (a2 ≥ s and b1 ≤ e for all), so real time is obeyed;
//! and what is left of the nesting without v is put inside of v. So v can be taken away, and the
//! rest of the stretch falls into stretches again. All that can be lowest are taken at once: each
//! may be pushed at s and popped at e.
//!
//! **How.** A value that may be lowest in its stretch on the left (a1 ≤ s) stays so when the
//! stretch shrinks; on the right likewise. So each value is met once per side, by the least a1 and
//! the greatest b2 left among the values of a stretch; and each gap opens once.

use super::cover;
use super::order::{Conflict, Plan};
use super::rank::Rank;
use super::tree::{CountTree, MinTree};
use super::values::{Life, Values};
use crate::linearizability::Rule;
use crate::models::sorted;

const NOT_NESTED: Rule = Rule {
    anomaly: "not-nested",
    although: "although what was pushed and popped does not fit into one stack",
    argument: "From the first of these pushes to the last of these pops something is always on \
               the stack, so one value is below all others all that time. But each of them was \
               pushed after another push had ended, or popped before another pop began.",
};

pub(super) fn plan(values: &Values) -> Result<Plan, Conflict> {
    let by_a2 = values.by_a2();
    let empties = cover::moments(values, &by_a2)?;
    let mut nesting = Nesting::new(values, &by_a2);
    drop(by_a2);
    if let Err((from, to)) = nesting.take_all() {
        // All but the ends: there, nothing need be present.
        let lives = cover::chain(values, from + 1, to - 1, nesting.is_left(from, to));
        // The last one to be popped shows it best.
        let popped = lives.iter().map(|&life| values.lives[life as usize].remove);
        let call =
            popped.filter(|&call| call != super::values::NONE).max().unwrap_or(super::values::NONE);
        return Err(Conflict { rule: &NOT_NESTED, call, lives, calls: Vec::new() });
    }
    Ok(Plan(emitted(values, &nesting.into_taken(), &empties)))
}

/// A value and where its push and pop go.
#[derive(Clone, Copy)]
struct Taken {
    life: u32,
    from: u32,
    to: u32,
}

/// Stretches are ranges of ends: the a2 and b1 of sure values, in order of time.
struct Nesting<'a> {
    lives: &'a [Life],
    /// The time of each end.
    at: Vec<u32>,
    /// Sure values by a2, and by b1.
    by_left: Vec<u32>,
    by_right: Vec<u32>,
    /// Which ends are an a2. Every other end is a b1, the last one perhaps of many.
    lefts: Rank,
    /// Ends of each sure value, in the order of `by_left`.
    left: Vec<u32>,
    right: Vec<u32>,
    /// a1, and `u32::MAX - b2`, of values not met on that side, in these orders.
    starts: MinTree,
    finishes: MinTree,
    /// From each end to the next: how many values cover it.
    covers: CountTree,
    /// Sides on which a value, in the order of `by_left`, may be the lowest.
    sides: Vec<u8>,
    taken: Vec<Taken>,
}

impl<'a> Nesting<'a> {
    fn new(values: &'a Values, by_a2: &[u32]) -> Self {
        let lives = &values.lives;
        let by_left: Vec<u32> =
            by_a2.iter().copied().filter(|&life| lives[life as usize].is_sure()).collect();
        let life = |place: usize| &lives[by_left[place] as usize];
        let by_right = sorted(by_left.len(), values.end, |place| life(place).b1);
        let mut nesting = Self {
            lives,
            at: Vec::with_capacity(2 * by_left.len()),
            lefts: Rank::with_capacity(2 * by_left.len()),
            left: vec![0; by_left.len()],
            right: vec![0; by_left.len()],
            starts: MinTree::new((0..by_left.len()).map(|place| life(place).a1)),
            finishes: MinTree::new(
                by_right.iter().map(|&place| u32::MAX - life(place as usize).b2),
            ),
            covers: CountTree::default(),
            sides: vec![0; by_left.len()],
            taken: Vec::with_capacity(lives.len()),
            by_left: Vec::new(),
            by_right: Vec::new(),
        };
        nesting.number_ends(&by_left, &by_right);
        nesting.by_left = by_left;
        nesting.by_right = by_right;
        nesting
    }

    /// Merges both orders of ends; those at the same time, the end of all, are one.
    fn number_ends(&mut self, by_left: &[u32], by_right: &[u32]) {
        let (mut opened, mut closed, mut depth) = (0, 0, 0_u32);
        let mut depths = Vec::with_capacity(2 * by_left.len());
        while closed < by_right.len() {
            let b1 = self.lives[by_left[by_right[closed] as usize] as usize].b1;
            let a2 = by_left.get(opened).map(|&life| self.lives[life as usize].a2);
            let end = self.at.len() as u32;
            let a2 = a2.filter(|&a2| a2 < b1);
            self.lefts.push(a2.is_some());
            if let Some(a2) = a2 {
                self.at.push(a2);
                self.left[opened] = end;
                opened += 1;
                depth += 1;
            } else {
                self.at.push(b1);
                while let Some(&place) = by_right.get(closed)
                    && self.lives[by_left[place as usize] as usize].b1 == b1
                {
                    self.right[place as usize] = end;
                    closed += 1;
                    depth -= 1;
                }
            }
            depths.push(depth);
        }
        self.covers = CountTree::new(&depths);
    }

    /// Takes every value; on failure the times of a stretch without a lowest one.
    fn take_all(&mut self) -> Result<(), (u32, u32)> {
        for (number, life) in (0..).zip(self.lives).filter(|(_, life)| !life.is_sure()) {
            self.taken.push(Taken { life: number, from: life.b1, to: life.b1 });
        }
        let mut stretches = Vec::new();
        self.split(0, self.at.len().saturating_sub(1) as u32, &mut stretches);
        let mut lowest = Vec::new();
        while let Some((first, last)) = stretches.pop() {
            self.lowest(first, last, &mut lowest);
            let (from, to) = (self.at[first as usize], self.at[last as usize]);
            if lowest.is_empty() {
                return Err((from, to));
            }
            for place in lowest.drain(..) {
                self.covers.lower(self.left[place as usize], self.right[place as usize]);
                self.taken.push(Taken { life: self.by_left[place as usize], from, to });
            }
            self.split(first, last, &mut stretches);
        }
        Ok(())
    }

    /// Lets go of all else.
    fn into_taken(self) -> Vec<Taken> {
        self.taken
    }

    /// Whether a value is in this stretch and not taken.
    fn is_left(&self, from: u32, to: u32) -> impl Fn(u32) -> bool {
        let mut left = vec![false; self.lives.len()];
        for (&life, &sides) in self.by_left.iter().zip(&self.sides) {
            let times = &self.lives[life as usize];
            left[life as usize] = sides < 2 && times.a2 >= from && times.b1 <= to;
        }
        move |life| left[life as usize]
    }

    /// The covered stretches from one end to another.
    fn split(&mut self, first: u32, last: u32, stretches: &mut Vec<(u32, u32)>) {
        let mut from = first;
        while let Some(gap) = self.covers.take_zero(from, last) {
            if gap > from {
                stretches.push((from, gap));
            }
            from = gap + 1;
        }
        if from < last {
            stretches.push((from, last));
        }
    }

    /// How many sure values have their b1 at a lesser end.
    fn rights(&self, end: u32) -> u32 {
        if end as usize == self.at.len() {
            return self.by_right.len() as u32;
        }
        end - self.lefts.before(end)
    }

    /// Values which may now be the lowest from one end to the other.
    fn lowest(&mut self, first: u32, last: u32, lowest: &mut Vec<u32>) {
        let from = self.lefts.before(first);
        let to = self.lefts.before(last);
        while let Some(place) = self.starts.take(from, to, self.at[first as usize]) {
            self.sides[place as usize] += 1;
            if self.sides[place as usize] == 2 {
                lowest.push(place);
            }
        }
        let (from, to) = (self.rights(first + 1), self.rights(last + 1));
        let limit = u32::MAX - self.at[last as usize];
        while let Some(place) = self.finishes.take(from, to, limit) {
            let place = self.by_right[place as usize];
            self.sides[place as usize] += 1;
            if self.sides[place as usize] == 2 {
                lowest.push(place);
            }
        }
    }
}

/// Pushes at the beginning of their stretches, those taken first first; pops at the end, last.
fn emitted(values: &Values, taken: &[Taken], empties: &[(u32, u32)]) -> Vec<u32> {
    let count = taken.len();
    // Pushes in this order, then pops the other way round, then empty answers; a value in nobody's
    // way alone has its moment.
    let item = |place: usize| match place.checked_sub(count) {
        None => (taken[place].from, Some(values.lives[taken[place].life as usize].insert)),
        Some(pop) if pop < count => {
            let taken = taken[count - 1 - pop];
            let life = &values.lives[taken.life as usize];
            (taken.to, life.is_removed().then_some(life.remove))
        }
        Some(empty) => {
            let (moment, call) = empties[empty - count];
            (moment, Some(call))
        }
    };
    let by_moment = sorted(2 * count + empties.len(), values.end, |place| item(place).0);
    by_moment.into_iter().filter_map(|place| item(place as usize).1).collect()
}
