//! A client whose requests are data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::objects::Objects;
use super::operation::{Operation, Pointer, RequestTemplate};
use super::{Answer, CreateOptions, Meaning, OperationOptions, Session, SessionOptions};
use crate::template::{Template, TemplateError, variable};
use crate::{Client, Connect, ConnectError, Context, Invocation, Outcome};

/// What to send for each operation.
#[derive(Clone, Debug, Default)]
pub struct HttpOptions {
    /// Sent with every request; `${NAME}` is a variable of the environment.
    pub headers: Vec<(String, String)>,
    pub create: Option<CreateOptions>,
    /// By the operation's name: `read`, `write`, `cas`, …
    pub operations: BTreeMap<String, OperationOptions>,
    pub connect_timeout: Duration,
}

/// One of the nodes.
#[derive(Clone, Debug)]
pub struct HttpTarget {
    /// What paths are appended to: `http://10.77.0.1:8080/api`.
    pub base: String,
    /// The field `node`: `{"name": "n1", "ip": "10.77.0.1", "role": null}`.
    pub node: Value,
}

/// Opens clients of an HTTP service. All share what objects the keys stand for.
pub struct HttpConnect {
    /// By the address at which a client is opened.
    targets: BTreeMap<String, HttpTarget>,
    shared: Arc<Shared>,
}

struct Shared {
    headers: Vec<(String, Template)>,
    create: Option<(RequestTemplate, Pointer)>,
    operations: BTreeMap<String, Operation>,
    connect_timeout: Duration,
    objects: Objects,
}

struct HttpClient {
    session: Session,
    node: Value,
    context: Context,
    /// Whether the last request left.
    reached: bool,
    shared: Arc<Shared>,
}

