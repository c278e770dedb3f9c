//! One HTTP connection to one node: a request, then its answer, then the next.
//!
//! No pool, no redirect, no retry. After an error or a cancelled request the connection is gone,
//! and so it is when it has been idle for as long as a server may take for abandoned: a request
//! sent just then would be lost, and nobody could say whether it happened.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Strapi announces `Keep-Alive: timeout=5`.
const IDLE_MAX: Duration = Duration::from_secs(2);

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: StatusCode,
    /// Null where there is none; the error says why it is no JSON.
    pub body: Result<Value, String>,
}

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The request did not leave.
    NotSent(String),
    /// It may have arrived.
    Lost(String),
}

/// A connection, opened when it is needed.
pub struct Connection {
    address: String,
    token: String,
    open: Option<Open>,
}

struct Open {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    used: Instant,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// To `address` (`host:port`), with an API token.
    pub fn new(address: &str, token: &str) -> Self {
        Self { address: address.to_owned(), token: token.to_owned(), open: None }
    }

    /// Connects, unless there is a connection that may still be used.
    ///
    /// # Errors
    /// Why it cannot be reached; nothing was sent.
    pub async fn ensure(&mut self) -> Result<(), String> {
        let usable = |open: &Open| !open.sender.is_closed() && open.used.elapsed() < IDLE_MAX;
        if self.open.as_ref().is_some_and(usable) {
            return Ok(());
        }
        self.open = None;
        let reason = |error: std::io::Error| error.to_string();
        let stream = TcpStream::connect(&self.address).await.map_err(reason)?;
        stream.set_nodelay(true).map_err(reason)?;
        let io = TokioIo::new(stream);
        let (sender, connection) = http1::handshake(io).await.map_err(|error| error.to_string())?;
        let driver = tokio::spawn(async move {
            // Its error is that of the request which met it.
            let _ = connection.await;
        });
        self.open = Some(Open { sender, driver, used: Instant::now() });
        Ok(())
    }

    /// Whether an error has ended it.
    pub fn is_closed(&self) -> bool {
        self.open.is_none()
    }

    /// Sends a request and waits for the whole of its answer.
    pub async fn request(
        &mut self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Silence> {
        self.ensure().await.map_err(Silence::NotSent)?;
        let request = self.compose(method, path, body).map_err(Silence::NotSent)?;
        // Taken out while the answer is awaited: so a cancelled request ends the connection too.
        let Some(mut open) = self.open.take() else {
            return Err(Silence::NotSent("there is no connection".to_owned()));
        };
        let closed = |error: hyper::Error| Silence::NotSent(error.to_string());
        open.sender.ready().await.map_err(closed)?;
        let lost = |error: hyper::Error| Silence::Lost(error.to_string());
        let sent = open.sender.try_send_request(request).await;
        let answer = sent.map_err(|mut error| match error.take_message() {
            // It is handed back: the connection was closed before a byte of it was written.
            Some(_) => Silence::NotSent(error.into_error().to_string()),
            None => lost(error.into_error()),
        })?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await.map_err(lost)?.to_bytes();
        open.used = Instant::now();
        self.open = Some(open);
        Ok(Answer { status, body: json(&bytes) })
    }

    fn compose(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, String> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.address)
            .header("accept", "application/json")
            .header("authorization", format!("Bearer {}", self.token));
        let bytes = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        request.body(Full::new(bytes)).map_err(|error| error.to_string())
    }
}

fn json(bytes: &[u8]) -> Result<Value, String> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|_| {
        let text: String = String::from_utf8_lossy(bytes).chars().take(60).collect();
        format!("no JSON, but `{}`", text.trim())
    })
}
