//! A system told in shell snippets (`system: custom`), or one that runs already (`system: none`).

mod fields;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use isobar_workloads::Connect;
use isobar_workloads::template::Template;
use tokio::net::TcpStream;

use super::{Daemon, LinkCommands, Links, OwnWays, ProcessScripts, Status, System, SystemError};
use crate::cluster::{Command, Node, Remote, quote};
use crate::spec::CustomSpec;
pub use fields::{FIELDS, NodeFields};

/// By default.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// Of what is said to be running.
const RUNNING_LIMIT: Duration = Duration::from_secs(10);
const INSTALL_DEADLINE: Duration = Duration::from_secs(600);
/// What is asked of this machine about a node must not take longer.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// A variable that every process of the system has in its environment, with the node's directory.
const COOKIE: &str = "ISOBAR_DIR";

/// A system told in snippets.
pub struct Custom {
    spec: CustomSpec,
    /// Whether isobar starts and stops it.
    runs: bool,
    nodes: Vec<Node>,
    /// Where a node's files are, without the node's name.
    root: Root,
    clients: Clients,
}

/// How clients of a node are opened: by its name.
pub struct Clients {
    pub connect: Arc<dyn Connect>,
    /// Where they connect (`host:port`), as far as that is known, by the names of the nodes.
    pub addresses: BTreeMap<String, String>,
}

/// Where nodes have their files.
#[derive(Clone, Debug)]
pub enum Root {
    /// Each node has a file system of its own.
    Nodes,
    /// All nodes are on this machine, below a directory.
    Local(PathBuf),
}

impl Root {
    /// A node's own directory.
    pub fn directory(&self, node: &Node) -> String {
        match self {
            Self::Nodes => "/var/lib/isobar-custom".to_owned(),
            Self::Local(root) => root.join(&node.name).to_string_lossy().into_owned(),
        }
    }
}

/// Whether the files that go to the nodes are here.
///
/// # Errors
/// Which one is not.
pub fn have_files(spec: &CustomSpec) -> Result<(), SystemError> {
    let mut all = spec.files.iter().chain(spec.roles.values().flat_map(|role| &role.files));
    all.try_for_each(|file| read(file).map(drop))
}

fn read(file: &str) -> Result<Vec<u8>, SystemError> {
    std::fs::read(file).map_err(|error| {
        let place = "`files` are looked for from the working directory";
        SystemError::Local(format!("system: custom: cannot read {file}: {error}; {place}"))
    })
}

impl Custom {
    /// As specified, on `nodes`; one that does not run here is left as it is.
    pub fn new(
        spec: CustomSpec,
        runs: bool,
        nodes: Vec<Node>,
        root: Root,
        clients: Clients,
    ) -> Self {
        Self { spec, runs, nodes, root, clients }
    }

    fn fields(&self, node: &Node) -> NodeFields {
        let port = self.snippets(node).port.clone();
        let (node, nodes, dir) = (node.clone(), self.nodes.clone(), self.root.directory(node));
        NodeFields { node, nodes, dir, port }
    }

    fn snippets(&self, node: &Node) -> &CustomSpec {
        self.spec.of_role(node.role.as_deref())
    }

    /// A snippet with its fields filled in. What is wrong with one was told by the validation.
    fn filled(&self, node: &Node, snippet: Option<&String>) -> Option<String> {
        let template = Template::parse(snippet?).ok()?;
        self.fields(node).fill(&template).ok()
    }

    /// Runs a snippet on this machine; what it prints, or why it is not content.
    async fn ask(&self, snippet: &str) -> Result<String, String> {
        // `timeout` ends what would outlive our patience.
        let mut command = std::process::Command::new("timeout");
        command.arg(ASK_LIMIT.as_secs().to_string()).args(["sh", "-c", snippet]);
        command.stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let told = if told.is_empty() { told } else { format!(": {told}") };
        Err(format!("`{snippet}` ended with {}{told}", output.status))
    }
}

