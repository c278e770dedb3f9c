//! A body that a thread writes while it is sent: long files and archives are never in memory.

use std::io::{self, BufWriter, Write};

use axum::body::{Body, Bytes};
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;

/// Bytes written at once, and how many of these may wait.
const CHUNK: usize = 1 << 16;
const CHUNKS_AHEAD: usize = 4;

struct Pipe(Sender<io::Result<Bytes>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The body that `write` writes. An error of its ends the connection early, so that nobody takes
/// half of it for the whole; a reader who goes away ends the writing.
pub fn body<F>(write: F) -> Body
where
    F: FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
{
    let (sender, receiver) = channel(CHUNKS_AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(CHUNK, Pipe(sender.clone()));
        if let Err(error) = write(&mut out).and_then(|()| out.flush()) {
            // Whoever went away does not hear it.
            let _ = sender.blocking_send(Err(error));
        }
    });
    Body::from_stream(ReceiverStream::new(receiver))
}
