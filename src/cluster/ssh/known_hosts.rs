//! Is the machine that answers the one we know?
//!
//! libssh2 says match, mismatch or not found for a whole file, gives up on files with a line it
//! does not know, and would negotiate any key type. Here each line is a file of its own to it:
//! so the error can name the line, and only keys of a type that is known are asked for.

use std::path::{Path, PathBuf};

use ssh2::{CheckResult, KnownHostFileKind, MethodType, Session};

use super::SshError;

/// Which host keys are accepted.
pub(super) enum HostKeys {
    Any,
    /// Those in this file, in the format of OpenSSH.
    In(PathBuf),
}

/// What is known of one host.
pub(super) struct Known<'a> {
    host: &'a str,
    port: u16,
    path: Option<&'a Path>,
    entries: Vec<Entry>,
    /// Names of key types, best first.
    types: Vec<String>,
}

/// A line of known_hosts that is about the host.
struct Entry {
    line: usize,
    revoked: bool,
    text: String,
}

impl HostKeys {
    /// The entries of `host`. `session` is any session: it lends libssh2's matching of names.
    pub fn of<'a>(
        &'a self,
        session: &Session,
        host: &'a str,
        port: u16,
    ) -> Result<Known<'a>, SshError> {
        let mut known = Known { host, port, path: None, entries: Vec::new(), types: Vec::new() };
        let Self::In(path) = self else { return Ok(known) };
        known.path = Some(path);
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                return Err(SshError::HostKey(format!("cannot read {}: {error}", path.display())));
            }
        };
        for (index, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            let Some((revoked, text)) = entry(line) else { continue };
            // No key is equal to this one: so a line about our host says mismatch.
            if matches!(check(session, text, host, port, b"no key"), CheckResult::Mismatch) {
                known.entries.push(Entry { line: index + 1, revoked, text: text.to_owned() });
            }
        }
        known.types = known.types_first(&supported(session));
        Ok(known)
    }
}

impl Known<'_> {
    /// For libssh2's negotiation: the types that are known before all others, so that a host
    /// with keys of several types shows the one we can compare. `None` to leave it alone.
    pub fn preferred_types(&self) -> Option<String> {
        (!self.types.is_empty()).then(|| self.types.join(","))
    }

    fn types_first(&self, supported: &[String]) -> Vec<String> {
        let mut known: Vec<&str> = Vec::new();
        for entry in self.entries.iter().filter(|entry| !entry.revoked) {
            match entry.text.split_whitespace().nth(1) {
                Some("ssh-rsa") => known.extend(["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]),
                Some(kind) => known.push(kind),
                None => {}
            }
        }
        if known.is_empty() {
            return Vec::new();
        }
        let (mut first, rest): (Vec<_>, Vec<_>) =
            supported.iter().cloned().partition(|kind| known.contains(&kind.as_str()));
        first.extend(rest);
        first
    }

    /// After the handshake: is the host's key one of those known?
    pub fn verify(&self, session: &Session) -> Result<(), SshError> {
        let Some(path) = self.path else { return Ok(()) };
        let Some((key, _)) = session.host_key() else {
            return Err(SshError::HostKey(format!("{} sent no host key", self.host)));
        };
        let same = |entry: &&Entry| {
            matches!(check(session, &entry.text, self.host, self.port, key), CheckResult::Match)
        };
        if let Some(revoked) = self.entries.iter().filter(|entry| entry.revoked).find(same) {
            return Err(SshError::HostKey(format!(
                "the host key of {} is marked as revoked in {}:{}",
                self.host,
                path.display(),
                revoked.line
            )));
        }
        let mut valid = self.entries.iter().filter(|entry| !entry.revoked);
        if valid.clone().any(|entry| same(&entry)) {
            return Ok(());
        }
        Err(SshError::HostKey(match valid.next() {
            Some(other) => self.mismatch(path, other.line),
            None => self.not_found(path),
        }))
    }

    fn mismatch(&self, path: &Path, line: usize) -> String {
        let name = match self.port {
            22 => self.host.to_owned(),
            port => format!("'[{}]:{port}'", self.host),
        };
        format!(
            "the host key of {host} is not the one in {path}:{line}; if the machine was set up \
             anew, forget the old key with `ssh-keygen -f {path} -R {name}` and add the new one; \
             if not, somebody may be in between",
            host = self.host,
            path = path.display(),
        )
    }

    fn not_found(&self, path: &Path) -> String {
        format!(
            "the host key of {host} is not in {path}; if you trust the network, add it with \
             `ssh-keyscan -p {port} {host} >> {path}`",
            host = self.host,
            port = self.port,
            path = path.display(),
        )
    }
}

/// The part of a line that libssh2 understands, and whether its key is revoked.
fn entry(line: &str) -> Option<(bool, &str)> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("@revoked") {
        return Some((true, rest.trim_start()));
    }
    // Certificate authorities are not supported; a plain entry of the same host may be there.
    (!line.is_empty() && !line.starts_with(['#', '@'])).then_some((false, line))
}

