//! A client of the toy system: one line of JSON per request and per answer.
//!
//! ```text
//! {"id":3,"f":"cas","key":"k0","value":[18,19]}   ──▶   {"id":3,"ok":null}
//!                                                       {"id":3,"fail":"…"}   it did not happen
//!                                                       {"id":3,"info":"…"}   nobody knows
//! {"id":4,"f":"txn","key":null,"value":[["r","k0",null]]}   ──▶   {"id":4,"ok":[["r","k0",[1]]]}
//! ```

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::{Client, Connect, ConnectError, Invocation, Outcome};

/// Connects to one node of the toy system. Nothing is ever sent twice.
#[derive(Clone, Copy, Debug)]
pub struct ToyConnect;

struct ToyClient {
    /// `None` after an error: what the connection would bring next belongs to no request.
    stream: Option<BufReader<TcpStream>>,
    requests: u64,
}

#[async_trait]
impl Connect for ToyConnect {
    async fn connect(&self, address: &str) -> Result<Box<dyn Client>, ConnectError> {
        let fail = |error: std::io::Error| ConnectError {
            address: address.to_owned(),
            reason: error.to_string(),
        };
        let stream = TcpStream::connect(address).await.map_err(fail)?;
        stream.set_nodelay(true).map_err(fail)?;
        Ok(Box::new(ToyClient { stream: Some(BufReader::new(stream)), requests: 0 }))
    }
}

#[async_trait]
impl Client for ToyClient {
    async fn invoke(&mut self, invocation: &Invocation) -> Outcome {
        // Taken out while the answer is awaited: so a cancelled request ends the connection too.
        let Some(mut stream) = self.stream.take() else {
            return Outcome::Fail("not sent: the connection is closed".to_owned());
        };
        self.requests += 1;
        match exchange(&mut stream, self.requests, invocation).await {
            Ok(outcome) => {
                self.stream = Some(stream);
                outcome
            }
            Err(reason) => Outcome::indeterminate(invocation, reason),
        }
    }

    fn broken(&self) -> bool {
        self.stream.is_none()
    }
}

/// Sends one request and reads its answer; the error is the reason why nothing is known.
async fn exchange(
    stream: &mut BufReader<TcpStream>,
    id: u64,
    invocation: &Invocation,
) -> Result<Outcome, String> {
    let Invocation { f, key, value } = invocation;
    let request = format!("{}\n", json!({"id": id, "f": f, "key": key, "value": value}));
    let sent = stream.get_mut().write_all(request.as_bytes()).await;
    sent.map_err(|error| format!("while sending: {error}"))?;
    let mut line = String::new();
    match stream.read_line(&mut line).await {
        Err(error) => Err(format!("while waiting for the answer: {error}")),
        Ok(_) if !line.ends_with('\n') => Err("the node closed the connection".to_owned()),
        Ok(_) => answer(&line, id, invocation),
    }
}

fn answer(line: &str, id: u64, invocation: &Invocation) -> Result<Outcome, String> {
    let strange = || format!("not an answer to request {id}: {}", line.trim_end());
    let mut answer: Map<String, Value> = serde_json::from_str(line).map_err(|_| strange())?;
    if answer.get("id").and_then(Value::as_u64) != Some(id) {
        return Err(strange());
    }
    let mut reason = |word: &str| Some(answer.get_mut(word)?.as_str()?.to_owned());
    if let Some(reason) = reason("fail") {
        return Ok(Outcome::Fail(reason));
    }
    if let Some(reason) = reason("info") {
        return Ok(Outcome::indeterminate(invocation, reason));
    }
    let value = answer.remove("ok").ok_or_else(strange)?;
    let tells = ["read", "txn"].contains(&invocation.f.as_str());
    Ok(Outcome::Ok(if tells { value } else { invocation.value.clone() }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    fn invocation(f: &str, value: Value) -> Invocation {
        Invocation { f: f.to_owned(), key: Some(json!("k0")), value }
    }

    /// A node that answers the first request with `answer` and then hangs up.
    async fn node(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        address
    }

    async fn outcome(answer: &'static str, invocation: &Invocation) -> Outcome {
        let address = node(answer).await;
        let mut client = ToyConnect.connect(&address).await.unwrap();
        client.invoke(invocation).await
    }

    #[tokio::test]
    async fn answers_are_told_apart() {
        let (read, write) = (invocation("read", Value::Null), invocation("write", json!(5)));
        let ok = outcome("{\"id\":1,\"ok\":null}\n", &read).await;
        assert_eq!(ok, Outcome::Ok(Value::Null));
        let ok = outcome("{\"id\":1,\"ok\":null}\n", &write).await;
        assert_eq!(ok, Outcome::Ok(json!(5)));
        let fail = outcome("{\"id\":1,\"fail\":\"no leader\"}\n", &write).await;
        assert_eq!(fail, Outcome::Fail("no leader".to_owned()));
        let info = outcome("{\"id\":1,\"info\":\"lost\"}\n", &write).await;
        assert_eq!(info, Outcome::Info("lost".to_owned()));
    }

    #[tokio::test]
    async fn without_a_whole_answer_a_write_is_unknown_and_a_read_failed() {
        for nothing in
            ["", "{\"id\":1,\"ok\"", "nonsense\n", "{\"id\":9,\"ok\":1}\n", "{\"id\":1}\n"]
        {
            let write = outcome(nothing, &invocation("write", json!(5))).await;
            assert!(matches!(write, Outcome::Info(_)), "{nothing}: {write:?}");
            let read = outcome(nothing, &invocation("read", Value::Null)).await;
            assert!(matches!(read, Outcome::Fail(_)), "{nothing}: {read:?}");
        }
    }

    #[tokio::test]
    async fn after_an_error_nothing_more_is_sent() {
        let mut client = ToyConnect.connect(&node("").await).await.unwrap();
        let write = invocation("write", json!(5));
        assert!(!client.broken());
        assert!(matches!(client.invoke(&write).await, Outcome::Info(_)));
        assert!(client.broken());
        assert!(matches!(client.invoke(&write).await, Outcome::Fail(_)));
    }

    #[tokio::test]
    async fn a_refused_connection_is_an_error_of_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let error = ToyConnect.connect(&address).await.err().unwrap().to_string();
        assert!(error.contains(&address), "{error}");
    }
}
