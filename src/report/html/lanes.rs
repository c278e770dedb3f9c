//! Where the boxes of a witness go: a lane per process, time from left to right.
//!
//! ```text
//!                16.010 s      16.020 s
//!   n1  p3       write 17
//!               [=======]
//!   n4  p7                     write 21
//!                              [=====]
//! ```
//!
//! Pure geometry in pixels; drawing is elsewhere.

use isobar_checkers::Nanos;
use isobar_checkers::history::Operation;

use super::super::words;

pub const WIDTH: f64 = 1080.0;
/// Left of it: names of nodes and processes.
pub const GUTTER: f64 = 150.0;
const RIGHT: f64 = WIDTH - 16.0;
/// Of one row of boxes: label, box, name.
pub const ROW_HEIGHT: f64 = 62.0;
/// The narrowest box that can be seen and hit.
const BOX_MIN: f64 = 8.0;
/// Of a monospaced character of 13 px.
const CHAR_WIDTH: f64 = 7.9;
/// Between two neighbours in a row.
const GAP: f64 = 14.0;
const LABEL_CHARS: usize = 48;

/// How time becomes a place.
pub enum Axis {
    /// Real time.
    Time { from: Nanos, to: Nanos },
    /// The order of beginnings and ends alone, evenly spaced: what is close in time is apart.
    Order(Vec<Nanos>),
}

impl Axis {
    pub fn time(operations: &[Operation<'_>]) -> Self {
        let from = operations.iter().map(|op| op.invoked_at()).min().unwrap_or_default();
        let to = operations.iter().map(|op| ended_or_began(*op)).max().unwrap_or_default();
        let margin = (to.0.saturating_sub(from.0) / 25).max(1000);
        Self::Time {
            from: Nanos(from.0.saturating_sub(margin)),
            to: Nanos(to.0.saturating_add(margin)),
        }
    }

    pub fn order(operations: &[Operation<'_>]) -> Self {
        let mut moments: Vec<Nanos> =
            operations.iter().flat_map(|op| [op.invoked_at(), ended_or_began(*op)]).collect();
        moments.sort_unstable();
        moments.dedup();
        Self::Order(moments)
    }

    /// Pixels from the left; what lies outside is put on the edge.
    pub fn x(&self, time: Nanos) -> f64 {
        GUTTER + self.share(time).clamp(0.0, 1.0) * (RIGHT - GUTTER)
    }

    fn share(&self, time: Nanos) -> f64 {
        match self {
            Self::Time { from, to } => {
                let length = to.0.saturating_sub(from.0).max(1) as f64;
                (time.0 as f64 - from.0 as f64) / length
            }
            Self::Order(moments) => {
                let place = moments.partition_point(|moment| *moment < time);
                // Between two moments lies half a step: a fault's edge is then next to neither.
                let half = if moments.get(place) == Some(&time) { 0.5 } else { 0.0 };
                (place as f64 + half) / moments.len().max(1) as f64
            }
        }
    }

    /// Moments to write on the axis.
    pub fn ticks(&self) -> Vec<Nanos> {
        match self {
            Self::Time { from, to } => {
                let least = to.0.saturating_sub(from.0) / 8;
                let mut step = 1u64;
                while step < least {
                    step = match step.to_string().starts_with('2') {
                        true => step / 2 * 5,
                        false => step.saturating_mul(2),
                    };
                }
                let first = from.0.div_ceil(step);
                (first..=to.0 / step).map(|place| Nanos(place * step)).collect()
            }
            Self::Order(moments) => {
                moments.iter().step_by(moments.len() / 9 + 1).copied().collect()
            }
        }
    }
}

/// The end that a drawing reaches to: open operations reach to the edge anyhow.
fn ended_or_began(operation: Operation<'_>) -> Nanos {
    operation.completed_at().unwrap_or(operation.invoked_at())
}

/// One operation in its place.
pub struct Placed<'a> {
    pub operation: Operation<'a>,
    pub label: String,
    pub from: f64,
    pub to: f64,
    /// Where the label begins: at the box, or so that it ends with the box near the right edge.
    pub label_x: f64,
    pub label_ends_at: Option<f64>,
    /// Counted over all lanes, from the top.
    pub row: usize,
}

pub struct Lane {
    pub node: String,
    pub process: u32,
    pub first_row: usize,
    pub rows: usize,
}

pub struct Layout<'a> {
    pub lanes: Vec<Lane>,
    pub placed: Vec<Placed<'a>>,
    pub rows: usize,
}

