//! A real etcd on loopback for tests, and a look at its sockets from outside.

#![allow(clippy::unwrap_used, dead_code)]

#[path = "../../../tests/support/requirement.rs"]
mod requirement;

use std::fs::{self, File};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use isobar_workloads::{Client, Connect, Invocation, Outcome, etcd};
use serde_json::{Value, json};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(20);

/// Whether etcd is installed. If not, says so, or panics where the whole suite must run.
pub fn have_etcd() -> bool {
    let missing = Command::new("etcd").arg("--version").output().is_err();
    requirement::met(missing.then(|| "no etcd here (apt-get install etcd-server)".to_owned()))
}

/// One member; ended with the value.
pub struct Etcd {
    pub address: String,
    pub port: u16,
    name: String,
    arguments: Vec<String>,
    child: Child,
    data: TempDir,
}

impl Etcd {
    /// A cluster of one, ready.
    pub async fn alone() -> Self {
        Self::cluster(1).await.remove(0)
    }

    /// A cluster of `size` members `n1`, `n2`, …, all of which know the leader.
    pub async fn cluster(size: usize) -> Vec<Self> {
        for _ in 0..3 {
            let mut members = Self::spawn(size);
            if Self::ready(&mut members).await {
                return members;
            }
        }
        panic!("etcd did not start, three times");
    }

    fn spawn(size: usize) -> Vec<Self> {
        // Held until all are chosen, so that they differ.
        let reserved: Vec<TcpListener> =
            (0..2 * size).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> =
            reserved.iter().map(|socket| socket.local_addr().unwrap().port()).collect();
        drop(reserved);
        let peers: Vec<String> = (0..size)
            .map(|n| format!("n{}=http://127.0.0.1:{}", n + 1, ports[2 * n + 1]))
            .collect();
        (0..size)
            .map(|n| {
                Self::member(&format!("n{}", n + 1), ports[2 * n], &peers[n], &peers.join(","))
            })
            .collect()
    }

    fn member(name: &str, port: u16, peer: &str, cluster: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let client_url = format!("http://127.0.0.1:{port}");
        let peer_url = peer.split_once('=').unwrap().1;
        let arguments: Vec<String> = [
            ("name", name),
            ("data-dir", data.path().join("data").to_str().unwrap()),
            ("listen-client-urls", &client_url),
            ("advertise-client-urls", &client_url),
            ("listen-peer-urls", peer_url),
            ("initial-advertise-peer-urls", peer_url),
            ("initial-cluster", cluster),
            ("heartbeat-interval", "50"),
            ("election-timeout", "500"),
        ]
        .iter()
        .map(|(flag, value)| format!("--{flag}={value}"))
        .collect();
        let child = run(&arguments, &data);
        let address = format!("127.0.0.1:{port}");
        Self { address, port, name: name.to_owned(), arguments, child, data }
    }

    /// Whether all came up; a member which ended (its port was taken) answers the question.
    async fn ready(members: &mut [Self]) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < LIMIT {
            let mut knowing = 0;
            for member in members.iter_mut() {
                if member.child.try_wait().unwrap().is_some() {
                    return false;
                }
                let status = etcd::status(&member.address).await;
                knowing += usize::from(status.is_ok_and(|status| status.leader_id != 0));
            }
            if knowing == members.len() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let log = fs::read_to_string(members[0].data.path().join("log")).unwrap();
        panic!("{} is not ready after {LIMIT:?}:\n{log}", members[0].name);
    }

    pub async fn client(&self, linearizable: bool) -> Box<dyn Client> {
        etcd::EtcdConnect { linearizable }.connect(&self.address).await.unwrap()
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let done = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid]).status();
        assert!(done.unwrap().success(), "kill -s {name} {pid}");
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was, after [`Etcd::kill`].
    pub async fn restart(&mut self) {
        self.child = run(&self.arguments, &self.data);
        assert!(Self::ready(std::slice::from_mut(self)).await, "{} ended", self.name);
    }

    /// Connections which clients hold to the member.
    pub fn connections(&self) -> usize {
        sockets().filter(|socket| socket.remote_port == self.port).count()
    }

    /// Bytes which the member has received and not read.
    pub fn unread_bytes(&self) -> u64 {
        sockets()
            .filter(|socket| socket.local_port == self.port)
            .map(|socket| socket.unread_bytes)
            .sum()
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn run(arguments: &[String], data: &TempDir) -> Child {
    let log = File::create(data.path().join("log")).unwrap();
    Command::new("etcd")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

struct Socket {
    local_port: u16,
    remote_port: u16,
    unread_bytes: u64,
}

/// Established TCP connections over IPv4: proc_net_tcp(5).
fn sockets() -> impl Iterator<Item = Socket> {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let port = |address: &str| u16::from_str_radix(address.split_once(':').unwrap().1, 16).unwrap();
    let sockets: Vec<Socket> = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|columns| columns[3] == "01")
        .map(|columns| Socket {
            local_port: port(columns[1]),
            remote_port: port(columns[2]),
            unread_bytes: u64::from_str_radix(columns[4].split_once(':').unwrap().1, 16).unwrap(),
        })
        .collect();
    sockets.into_iter()
}

/// Waits for a condition, within a limit.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "not after {LIMIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn read(key: &str) -> Invocation {
    Invocation { f: "read".to_owned(), key: Some(json!(key)), value: Value::Null }
}

pub fn write(key: &str, value: Value) -> Invocation {
    Invocation { f: "write".to_owned(), key: Some(json!(key)), value }
}

pub fn cas(key: &str, old: Value, new: Value) -> Invocation {
    Invocation { f: "cas".to_owned(), key: Some(json!(key)), value: json!([old, new]) }
}

pub fn ok(value: Value) -> Outcome {
    Outcome::Ok(value)
}
