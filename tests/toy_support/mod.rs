//! Three toy nodes as real processes, handled by the scripts and commands that a run uses.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use isobar::cluster::{Cluster, Command, Node};
use isobar::spec::{ToyBug, ToySpec};
use isobar::system::toy::Toy;
use isobar::system::{Links, ProcessState, System};
use isobar_workloads::{Invocation, Outcome};
use serde_json::{Value, json};

pub struct Group {
    pub toy: Toy,
    pub cluster: Cluster,
    directory: tempfile::TempDir,
}

impl Group {
    /// Starts three nodes and waits for a leader.
    pub async fn start(bug: ToyBug) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let cluster = Cluster::local(3);
        let toy = Toy::new(ToySpec { bug }, &cluster.nodes(), directory.path()).unwrap();
        let toy = toy.with_program(PathBuf::from(env!("CARGO_BIN_EXE_isobar")));
        let group = Self { toy, cluster, directory };
        for member in &group.cluster.members {
            group.toy.prepare(&member.node, member.remote.as_ref()).unwrap();
        }
        for index in 0..3 {
            group.start_node(index);
        }
        group.leader(&[0, 1, 2]).await;
        group
    }

    pub fn node(&self, index: usize) -> &Node {
        &self.cluster.members[index].node
    }

    /// Runs a script as a run would; what it printed.
    pub fn run(&self, index: usize, script: String) -> String {
        self.cluster.members[index].remote.check(&Command::shell(script)).unwrap().text()
    }

    pub fn start_node(&self, index: usize) {
        self.run(index, self.toy.scripts(self.node(index)).start);
    }

    pub fn kill_node(&self, index: usize) {
        self.run(index, self.toy.scripts(self.node(index)).kill);
    }

    pub fn pause_node(&self, index: usize) {
        self.run(index, self.toy.scripts(self.node(index)).pause);
    }

    pub fn resume_node(&self, index: usize) {
        self.run(index, self.toy.scripts(self.node(index)).resume);
    }

    pub fn state(&self, index: usize) -> Option<ProcessState> {
        ProcessState::parse(&self.run(index, self.toy.scripts(self.node(index)).state))
    }

    /// `index` does not hear `others` any more.
    pub fn cut(&self, index: usize, others: &[usize]) {
        let Links::Commands(commands) = self.toy.links(self.node(index)) else { panic!() };
        let names = others.iter().map(|other| self.node(*other).name.clone());
        let argv: Vec<String> = commands.drop.into_iter().chain(names).collect();
        self.run(index, isobar::cluster::quote(argv));
    }

    /// Nobody hears `index`, and it hears nobody.
    pub fn isolate(&self, index: usize) {
        let others: Vec<usize> = (0..3).filter(|other| *other != index).collect();
        self.cut(index, &others);
        others.iter().for_each(|other| self.cut(*other, &[index]));
    }

    pub fn heal(&self) {
        for index in 0..3 {
            let Links::Commands(commands) = self.toy.links(self.node(index)) else { panic!() };
            self.run(index, isobar::cluster::quote(commands.heal));
        }
    }

    pub fn dropped(&self, index: usize) -> String {
        let Links::Commands(commands) = self.toy.links(self.node(index)) else { panic!() };
        self.run(index, isobar::cluster::quote(commands.show))
    }

    /// Waits until all of `nodes` name the same one of them as their leader; its index.
    pub async fn leader(&self, nodes: &[usize]) -> usize {
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            let mut leaders = Vec::new();
            for index in nodes {
                let status = self.toy.status(self.node(*index)).await;
                leaders.push(status.ok().and_then(|status| status.leader));
            }
            let leader = nodes.iter().find(|i| leaders[0].as_ref() == Some(&self.node(**i).name));
            if let Some(leader) = leader
                && leaders.iter().all(|other| *other == leaders[0])
            {
                return *leader;
            }
            assert!(Instant::now() < end, "no leader of {nodes:?}: {leaders:?} {}", self.logs());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// One operation on `k`, over a connection of its own.
    pub async fn op(&self, index: usize, f: &str, value: Value) -> Outcome {
        let invocation = Invocation { f: f.to_owned(), key: Some(json!("k")), value };
        let address = self.toy.client_address(self.node(index));
        let mut client = self.toy.connect().connect(&address).await.unwrap();
        let limit = Duration::from_secs(5);
        tokio::time::timeout(limit, client.invoke(&invocation)).await.expect("no answer in 5 s")
    }

    fn logs(&self) -> String {
        let log =
            |n: &Node| std::fs::read_to_string(self.directory.path().join(&n.name).join("log"));
        self.cluster.nodes().iter().filter_map(|node| log(node).ok()).collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for member in &self.cluster.members {
            let kill = Command::shell(self.toy.scripts(&member.node).kill);
            // Already on the way out of a failed test, maybe: the others must still be ended.
            let _ = member.remote.run(&kill);
        }
    }
}
