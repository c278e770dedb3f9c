//! A client: one session with one node, and the requests that the operations are made of.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::Task;
use super::documents::Documents;
use super::outcome::{Stop, success};
use crate::http::{Lost, Request, Session};
use crate::{Client, Context, Invocation, Outcome};

pub(super) struct StrapiClient {
    pub(super) task: Task,
    session: Session,
    context: Context,
    /// Whether the last request left.
    reached: bool,
    pub(super) documents: Arc<Documents>,
    /// The last request and its answer.
    told: Option<String>,
    status: Option<u16>,
}

impl StrapiClient {
    pub fn new(task: Task, session: Session, documents: Arc<Documents>) -> Self {
        let context = Context::default();
        Self { task, session, context, reached: true, documents, told: None, status: None }
    }

    /// The `data` of the answer to a request.
    async fn ask(&mut self, method: &str, path: &str, data: Option<Value>) -> Result<Value, Stop> {
        let writes = method != "GET";
        let request = format!("{method} {}", path.split('?').next().unwrap_or(path));
        let asked = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            body: data.map(|data| json!({ "data": data })),
            headers: vec![("traceparent".to_owned(), self.context.traceparent())],
        };
        let answer = self.session.send(&asked).await;
        self.reached = !matches!(answer, Err(Lost::NotSent(_)));
        self.status = answer.as_ref().ok().map(|answer| answer.status);
        let (status, mut body) = success(answer, writes, &request)?;
        let data = body.get_mut("data").map(Value::take).unwrap_or_default();
        self.told = Some(answered(&request, status, &data));
        Ok(data)
    }

    /// A document's fields, or `None` where it is not there.
    pub(super) async fn get(&mut self, path: &str) -> Result<Option<Value>, Stop> {
        match self.ask("GET", path, None).await {
            Ok(Value::Null) => Err(Stop::Fail(format!("GET {path} was answered without data"))),
            Ok(data) => Ok(Some(data)),
            Err(Stop::Fail(reason)) if self.status == Some(404) => {
                self.told = Some(reason);
                Ok(None)
            }
            Err(stop) => Err(stop),
        }
    }

    /// All documents of a collection that the query selects.
    pub(super) async fn list(&mut self, path: &str) -> Result<Vec<Value>, Stop> {
        match self.ask("GET", path, None).await? {
            Value::Array(all) => Ok(all),
            _ => Err(Stop::Fail(format!("GET {path} was answered without a list"))),
        }
    }

    /// Creates a document; its id.
    pub(super) async fn post(&mut self, path: &str, data: Value) -> Result<String, Stop> {
        let created = self.ask("POST", path, Some(data)).await?;
        match created.get("documentId").and_then(Value::as_str) {
            Some(id) => Ok(id.to_owned()),
            None => Err(Stop::Info(format!("POST {path} was answered without an id"))),
        }
    }

    /// As `post`, of what is no document.
    pub(super) async fn call(&mut self, path: &str, data: Value) -> Result<(), Stop> {
        self.ask("POST", path, Some(data)).await.map(drop)
    }

    pub(super) async fn put(&mut self, path: &str, data: Value) -> Result<(), Stop> {
        self.ask("PUT", path, Some(data)).await.map(drop)
    }

    pub(super) async fn delete(&mut self, path: &str) -> Result<(), Stop> {
        self.ask("DELETE", path, None).await.map(drop)
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
fn answered(request: &str, status: u16, data: &Value) -> String {
    let document = data.get("documentId").and_then(Value::as_str);
    let document = document.map(|id| format!(", document {id}")).unwrap_or_default();
    format!("{request} → {status}{document}")
}

#[async_trait]
impl Client for StrapiClient {
    fn begin(&mut self, context: &Context) {
        self.context = *context;
    }

    async fn invoke(&mut self, invocation: &Invocation) -> Outcome {
        self.told = None;
        match self.perform(invocation).await {
            Ok(value) => Outcome::Ok(value),
            Err(stop) => stop.into(),
        }
    }

    fn reached(&self) -> bool {
        self.reached
    }

    fn answer(&self) -> Option<&str> {
        self.told.as_deref()
    }
}
