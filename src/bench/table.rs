//! Measurements as people read them.

use super::{Measurement, Row};

const MEGABYTE: f64 = 1e6;

/// The heads of the columns.
pub const HEAD: &str = "row                                operations  verdict     \
                        wall ms    CPU ms  peak MB  MB beyond       ops/s  target";

/// `row 1000000 valid 310.2 402.7 98.1 40.9 2.5 M 500 ms, 100 MB: met`
pub fn line(row: &Row, measured: &Measurement) -> String {
    let megabytes = |bytes: Option<u64>| match bytes {
        Some(bytes) => format!("{:.1}", bytes as f64 / MEGABYTE),
        None => "?".to_owned(),
    };
    let Measurement { operations, verdict, wall_ms, cpu_ms, .. } = measured;
    let told = match (row.target(measured), measured.megabytes_per_second) {
        (Some((target, true)), _) => format!("{target}: met"),
        (Some((target, false)), _) => format!("{target}: missed"),
        (None, _) => "-".to_owned(),
    };
    let rate = measured.megabytes_per_second.map_or_else(String::new, |rate| {
        let bytes = measured.peak_bytes.unwrap_or(0) / u64::from((*operations).max(1));
        format!(" ({rate:.0} MB/s, {bytes} B/op)")
    });
    let per_second = f64::from(*operations) / wall_ms.max(0.001) * 1e3;
    format!(
        "{:<34}{operations:>11}  {verdict:<9}{wall_ms:>10.1}{cpu_ms:>10.1}{:>9}{:>11}\
         {per_second:>12.0}  {told}{rate}",
        measured.row,
        megabytes(measured.peak_bytes),
        megabytes(measured.beyond_bytes),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::bench::rows;

    fn told(row: &str, change: impl Fn(&mut Measurement)) -> String {
        let mut measured = Measurement {
            row: row.to_owned(),
            operations: 1_000_000,
            verdict: "valid".to_owned(),
            wall_ms: 250.0,
            cpu_ms: 412.34,
            peak_bytes: Some(98_000_000),
            beyond_bytes: Some(41_000_000),
            megabytes_per_second: None,
        };
        change(&mut measured);
        line(&rows(&[row.to_owned()]).unwrap()[0], &measured)
    }

    #[test]
    fn every_measurement_is_a_line_with_its_target() {
        let slow = |measured: &mut Measurement| measured.wall_ms = 500.1;
        let read = |measured: &mut Measurement| measured.megabytes_per_second = Some(321.4);
        let unknown = |measured: &mut Measurement| measured.peak_bytes = None;
        let lines = [
            HEAD.to_owned(),
            told("stack", |_| ()),
            told("stack", slow),
            told("mutex", unknown),
            told("jsonl", read),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }
}
