//! An operation as data: a request with fields, and how to read its answer.

use serde_json::Value;

use super::{Answer, Meaning, Request, Statuses};
use crate::template::{Fields, JsonTemplate, Template, TemplateError};
use crate::{Invocation, Outcome};

/// The fields that a request may have.
///
/// `key` and `value` are the operation's (`value.0` and `value.1` of a cas, for one), `process`,
/// `index` and `run` tell which one it is, `node.name`, `node.ip` and `node.role` where it goes,
/// and `id` is that of the key's object (see [`CreateOptions`]).
pub const FIELDS: [&str; 7] = ["key", "value", "process", "index", "run", "node", "id"];

/// A request as people write it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestOptions {
    /// Method and path: `PUT /kv/{{key}}`. Fields in the path are percent-encoded.
    pub request: String,
    /// JSON. A string that is nothing but a field becomes the field's JSON value.
    pub body: Option<Value>,
    pub headers: Vec<(String, String)>,
}

/// An operation as people write it.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationOptions {
    pub request: RequestOptions,
    /// Where the answer has the result: a JSON pointer (RFC 6901), in which `*` stands for every
    /// element of a list, so that `/data/*/value` is a list of values. `None`: of a read the whole
    /// answer; of other operations what was asked.
    pub result: Option<String>,
    /// How many times the same request is sent, one after the other, whatever is answered.
    pub send: u32,
    /// What a status means, where it is not the usual: `("404", Absent)`.
    pub statuses: Vec<(String, Meaning)>,
}

impl Default for OperationOptions {
    fn default() -> Self {
        let request = RequestOptions::default();
        Self { request, result: None, send: 1, statuses: Vec::new() }
    }
}

/// How the object of a key comes to be, once, before the first operation that names its `id`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateOptions {
    pub request: RequestOptions,
    /// Where the answer has the id.
    pub result: String,
}

/// A request, ready to be filled in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RequestTemplate {
    method: String,
    path: Template,
    body: Option<JsonTemplate>,
    headers: Vec<(String, Template)>,
}

/// An operation, ready to be performed.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub(super) request: RequestTemplate,
    pub(super) send: u32,
    result: Option<Pointer>,
    statuses: Statuses,
}

/// A JSON pointer in which `*` stands for every element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer(String);

impl RequestTemplate {
    pub fn new(options: &RequestOptions) -> Result<Self, String> {
        let told = |error: TemplateError| error.to_string();
        let words = options.request.split_once(' ');
        let (method, path) = words.map(|(method, path)| (method, path.trim())).unwrap_or_default();
        if method.is_empty() || !method.chars().all(|c| c.is_ascii_uppercase()) {
            let request = &options.request;
            return Err(format!("`{request}` is no request: write `PUT /kv/{{{{key}}}}`"));
        }
        if !path.starts_with('/') {
            return Err(format!("the path `{path}` does not begin with `/`"));
        }
        let body = options.body.as_ref().map(JsonTemplate::parse).transpose().map_err(told)?;
        let header = |(name, value): &(String, String)| {
            Ok((name.clone(), Template::parse_with_variables(value).map_err(told)?))
        };
        let template = Self {
            method: method.to_owned(),
            path: Template::parse_with_variables(path).map_err(told)?,
            body,
            headers: options.headers.iter().map(header).collect::<Result<_, String>>()?,
        };
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let unknown = template.fields().map(first).find(|name| !FIELDS.contains(&name.as_str()));
        match unknown {
            None => Ok(template),
            Some(name) => {
                let known = FIELDS.join(", ");
                Err(format!("there is no field `{{{{{name}}}}}`; there are {known}"))
            }
        }
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        let body = self.body.iter().flat_map(JsonTemplate::templates);
        let headers = self.headers.iter().map(|(_, value)| value);
        std::iter::once(&self.path).chain(body).chain(headers)
    }

    fn fields(&self) -> impl Iterator<Item = &str> {
        self.templates().flat_map(Template::fields)
    }

    /// The variables of the environment that it needs.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.templates().flat_map(Template::variables)
    }

    pub fn needs_id(&self) -> bool {
        self.fields().any(|name| name == "id" || name.starts_with("id."))
    }

    pub fn fill(&self, fields: Fields<'_>) -> Result<Request, TemplateError> {
        let header = |(name, value): &(String, Template)| Ok((name.clone(), value.text(fields)?));
        Ok(Request {
            method: self.method.clone(),
            path: self.path.render(fields, percent_encoded)?,
            body: self.body.as_ref().map(|body| body.render(fields)).transpose()?,
            headers: self.headers.iter().map(header).collect::<Result<_, TemplateError>>()?,
        })
    }
}

