//! How fast histories are read and judged, and in how much memory.
//!
//! ```text
//! rows × sizes ──▶ one process each ──▶ Measurement ──▶ a line of the table, or of JSON
//! ```

mod measure;
mod row;
mod table;

pub use measure::{BenchError, Measurement, measure_alone, measure_here};
pub use row::{Row, Rows, rows};
pub use table::{HEAD, line};
