//! Nodes reached over SSH.
//!
//! A libssh2 session is one mutex: two commands on one session wait for each other. So every
//! running command has a session of its own, taken from a pool and put back only when it is
//! clean. Sessions never block inside libssh2: all waiting is done here, against a deadline
//! (a frozen node answers ping and accepts connections while its sshd says nothing).

mod connection;
mod exec;
mod gate;
mod known_hosts;
mod login;
mod pool;

use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::cluster::{Cluster, Command, Member, Node, Output, Remote, RemoteError, quote};
use crate::spec::{NodeOverride, SshSpec};

use connection::{Connection, Target};
use known_hosts::HostKeys;
use login::Login;
use pool::Pool;

/// SSH carries a command in one packet of 32 KiB at least (RFC 4253, section 6.1).
const COMMAND_BYTES_MAX: usize = 30_000;

/// Commands of a user other than root, or of root on some systems, lack the directories where
/// iptables and ip are.
const PATH: &str = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH\n";

/// Why a call over SSH failed, before it is told which node and command it was.
enum SshError {
    Unreachable(String),
    Authentication(String),
    HostKey(String),
    Deadline,
    Lost(String),
}

/// One node over SSH, with its own pool of sessions.
pub struct SshRemote {
    name: String,
    target: Target,
    pool: Pool,
}

impl SshRemote {
    fn session(&self, until: Instant) -> Result<(pool::Lease<'_>, ssh2::Channel), SshError> {
        if let Some(idle) = self.pool.idle(until)? {
            // A session may have died unnoticed while it was idle. Opening a channel has no
            // effect on the node, so it can be tried again on a new session.
            let half = Instant::now() + until.saturating_duration_since(Instant::now()) / 2;
            if let Ok(channel) = idle.connection().open_channel(half) {
                return Ok((idle, channel));
            }
            drop(idle);
            self.pool.clear();
        }
        let fresh = self.pool.fresh(until, || Connection::open(&self.target, until))?;
        let channel = fresh.connection().open_channel(until)?;
        Ok((fresh, channel))
    }

    fn execute(&self, command: &Command) -> Result<Output, SshError> {
        let line = self.line(command);
        if line.len() > COMMAND_BYTES_MAX {
            return Err(SshError::Lost(format!(
                "not sent: {} bytes are too long for a command, {COMMAND_BYTES_MAX} are allowed; \
                 send data through its standard input",
                line.len()
            )));
        }
        let until = Instant::now() + command.deadline;
        let (lease, channel) = self.session(until)?;
        let output = exec::run(lease.connection(), channel, &line, &command.stdin, until)?;
        lease.put_back();
        if command.privileged && !self.target.is_root() {
            refused_by_sudo(&output, &self.target.login.user)?;
        }
        Ok(output)
    }

    /// What the login shell on the node is given, which need not be a POSIX shell itself.
    fn line(&self, command: &Command) -> String {
        let script = format!("{PATH}{}", command.script);
        if command.privileged && !self.target.is_root() {
            quote(["sudo", "-n", "sh", "-c", &script])
        } else {
            quote(["sh", "-c", &script])
        }
    }
}

/// Tells sudo's own refusal from a failure of the command it was to run.
fn refused_by_sudo(output: &Output, user: &str) -> Result<(), SshError> {
    let text = output.error_text();
    let refused = output.status == 1 && text.starts_with("sudo: ");
    let missing = output.status == 127 && text.contains("sudo") && text.contains("not found");
    if !refused && !missing {
        return Ok(());
    }
    Err(SshError::Authentication(format!(
        "{user} cannot become root without a password ({}): log in as root, or allow it with \
         `{user} ALL=(ALL) NOPASSWD: ALL` in /etc/sudoers.d/isobar",
        text.lines().next().unwrap_or_default()
    )))
}

