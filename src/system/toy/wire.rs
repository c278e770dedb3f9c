//! What is said over a node's port: lines of JSON, in UTF-8.
//!
//! ```text
//! client   {"id":1,"f":"read","key":"k0"}                    {"id":1,"ok":17}
//!          {"id":2,"f":"write","key":"k0","value":18}        {"id":2,"ok":null}
//!          {"id":3,"f":"cas","key":"k0","value":[18,19]}     {"id":3,"fail":"the value is …"}
//!                                                            {"id":3,"info":"…"}
//!          {"id":7,"f":"txn","value":[["r","k0",null]]}      {"id":7,"ok":[["r","k0",[1,2]]]}
//! control  {"id":4,"f":"status"}                             {"id":4,"ok":{"role":"leader",…}}
//!          {"id":5,"f":"links"}      (dropped so far)        {"id":5,"ok":{"n2":31}}
//!          {"id":6,"f":"reload"}     (the file of links)     {"id":6,"ok":null}
//! peer     {"hello":"n2"}, then one PeerMessage per line; nothing is answered on this connection
//! ```

use std::io;

use isobar_workloads::txn::Micro;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use super::raft::{Answer, Message, Operation, Token};

/// A longer line ends the connection.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Between nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerMessage {
    Raft(Message),
    /// A client's operation, for the leader; answered under the sender's token.
    Forward(Token, Operation),
    Answer(Token, Answer),
    /// The receiver of a [`PeerMessage::Forward`] does not lead, and has done nothing.
    Refuse(Token),
}

/// The first line of a connection from a peer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    pub hello: String,
}

/// A line of a client or of the controller.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub id: u64,
    pub f: String,
    #[serde(default)]
    key: Value,
    #[serde(default)]
    value: Value,
}

impl Request {
    /// The operation on a register, or the transaction; the error is for the client.
    pub fn operation(self) -> Result<Operation, String> {
        if self.f == "txn" {
            return Ok(Operation::Txn { micros: Micro::list(&self.value)? });
        }
        let key = match self.key {
            Value::Null => return Err(format!("`{}` needs a key", self.f)),
            Value::String(key) => key,
            other => other.to_string(),
        };
        match (self.f.as_str(), self.value) {
            ("read", _) => Ok(Operation::Read { key }),
            ("write", value) => Ok(Operation::Write { key, value }),
            ("cas", Value::Array(pair)) => match <[Value; 2]>::try_from(pair) {
                Ok([old, new]) => Ok(Operation::Cas { key, old, new }),
                Err(_) => Err("`cas` needs the value [old, new]".to_owned()),
            },
            ("cas", _) => Err("`cas` needs the value [old, new]".to_owned()),
            (other, _) => Err(format!("`{other}` is not one of read, write, cas, txn, status")),
        }
    }
}

/// The line that answers request `id`.
pub fn response(id: u64, answer: Answer) -> String {
    let (word, value) = match answer {
        Answer::Ok(value) => ("ok", value),
        Answer::Fail(reason) => ("fail", Value::String(reason)),
        Answer::Info(reason) => ("info", Value::String(reason)),
    };
    let members = [("id".to_owned(), json!(id)), (word.to_owned(), value)];
    format!("{}\n", Value::Object(Map::from_iter(members)))
}

/// Reads a line into `line`, emptied before; `false` at the end of the connection.
pub async fn read_line(
    reader: &mut (impl AsyncBufRead + Unpin),
    line: &mut String,
) -> io::Result<bool> {
    line.clear();
    reader.take(LINE_BYTES_MAX).read_line(line).await?;
    if !line.is_empty() && !line.ends_with('\n') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long, or torn"));
    }
    Ok(!line.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn operation(line: &str) -> Result<Operation, String> {
        serde_json::from_str::<Request>(line).map_err(|e| e.to_string())?.operation()
    }

    #[test]
    fn requests_become_operations_or_say_what_they_lack() {
        let read = operation(r#"{"id":1,"f":"read","key":7}"#);
        assert_eq!(read, Ok(Operation::Read { key: "7".to_owned() }));
        let cas = operation(r#"{"id":1,"f":"cas","key":"k","value":[null,1]}"#).unwrap();
        assert_eq!(cas, Operation::Cas { key: "k".to_owned(), old: Value::Null, new: json!(1) });
        for (line, complaint) in [
            (r#"{"id":1,"f":"cas","key":"k","value":[1]}"#, "[old, new]"),
            (r#"{"id":1,"f":"cas","key":"k","value":1}"#, "[old, new]"),
            (r#"{"id":1,"f":"swap","key":"k"}"#, "`swap` is not one of"),
            (r#"{"id":1,"f":"read"}"#, "needs a key"),
            (r#"{"id":1,"f":"read","kye":"k"}"#, "unknown field"),
            (r#"{"id":1,"f":"txn","value":[["r"]]}"#, "is not a list of"),
        ] {
            let error = operation(line).unwrap_err();
            assert!(error.contains(complaint), "{error}");
        }
    }

    #[test]
    fn an_absent_value_is_said_as_null() {
        assert_eq!(response(4, Answer::Ok(Value::Null)), "{\"id\":4,\"ok\":null}\n");
        assert_eq!(response(5, Answer::Fail("no".to_owned())), "{\"id\":5,\"fail\":\"no\"}\n");
    }
}
