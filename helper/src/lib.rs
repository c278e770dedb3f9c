//! The helper as bytes: a static program that is brought to a node when a fault needs one. What it
//! does is in `main.rs` and the files next to it, which are no part of this library.

#![forbid(unsafe_code)]

const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/helper"));

/// The machines it runs on, as `uname -m` names them.
pub const MACHINE: &str = env!("ISOBAR_HELPER_MACHINE");

/// The program, an ELF file of some hundred kilobytes.
///
/// # Errors
/// Why it could not be compiled when this library was.
pub fn program() -> Result<&'static [u8], &'static str> {
    if PROGRAM.is_empty() { Err(env!("ISOBAR_HELPER_MISSING")) } else { Ok(PROGRAM) }
}
