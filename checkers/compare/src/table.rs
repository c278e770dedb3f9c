//! Measurements as a table in Markdown.

use crate::judges::Judged;

/// The heads of the columns.
pub const HEAD: &str = "\
| row | transactions | by | verdict | read CPU s | check CPU s | both | × isobar | wall s \
| peak MB | anomalies |
|---|---|---|---|---|---|---|---|---|---|---|";

/// `isobar`: what it took for the same file.
pub fn line(row: &str, transactions: u32, judged: &Judged, isobar: &Judged) -> String {
    let Judged { judge, verdict, anomalies, read_cpu_s, check_cpu_s, wall_s, peak_bytes } = judged;
    let both = |judged: &Judged| judged.read_cpu_s + judged.check_cpu_s;
    format!(
        "| {row} | {transactions} | {judge} | {verdict} | {read_cpu_s:.3} | {check_cpu_s:.3} \
         | {:.3} | {:.1} | {wall_s:.3} | {} | {anomalies} |",
        both(judged),
        both(judged) / both(isobar).max(1e-9),
        peak_bytes / 1_000_000,
    )
}
