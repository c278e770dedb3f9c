//! What a node does that no program of its own can, or none that is there for certain: hold packets
//! back, double and change them, and move its clock.
//!
//! ```text
//! isobar-helper version
//! isobar-helper queue NUMBER STATE KIND…     see queue.rs and disturbance.rs
//! isobar-helper clock WHAT…                  see clock.rs; where a `long` has 64 bits
//! ```
//!
//! It runs on the nodes, where nothing can be presupposed: of the standard library and system calls
//! only, linked statically. A queue ends by itself when its state file is removed.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod clock;
#[cfg(target_os = "linux")]
mod disturbance;
#[cfg(target_os = "linux")]
mod held;
#[cfg(target_os = "linux")]
mod netlink;
#[cfg(target_os = "linux")]
mod packet;
#[cfg(target_os = "linux")]
mod queue;
#[cfg(target_os = "linux")]
mod random;
#[cfg(target_os = "linux")]
mod socket;
#[cfg(target_os = "linux")]
mod state;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod timex;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        ["version"] => {
            println!("isobar-helper {}", option_env!("CARGO_PKG_VERSION").unwrap_or("unknown"));
            Ok(())
        }
        #[cfg(target_os = "linux")]
        ["queue", number, state, disturbance @ ..] => {
            let number = number.parse().map_err(|_| format!("no number of a queue: {number}"))?;
            let disturbance = disturbance::Disturbance::parse(disturbance)?;
            queue::serve(number, state.as_ref(), disturbance)
        }
        #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
        ["clock", what @ ..] => clock::run(what),
        _ => Err(format!("isobar-helper: not understood: {}", arguments.join(" "))),
    }
}
