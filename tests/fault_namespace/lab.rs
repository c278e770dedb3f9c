//! A cluster of bare network namespaces around a bridge in one of its own: nothing is changed in
//! the root namespace. Commands run in a node's namespace; files and processes are the machine's.

#[path = "../support/requirement.rs"]
pub mod requirement;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use isobar::cluster::{Cluster, Command, Member, Node, Output, Remote, RemoteError};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

static LABS: AtomicU32 = AtomicU32::new(0);

/// Says why the tests cannot run here; with `ISOBAR_REQUIRE_LAB=1` that is a failure.
pub fn can_run() -> bool {
    let works = |program: &str, argument: &str| {
        let run = std::process::Command::new(program).arg(argument).output();
        run.is_ok_and(|output| output.status.success())
    };
    let missing = if !rustix::process::geteuid().is_root() {
        "not root (run as root)"
    } else if !works("ip", "-V") || !works("iptables", "-V") || !works("ip6tables", "-V") {
        "no ip, iptables or ip6tables (apt-get install iproute2 iptables)"
    } else if !netns_works() {
        "network namespaces are refused (run where `ip netns add` works)"
    } else {
        return true;
    };
    requirement::met(Some(missing.to_owned()))
}

fn netns_works() -> bool {
    let name =
        format!("isobar-try-{}-{}", std::process::id(), LABS.fetch_add(1, Ordering::Relaxed));
    let ip = |verb: &str| {
        let run = std::process::Command::new("ip").args(["netns", verb, &name]).output();
        run.is_ok_and(|output| output.status.success())
    };
    ip("add") && ip("del")
}

pub struct Lab {
    pub name: String,
    pub cluster: Cluster,
    pub remotes: Vec<Arc<NsRemote>>,
    owner: bool,
}

impl Lab {
    /// `v6`: the nodes are known by their IPv6 addresses; they have both.
    pub fn up(nodes: u8, v6: bool) -> Self {
        let number = LABS.fetch_add(1, Ordering::Relaxed);
        let name = format!("isobar-f{}-{number}", std::process::id());
        let mut lab = Self::attach(&name, nodes, v6);
        lab.owner = true;
        let hub = format!("{name}-hub");
        sh(&format!(
            "ip netns add {hub} && ip -n {hub} link set lo up &&
             ip -n {hub} link add br0 type bridge && ip -n {hub} link set br0 up &&
             ip -n {hub} addr add 10.9.0.254/24 dev br0"
        ));
        for i in 1..=nodes {
            let ns = format!("{name}-n{i}");
            sh(&format!(
                "ip netns add {ns} && ip -n {ns} link set lo up &&
                 ip -n {ns} link add e0 type veth peer name v{i} netns {hub} &&
                 ip -n {hub} link set v{i} master br0 up &&
                 ip -n {ns} addr add 10.9.0.{i}/24 dev e0 &&
                 ip -n {ns} addr add fd09::{i}/64 dev e0 nodad && ip -n {ns} link set e0 up"
            ));
        }
        lab
    }

    /// A lab that somebody else brought up and will take down.
    pub fn attach(name: &str, nodes: u8, v6: bool) -> Self {
        let address = |i: u8| -> IpAddr {
            if v6 {
                Ipv6Addr::new(0xfd09, 0, 0, 0, 0, 0, 0, u16::from(i)).into()
            } else {
                Ipv4Addr::new(10, 9, 0, i).into()
            }
        };
        let remotes: Vec<Arc<NsRemote>> = (1..=nodes)
            .map(|i| {
                let (node, ns) = (format!("n{i}"), format!("{name}-n{i}"));
                Arc::new(NsRemote {
                    node,
                    ns,
                    unreachable: AtomicBool::new(false),
                    explodes: AtomicBool::new(false),
                    programs: OnceLock::new(),
                })
            })
            .collect();
        let members = (1..=nodes)
            .zip(&remotes)
            .map(|(i, remote)| Member {
                node: Node {
                    name: format!("n{i}"),
                    index: usize::from(i) - 1,
                    ip: address(i),
                    role: None,
                },
                remote: Arc::clone(remote) as Arc<dyn Remote>,
            })
            .collect();
        let cluster = Cluster { members, controller: Some(Ipv4Addr::new(10, 9, 0, 254).into()) };
        Self { name: name.to_owned(), cluster, remotes, owner: false }
    }

    /// Runs a script on a node; its standard output.
    pub fn on(&self, node: usize, script: &str) -> String {
        let output = self.remotes[node - 1].run(&Command::shell(script)).unwrap();
        assert!(output.ok(), "{script}: {}", output.error_text());
        output.text()
    }

