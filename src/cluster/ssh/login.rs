//! Logging in: with a key, the agent, or a password.

use std::path::{Path, PathBuf};
use std::time::Instant;

use ssh2::ErrorCode;

use super::connection::{Connection, Stop};
use super::{SshError, expand_home};
use crate::spec::{NodeOverride, SshSpec};

/// What OpenSSH looks for, in this order.
const KEYS_DEFAULT: [&str; 3] = ["~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"];

/// The start of an OpenSSH private key without a passphrase: `openssh-key-v1`, cipher `none`.
const UNENCRYPTED: &str = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU";

/// Who logs in, and with what; tried in order.
pub(super) struct Login {
    pub user: String,
    credentials: Vec<Credential>,
}

enum Credential {
    Key(PathBuf),
    Agent,
    Password(String),
}

impl Login {
    pub fn new(spec: &SshSpec, own: &NodeOverride) -> Result<Self, String> {
        let mut credentials = Vec::new();
        if let Some(path) = own.key.as_ref().or(spec.key.as_ref()) {
            let path = expand_home(path);
            usable(&path)?;
            credentials.push(Credential::Key(path));
        }
        if spec.agent {
            credentials.push(Credential::Agent);
        }
        if let Some(variable) = &spec.password_env {
            let password = std::env::var(variable).map_err(|_| {
                format!(
                    "the environment variable {variable} has no password: set it, or give `key:` \
                     or `agent: true` in place of `password-env:`"
                )
            })?;
            credentials.push(Credential::Password(password));
        }
        if credentials.is_empty() {
            credentials = usual();
        }
        if credentials.is_empty() {
            return Err(format!(
                "no way to log in: there is no agent (SSH_AUTH_SOCK) and no unencrypted key in \
                 {}; give `key:`, `agent: true` or `password-env:`",
                KEYS_DEFAULT.join(", ")
            ));
        }
        Ok(Self { user: own.user.clone().unwrap_or_else(|| spec.user.clone()), credentials })
    }

    pub fn log_in(&self, connection: &Connection, until: Instant) -> Result<(), SshError> {
        let mut tried = Vec::new();
        for credential in &self.credentials {
            match self.try_one(connection, credential, until)? {
                None => return Ok(()),
                Some(refusal) => tried.push(refusal),
            }
        }
        Err(SshError::Authentication(format!(
            "login as {} was refused; tried {}; give another `user:`, `key:`, `agent: true` or \
             `password-env:`",
            self.user,
            tried.join(", ")
        )))
    }

    /// `None` when logged in, else what was tried and why it did not do.
    fn try_one(
        &self,
        connection: &Connection,
        credential: &Credential,
        until: Instant,
    ) -> Result<Option<String>, SshError> {
        let session = connection.session();
        match credential {
            Credential::Key(path) => {
                let attempt = connection.patiently(until, || {
                    session.userauth_pubkey_file(&self.user, None, path, None)
                });
                refusal(&path.display().to_string(), attempt)
            }
            Credential::Password(password) => {
                let attempt =
                    connection.patiently(until, || session.userauth_password(&self.user, password));
                refusal("the password", attempt)
            }
            Credential::Agent => self.try_agent(connection, until),
        }
    }

    fn try_agent(
        &self,
        connection: &Connection,
        until: Instant,
    ) -> Result<Option<String>, SshError> {
        let listed = connection.session().agent().and_then(|mut agent| {
            agent.connect()?;
            agent.list_identities()?;
            Ok((agent.identities()?, agent))
        });
        let (identities, agent) = match listed {
            Ok(listed) => listed,
            Err(error) => return Ok(Some(format!("the agent ({})", error.message()))),
        };
        for identity in &identities {
            let attempt = connection.patiently(until, || agent.userauth(&self.user, identity));
            if refusal(identity.comment(), attempt)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(format!("the agent ({} keys)", identities.len())))
    }
}

fn refusal(what: &str, attempt: Result<(), Stop>) -> Result<Option<String>, SshError> {
    match attempt {
        Ok(()) => Ok(None),
        // Codes of libssh2.h: socket trouble is no refusal, all else is.
        Err(Stop::Failed(error)) if !matches!(error.code(), ErrorCode::Session(-7 | -13 | -43)) => {
            Ok(Some(format!("{what} ({})", error.message())))
        }
        Err(stop) => Err(stop.lost()),
    }
}

/// The agent if there is one, then the usual files that can be read without a passphrase.
fn usual() -> Vec<Credential> {
    let agent = std::env::var_os("SSH_AUTH_SOCK").map(|_| Credential::Agent);
    let keys = KEYS_DEFAULT
        .iter()
        .map(|path| expand_home(Path::new(path)))
        .filter(|path| usable(path).is_ok())
        .map(Credential::Key);
    agent.into_iter().chain(keys).collect()
}

/// Checks what libssh2 would only call "unable to extract public key".
fn usable(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read the key {}: {error}", path.display()))?;
    if !text.contains("PRIVATE KEY-----") {
        return Err(format!("{} is not a private key", path.display()));
    }
    let openssh = text.strip_prefix("-----BEGIN OPENSSH PRIVATE KEY-----");
    let encrypted = match openssh {
        Some(body) => !body.trim_start().starts_with(UNENCRYPTED),
        None => text.contains("ENCRYPTED"),
    };
    if encrypted {
        return Err(format!(
            "the key {path} has a passphrase: load it with `ssh-add {path}` and give \
             `agent: true` in place of `key:`",
            path = path.display()
        ));
    }
    Ok(())
}
