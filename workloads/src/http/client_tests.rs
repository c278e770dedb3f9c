#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::http::RequestOptions;

/// A server which gives these answers, one to each request, and keeps what it was sent. An empty
/// answer closes the connection.
struct Server {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answers: Vec<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answers, kept) = (Arc::new(Mutex::new(answers.into_iter())), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answers), Arc::clone(&kept)));
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    answers: Arc<Mutex<std::vec::IntoIter<&'static str>>>,
    seen: Arc<Mutex<Vec<String>>>,
) {
    let mut text = String::new();
    loop {
        let mut buffer = [0; 4096];
        let Ok(read @ 1..) = stream.read(&mut buffer).await else { return };
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() < length.map_or(0, |length| length.parse().unwrap()) {
            continue;
        }
        seen.lock().unwrap().push(std::mem::take(&mut text));
        let Some(answer) = answers.lock().unwrap().next().filter(|answer| !answer.is_empty())
        else {
            return;
        };
        let (status, body) = answer.split_once(' ').unwrap_or((answer, ""));
        let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n");
        let whole = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(whole.as_bytes()).await.unwrap();
    }
}

fn operation(request: &str, body: Option<Value>, result: Option<&str>) -> OperationOptions {
    OperationOptions {
        request: RequestOptions { request: request.to_owned(), body, headers: Vec::new() },
        result: result.map(str::to_owned),
        ..OperationOptions::default()
    }
}

fn options() -> HttpOptions {
    let read = OperationOptions {
        statuses: vec![("404".to_owned(), Meaning::Absent)],
        ..operation("GET /kv/{{key}}", None, Some("/value"))
    };
    let write = operation("PUT /kv/{{key}}", Some(json!({"value": "{{value}}"})), None);
    HttpOptions {
        headers: vec![("authorization".to_owned(), "Bearer secret-token".to_owned())],
        create: None,
        operations: [("read".to_owned(), read), ("write".to_owned(), write)].into(),
        connect_timeout: Duration::from_secs(5),
    }
}

fn connect(options: &HttpOptions, address: &str) -> HttpConnect {
    let node = json!({"name": "n1", "ip": "127.0.0.1"});
    let target = HttpTarget { base: format!("http://{address}/api"), node };
    HttpConnect::new(options, [(address.to_owned(), target)].into()).unwrap()
}

fn invocation(f: &str, value: Value) -> Invocation {
    Invocation { f: f.to_owned(), key: Some(json!("k1")), value }
}

async fn outcomes(answers: Vec<&'static str>, invocations: &[Invocation]) -> Vec<Outcome> {
    let server = Server::start(answers).await;
    let mut client = connect(&options(), &server.address).open(&server.address).unwrap();
    let mut outcomes = Vec::new();
    for invocation in invocations {
        outcomes.push(client.invoke(invocation).await);
    }
    outcomes
}