    /// All rules of a node, without counters and comments.
    pub fn rules(&self, node: usize) -> String {
        let saved = self.on(node, "iptables-save; ip6tables-save");
        let line = |line: &str| line.split(" [").next().unwrap_or_default().to_owned();
        let lines: Vec<String> =
            saved.lines().filter(|line| !line.starts_with('#')).map(line).collect();
        lines.join("\n")
    }

    pub fn address(&self, node: usize, port: u16) -> SocketAddr {
        SocketAddr::new(self.cluster.members[node - 1].node.ip, port)
    }

    pub fn within<T: Send + 'static>(
        &self,
        node: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        self.start_within(node, work).join().unwrap()
    }

    pub fn start_within<T: Send + 'static>(
        &self,
        node: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let path = format!("/run/netns/{}", self.remotes[node - 1].ns);
        std::thread::spawn(move || {
            let ns = File::open(path).unwrap();
            move_into_link_name_space(
                std::os::fd::AsFd::as_fd(&ns),
                Some(LinkNameSpaceType::Network),
            )
            .unwrap();
            work()
        })
    }

    /// Whether a datagram of `from` arrives at `to`; several are sent.
    pub fn hears(&self, to: usize, from: usize) -> bool {
        let address = self.address(to, 4000 + from as u16);
        let receiver = self.within(to, move || UdpSocket::bind(address).unwrap());
        receiver.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
        let local = self.address(from, 0);
        let sender = self.within(from, move || UdpSocket::bind(local).unwrap());
        (0..3).any(|_| {
            sender.send_to(b"?", address).unwrap();
            receiver.recv(&mut [0; 1]).is_ok()
        })
    }

    /// Whether `from` can open a connection to `port` of `to`.
    pub fn connects(&self, to: usize, from: usize, port: u16) -> bool {
        let address = self.address(to, port);
        let _listener = self.within(to, move || TcpListener::bind(address).unwrap());
        self.within(from, move || {
            TcpStream::connect_timeout(&address, Duration::from_millis(400)).is_ok()
        })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.owner {
            for i in 1..=self.remotes.len() {
                let _ = quiet(&format!("ip netns del {}-n{i}", self.name));
            }
            let _ = quiet(&format!("ip netns del {}-hub", self.name));
        }
    }
}

fn quiet(script: &str) -> std::io::Result<std::process::Output> {
    std::process::Command::new("sh").args(["-c", script]).output()
}

fn sh(script: &str) {
    let output = quiet(script).unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Waits for a condition; `what` says what did not come.
pub fn wait_for(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Commands in a network namespace.
pub struct NsRemote {
    node: String,
    ns: String,
    /// As if the way to the node were cut.
    pub unreachable: AtomicBool,
    /// The next command makes the calling thread panic.
    pub explodes: AtomicBool,
    /// Searched for programs before the usual directories.
    pub programs: OnceLock<PathBuf>,
}

impl NsRemote {
    /// Whether a command succeeds.
    pub fn ns_runs(&self, script: &str) -> bool {
        self.run(&Command::shell(script)).is_ok_and(|output| output.ok())
    }
}

impl Remote for NsRemote {
    fn run(&self, command: &Command) -> Result<Output, RemoteError> {
        let (node, script) = (self.node.clone(), command.script.clone());
        if self.unreachable.load(Ordering::SeqCst) {
            let reason = "the test says so".to_owned();
            return Err(RemoteError::Unreachable { node, address: self.ns.clone(), reason });
        }
        assert!(!self.explodes.swap(false, Ordering::SeqCst), "the test says so");
        let path = std::env::var("PATH").unwrap();
        let path = match self.programs.get() {
            Some(first) => format!("{}:{path}", first.display()),
            None => path,
        };
        let mut child = std::process::Command::new("ip")
            .env("PATH", path)
            .args(["netns", "exec", &self.ns, "sh", "-c", &command.script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = command.stdin.clone();
        // A script that does not read its input closes it: no error of ours.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
        let stdout = drain(child.stdout.take().unwrap());
        let stderr = drain(child.stderr.take().unwrap());
        let Some(status) = wait(&mut child, command.deadline) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(RemoteError::Deadline { node, script, deadline: command.deadline });
        };
        let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
        Ok(Output { status, stdout, stderr })
    }

    fn name(&self) -> &str {
        &self.node
    }
}

fn wait(child: &mut Child, deadline: Duration) -> Option<i32> {
    let began = Instant::now();
    while began.elapsed() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code().unwrap_or(-1));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}

fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}
