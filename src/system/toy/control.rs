//! Orders and questions to a node, from outside.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::links;
use super::wire::read_line;

/// A node that lives answers at once; one that is paused never does.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("toy node at {address} cannot be reached: {source}")]
    Unreachable { address: SocketAddr, source: io::Error },
    #[error("toy node at {address} does not answer within {ANSWER_WITHIN:?}; is it paused?")]
    Silent { address: SocketAddr },
    #[error("toy node at {address} answered: {answer}")]
    Refused { address: SocketAddr, answer: String },
    #[error("{path}: {source}")]
    Links { path: PathBuf, source: io::Error },
}

/// Does not hear `names` any more, besides those it did not hear before.
///
/// A node that is down or paused takes the order up when it comes back.
pub async fn drop_peers(
    address: SocketAddr,
    file: &Path,
    names: &[String],
) -> Result<(), ControlError> {
    let mut cut = read_links(file)?;
    cut.extend(names.iter().cloned());
    write_links(address, file, &cut).await
}

/// Hears everybody again.
pub async fn heal(address: SocketAddr, file: &Path) -> Result<(), ControlError> {
    write_links(address, file, &BTreeSet::new()).await
}

/// A line per node that is not heard: its name and the number of messages dropped so far, which
/// is 0 for a node that does not run.
pub async fn show(address: SocketAddr, file: &Path) -> Result<String, ControlError> {
    let counts = match ask(address, "links").await {
        Ok(Value::Object(counts)) => counts,
        Ok(_) | Err(ControlError::Unreachable { .. } | ControlError::Silent { .. }) => Map::new(),
        Err(error) => return Err(error),
    };
    let count = |name: &str| counts.get(name).and_then(Value::as_u64).unwrap_or(0);
    let lines = read_links(file)?.into_iter().map(|name| format!("{name} {}\n", count(&name)));
    Ok(lines.collect())
}

/// What a node says of itself: `name`, `role`, `leader`, `term`, `commit`, `applied`,
/// `last-index`.
pub async fn status(address: SocketAddr) -> Result<Value, ControlError> {
    ask(address, "status").await
}

fn read_links(file: &Path) -> Result<BTreeSet<String>, ControlError> {
    links::read(file).map_err(|source| ControlError::Links { path: file.to_owned(), source })
}

async fn write_links(
    address: SocketAddr,
    file: &Path,
    names: &BTreeSet<String>,
) -> Result<(), ControlError> {
    links::write(file, names)
        .map_err(|source| ControlError::Links { path: file.to_owned(), source })?;
    match ask(address, "reload").await {
        // It reads the file when it starts; if it is paused, the order waits in its socket.
        Ok(_) | Err(ControlError::Unreachable { .. } | ControlError::Silent { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The answer to the request `f`.
async fn ask(address: SocketAddr, f: &str) -> Result<Value, ControlError> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("{}\n", json!({"id": 0, "f": f})).as_bytes()).await?;
        let (mut reader, mut line) = (BufReader::new(stream), String::new());
        read_line(&mut reader, &mut line).await?;
        Ok(line)
    };
    let line = tokio::time::timeout(ANSWER_WITHIN, exchange)
        .await
        .map_err(|_| ControlError::Silent { address })?
        .map_err(|source| ControlError::Unreachable { address, source })?;
    let mut answer: Value = serde_json::from_str(&line).unwrap_or_default();
    match answer.get_mut("ok") {
        Some(value) => Ok(value.take()),
        None => Err(ControlError::Refused { address, answer: line.trim_end().to_owned() }),
    }
}