impl<'a> Layout<'a> {
    /// Lanes in order of their first operation; in a lane, what would overlap takes further rows.
    pub fn of(operations: &[Operation<'a>], axis: &Axis) -> Self {
        let mut order: Vec<Operation<'_>> = operations.to_vec();
        order.sort_by_key(|op| (op.invoked_at(), op.index()));
        let mut processes: Vec<u32> = Vec::new();
        for operation in &order {
            if !processes.contains(&operation.process()) {
                processes.push(operation.process());
            }
        }
        let mut layout = Self { lanes: Vec::new(), placed: Vec::new(), rows: 0 };
        for process in processes {
            let own: Vec<Operation<'a>> =
                operations.iter().filter(|op| op.process() == process).copied().collect();
            layout.add_lane(process, own, axis);
        }
        layout
    }

    fn add_lane(&mut self, process: u32, mut own: Vec<Operation<'a>>, axis: &Axis) {
        own.sort_by_key(|op| (op.invoked_at(), op.index()));
        let first_row = self.rows;
        let mut taken_until: Vec<f64> = Vec::new();
        let node = own.first().and_then(|op| op.node()).unwrap_or_default().to_owned();
        for operation in own {
            let label = words::clip(&words::operation(operation), LABEL_CHARS);
            let from = axis.x(operation.invoked_at());
            let to = operation.completed_at().map_or(RIGHT, |at| axis.x(at)).max(from + BOX_MIN);
            // Room for a mark before the label, and for the name below it.
            let width = (label.chars().count() + 2).max(18) as f64 * CHAR_WIDTH;
            let label_ends_at = (from + width > RIGHT).then_some(to);
            let label_x = label_ends_at.map_or(from, |end| (end - width).max(GUTTER));
            let end = to.max(label_x + width) + GAP;
            let row = match taken_until.iter().position(|until| *until <= label_x.min(from)) {
                Some(row) => row,
                None => {
                    taken_until.push(0.0);
                    taken_until.len() - 1
                }
            };
            taken_until[row] = end;
            let row = first_row + row;
            self.placed.push(Placed { operation, label, from, to, label_x, label_ends_at, row });
        }
        let rows = taken_until.len();
        self.lanes.push(Lane { node, process, first_row, rows });
        self.rows += rows;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::sample::{Sample, edit};
    use super::*;

    fn story(sample: &Sample) -> Vec<Operation<'_>> {
        sample.history.operations().filter(|op| op.index().0 >= 100_000).collect()
    }

    #[test]
    fn boxes_are_in_order_of_time_and_inside() {
        let sample = Sample::stale_read();
        assert_eq!(sample.source(Path::new(".")).findings().len(), 1);
        let operations = story(&sample);
        for axis in [Axis::time(&operations), Axis::order(&operations)] {
            let layout = Layout::of(&operations, &axis);
            assert_eq!(layout.lanes.len(), 4);
            for pair in layout.placed.windows(2) {
                assert!(pair[0].to < pair[1].from, "one operation after the other");
            }
            for placed in &layout.placed {
                assert!(GUTTER <= placed.from && placed.to <= WIDTH);
                assert!(placed.from + BOX_MIN <= placed.to);
            }
        }
    }

    #[test]
    fn neighbours_in_a_lane_do_not_cover_one_another() {
        let mut sample = Sample::stale_read();
        edit(&mut sample.history, |operations| {
            operations.iter_mut().for_each(|operation| operation.process = 1);
        });
        let twins = story(&sample);
        let layout = Layout::of(&twins, &Axis::time(&twins));
        assert_eq!(layout.lanes.len(), 1);
        for (place, left) in layout.placed.iter().enumerate() {
            for right in &layout.placed[place + 1..] {
                let apart = left.to.max(left.label_x) < right.from.min(right.label_x);
                assert!(left.row != right.row || apart);
            }
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        let axis = Axis::Time { from: Nanos(15_998_000_000), to: Nanos(16_055_000_000) };
        let ticks = axis.ticks();
        assert!((4..=9).contains(&ticks.len()), "{ticks:?}");
        assert!(ticks.iter().all(|tick| tick.0 % 5_000_000 == 0), "{ticks:?}");
    }

    #[test]
    fn one_instant_is_drawn_too() {
        let axis = Axis::Time { from: Nanos(5), to: Nanos(5) };
        assert!(axis.x(Nanos(5)).is_finite());
        assert!(axis.ticks().len() <= 2);
        assert!(Axis::Order(Vec::new()).x(Nanos(0)).is_finite());
    }
}
