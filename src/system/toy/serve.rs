//! A node's port: clients, the controller and the other nodes.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::engine::Input;
use super::links::Links;
use super::log;
use super::raft::{Answer, Member, View};
use super::wire::{Hello, PeerMessage, Request, read_line, response};

/// What every connection needs.
pub struct Service {
    pub name: String,
    /// Of all members.
    pub names: Vec<String>,
    pub links: Links,
    pub inputs: Sender<Input>,
}

/// Accepts connections for ever.
pub async fn serve(service: Arc<Service>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let service = Arc::clone(&service);
                tokio::spawn(async move { service.connection(stream).await });
            }
            Err(error) => {
                // Out of file descriptors, as a rule: some connection has to end first.
                log(&format!("cannot accept: {error}"));
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

type Reader = BufReader<OwnedReadHalf>;

impl Service {
    async fn connection(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        let (mut reader, mut line) = (BufReader::new(reader), String::new());
        if !matches!(read_line(&mut reader, &mut line).await, Ok(true)) {
            return;
        }
        match serde_json::from_str::<Hello>(&line) {
            Ok(hello) => match self.names.iter().position(|name| *name == hello.hello) {
                Some(from) => self.peer(from, reader).await,
                None => log(&format!("`{}` is no member", hello.hello)),
            },
            Err(_) => self.client(reader, writer, line).await,
        }
    }

    async fn peer(&self, from: Member, mut reader: Reader) {
        let mut line = String::new();
        while let Ok(true) = read_line(&mut reader, &mut line).await {
            match serde_json::from_str::<PeerMessage>(&line) {
                Ok(_) if !self.links.hears(from) => {}
                Ok(message) => {
                    if self.inputs.send(Input::Peer { from, message }).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    log(&format!("not a message from {}: {error}", self.names[from]));
                    return;
                }
            }
        }
    }

    /// Answers one request after the other, until the client has gone.
    async fn client(&self, mut reader: Reader, mut writer: OwnedWriteHalf, mut line: String) {
        loop {
            let (id, answer) = match serde_json::from_str::<Request>(&line) {
                Ok(request) => (request.id, self.answer(request).await),
                Err(error) => (0, Some(Answer::Fail(format!("not a request: {error}")))),
            };
            let Some(answer) = answer else { return };
            if writer.write_all(response(id, answer).as_bytes()).await.is_err()
                || !matches!(read_line(&mut reader, &mut line).await, Ok(true))
            {
                return;
            }
        }
    }

    /// `None` when the node is about to end.
    async fn answer(&self, request: Request) -> Option<Answer> {
        match request.f.as_str() {
            "status" => {
                let (reply, view) = oneshot::channel();
                self.inputs.send(Input::View { reply }).ok()?;
                Some(Answer::Ok(self.status(&view.await.ok()?)))
            }
            "links" => {
                let counts = self.links.dropped().into_iter();
                Some(Answer::Ok(Value::Object(Map::from_iter(
                    counts.map(|(name, dropped)| (name.to_owned(), json!(dropped))),
                ))))
            }
            "reload" => Some(match self.links.reload() {
                Ok(()) => {
                    let cut: Vec<&str> =
                        self.links.dropped().iter().map(|(name, _)| *name).collect();
                    log(&format!("hears nothing from [{}]", cut.join(", ")));
                    Answer::Ok(Value::Null)
                }
                Err(error) => Answer::Fail(format!("cannot read the file of links: {error}")),
            }),
            _ => match request.operation() {
                Ok(operation) => {
                    let (reply, answer) = oneshot::channel();
                    self.inputs.send(Input::Request { operation, reply }).ok()?;
                    answer.await.ok()
                }
                Err(reason) => Some(Answer::Fail(reason)),
            },
        }
    }

    fn status(&self, view: &View) -> Value {
        json!({
            "name": self.name,
            "role": view.role,
            "leader": view.leader.and_then(|leader| self.names.get(leader)),
            "term": view.term,
            "commit": view.commit,
            "applied": view.applied,
            "last-index": view.last_index,
        })
    }
}
