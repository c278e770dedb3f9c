//! One command on one session.

use std::io::{Read, Write};
use std::time::Instant;

use ssh2::Channel;

use super::SshError;
use super::connection::{Connection, Stop};
use crate::cluster::Output;

/// More output on one stream is taken for a mistake.
const OUTPUT_BYTES_MAX: usize = 256 << 20;

/// Signal numbers of Linux for the names that SSH sends (RFC 4254, section 6.10).
const SIGNALS: [(&str, i32); 13] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("ABRT", 6),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
];

/// Runs `line` and gives what it left; a death by signal n is status 128 + n, as in a shell.
pub(super) fn run(
    connection: &Connection,
    mut channel: Channel,
    line: &str,
    stdin: &[u8],
    until: Instant,
) -> Result<Output, SshError> {
    connection.patiently(until, || channel.exec(line)).map_err(Stop::lost)?;
    let (stdout, stderr) = pump(connection, &mut channel, stdin, until)?;
    connection.patiently(until, || channel.wait_close()).map_err(Stop::lost)?;
    connection.patiently(until, || channel.close()).map_err(Stop::lost)?;
    let lost = |error: ssh2::Error| SshError::Lost(error.message().to_owned());
    let status = match channel.exit_signal().map_err(lost)?.exit_signal {
        Some(name) => 128 + signal_number(&name),
        None => channel.exit_status().map_err(lost)?,
    };
    Ok(Output { status, stdout, stderr })
}

/// Writes the input and reads both outputs, none of them waiting for another.
fn pump(
    connection: &Connection,
    channel: &mut Channel,
    stdin: &[u8],
    until: Instant,
) -> Result<(Vec<u8>, Vec<u8>), SshError> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut unsent = stdin;
    let mut input_open = true;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let mut idle = true;
        while input_open {
            if unsent.is_empty() {
                connection.patiently(until, || channel.send_eof()).map_err(Stop::lost)?;
                input_open = false;
            } else {
                let sent = connection.now_or_never(until, || channel.write(unsent));
                let Some(sent) = sent.map_err(Stop::lost)? else { break };
                unsent = &unsent[sent..];
                idle = false;
            }
        }
        let mut errors = channel.stderr();
        idle &= !drain(connection, channel, &mut stdout, &mut buffer, until)?;
        idle &= !drain(connection, &mut errors, &mut stderr, &mut buffer, until)?;
        if channel.eof() {
            return Ok((stdout, stderr));
        }
        // The deadline also holds for a command which never stops talking.
        if Instant::now() >= until {
            return Err(SshError::Deadline);
        }
        if idle {
            connection.wait(until).map_err(Stop::lost)?;
        }
    }
}

/// Reads a buffer's worth of what is there; whether there was any.
fn drain(
    connection: &Connection,
    from: &mut impl Read,
    into: &mut Vec<u8>,
    buffer: &mut [u8],
    until: Instant,
) -> Result<bool, SshError> {
    let read = connection.now_or_never(until, || from.read(buffer)).map_err(Stop::lost)?;
    let Some(read) = read.filter(|read| *read > 0) else { return Ok(false) };
    if into.len() + read > OUTPUT_BYTES_MAX {
        return Err(SshError::Lost(format!("more than {} MiB of output", OUTPUT_BYTES_MAX >> 20)));
    }
    into.extend_from_slice(&buffer[..read]);
    Ok(true)
}

fn signal_number(name: &str) -> i32 {
    SIGNALS.iter().find_map(|(known, number)| (*known == name).then_some(*number)).unwrap_or(0)
}
