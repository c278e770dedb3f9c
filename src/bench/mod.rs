//! How fast histories are read and judged, and in how much memory; how soon faults are there.
//!
//! ```text
//! rows × sizes ──▶ one process each ──▶ Measurement ──▶ a line of the table, or of JSON
//! ```

mod fault;
mod measure;
mod row;
mod table;

pub use fault::{
    FAULT_HEAD, FaultBenchError, FaultMeasurement, TARGET_MS, fault_line, measure_faults, quantile,
};
pub use measure::{BenchError, Measurement, measure_alone, measure_here};
pub use row::{Row, Rows, rows};
pub use table::{HEAD, line};
