//! The pages, a file each.

pub mod compare;
pub mod frame;
mod label;
pub mod list;
pub mod live;
pub mod run;
pub mod trend;
