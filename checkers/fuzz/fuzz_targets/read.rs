//! Any bytes, read as each format: a history, or an error with a place; never a panic.

#![no_main]

use isobar_checkers::history::{self, Format};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let formats =
        [Format::Jsonl, Format::Json, Format::Edn, Format::PorcupineEtcd, Format::Awdit].map(Some);
    for format in formats.into_iter().chain([None]) {
        match history::read("fuzz", bytes, format) {
            Ok(history) => assert_eq!(history.operations().count(), history.len()),
            Err(error) => assert!(error.to_string().contains("fuzz"), "no place: {error}"),
        }
    }
});
