//! One SSH session: connected, host key checked, logged in; and waiting on it with a deadline.

use std::fmt;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, Channel, ErrorCode, MethodType, Session};

use super::SshError;
use super::known_hosts::HostKeys;
use super::login::Login;

/// Limit for the TCP connection, within the command's deadline.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Limit for all of the login, within the command's deadline.
const LOGIN_MAX: Duration = Duration::from_secs(15);

/// How often the other side is asked for a sign of life while a command says nothing.
const KEEPALIVE_SECONDS: u32 = 5;

/// For libssh2's own waiting, which only happens when a session is taken apart.
const TIMEOUT_MS: u32 = 1000;

/// `LIBSSH2_ERROR_EAGAIN` of libssh2.h.
const WOULD_BLOCK: ErrorCode = ErrorCode::Session(-37);

/// A node's address and how to log in.
pub(super) struct Target {
    /// As the user wrote it, and as it stands in known_hosts.
    pub host: String,
    pub socket: SocketAddr,
    pub login: Login,
    pub host_keys: HostKeys,
}

impl Target {
    pub fn is_root(&self) -> bool {
        self.login.user == "root"
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.socket.port())
    }
}

/// Why an operation of libssh2 did not succeed.
pub(super) enum Stop {
    Deadline,
    Failed(ssh2::Error),
    Wait(std::io::Error),
}

impl Stop {
    pub fn lost(self) -> SshError {
        match self {
            Self::Deadline => SshError::Deadline,
            Self::Failed(error) => SshError::Lost(error.message().to_owned()),
            Self::Wait(error) => SshError::Lost(error.to_string()),
        }
    }

    fn unreachable(self, what: &str) -> SshError {
        match self {
            Self::Deadline => SshError::Deadline,
            Self::Failed(error) => SshError::Unreachable(format!("{what}: {}", error.message())),
            Self::Wait(error) => SshError::Unreachable(format!("{what}: {error}")),
        }
    }
}

/// A session which never blocks inside libssh2.
pub(super) struct Connection {
    session: Session,
    /// The session's socket, to wait for it and to cut it.
    socket: TcpStream,
}

impl Connection {
    pub fn open(target: &Target, until: Instant) -> Result<Self, SshError> {
        let left = until.saturating_duration_since(Instant::now()).min(CONNECT_MAX);
        if left.is_zero() {
            return Err(SshError::Deadline);
        }
        let socket = TcpStream::connect_timeout(&target.socket, left).map_err(|error| {
            SshError::Unreachable(match error.kind() {
                std::io::ErrorKind::TimedOut => format!("no answer within {left:?}"),
                std::io::ErrorKind::ConnectionRefused => {
                    format!("{error}; does sshd run there?")
                }
                _ => error.to_string(),
            })
        })?;
        let mut connection = Self::on(socket)
            .map_err(|error| SshError::Unreachable(format!("no session: {error}")))?;
        let login_until = until.min(Instant::now() + LOGIN_MAX);
        let entered = connection
            .negotiate(target, login_until)
            .and_then(|()| target.login.log_in(&connection, login_until));
        match entered {
            Ok(()) => Ok(connection),
            Err(SshError::Deadline) if login_until < until => Err(SshError::Unreachable(format!(
                "it accepts connections, but no login within {LOGIN_MAX:?}; is it frozen?"
            ))),
            Err(error) => Err(error),
        }
    }

    fn on(socket: TcpStream) -> Result<Self, std::io::Error> {
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let mut session = Session::new()?;
        session.set_tcp_stream(socket.try_clone()?);
        session.set_timeout(TIMEOUT_MS);
        session.set_blocking(false);
        Ok(Self { session, socket })
    }

    fn negotiate(&mut self, target: &Target, until: Instant) -> Result<(), SshError> {
        let port = target.socket.port();
        let known = target.host_keys.of(&self.session, &target.host, port)?;
        if let Some(types) = known.preferred_types() {
            self.session
                .method_pref(MethodType::HostKey, &types)
                .map_err(|error| SshError::HostKey(error.message().to_owned()))?;
        }
        // `handshake` wants the session mutable; a clone is the same session.
        let mut session = self.session.clone();
        self.patiently(until, || session.handshake())
            .map_err(|stop| stop.unreachable("no SSH session"))?;
        known.verify(&self.session)?;
        self.session.set_keepalive(true, KEEPALIVE_SECONDS);
        Ok(())
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    pub fn open_channel(&self, until: Instant) -> Result<Channel, SshError> {
        self.patiently(until, || self.session.channel_session()).map_err(Stop::lost)
    }

    /// Repeats `operation` until it no longer would block.
    pub fn patiently<T>(
        &self,
        until: Instant,
        mut operation: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<T, Stop> {
        loop {
            match operation() {
                Ok(value) => return Ok(value),
                Err(error) if error.code() == WOULD_BLOCK => self.wait(until)?,
                Err(error) => return Err(Stop::Failed(error)),
            }
        }
    }

    /// As [`Self::patiently`], but gives `None` when there is nothing to read yet.
    ///
    /// An operation that could not send must be repeated before any other is tried: libssh2 has
    /// a part of its packet in hand, and would take the next packet for that one.
    pub fn now_or_never<T>(
        &self,
        until: Instant,
        mut operation: impl FnMut() -> std::io::Result<T>,
    ) -> Result<Option<T>, Stop> {
        loop {
            match operation() {
                Ok(value) => return Ok(Some(value)),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    match self.session.block_directions() {
                        BlockDirections::Outbound | BlockDirections::Both => self.wait(until)?,
                        BlockDirections::Inbound | BlockDirections::None => return Ok(None),
                    }
                }
                Err(error) => return Err(Stop::Wait(error)),
            }
        }
    }

    /// Waits until the socket is ready for what libssh2 waits for.
    pub fn wait(&self, until: Instant) -> Result<(), Stop> {
        let flags = match self.session.block_directions() {
            BlockDirections::Outbound => PollFlags::OUT,
            BlockDirections::Both => PollFlags::IN | PollFlags::OUT,
            BlockDirections::Inbound | BlockDirections::None => {
                // Only when nothing else is half sent.
                self.session.keepalive_send().map_err(Stop::Failed)?;
                PollFlags::IN
            }
        };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Stop::Deadline);
        }
        let nap = left.min(Duration::from_secs(u64::from(KEEPALIVE_SECONDS)));
        let timeout = Timespec { tv_sec: nap.as_secs() as i64, tv_nsec: nap.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&self.socket, flags)], Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(Stop::Wait(error.into())),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Taking a session apart says goodbye to the other side, which may not listen. Once the
        // socket is cut that fails at once instead of waiting, and all memory is freed.
        let _ = self.session.disconnect(None, "done", None);
        let _ = self.socket.shutdown(Shutdown::Both);
        self.session.set_blocking(true);
    }
}
