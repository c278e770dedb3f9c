//! What a test needs of this machine. Shared by all test programs of the workspace.

use std::io::Write;

/// Whether `missing` names nothing. Otherwise says in one line why the test was skipped and what
/// would enable it; under `ISOBAR_REQUIRE_LAB=1`, where the whole suite must run, it fails.
#[track_caller]
pub fn met(missing: Option<String>) -> bool {
    let Some(missing) = missing else { return true };
    let required = std::env::var_os("ISOBAR_REQUIRE_LAB").is_some_and(|value| value == "1");
    assert!(!required, "{missing}");
    // Past the test harness, which shows nothing of a test that passes.
    let _ = writeln!(std::io::stderr().lock(), "skipped: {missing}");
    false
}
