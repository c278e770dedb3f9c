//! `isobar serve`: the store in a browser. It reads, and never writes.
//!
//! ```text
//! request ──▶ access (who may ask) ──▶ place (which run, which file) ──▶ page or file
//!                                          └── catalog: what each run came to, read once
//! ```
//!
//! Pages are written as the report is: every value is text ([`crate::report::html::Html`]), one
//! style sheet and one script are allowed by their hashes, and all can be read without a script.

mod access;
mod answer;
mod archive;
mod catalog;
mod entry;
mod files;
mod follow;
mod live;
mod page;
mod place;
mod query;
mod site;
mod stream;
mod trend;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

pub use access::Token;
use site::Site;

/// What is served, and to whom.
#[derive(Debug)]
pub struct Options {
    pub store: PathBuf,
    pub listen: SocketAddr,
    /// Who does not know it gets nothing. Drawn where it is missing and others can reach us.
    pub token: Option<Token>,
}

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(
        "there is no store at {}: {source}; `isobar run` makes one, --store names another",
        path.display()
    )]
    Store { path: PathBuf, source: io::Error },
    #[error("cannot listen on {address}: {source}; --listen takes another, port 0 any free one")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot draw a token: {0}; give one with --token")]
    Token(getrandom::Error),
    #[error("cannot serve: {0}")]
    Io(#[from] io::Error),
}

/// Serves until somebody interrupts; `tell` is told the address to open.
///
/// # Errors
/// [`ServeError::Store`] before anything is opened, [`ServeError::Listen`] for a port that is
/// taken or not ours to take.
pub async fn serve(options: Options, tell: impl FnOnce(&str)) -> Result<(), ServeError> {
    let Options { store, listen, token } = options;
    let root = std::fs::read_dir(&store)
        .and_then(|_| store.canonicalize())
        .map_err(|source| ServeError::Store { path: store, source })?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|source| ServeError::Listen { address: listen, source })?;
    let address = listener.local_addr()?;
    let token = match token {
        None if !address.ip().is_loopback() => Some(Token::draw().map_err(ServeError::Token)?),
        given => given,
    };
    let query = token.as_ref().map(|token| format!("?token={}", token.text())).unwrap_or_default();
    let site = Site::new(root, address, token);
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tell(&format!("http://{address}/{query}"));
    // Whoever is being answered is cut off: nothing is lost that cannot be asked for again.
    tokio::select! {
        ended = axum::serve(listener, site::router(site)).into_future() => Ok(ended?),
        _ = term.recv() => Ok(()),
        _ = int.recv() => Ok(()),
    }
}
