//! The page's script: plain files, a noun each, run in this order as one.

/// Each begins with what it is for; all that one gives to the others is one constant.
pub const SCRIPT: &str = concat!(
    "\"use strict\";\n",
    include_str!("dom.js"),
    include_str!("words.js"),
    include_str!("run.js"),
    include_str!("lanes.js"),
    include_str!("order.js"),
    include_str!("ring.js"),
    include_str!("cycle.js"),
    include_str!("timeline.js"),
    include_str!("overview.js"),
    include_str!("operations.js"),
    include_str!("main.js"),
);
