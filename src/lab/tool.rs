//! The programs of the system that a lab is built with, run by argv.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::LabError;

/// Where programs are in a node; PATH does not say all of it for ordinary users of Debian.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program with its arguments.
pub(super) struct Tool(Command);

impl Tool {
    /// `program` is found as [`find`] does; when it is not, running it says so.
    pub fn new(program: &str) -> Self {
        let path = find(program).unwrap_or_else(|| program.into());
        let mut command = Command::new(path);
        command.stdin(Stdio::null());
        Self(command)
    }

    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.0.args(arguments);
        self
    }

    pub fn into_command(self) -> Command {
        self.0
    }

    /// Runs it; a status other than 0 is an error.
    pub fn run(mut self) -> Result<Output, LabError> {
        let output = self.0.output();
        self.judge(output)
    }

    /// As [`Tool::run`], with standard input.
    pub fn run_with(mut self, input: &str) -> Result<Output, LabError> {
        let spawned =
            self.0.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let output = spawned.and_then(|mut child| {
            if let Some(mut stdin) = child.stdin.take() {
                match stdin.write_all(input.as_bytes()) {
                    // It ended without reading all: its own message is the better one.
                    Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error),
                    _ => {}
                }
            }
            child.wait_with_output()
        });
        self.judge(output)
    }

    fn judge(&self, output: std::io::Result<Output>) -> Result<Output, LabError> {
        let reason = match output {
            Ok(output) if output.status.success() => return Ok(output),
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                if text.is_empty() { output.status.to_string() } else { text }
            }
            Err(error) => error.to_string(),
        };
        let words = std::iter::once(self.0.get_program()).chain(self.0.get_args());
        let command: Vec<_> = words.map(OsStr::to_string_lossy).collect();
        Err(LabError::Tool { command: command.join(" "), stderr: reason })
    }
}

/// `ip` with arguments as one would type them; none of them holds a space.
pub(super) fn ip(line: &str) -> Tool {
    Tool::new("ip").args(line.split_whitespace())
}

/// The path of a program of the system.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&search_path())
        .map(|directory| directory.join(program))
        .find(|path| is_executable(path))
}

/// PATH, and where else programs of the system are.
pub(super) fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    if !path.is_empty() {
        path.push(":");
    }
    path.push(PATH);
    path
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