#[async_trait]
impl System for Custom {
    fn name(&self) -> &'static str {
        if self.runs { "custom" } else { "none" }
    }

    fn title(&self) -> &'static str {
        "the service"
    }

    /// Nothing is known of it before it is installed.
    fn probe(&self, _node: &Node, _remote: &dyn Remote) -> Result<Option<String>, SystemError> {
        let told = if self.runs { "told in snippets" } else { "already running" };
        Ok(Some(told.to_owned()))
    }

    fn starts(&self, _node: &Node) -> bool {
        self.runs
    }

    fn start_limit(&self) -> Duration {
        if !self.runs {
            return RUNNING_LIMIT;
        }
        let all = std::iter::once(&self.spec).chain(self.spec.roles.values());
        let limits = all.filter_map(|spec| spec.ready_within);
        limits.max().map_or(READY_LIMIT, |limit| limit.0)
    }

    fn prepare(&self, node: &Node, remote: &dyn Remote) -> Result<String, SystemError> {
        if !self.runs {
            return Ok(String::new());
        }
        let root = matches!(self.root, Root::Nodes);
        let run =
            |command: Command| remote.check(&if root { command.privileged() } else { command });
        let directory = self.root.directory(node);
        run(Command::argv(["mkdir", "-p", "--", &format!("{directory}/data")]))?;
        for file in &self.snippets(node).files {
            let bytes = read(file)?;
            let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
            let target = quote([format!("{directory}/{name}")]);
            run(Command::shell(format!("cat >{target} && chmod 755 {target}")).stdin(bytes))?;
        }
        match self.filled(node, self.snippets(node).install.as_ref()) {
            Some(install) => Ok(run(Command::shell(install).deadline(INSTALL_DEADLINE))?.text()),
            None => Ok(String::new()),
        }
    }

    fn scripts(&self, node: &Node) -> ProcessScripts {
        if !self.runs {
            return ProcessScripts::of_nobody();
        }
        let spec = self.snippets(node);
        let fill = |snippet: &Option<String>| self.filled(node, snippet.as_ref());
        let directory = self.root.directory(node);
        let start = fill(&spec.start).unwrap_or_default();
        let daemon = Daemon {
            argv: ["env", &format!("{COOKIE}={directory}"), "sh", "-c", &start]
                .map(str::to_owned)
                .to_vec(),
            pid_file: format!("{directory}/pid"),
            log: format!("{directory}/log"),
            data: format!("{directory}/data"),
            // It may become another program: the time of its start tells who it is.
            mark: String::new(),
        };
        let mut scripts = daemon.group_scripts(&OwnWays {
            stop: fill(&spec.stop),
            kill: fill(&spec.kill),
            pause: fill(&spec.pause),
            resume: fill(&spec.resume),
        });
        if let Some(wipe) = fill(&spec.wipe) {
            scripts.wipe = format!("{}\n{wipe}", scripts.wipe);
        }
        scripts.wipe = format!("{}\nmkdir -p {}", scripts.wipe, quote([&daemon.data]));
        let fill = |log: &String| self.filled(node, Some(log));
        scripts.logs.extend(spec.logs.iter().filter_map(fill));
        scripts
    }

    fn remains(&self, node: &Node) -> Option<String> {
        let directory = self.root.directory(node);
        let (cookie, directory) = (quote([format!("{COOKIE}={directory}")]), quote([directory]));
        // What left its group, or outlived its parent, is known by its environment.
        let rest = format!(
            "for file in $(grep -lszxF -- {cookie} /proc/[0-9]*/environ); do\n  \
               pid=${{file#/proc/}}; kill -KILL \"${{pid%/environ}}\" 2>/dev/null\ndone\n"
        );
        self.runs.then(|| format!("{rest}rm -rf -- {directory}"))
    }

    fn start_order(&self, nodes: &[Node]) -> Vec<Vec<Node>> {
        let mut groups: Vec<Vec<Node>> = Vec::new();
        let mut rest: Vec<Node> = nodes.to_vec();
        while !rest.is_empty() {
            let waits = |node: &Node| {
                let after = &self.snippets(node).after;
                rest.iter().any(|other| other.role.as_ref().is_some_and(|r| after.contains(r)))
            };
            let (later, mut now): (Vec<Node>, Vec<Node>) = rest.iter().cloned().partition(waits);
            rest = later;
            if now.is_empty() {
                // A circle is told by the validation.
                now = std::mem::take(&mut rest);
            }
            groups.push(now);
        }
        groups
    }

    fn is_supervised(&self) -> bool {
        self.runs
    }

    fn has_leader(&self) -> bool {
        self.spec.leader.is_some() || self.spec.roles.values().any(|role| role.leader.is_some())
    }

    fn serves(&self, node: &Node) -> bool {
        self.spec.clients.is_none() || self.spec.clients == node.role
    }

    fn client_address(&self, node: &Node) -> String {
        node.name.clone()
    }

    fn port(&self, node: &Node) -> Option<u16> {
        self.fields(node).port_number()
    }

    fn peer_port(&self, node: &Node) -> u16 {
        self.fields(node).port_number().unwrap_or(0)
    }

    fn connect(&self) -> Arc<dyn Connect> {
        Arc::clone(&self.clients.connect)
    }

    async fn status(&self, node: &Node) -> Result<Status, String> {
        let spec = self.snippets(node);
        match self.filled(node, spec.ready.as_ref()) {
            Some(ready) => {
                self.ask(&ready).await?;
            }
            None => {
                // Without a port nothing is known of it but that it runs.
                let fields = self.fields(node);
                let port = fields.port_number().map(|_| fields.address());
                if let Some(address) =
                    port.or_else(|| self.clients.addresses.get(&node.name).cloned())
                {
                    let open = tokio::time::timeout(ASK_LIMIT, TcpStream::connect(&address)).await;
                    let open = open.map_err(|_| format!("{address} does not answer"))?;
                    open.map_err(|error| format!("{address}: {error}"))?;
                }
            }
        }
        let leader = match self.filled(node, spec.leader.as_ref()) {
            Some(snippet) => Some(self.ask(&snippet).await?).filter(|told| !told.is_empty()),
            None => None,
        };
        let named = leader.map(|told| {
            let known = self.nodes.iter().find(|n| n.name == told || n.ip.to_string() == told);
            known.map_or(told.clone(), |node| node.name.clone())
        });
        Ok(Status { leader: named, term: 0 })
    }

    fn links(&self, _node: &Node) -> Links {
        match self.root {
            Root::Nodes => Links::Iptables,
            // Their links cannot be cut, which the validation says.
            Root::Local(_) => {
                let no = || vec!["false".to_owned()];
                Links::Commands(LinkCommands { drop: no(), heal: no(), show: no() })
            }
        }
    }
}
