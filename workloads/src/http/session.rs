//! Requests to one node over one connection.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

/// Shorter than any server keeps a connection.
const IDLE_MAX: Duration = Duration::from_secs(2);
/// The most that is read of an answer.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// The most that is quoted of a body.
const QUOTED_CHARS_MAX: usize = 200;

/// How to open a [`Session`].
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// What paths are appended to: `http://10.77.0.1:1337/api`.
    pub base: String,
    /// Sent with every request; the values are never shown.
    pub headers: Vec<(String, String)>,
    /// Other texts that are never shown, wherever they are sent.
    pub secrets: Vec<String>,
    /// How long the node may take to accept a connection. Less than an operation may take: an
    /// operation whose connection was never opened did not happen.
    pub connect_timeout: Duration,
}

/// A request; its body is JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Appended to the session's base.
    pub path: String,
    pub body: Option<Value>,
    /// Besides those of the session.
    pub headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    content_type: Option<String>,
    body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The request certainly did not reach the node.
    NotSent(String),
    /// Nobody knows what became of it.
    Unknown(String),
}

/// Sends requests to one node, one at a time.
pub struct Session {
    client: Client,
    base: String,
    secrets: Vec<String>,
    exchange: Option<String>,
}

impl Session {
    /// Prepares a session; the connection is opened by the first request.
    ///
    /// # Errors
    /// When a header cannot be sent.
    pub fn open(options: &SessionOptions) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &options.headers {
            let (name, mut value) = header(name, value)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .default_headers(headers)
            .user_agent(concat!("isobar/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(1)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .map_err(|error| chain(&error))?;
        let base = options.base.trim_end_matches('/').to_owned();
        Ok(Self { client, base, secrets: secrets(options), exchange: None })
    }

    /// Sends a request and waits for its answer, whatever its status. The caller sets the deadline
    /// by dropping the session.
    pub async fn send(&mut self, request: &Request) -> Result<Answer, Lost> {
        self.exchange = Some(self.redacted(&request.to_string()));
        let answer = self.perform(request).await;
        let end = match &answer {
            Ok(answer) => answer.to_string(),
            Err(lost) => lost.to_string(),
        };
        if let Some(exchange) = self.exchange.take() {
            self.exchange = Some(format!("{exchange} → {}", self.redacted(&end)));
        }
        answer
    }

    /// The last request and its answer, shortened, as people write them: `PUT /kv/k1 {"v":5} →
    /// 200`; without the arrow as long as there is no answer.
    pub fn exchange(&self) -> Option<&str> {
        self.exchange.as_deref()
    }

    /// A text without what is secret, nor the beginning of it where the text was cut off.
    pub fn redacted(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret, "…");
            let begins = |end: usize| secret.get(..end).filter(|part| part.len() >= 4);
            let cut = |part: &str| text.strip_suffix('…').is_some_and(|t| t.ends_with(part));
            let part = (1..secret.len()).rev().filter_map(begins).find(|part| cut(part));
            if let Some(part) = part {
                text.truncate(text.len() - part.len() - '…'.len_utf8());
                text.push('…');
            }
        }
        text
    }

    async fn perform(&self, request: &Request) -> Result<Answer, Lost> {
        let never = |reason: String| Lost::NotSent(reason);
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| never(format!("`{}` is no method", request.method)))?;
        let mut wire = self.client.request(method, format!("{}{}", self.base, request.path));
        for (name, value) in &request.headers {
            let (name, value) = header(name, value).map_err(never)?;
            wire = wire.header(name, value);
        }
        if let Some(body) = &request.body {
            wire = wire.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let mut response = wire.send().await.map_err(lost)?;
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                let limit = ANSWER_BYTES_MAX >> 20;
                return Err(Lost::Unknown(format!("the answer is larger than {limit} MiB")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: response.status().as_u16(), content_type, body })
    }
}

impl Answer {
    /// An answer as a server might give it.
    pub fn new(status: u16, content_type: &str, body: &str) -> Self {
        let (content_type, body) = (Some(content_type.to_owned()), body.as_bytes().to_vec());
        Self { status, content_type, body }
    }

    /// The body; an empty one is `null`.
    ///
    /// # Errors
    /// What it is instead of JSON.
    pub fn json(&self) -> Result<Value, String> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|_| {
            let kind = self.content_type.as_deref().unwrap_or("no content type");
            let kind = kind.split(';').next().unwrap_or_default();
            format!("the answer is not JSON but {kind}: {}", shortened(&self.text()))
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// `201 {"id":7}`: the status, and the body if it is JSON.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        match self.json() {
            Ok(Value::Null) => Ok(()),
            Ok(_) => write!(f, " {}", shortened(&self.text())),
            Err(_) => write!(f, " ({})", self.content_type.as_deref().unwrap_or("not JSON")),
        }
    }
}

/// `POST /entries {"value":3}`.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        match &self.body {
            Some(body) => write!(f, " {}", shortened(&body.to_string())),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(reason) => write!(f, "{reason} (never sent)"),
            Self::Unknown(reason) => f.write_str(reason),
        }
    }
}

/// What a server echoes must not end in the run: longest first, as one may contain another.
fn secrets(options: &SessionOptions) -> Vec<String> {
    let words = options.headers.iter().flat_map(|(_, value)| value.split_whitespace());
    let long = words.filter(|word| word.len() >= 8).map(str::to_owned);
    let plain = options.secrets.iter().cloned().chain(long);
    let mut all: Vec<String> = plain
        .flat_map(|secret| {
            let in_json = Value::String(secret.clone()).to_string();
            [in_json.trim_matches('"').to_owned(), secret]
        })
        .filter(|secret| !secret.is_empty())
        .collect();
    all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    all.dedup();
    all
}

/// `host:port` of a URL.
///
/// # Errors
/// When it is none.
pub fn authority(url: &str) -> Result<String, String> {
    let parsed = reqwest::Url::parse(url).map_err(|error| format!("`{url}` is no URL: {error}"))?;
    match (parsed.host_str(), parsed.port_or_known_default()) {
        (Some(host), Some(port)) if parsed.scheme().starts_with("http") => {
            Ok(format!("{host}:{port}"))
        }
        _ => Err(format!("`{url}` is no URL of HTTP: write `http://{{{{node.ip}}}}:8080`")),
    }
}

/// The first line of a text, or as much of it as is quoted.
pub(super) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let known = HeaderName::from_bytes(name.as_bytes());
    let known = known.map_err(|_| format!("`{name}` cannot name a header"))?;
    // The value may be secret.
    let value = HeaderValue::from_str(value);
    let value = value.map_err(|_| format!("the value of the header `{name}` cannot be sent"))?;
    Ok((known, value))
}

/// An error of the connection is one before the request was written; after any other nobody knows.
fn lost(error: reqwest::Error) -> Lost {
    let never = error.is_connect() || error.is_builder();
    let reason = chain(&error.without_url());
    if never { Lost::NotSent(reason) } else { Lost::Unknown(reason) }
}

/// The error and its causes, outermost first, each said once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// TLS as all sessions use it: ring, and the certificates that this machine trusts (or those of
/// `SSL_CERT_FILE`), read once.
fn tls() -> Result<ClientConfig, String> {
    static CONFIG: OnceLock<Result<ClientConfig, String>> = OnceLock::new();
    let build = || {
        let mut roots = RootCertStore::empty();
        // A machine without certificates can still speak HTTP.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = versions.map_err(|error| error.to_string())?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    };
    CONFIG.get_or_init(build).clone()
}
