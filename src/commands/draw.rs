//! `--draw DIR`: the cycles of findings as pictures, for `check` and `explain`.

use std::fs;
use std::path::Path;

use isobar_checkers::CheckResult;
use isobar_checkers::txn::draw;

use super::Failure;
use crate::terminal;

/// Writes each cycle of `result` into `directory` as `NAME-ANOMALY-N.dot` and `.svg`, and says so;
/// `input` is the history.
///
/// # Errors
/// A file that cannot be written.
pub fn cycles(directory: &Path, input: &str, result: &CheckResult) -> Result<(), Failure> {
    let cannot = |path: &Path, error: std::io::Error| {
        Failure::usage(format!("cannot write {}: {error}", path.display()))
    };
    fs::create_dir_all(directory).map_err(|error| cannot(directory, error))?;
    let name = Path::new(input).file_name().and_then(|name| name.to_str()).unwrap_or("history");
    let name = name.split('.').find(|part| !part.is_empty()).unwrap_or("history");
    let cycles =
        result.findings.iter().filter_map(|finding| Some((finding, finding.cycle.as_ref()?)));
    let mut drawn = 0;
    for (number, (finding, cycle)) in (1..).zip(cycles) {
        let stem = format!("{name}-{}-{number}", finding.anomaly);
        for (ending, text) in [("dot", draw::dot(cycle)), ("svg", draw::svg(cycle))] {
            let path = directory.join(format!("{stem}.{ending}"));
            fs::write(&path, text).map_err(|error| cannot(&path, error))?;
        }
        terminal::note(&format!("  drawn: {}", directory.join(format!("{stem}.svg")).display()));
        drawn += 1;
    }
    if drawn == 0 {
        terminal::note("  no cycle to draw");
    }
    Ok(())
}