#[tokio::test]
async fn operations_are_requests_and_answers_their_outcomes() {
    let server =
        Server::start(vec!["200 {\"value\":null}", "204", "200 {\"value\":5}", "404"]).await;
    let mut client = connect(&options(), &server.address).open(&server.address).unwrap();
    client.begin(&Context { run: 10, process: 2, index: 7 });
    let (read, write) = (invocation("read", Value::Null), invocation("write", json!(5)));
    assert_eq!(client.invoke(&read).await, Outcome::Ok(Value::Null));
    assert_eq!(client.invoke(&write).await, Outcome::Ok(json!(5)));
    assert_eq!(client.answer(), Some(r#"PUT /kv/k1 {"value":5} → 204"#));
    assert_eq!(client.invoke(&read).await, Outcome::Ok(json!(5)));
    assert_eq!(client.answer(), Some(r#"GET /kv/k1 → 200 {"value":5}"#));
    assert_eq!(client.invoke(&read).await, Outcome::Ok(Value::Null));

    let seen = server.seen();
    assert!(seen[1].starts_with("PUT /api/kv/k1 HTTP/1.1\r\n"), "{}", seen[1]);
    assert!(seen[1].ends_with("\r\n\r\n{\"value\":5}"), "{}", seen[1]);
    assert!(seen[1].contains("authorization: Bearer secret-token\r\n"), "{}", seen[1]);
    let parent = "traceparent: 00-000000000000000a0000000000000007-0000000000000008-01\r\n";
    assert!(seen[1].contains(parent), "{}", seen[1]);
}

#[tokio::test]
async fn without_a_definite_answer_a_write_is_unknown_and_a_read_failed() {
    let (read, write) = (invocation("read", Value::Null), invocation("write", json!(5)));
    for answer in ["", "500 {}", "502", "504", "303", "408"] {
        let outcomes = outcomes(vec![answer, answer], &[write.clone(), read.clone()]).await;
        assert!(matches!(&outcomes[0], Outcome::Info(_)), "{answer}: {outcomes:?}");
        assert!(matches!(&outcomes[1], Outcome::Fail(_)), "{answer}: {outcomes:?}");
    }
    for answer in ["400 {}", "401", "403", "409 {}"] {
        let outcomes = outcomes(vec![answer], std::slice::from_ref(&write)).await;
        assert!(matches!(&outcomes[0], Outcome::Fail(_)), "{answer}: {outcomes:?}");
    }
}

#[tokio::test]
async fn a_request_goes_out_once_and_is_not_redirected() {
    let server = Server::start(vec!["307", "", "200 {}"]).await;
    let mut client = connect(&options(), &server.address).open(&server.address).unwrap();
    let write = invocation("write", json!(5));
    for expected in 1..=2 {
        assert!(matches!(client.invoke(&write).await, Outcome::Info(_)));
        assert_eq!(server.seen().len(), expected);
    }
}

#[tokio::test]
async fn what_is_sent_twice_happened_if_one_answer_says_so() {
    let mut twice = options();
    twice.operations.get_mut("write").unwrap().send = 2;
    let told = async |answers: [&'static str; 2]| {
        let server = Server::start(answers.to_vec()).await;
        let mut client = connect(&twice, &server.address).open(&server.address).unwrap();
        let outcome = client.invoke(&invocation("write", json!(5))).await;
        let seen = server.seen();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0], seen[1], "the same request");
        outcome
    };
    for answers in [["204", "409"], ["409", "204"], ["", "204"], ["500", "204"], ["204", ""]] {
        assert_eq!(told(answers).await, Outcome::Ok(json!(5)), "{answers:?}");
    }
    for answers in [["409", "500"], ["", "409"], ["", ""]] {
        assert!(matches!(told(answers).await, Outcome::Info(_)), "{answers:?}");
    }
    assert!(matches!(told(["409", "400"]).await, Outcome::Fail(_)));
}

#[tokio::test]
async fn a_refused_connection_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut client = connect(&options(), &address).open(&address).unwrap();
    let Outcome::Fail(reason) = client.invoke(&invocation("write", json!(5))).await else {
        panic!("nothing was sent");
    };
    assert!(reason.contains("refused") && reason.contains("never sent"), "{reason}");
    assert!(!reason.contains("secret"), "{reason}");
}

#[tokio::test]
async fn the_object_of_a_key_is_made_once_and_its_id_is_named() {
    let request = |text: &str| RequestOptions { request: text.to_owned(), ..Default::default() };
    let create = CreateOptions { request: request("POST /entries"), result: "/data/id".to_owned() };
    let read = operation("GET /entries/{{id}}", None, Some("/data/value"));
    let options = HttpOptions {
        create: Some(create),
        operations: [("read".to_owned(), read)].into(),
        ..options()
    };
    let answers = vec![
        "500",
        "201 {\"data\":{\"id\":\"abc\"}}",
        "200 {\"data\":{\"value\":1}}",
        "200 {\"data\":{\"value\":2}}",
    ];
    let server = Server::start(answers).await;
    let connect = connect(&options, &server.address);
    let read = invocation("read", Value::Null);
    let mut first = connect.open(&server.address).unwrap();
    let Outcome::Fail(reason) = first.invoke(&read).await else { panic!("there is no object") };
    assert!(reason.starts_with("no object for \"k1\": 500"), "{reason}");
    assert_eq!(first.invoke(&read).await, Outcome::Ok(json!(1)));
    let mut second = connect.open(&server.address).unwrap();
    assert_eq!(second.invoke(&read).await, Outcome::Ok(json!(2)));
    let lines: Vec<String> =
        server.seen().iter().map(|seen| seen.lines().next().unwrap().to_owned()).collect();
    assert_eq!(
        lines[1..],
        [
            "POST /api/entries HTTP/1.1",
            "GET /api/entries/abc HTTP/1.1",
            "GET /api/entries/abc HTTP/1.1"
        ]
    );
}

#[tokio::test]
async fn a_probe_says_what_is_wrong_and_shows_no_secret() {
    let told = async |answer: &'static str| {
        let server = Server::start(vec![answer]).await;
        let connect = connect(&options(), &server.address);
        connect.probe(&server.address).await.unwrap_err()
    };
    assert_eq!(
        told("401 {\"token\":\"secret-token\"}").await,
        "GET /kv/isobar-probe → 401 {\"token\":\"…\"}; check the token or password in \
         `client: { http: { headers } }`"
    );
    assert_eq!(
        told("200 <!doctype html><p>Welcome").await,
        "GET /kv/isobar-probe → 200 (text/html), but the answer is not JSON but text/html: \
         <!doctype html><p>Welcome; check the path and `result` of `read`"
    );
    assert_eq!(
        told("200 {\"val\":5}").await,
        "GET /kv/isobar-probe → 200 {\"val\":5}, but the answer has nothing at /value: \
         {\"val\":5}; check the path and `result` of `read`"
    );
}