impl Operation {
    /// # Errors
    /// What is wrong with it, for whoever wrote it.
    pub fn new(options: &OperationOptions) -> Result<Self, String> {
        if options.send == 0 {
            return Err("`send: 0` would send nothing: write 1 or more".to_owned());
        }
        let rules = options.statuses.iter().map(|(pattern, meaning)| (pattern.as_str(), *meaning));
        Ok(Self {
            request: RequestTemplate::new(&options.request)?,
            send: options.send,
            result: options.result.as_deref().map(Pointer::new).transpose()?,
            statuses: Statuses::new(rules)?,
        })
    }

    /// What an answer says about the operation.
    pub fn outcome(&self, invocation: &Invocation, answer: &Answer) -> Outcome {
        match self.statuses.meaning(answer.status) {
            Meaning::Absent => Outcome::Ok(Value::Null),
            Meaning::Fail => Outcome::Fail(answer.to_string()),
            Meaning::Info => Outcome::indeterminate(invocation, answer.to_string()),
            Meaning::Ok if self.result.is_none() && invocation.changes_state() => {
                Outcome::Ok(invocation.value.clone())
            }
            Meaning::Ok => match self.result_of(answer) {
                Ok(value) => Outcome::Ok(value),
                // It happened; only what it did is not known.
                Err(reason) => Outcome::indeterminate(invocation, reason),
            },
        }
    }

    fn result_of(&self, answer: &Answer) -> Result<Value, String> {
        let status = answer.status;
        let json = answer.json().map_err(|reason| format!("{status}, but {reason}"))?;
        match &self.result {
            None => Ok(json),
            Some(pointer) => pointer.of(&json).map_err(|reason| format!("{status}, but {reason}")),
        }
    }
}

impl Pointer {
    pub fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.starts_with('/') {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is no JSON pointer: write `/data/value`"))
    }

    /// What it points at; the error names the part that is not there.
    pub fn of(&self, json: &Value) -> Result<Value, String> {
        at(json, self.0.split('/').skip(1).collect::<Vec<_>>().as_slice()).ok_or_else(|| {
            let text = super::session::shortened(&json.to_string());
            format!("the answer has nothing at {}: {text}", self.0)
        })
    }
}

fn at(json: &Value, parts: &[&str]) -> Option<Value> {
    let Some((part, rest)) = parts.split_first() else { return Some(json.clone()) };
    if *part == "*" {
        return json.as_array()?.iter().map(|item| at(item, rest)).collect();
    }
    let name = part.replace("~1", "/").replace("~0", "~");
    let inner = match json {
        Value::Object(members) => members.get(&name),
        Value::Array(items) => name.parse::<usize>().ok().and_then(|place| items.get(place)),
        _ => None,
    };
    at(inner?, rest)
}

/// All but the unreserved characters of RFC 3986.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn request(request: &str) -> Result<RequestTemplate, String> {
        RequestTemplate::new(&RequestOptions { request: request.to_owned(), ..Default::default() })
    }

    #[test]
    fn a_request_is_filled_in() {
        let options = RequestOptions {
            request: "POST /kv/{{key}}?from={{process}}".to_owned(),
            body: Some(json!({"old": "{{value.0}}", "new": "{{value.1}}"})),
            headers: vec![("x-op".to_owned(), "{{index}}".to_owned())],
        };
        let fields = |name: &str| match name {
            "key" => Some(json!("a/b")),
            "value" => Some(json!([null, 5])),
            "process" => Some(json!(7)),
            "index" => Some(json!(12)),
            _ => None,
        };
        let filled = RequestTemplate::new(&options).unwrap().fill(&fields).unwrap();
        assert_eq!(filled.to_string(), r#"POST /kv/a%2Fb?from=7 {"old":null,"new":5}"#);
        assert_eq!(filled.headers, [("x-op".to_owned(), "12".to_owned())]);
    }

    #[test]
    fn bad_requests_are_told_with_the_way_out() {
        let error = |text: &str| request(text).unwrap_err();
        assert_eq!(error("/kv"), "`/kv` is no request: write `PUT /kv/{{key}}`");
        assert_eq!(error("GET kv"), "the path `kv` does not begin with `/`");
        let fields = "key, value, process, index, run, node, id";
        assert_eq!(
            error("GET /{{kye}}"),
            format!("there is no field `{{{{kye}}}}`; there are {fields}")
        );
        assert!(request("GET /{{id}}").unwrap().needs_id());
    }

    #[test]
    fn a_pointer_finds_members_elements_and_all_elements() {
        let json = json!({"data": [{"id": 1, "a/b": 2}, {"id": 3, "a/b": null}]});
        let of = |pointer: &str| Pointer::new(pointer).unwrap().of(&json);
        assert_eq!(of("/data/1/id").unwrap(), json!(3));
        assert_eq!(of("/data/*/id").unwrap(), json!([1, 3]));
        assert_eq!(of("/data/0/a~1b").unwrap(), json!(2));
        assert_eq!(of("").unwrap(), json);
        assert!(
            of("/data/2/id").unwrap_err().starts_with("the answer has nothing at /data/2/id: {")
        );
        assert!(Pointer::new("data").is_err());
    }
}