fn check(session: &Session, line: &str, host: &str, port: u16, key: &[u8]) -> CheckResult {
    let Ok(mut hosts) = session.known_hosts() else { return CheckResult::Failure };
    match hosts.read_str(line, KnownHostFileKind::OpenSSH) {
        Ok(()) => hosts.check_port(host, port, key),
        Err(_) => CheckResult::NotFound,
    }
}

fn supported(session: &Session) -> Vec<String> {
    let algorithms = session.supported_algs(MethodType::HostKey).unwrap_or_default();
    algorithms.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJd3lq9VBgLx6jmBYPxyJmQ1MuICZNWCHRlx3MGmuLkW";

    fn known<R>(lines: &str, host: &str, port: u16, see: impl Fn(&Known<'_>) -> R) -> R {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines).unwrap();
        let keys = HostKeys::In(file.path().to_owned());
        let session = Session::new().unwrap();
        match keys.of(&session, host, port) {
            Ok(known) => see(&known),
            Err(_) => panic!("the file is readable"),
        }
    }

    #[test]
    fn entries_are_found_by_name_list_and_port_and_counted_in_lines() {
        let lines = format!(
            "# comment\n\nother ssh-ed25519 {KEY}\nn1,10.0.0.1 ssh-ed25519 {KEY}\n\
             [n1]:2222 ecdsa-sha2-nistp256 {KEY}\nbroken\n"
        );
        let at = |known: &Known<'_>| known.entries.iter().map(|e| e.line).collect::<Vec<_>>();
        assert_eq!(known(&lines, "10.0.0.1", 22, at), [4]);
        assert_eq!(known(&lines, "n1", 2222, at), [4, 5]);
        assert_eq!(known(&lines, "n2", 22, at), [0; 0]);
    }

    #[test]
    fn known_key_types_are_negotiated_first_and_others_are_left() {
        let first = |known: &Known<'_>| {
            known.preferred_types().map(|types| types.split(',').next().unwrap().to_owned())
        };
        let rsa = format!("n1 ssh-rsa {KEY}\n");
        assert_eq!(known(&rsa, "n1", 22, first).as_deref(), Some("rsa-sha2-512"));
        let curve = format!("n1 ssh-ed25519 {KEY}\n");
        assert_eq!(known(&curve, "n1", 22, first).as_deref(), Some("ssh-ed25519"));
        let all = |known: &Known<'_>| known.preferred_types().unwrap().split(',').count();
        assert!(known(&curve, "n1", 22, all) > 3);
        assert_eq!(known(&curve, "n2", 22, first), None);
    }

    #[test]
    fn a_revoked_key_is_no_known_key() {
        let lines = format!("@revoked n1 ssh-ed25519 {KEY}\n");
        known(&lines, "n1", 22, |known| {
            assert!(known.entries[0].revoked);
            assert_eq!(known.preferred_types(), None);
        });
    }
}