impl HttpConnect {
    /// # Errors
    /// Each thing that is wrong with the requests, with the name of what it is in.
    pub fn new(
        options: &HttpOptions,
        targets: BTreeMap<String, HttpTarget>,
    ) -> Result<Self, Vec<(String, String)>> {
        let mut wrong = Vec::new();
        let mut operations = BTreeMap::new();
        for (f, operation) in &options.operations {
            match Operation::new(operation) {
                Ok(operation) if options.create.is_none() && operation.request.needs_id() => {
                    let why = "`{{id}}` needs `create`, which says how an object is made";
                    wrong.push((f.clone(), why.to_owned()));
                }
                Ok(operation) => {
                    operations.insert(f.clone(), operation);
                }
                Err(why) => wrong.push((f.clone(), why)),
            }
        }
        let create = options.create.as_ref().map(|create| {
            let request = RequestTemplate::new(&create.request)?;
            if request.needs_id() {
                return Err("there is no `{{id}}` before it is made".to_owned());
            }
            Ok((request, Pointer::new(&create.result)?))
        });
        let create = create.transpose().unwrap_or_else(|why| {
            wrong.push(("create".to_owned(), why));
            None
        });
        let mut headers = Vec::new();
        for (name, value) in &options.headers {
            match Template::parse_with_variables(value) {
                Ok(value) => headers.push((name.clone(), value)),
                Err(why) => wrong.push(("headers".to_owned(), why.to_string())),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let connect_timeout = options.connect_timeout;
        let objects = Objects::default();
        let shared = Shared { headers, create, operations, connect_timeout, objects };
        Ok(Self { targets, shared: Arc::new(shared) })
    }

    /// The variables of the environment that its requests need, each once.
    pub fn variables(&self) -> Vec<String> {
        let Shared { headers, create, operations, .. } = &*self.shared;
        let requests = operations.values().map(|operation| &operation.request);
        let requests = requests.chain(create.iter().map(|(request, _)| request));
        let all = headers.iter().flat_map(|(_, value)| value.variables());
        let mut names: Vec<String> =
            all.chain(requests.flat_map(|r| r.variables())).map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    }

    fn open(&self, address: &str) -> Result<HttpClient, String> {
        let target = self.targets.get(address).ok_or("there is no such node")?;
        let fields = |name: &str| (name == "node").then(|| target.node.clone());
        let header = |(name, value): &(String, Template)| {
            Ok((name.clone(), value.text(&fields).map_err(|error| error.to_string())?))
        };
        let session = Session::open(&SessionOptions {
            base: target.base.clone(),
            headers: self.shared.headers.iter().map(header).collect::<Result<_, String>>()?,
            secrets: self.variables().iter().filter_map(|name| variable(name).ok()).collect(),
            connect_timeout: self.shared.connect_timeout,
        })?;
        let context = Context::default();
        let shared = Arc::clone(&self.shared);
        let node = target.node.clone();
        Ok(HttpClient { session, node, context, reached: true, shared })
    }
}

#[async_trait]
impl Connect for HttpConnect {
    async fn connect(&self, address: &str) -> Result<Box<dyn Client>, ConnectError> {
        match self.open(address) {
            Ok(client) => Ok(Box::new(client)),
            Err(reason) => Err(ConnectError { address: address.to_owned(), reason }),
        }
    }

    /// Reads a key that nobody writes. Every answer that is no result is an error: it would be
    /// one for all reads of the run.
    async fn probe(&self, address: &str) -> Result<(), String> {
        if !self.shared.operations.contains_key("read") {
            return Ok(());
        }
        let mut client = self.open(address)?;
        let read = Invocation::probe();
        match client.invoke(&read).await {
            Outcome::Ok(_) => Ok(()),
            Outcome::Fail(why) | Outcome::Info(why) => {
                let exchange = client.session.exchange().unwrap_or_default();
                Err(advice(exchange, &why))
            }
        }
    }
}

/// What is wrong with the first read, and what to do about it.
fn advice(exchange: &str, why: &str) -> String {
    let status = exchange.rsplit_once("→ ").map(|(_, answer)| answer).unwrap_or_default();
    let way_out = match status.get(..3) {
        Some("401" | "403") => "; check the token or password in `client: { http: { headers } }`",
        Some("404") => {
            "; if that is how an absent key answers, write `status: { 404: absent }` for `read`"
        }
        Some(status) if status.starts_with('2') => "; check the path and `result` of `read`",
        _ => "",
    };
    let why = match status.get(..3).and_then(|status| why.strip_prefix(status)) {
        Some(rest) if rest.starts_with(',') => rest.to_owned(),
        _ if exchange.contains(why) => String::new(),
        _ => format!(": {why}"),
    };
    format!("{exchange}{why}{way_out}")
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}")]
    Creation(String),
    #[error("{0}")]
    Lost(super::Lost),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

#[async_trait]
impl Client for HttpClient {
    fn begin(&mut self, context: &Context) {
        self.context = *context;
    }

    async fn invoke(&mut self, invocation: &Invocation) -> Outcome {
        // What a server echoes of a secret must not end in the history.
        match self.perform(invocation).await {
            Outcome::Ok(value) => Outcome::Ok(value),
            Outcome::Fail(why) => Outcome::Fail(self.session.redacted(&why)),
            Outcome::Info(why) => Outcome::Info(self.session.redacted(&why)),
        }
    }

    fn reached(&self) -> bool {
        self.reached
    }

    fn answer(&self) -> Option<&str> {
        self.session.exchange()
    }
}

impl HttpClient {
    async fn perform(&mut self, invocation: &Invocation) -> Outcome {
        let shared = Arc::clone(&self.shared);
        let Some(operation) = shared.operations.get(&invocation.f) else {
            return Outcome::Fail(format!("no request for `{}` (never sent)", invocation.f));
        };
        let id = match (&shared.create, operation.request.needs_id()) {
            (Some((create, pointer)), true) => {
                let key = invocation.key.clone().unwrap_or_default();
                let made = shared.objects.id(&key, async {
                    let answer = self.request(create, invocation, &Value::Null).await?;
                    match Meaning::of(answer.status) {
                        Meaning::Ok => pointer.of(&answer.json().map_err(Failed::Creation)?),
                        _ => Err(answer.to_string()),
                    }
                    .map_err(Failed::Creation)
                });
                match made.await {
                    Ok(id) => id,
                    Err(failed) => {
                        let text = format!("no object for {key}: {failed} (operation never sent)");
                        return Outcome::Fail(text);
                    }
                }
            }
            _ => Value::Null,
        };
        let mut outcome = self.once(operation, invocation, &id).await;
        for _ in 1..operation.send {
            let again = self.once(operation, invocation, &id).await;
            outcome = surest(outcome, again);
        }
        outcome
    }

    async fn once(
        &mut self,
        operation: &Operation,
        invocation: &Invocation,
        id: &Value,
    ) -> Outcome {
        match self.request(&operation.request, invocation, id).await {
            Ok(answer) => operation.outcome(invocation, &answer),
            Err(Failed::Lost(lost)) => lost.outcome(invocation),
            Err(failed) => Outcome::Fail(format!("{failed} (never sent)")),
        }
    }

    async fn request(
        &mut self,
        template: &RequestTemplate,
        invocation: &Invocation,
        id: &Value,
    ) -> Result<Answer, Failed> {
        let context = self.context;
        let fields = |name: &str| {
            Some(match name {
                "key" => invocation.key.clone()?,
                "value" => invocation.value.clone(),
                "process" => json!(context.process),
                "index" => json!(context.index),
                "run" => json!(format!("{:016x}", context.run)),
                "node" => self.node.clone(),
                "id" => id.clone(),
                _ => return None,
            })
        };
        let mut request = template.fill(&fields)?;
        request.headers.push(("traceparent".to_owned(), context.traceparent()));
        let answer = self.session.send(&request).await;
        self.reached = !matches!(answer, Err(super::Lost::NotSent(_)));
        answer.map_err(Failed::Lost)
    }
}

/// What is known of a request that was sent twice: it happened if either says so, and did not if
/// both do.
fn surest(first: Outcome, second: Outcome) -> Outcome {
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Ok(_) => 2,
        Outcome::Info(_) => 1,
        Outcome::Fail(_) => 0,
    };
    if rank(&second) > rank(&first) { second } else { first }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
