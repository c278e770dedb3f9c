//! Clocks that are wrong.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Targets, fault_spec};
use crate::spec::{Share, Span};

/// Which way a clock is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    #[default]
    Forward,
    Back,
}

impl Way {
    /// So far this way, in ms.
    pub fn ms(self, by: Span) -> i64 {
        let ms = i64::try_from(by.0.as_millis()).unwrap_or(i64::MAX);
        if self == Self::Back { -ms } else { ms }
    }
}

fault_spec! {
    /// The clock is set once.
    pub struct ClockBumpSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "a_minute")]
        pub by: Span,
        #[serde(default)]
        pub way: Way,
    }
}

fault_spec! {
    /// The clock is set ahead and back again, each for a period.
    pub struct ClockStrobeSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "some_time")]
        pub by: Span,
        #[serde(default = "a_moment")]
        pub period: Span,
    }
}

fault_spec! {
    /// The clock gains or loses this share of each second.
    pub struct ClockDriftSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "a_tenth")]
        pub share: Share,
        #[serde(default)]
        pub way: Way,
    }
}

fault_spec! {
    /// The system is started again, and then sees a clock that jumps; the machine's is right.
    pub struct ProcessClockSpec {
        #[serde(default)]
        pub targets: Targets,
        #[serde(default = "a_minute")]
        pub by: Span,
        #[serde(default)]
        pub way: Way,
    }
}

fn a_minute() -> Span {
    Span(Duration::from_secs(60))
}

fn some_time() -> Span {
    Span(Duration::from_secs(2))
}

fn a_moment() -> Span {
    Span(Duration::from_millis(200))
}

fn a_tenth() -> Share {
    Share(0.1)
}