impl Remote for SshRemote {
    fn run(&self, command: &Command) -> Result<Output, RemoteError> {
        self.execute(command).map_err(|error| {
            let node = self.name.clone();
            let script = command.script.clone();
            match error {
                SshError::Unreachable(reason) => {
                    RemoteError::Unreachable { node, address: self.target.to_string(), reason }
                }
                SshError::Authentication(reason) => RemoteError::Authentication { node, reason },
                SshError::HostKey(reason) => RemoteError::HostKey { node, reason },
                SshError::Deadline => {
                    RemoteError::Deadline { node, script, deadline: command.deadline }
                }
                SshError::Lost(reason) => RemoteError::Lost { node, script, reason },
            }
        })
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Cluster {
    /// Resolves the addresses of the nodes and prepares the ways to them; connects to none.
    ///
    /// # Errors
    /// `Unreachable` for a name without an address or without a route; `Authentication` for a
    /// login that cannot work, as with a password variable that is not set.
    pub fn ssh(spec: &SshSpec) -> Result<Self, RemoteError> {
        let mut members = Vec::with_capacity(spec.nodes.len());
        for (index, name) in spec.nodes.iter().enumerate() {
            let target = target(spec, name)?;
            let node = Node { name: name.clone(), index, ip: target.socket.ip(), role: None };
            let remote = SshRemote { name: name.clone(), target, pool: Pool::default() };
            members.push(Member { node, remote: Arc::new(remote) });
        }
        let controller = members.first().map(|first| source_towards(&first.node)).transpose()?;
        Ok(Self { members, controller })
    }
}

fn target(spec: &SshSpec, name: &str) -> Result<Target, RemoteError> {
    let plain = NodeOverride::default();
    let own = spec.overrides.get(name).unwrap_or(&plain);
    let host = own.address.clone().unwrap_or_else(|| name.to_owned());
    let port = own.port.unwrap_or(spec.port);
    let socket = resolve(&host, port).map_err(|reason| RemoteError::Unreachable {
        node: name.to_owned(),
        address: format!("{host}:{port}"),
        reason,
    })?;
    let login = Login::new(spec, own)
        .map_err(|reason| RemoteError::Authentication { node: name.to_owned(), reason })?;
    let host_keys = if spec.check_host_keys {
        HostKeys::In(spec.known_hosts.as_deref().map_or_else(known_hosts_default, expand_home))
    } else {
        HostKeys::Any
    };
    Ok(Target { host, socket, login, host_keys })
}

/// The first IPv4 address of a host, or else its first address.
fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
    let found: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| format!("{error}; give its address under `overrides:` or in /etc/hosts"))?
        .collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| "the name has no address".to_owned())
}

/// Our address on the way to `node`. Connecting a UDP socket sends nothing.
fn source_towards(node: &Node) -> Result<IpAddr, RemoteError> {
    let any: IpAddr = if node.ip.is_ipv4() {
        std::net::Ipv4Addr::UNSPECIFIED.into()
    } else {
        std::net::Ipv6Addr::UNSPECIFIED.into()
    };
    let source = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((node.ip, 9))?;
        socket.local_addr()
    });
    source.map(|source| source.ip()).map_err(|error| RemoteError::Unreachable {
        node: node.name.clone(),
        address: node.ip.to_string(),
        reason: error.to_string(),
    })
}

fn known_hosts_default() -> PathBuf {
    expand_home(Path::new("~/.ssh/known_hosts"))
}

/// Replaces a leading `~/` by the home directory.
fn expand_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn output(status: i32, stderr: &str) -> Output {
        Output { status, stdout: Vec::new(), stderr: stderr.into() }
    }

    #[test]
    fn only_a_refusal_by_sudo_itself_is_an_authentication_error() {
        assert!(refused_by_sudo(&output(1, "sudo: a password is required\n"), "ann").is_err());
        assert!(refused_by_sudo(&output(127, "sh: 1: sudo: not found\n"), "ann").is_err());
        assert!(refused_by_sudo(&output(1, "iptables: no chain\n"), "ann").is_ok());
        assert!(refused_by_sudo(&output(127, "sh: 1: etcd: not found\n"), "ann").is_ok());
        assert!(refused_by_sudo(&output(0, ""), "ann").is_ok());
    }

    #[test]
    fn home_is_expanded_at_the_start_only() {
        let home = std::env::home_dir().unwrap();
        assert_eq!(expand_home(Path::new("~/.ssh/id")), home.join(".ssh/id"));
        assert_eq!(expand_home(Path::new("/a/~/b")), Path::new("/a/~/b"));
        assert_eq!(expand_home(Path::new("~ann/id")), Path::new("~ann/id"));
    }

    #[test]
    fn a_name_without_address_says_where_to_give_one() {
        let reason = resolve("no-such-host.invalid", 22).unwrap_err();
        assert!(reason.contains("overrides"), "{reason}");
    }
}
