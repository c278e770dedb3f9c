//! Running a command on a node.

use std::time::Duration;

/// A script for a POSIX shell on a node, with its input and its deadline.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    pub script: String,
    pub stdin: Vec<u8>,
    /// The call fails with [`RemoteError::Deadline`] when this has passed, whatever the node does.
    pub deadline: Duration,
    /// Needs root: run through `sudo -n` where the login is not root.
    pub privileged: bool,
}

impl Command {
    pub const DEADLINE_DEFAULT: Duration = Duration::from_secs(10);

    /// A script, run with `sh -c`.
    pub fn shell(script: impl Into<String>) -> Self {
        Self {
            script: script.into(),
            stdin: Vec::new(),
            deadline: Self::DEADLINE_DEFAULT,
            privileged: false,
        }
    }

    /// A program with its arguments, each quoted.
    pub fn argv<S: AsRef<str>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self::shell(quote(argv))
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    pub fn privileged(mut self) -> Self {
        self.privileged = true;
        self
    }
}

/// What a finished command left. A status other than 0 is not an error of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Output {
    pub fn ok(&self) -> bool {
        self.status == 0
    }

    /// Standard output as text, without the final newline.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }

    /// Standard error as text, without the final newline.
    pub fn error_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim_end().to_owned()
    }
}

/// The way to one node. Blocking: call it from a thread that may wait.
///
/// Concurrent calls on one `Remote` must not wait for each other.
pub trait Remote: Send + Sync {
    /// Runs a command to its end or to its deadline.
    fn run(&self, command: &Command) -> Result<Output, RemoteError>;

    /// Runs a command whose failure is an error of the caller: a status other than 0 becomes
    /// [`RemoteError::Failed`].
    fn check(&self, command: &Command) -> Result<Output, RemoteError> {
        let output = self.run(command)?;
        if output.ok() {
            return Ok(output);
        }
        Err(RemoteError::Failed {
            node: self.name().to_owned(),
            script: command.script.clone(),
            status: output.status,
            stderr: output.error_text(),
        })
    }

    /// The node's name, for error messages.
    fn name(&self) -> &str;
}

/// Why a command did not run, or not to its end. Every variant names the node.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("node {node}: cannot reach {address}: {reason}")]
    Unreachable { node: String, address: String, reason: String },
    #[error("node {node}: {reason}")]
    Authentication { node: String, reason: String },
    #[error("node {node}: {reason}")]
    HostKey { node: String, reason: String },
    #[error("node {node}: no answer within {deadline:?} to `{}`", shown(script))]
    Deadline { node: String, script: String, deadline: Duration },
    #[error("node {node}: connection lost during `{}`: {reason}", shown(script))]
    Lost { node: String, script: String, reason: String },
    #[error("node {node}: `{}` ended with status {status}: {stderr}", shown(script))]
    Failed { node: String, script: String, status: i32, stderr: String },
}

/// A script as one line: of a long one its last line, which is what the others are there for.
fn shown(script: &str) -> String {
    let lines = script.trim_end().lines().count();
    match script.trim_end().lines().last() {
        Some(last) if lines > 1 => format!("… {}", last.trim()),
        _ => script.to_owned(),
    }
}

/// Quotes a program and its arguments for a POSIX shell; the one place where it is done.
pub fn quote<S: AsRef<str>>(argv: impl IntoIterator<Item = S>) -> String {
    let mut line = String::new();
    for argument in argv {
        if !line.is_empty() {
            line.push(' ');
        }
        push_quoted(&mut line, argument.as_ref());
    }
    line
}

fn push_quoted(line: &mut String, argument: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        line.push_str(argument);
        return;
    }
    line.push('\'');
    line.push_str(&argument.replace('\'', r"'\''"));
    line.push('\'');
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn plain_words_stay_as_they_are_and_others_are_quoted() {
        assert_eq!(quote(["ip", "-4", "a/b"]), "ip -4 a/b");
        assert_eq!(quote(["echo", "", "it's", "$HOME"]), r"echo '' 'it'\''s' '$HOME'");
    }
}
