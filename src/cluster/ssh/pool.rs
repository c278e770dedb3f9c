//! The sessions of one node.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::SshError;
use super::connection::Connection;
use super::gate::{Gate, Permit};

/// Commands that run on one node at a time; more wait for their turn.
const SESSIONS_MAX: usize = 16;

/// Logins at a time: sshd by default begins to turn away at 10 (`MaxStartups 10:30:100`).
const LOGINS_MAX: usize = 5;

/// An older idle session is not used again: what is between may have forgotten it.
const IDLE_MAX: Duration = Duration::from_secs(60);

pub(super) struct Pool {
    sessions: Gate,
    logins: Gate,
    idle: Mutex<Vec<(Instant, Connection)>>,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            sessions: Gate::new(SESSIONS_MAX),
            logins: Gate::new(LOGINS_MAX),
            idle: Mutex::default(),
        }
    }
}

/// A session in use. Dropping it ends the session; [`Lease::put_back`] keeps it for the next.
pub(super) struct Lease<'a> {
    connection: Connection,
    pool: &'a Pool,
    _permit: Permit<'a>,
}

impl Lease<'_> {
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Only for a session whose last command ended as it should.
    pub fn put_back(self) {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push((Instant::now(), self.connection));
    }
}

impl Pool {
    /// The session that was used last, if one is idle.
    pub fn idle(&self, until: Instant) -> Result<Option<Lease<'_>>, SshError> {
        let permit = self.sessions.enter(until).ok_or(SshError::Deadline)?;
        let (taken, old) = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = idle.pop();
            let now = Instant::now();
            let fresh = |since: &Instant| now.duration_since(*since) < IDLE_MAX;
            let old: Vec<_> = idle.extract_if(.., |(since, _)| !fresh(since)).collect();
            (taken.filter(|(since, _)| fresh(since)), old)
        };
        // Ending a session takes a moment: not under the lock.
        drop(old);
        Ok(taken.map(|(_, connection)| Lease { connection, pool: self, _permit: permit }))
    }

    /// A new session.
    pub fn fresh(
        &self,
        until: Instant,
        open: impl FnOnce() -> Result<Connection, SshError>,
    ) -> Result<Lease<'_>, SshError> {
        let permit = self.sessions.enter(until).ok_or(SshError::Deadline)?;
        let login = self.logins.enter(until).ok_or(SshError::Deadline)?;
        let connection = open()?;
        drop(login);
        Ok(Lease { connection, pool: self, _permit: permit })
    }

    /// Ends all idle sessions.
    pub fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle);
    }
}
