//! What the etcd client's connection does on its own: nothing. Against a server that is none, so
//! that every byte can be seen.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use isobar_workloads::{Connect, Invocation, Outcome, etcd};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

fn operation(f: &str, value: Value) -> Invocation {
    Invocation { f: f.to_owned(), key: Some(json!("k0")), value }
}

/// Reads until the request's body has come, and how often its key was in what came.
async fn request(stream: &mut TcpStream) -> usize {
    let key = b"isobar/k0";
    let mut received = Vec::new();
    loop {
        let seen = received.windows(key.len()).filter(|window| window == key).count();
        if seen > 0 {
            return seen;
        }
        assert!(stream.read_buf(&mut received).await.unwrap() > 0, "closed before the request");
    }
}

#[tokio::test]
async fn an_operation_cut_off_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut client =
        etcd::EtcdConnect { linearizable: true }.connect(&address).await.expect("it listens");
    for (invocation, changes) in
        [(operation("write", json!(1)), true), (operation("read", Value::Null), false)]
    {
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            request(&mut stream).await
        };
        let (outcome, sent) = tokio::join!(client.invoke(&invocation), server);
        assert_eq!(sent, 1);
        assert_eq!(matches!(outcome, Outcome::Info(_)), changes, "{outcome:?}");
        assert_eq!(matches!(outcome, Outcome::Fail(_)), !changes, "{outcome:?}");
        let again = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
        assert!(again.is_err(), "connected again without an operation");
    }
}

/// As behind a partition: the kernel drops what asks for a place in a full queue.
#[tokio::test]
async fn no_answer_to_connecting_is_an_error_after_a_second() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    let place = Duration::from_millis(200);
    while let Ok(stream) = tokio::time::timeout(place, TcpStream::connect(address)).await {
        queued.push(stream.unwrap());
        assert!(queued.len() < 100, "the queue does not fill");
    }

    let begin = Instant::now();
    let connect = etcd::EtcdConnect { linearizable: true };
    let error = connect.connect(&address.to_string()).await.err().expect("the queue is full");
    let waited = begin.elapsed();
    assert!(waited > Duration::from_millis(900), "{error} after {waited:?}");
    assert!(waited < Duration::from_secs(2), "{error} after {waited:?}");
}

#[tokio::test]
async fn a_bad_address_is_an_error() {
    let error = etcd::EtcdConnect { linearizable: true }.connect("n 1:x").await.err();
    let error = error.expect("not an address").to_string();
    assert!(error.starts_with("cannot connect to n 1:x: "), "{error}");
}
