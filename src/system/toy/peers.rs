//! The way to the other nodes: one connection to each, on which only this node speaks.
//!
//! A message that cannot be sent now is lost, as on any network: the core copes.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::wire::{Hello, PeerMessage};

/// The most messages on their way to one peer; more are lost.
const QUEUE_MAX: usize = 1024;
const CONNECT_AGAIN: Duration = Duration::from_millis(25);

/// Sends to one peer.
pub struct Peer(Sender<PeerMessage>);

impl Peer {
    /// Speaks to `address` as the node `me`, as long as the returned value lives.
    pub fn spawn(me: &str, address: String) -> Self {
        let (sender, receiver) = channel(QUEUE_MAX);
        let hello = Hello { hello: me.to_owned() };
        tokio::spawn(speak(hello, address, receiver));
        Self(sender)
    }

    pub fn send(&self, message: PeerMessage) {
        // A full queue is a slow or paused peer: the message is lost.
        let _ = self.0.try_send(message);
    }
}

async fn speak(hello: Hello, address: String, mut messages: Receiver<PeerMessage>) {
    loop {
        if let Ok(stream) = TcpStream::connect(&address).await
            && let Ended::Node = deliver(&hello, stream, &mut messages).await
        {
            return;
        }
        tokio::time::sleep(CONNECT_AGAIN).await;
        // What gathered while the peer was away is older than what the core would send now.
        while messages.try_recv().is_ok() {}
        if messages.is_closed() {
            return;
        }
    }
}

enum Ended {
    Connection,
    Node,
}

async fn deliver(
    hello: &Hello,
    mut stream: TcpStream,
    messages: &mut Receiver<PeerMessage>,
) -> Ended {
    // Batches are made here, not by the kernel's timers.
    let _ = stream.set_nodelay(true);
    let mut lines = Vec::new();
    push(&mut lines, hello);
    let mut batch = Vec::new();
    loop {
        if stream.write_all(&lines).await.is_err() {
            return Ended::Connection;
        }
        lines.clear();
        let mut nothing = [0];
        tokio::select! {
            // The peer never speaks here: bytes or none, its end of the connection is gone.
            _ = stream.read(&mut nothing) => return Ended::Connection,
            count = messages.recv_many(&mut batch, QUEUE_MAX) => {
                if count == 0 {
                    return Ended::Node;
                }
            }
        }
        batch.drain(..).for_each(|message| push(&mut lines, &message));
    }
}

fn push(lines: &mut Vec<u8>, message: &impl serde::Serialize) {
    // Writing JSON to memory fails only for maps with keys that are no strings: not here.
    if serde_json::to_writer(&mut *lines, message).is_ok() {
        lines.push(b'\n');
    }
}
