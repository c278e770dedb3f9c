//! `client:` how clients talk to a system that isobar does not know.

use std::collections::BTreeMap;
use std::time::Duration;

use isobar_workloads::http::{
    CreateOptions, HttpOptions, Meaning, OperationOptions, RequestOptions,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How clients talk to a system that isobar does not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientSpec {
    /// Requests as data.
    Http(HttpSpec),
    /// Any program, spoken to in lines of JSON.
    Process(ProcessSpec),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpSpec {
    /// What paths are appended to: `http://{{node.ip}}:8080/api`.
    pub url: String,
    /// Sent with every request; `${NAME}` is a variable of the environment, never written down.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// How the object of a key is made, where the server names it; later requests have its
    /// `{{id}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<CreateSpec>,
    /// By the operation's name: `read`, `write`, `cas`, …
    pub operations: BTreeMap<String, OperationSpec>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CreateSpec {
    /// `POST /entries`
    pub request: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Where the answer has the id, as a JSON pointer.
    pub result: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OperationSpec {
    /// `PUT /kv/{{key}}`
    pub request: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Where the answer has the result, as a JSON pointer; `*` stands for every element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// How many times the request is sent, by default once: for a service which promises that the
    /// same request, as told by a header `idempotency-key: "{{run}}-{{index}}"`, has one effect.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub send: u32,
    /// What a status means, where it is not the usual: `{ 404: absent, 5xx: info }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub status: BTreeMap<String, MeaningSpec>,
}

/// What an answer means for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MeaningSpec {
    /// It happened.
    Ok,
    /// A read that found nothing.
    Absent,
    /// It certainly did not happen.
    Fail,
    /// Nobody knows.
    Info,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProcessSpec {
    /// For a shell on this machine, one process per worker: `exec python3 client.py`.
    pub command: String,
}

impl HttpSpec {
    /// As the client takes it.
    pub fn options(&self, connect_timeout: Duration) -> HttpOptions {
        let operation = |(f, spec): (&String, &OperationSpec)| {
            let options = OperationOptions {
                request: request(&spec.request, spec.body.as_ref(), &spec.headers),
                result: spec.result.clone(),
                send: spec.send,
                statuses: spec.status.iter().map(|(s, m)| (s.clone(), (*m).into())).collect(),
            };
            (f.clone(), options)
        };
        let create = self.create.as_ref().map(|create| CreateOptions {
            request: request(&create.request, create.body.as_ref(), &create.headers),
            result: create.result.clone(),
        });
        HttpOptions {
            headers: pairs(&self.headers),
            create,
            operations: self.operations.iter().map(operation).collect(),
            connect_timeout,
        }
    }
}

fn once() -> u32 {
    1
}

fn is_once(count: &u32) -> bool {
    *count == once()
}

impl From<MeaningSpec> for Meaning {
    fn from(spec: MeaningSpec) -> Self {
        match spec {
            MeaningSpec::Ok => Self::Ok,
            MeaningSpec::Absent => Self::Absent,
            MeaningSpec::Fail => Self::Fail,
            MeaningSpec::Info => Self::Info,
        }
    }
}

fn request(text: &str, body: Option<&Value>, headers: &BTreeMap<String, String>) -> RequestOptions {
    RequestOptions { request: text.to_owned(), body: body.cloned(), headers: pairs(headers) }
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<(String, String)> {
    map.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}
