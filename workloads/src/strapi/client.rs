//! A client: one connection, and the requests that the operations are made of.

use std::sync::Arc;

use async_trait::async_trait;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::Task;
use super::connection::Connection;
use super::documents::Documents;
use super::outcome::{Stop, success};
use crate::{Client, Invocation, Outcome};

pub(super) struct StrapiClient {
    pub(super) task: Task,
    connection: Connection,
    pub(super) documents: Arc<Documents>,
    /// The last request and its answer.
    told: Option<String>,
    status: Option<StatusCode>,
}

impl StrapiClient {
    pub fn new(task: Task, connection: Connection, documents: Arc<Documents>) -> Self {
        Self { task, connection, documents, told: None, status: None }
    }

    /// The `data` of the answer to a request.
    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        data: Option<Value>,
    ) -> Result<Value, Stop> {
        let writes = method != Method::GET;
        let request = format!("{method} {}", path.split('?').next().unwrap_or(path));
        let body = data.map(|data| json!({ "data": data }));
        let answer = self.connection.request(&method, path, body.as_ref()).await;
        self.status = answer.as_ref().ok().map(|answer| answer.status);
        let (status, mut body) = success(answer, writes, &request)?;
        let data = body.get_mut("data").map(Value::take).unwrap_or_default();
        self.told = Some(answered(&request, status, &data));
        Ok(data)
    }

    /// A document's fields, or `None` where it is not there.
    pub(super) async fn get(&mut self, path: &str) -> Result<Option<Value>, Stop> {
        match self.ask(Method::GET, path, None).await {
            Ok(Value::Null) => Err(Stop::Fail(format!("GET {path} was answered without data"))),
            Ok(data) => Ok(Some(data)),
            Err(Stop::Fail(reason)) if self.status == Some(StatusCode::NOT_FOUND) => {
                self.told = Some(reason);
                Ok(None)
            }
            Err(stop) => Err(stop),
        }
    }

    /// All documents of a collection that the query selects.
    pub(super) async fn list(&mut self, path: &str) -> Result<Vec<Value>, Stop> {
        match self.ask(Method::GET, path, None).await? {
            Value::Array(all) => Ok(all),
            _ => Err(Stop::Fail(format!("GET {path} was answered without a list"))),
        }
    }

    /// Creates a document; its id.
    pub(super) async fn post(&mut self, path: &str, data: Value) -> Result<String, Stop> {
        let created = self.ask(Method::POST, path, Some(data)).await?;
        match created.get("documentId").and_then(Value::as_str) {
            Some(id) => Ok(id.to_owned()),
            None => Err(Stop::Info(format!("POST {path} was answered without an id"))),
        }
    }

    /// As `post`, of what is no document.
    pub(super) async fn call(&mut self, path: &str, data: Value) -> Result<(), Stop> {
        self.ask(Method::POST, path, Some(data)).await.map(drop)
    }

    pub(super) async fn put(&mut self, path: &str, data: Value) -> Result<(), Stop> {
        self.ask(Method::PUT, path, Some(data)).await.map(drop)
    }

    pub(super) async fn delete(&mut self, path: &str) -> Result<(), Stop> {
        self.ask(Method::DELETE, path, None).await.map(drop)
    }

    /// The id of the document that stands for `key`, created with `data` if nobody has yet.
    ///
    /// One that may have been created, but of which no id is known, is nobody's: it harms nobody.
    pub(super) async fn document(
        &mut self,
        collection: &'static str,
        key: &str,
        data: Value,
    ) -> Result<String, Stop> {
        let slot = self.documents.slot(collection, key);
        let mut slot = slot.lock().await;
        if let Some(id) = slot.as_ref() {
            return Ok(id.clone());
        }
        let path = format!("/api/{collection}");
        let id = self.post(&path, data).await.map_err(|stop| {
            let (Stop::Fail(reason) | Stop::Info(reason)) = stop;
            Stop::Fail(format!("its document was not created: {reason}"))
        })?;
        Ok(slot.insert(id).clone())
    }
}

/// `POST /api/entries → 201, document x4f…`
fn answered(request: &str, status: StatusCode, data: &Value) -> String {
    let document = data.get("documentId").and_then(Value::as_str);
    let document = document.map(|id| format!(", document {id}")).unwrap_or_default();
    format!("{request} → {}{document}", status.as_u16())
}

#[async_trait]
impl Client for StrapiClient {
    async fn invoke(&mut self, invocation: &Invocation) -> Outcome {
        self.told = None;
        match self.perform(invocation).await {
            Ok(value) => Outcome::Ok(value),
            Err(stop) => stop.into(),
        }
    }

    fn broken(&self) -> bool {
        self.connection.is_closed()
    }

    fn answer(&self) -> Option<&str> {
        self.told.as_deref()
    }
}