/// `PATH` is set wherever tests run; what it is, nobody may read in a run.
#[tokio::test]
async fn a_variable_of_the_environment_is_sent_and_not_shown() {
    let secret = std::env::var("PATH").unwrap();
    let long = "x".repeat(195 - "PUT /kv?token=".len());
    let write = operation("PUT /kv?token={{value}}", Some(json!({"token": "${PATH}"})), None);
    let cut = operation(&format!("PUT /kv/{long}"), Some(json!("${PATH}")), None);
    let operations = [("write".to_owned(), write), ("cut".to_owned(), cut)].into();
    let options = HttpOptions { headers: Vec::new(), operations, ..options() };
    let server = Server::start(vec!["204", "204"]).await;
    let mut client = connect(&options, &server.address).open(&server.address).unwrap();
    client.invoke(&invocation("write", json!(1))).await;
    assert_eq!(client.answer(), Some("PUT /kv?token=1 {\"token\":\"…\"} → 204"));
    assert!(server.seen()[0].ends_with(&json!({"token": secret}).to_string()));
    client.invoke(&invocation("cut", json!(1))).await;
    assert!(!client.answer().unwrap().contains(&secret[..8]), "{:?}", client.answer());
}

#[test]
fn wrong_requests_are_named() {
    let operations = [
        ("read".to_owned(), operation("GET /{{id}}", None, None)),
        ("write".to_owned(), operation("PUT /{{kye}}", None, None)),
        ("zero".to_owned(), OperationOptions { send: 0, ..operation("PUT /", None, None) }),
    ];
    let options = HttpOptions { operations: operations.into(), ..options() };
    let Err(wrong) = HttpConnect::new(&options, BTreeMap::new()) else { panic!("accepted") };
    assert_eq!(
        wrong.iter().map(|(f, _)| f.as_str()).collect::<Vec<_>>(),
        ["read", "write", "zero"]
    );
}
