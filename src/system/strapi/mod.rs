//! Strapi in front of PostgreSQL: nodes of the role `app` run one Strapi each, the node of the role
//! `db` the database.
//!
//! The database is started first, then one Strapi, which makes the tables, then the others: several
//! that start on an empty database at once kill one another (strapi/strapi#27567).

mod cache;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use isobar_workloads::Connect;
use isobar_workloads::strapi::{self, PROJECT, StrapiConnect, Task, VERSION};
use serde_json::{Map, Value};

use super::postgres::{self, Postgres};
use super::{Daemon, ProcessScripts, Status, System, SystemError};
use crate::cluster::{Command, Node, Remote, quote};
use crate::spec::{RelationKind, Spec, StrapiSpec, Transfers, Uniqueness, WorkloadSpec};

pub use cache::{CacheError, Packages};

/// The roles of its nodes.
pub const APP: &str = "app";
pub const DB: &str = "db";

const PORT: u16 = 1337;
/// Strapi holds as many connections at most, by its default.
const POOL_MAX: u32 = 10;
const NODE_VERSION_MIN: u32 = 20;
/// The project and its packages are kept here, below the lockfile's hash, for the next test.
const INSTALLED: &str = "/var/cache/isobar-strapi";
/// Everything else it writes is in the three places below.
const DATA: &str = "/var/lib/isobar-strapi";
const LOG: &str = "/var/log/isobar-strapi.log";
const PID_FILE: &str = "/run/isobar-strapi.pid";
/// The API token that the project is given when it starts. It guards nothing: the data are the
/// test's own.
const TOKEN: &str = "isobar-strapi-token";
/// Its first start makes more than a hundred tables.
const START_LIMIT: Duration = Duration::from_secs(240);
const UPLOAD_DEADLINE: Duration = Duration::from_secs(600);

/// Several Strapi and their database.
pub struct Strapi {
    nodes: Vec<Node>,
    task: Task,
}

impl Strapi {
    /// For the workload of `spec`, on `nodes`.
    ///
    /// # Errors
    /// When no node has the role of the database.
    pub fn new(settings: &StrapiSpec, spec: &Spec, nodes: &[Node]) -> Result<Self, SystemError> {
        let strapi = Self { nodes: nodes.to_vec(), task: task(settings, &spec.workload) };
        if strapi.database().is_none() {
            return Err(SystemError::Missing {
                node: nodes.last().map_or("n1", |node| &node.name).to_owned(),
                what: "no node is the database's".to_owned(),
                remedy: "give one the role `db`".to_owned(),
            });
        }
        Ok(strapi)
    }

    fn database(&self) -> Option<&Node> {
        self.nodes.iter().find(|node| is_database(node))
    }

    fn apps(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| !is_database(node))
    }

    fn postgres(&self) -> Postgres {
        let apps = self.apps().count() as u32;
        Postgres {
            clients: self.nodes.iter().map(|node| node.ip).collect(),
            connections: POOL_MAX * apps + 10,
        }
    }

    fn daemon(&self, node: &Node) -> Daemon {
        let database = self.database().map(|node| node.ip.to_string()).unwrap_or_default();
        let program = format!("{DATA}/node_modules/@strapi/strapi/bin/strapi.js");
        let variables = [
            ("HOST", node.ip.to_string()),
            ("PORT", PORT.to_string()),
            ("NODE_ENV", "production".to_owned()),
            ("STRAPI_TELEMETRY_DISABLED", "true".to_owned()),
            ("ISOBAR_TOKEN", TOKEN.to_owned()),
            ("DATABASE_HOST", database),
            ("DATABASE_PORT", postgres::PORT.to_string()),
            ("DATABASE_NAME", postgres::NAME.to_owned()),
            ("DATABASE_USERNAME", postgres::NAME.to_owned()),
        ];
        let words = variables.map(|(name, value)| format!("{name}={value}"));
        let installed = installed();
        let start = format!(
            "mkdir -p {DATA} && cp -R {installed}/project/. {DATA}/ &&\n\
             ln -sfn {installed}/node_modules {DATA}/node_modules && cd {DATA} &&\n\
             exec env {} node {program} start",
            quote(words),
        );
        Daemon {
            argv: ["sh".to_owned(), "-c".to_owned(), start].to_vec(),
            pid_file: PID_FILE.to_owned(),
            log: LOG.to_owned(),
            data: DATA.to_owned(),
            mark: program,
        }
    }
}

fn is_database(node: &Node) -> bool {
    node.role.as_deref() == Some(DB)
}

/// Where a node has this version of the project and its packages.
fn installed() -> String {
    format!("{INSTALLED}/{}", cache::hash())
}

fn task(settings: &StrapiSpec, workload: &WorkloadSpec) -> Task {
    match workload {
        WorkloadSpec::Append(_) | WorkloadSpec::Wr(_) => Task::Append,
        WorkloadSpec::Register(_) => Task::Register,
        WorkloadSpec::Set(_) => Task::Set,
        WorkloadSpec::Counter(_) => Task::Counter,
        WorkloadSpec::Unique(_) => Task::Unique { indexed: settings.unique == Uniqueness::Index },
        WorkloadSpec::Bank(_) => Task::Bank { locked: settings.transfers == Transfers::Locked },
        WorkloadSpec::Publish(_) => Task::Publish,
        WorkloadSpec::Delete(_) => Task::Delete,
        WorkloadSpec::Relation(_) => {
            Task::Relation { many: settings.relation == RelationKind::ManyToMany }
        }
    }
}

/// The version of a node's Node.js.
///
/// # Errors
/// When it has none, or one that Strapi does not run on.
fn probe_node_js(node: &Node, remote: &dyn Remote) -> Result<String, SystemError> {
    let version = remote.check(&Command::shell("node --version 2>/dev/null || :"))?.text();
    let version = version.trim_start_matches('v');
    let what = match version.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major >= NODE_VERSION_MIN => return Ok(version.to_owned()),
        Some(_) => format!("its Node.js is {version}, and Strapi {VERSION} needs 20 or newer"),
        None => "there is no Node.js (`node`) on its PATH".to_owned(),
    };
    let remedy = "install Node.js 20 or newer, as from nodejs.org".to_owned();
    Err(SystemError::Missing { node: node.name.clone(), what, remedy })
}

/// Gives a node the project, and the packages where it does not see those of this machine.
fn install(remote: &dyn Remote, packages: &Packages) -> Result<(), SystemError> {
    let (there, ours) = (installed(), packages.node_modules());
    let ours = quote([ours.to_string_lossy()]);
    let link = format!(
        "mkdir -p {there} && if [ -e {there}/whole ]; then echo whole\n\
         elif [ -d {ours} ]; then ln -sfn {ours} {there}/node_modules && echo whole; fi"
    );
    let as_root = |script: String| Command::shell(script).privileged().deadline(UPLOAD_DEADLINE);
    if remote.check(&as_root(link))?.text() != "whole" {
        let bundle = packages.bundle()?;
        let bytes = std::fs::read(&bundle)
            .map_err(|source| CacheError::Io { path: bundle.clone(), source })?;
        let unpack = format!("tar -C {there} -xzf - && touch {there}/whole");
        remote.check(&as_root(unpack).stdin(bytes))?;
    }
    let write = quote(["node", "-e", WRITE_FILES, &format!("{there}/project")]);
    remote.check(&as_root(write).stdin(files().to_string()))?;
    Ok(())
}

/// Writes the files that standard input has by their paths into a directory.
const WRITE_FILES: &str = "\
const fs = require('fs'), path = require('path');
const files = JSON.parse(fs.readFileSync(0, 'utf8')), root = process.argv[1];
fs.rmSync(root, { recursive: true, force: true });
for (const [name, text] of Object.entries(files)) {
  const file = path.join(root, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}";

/// The project's files by their paths.
fn files() -> Value {
    fn gather(directory: &include_dir::Dir<'_>, files: &mut Map<String, Value>) {
        for file in directory.files() {
            let text = file.contents_utf8().unwrap_or_default();
            files.insert(file.path().to_string_lossy().into_owned(), text.into());
        }
        directory.dirs().for_each(|below| gather(below, files));
    }
    let mut all = Map::new();
    gather(&PROJECT, &mut all);
    Value::Object(all)
}

#[async_trait]
impl System for Strapi {
    fn name(&self) -> &'static str {
        "strapi"
    }

    fn probe(&self, node: &Node, remote: &dyn Remote) -> Result<Option<String>, SystemError> {
        Ok(Some(match is_database(node) {
            true => format!("PostgreSQL {}", postgres::probe(node, remote)?),
            false => format!("{VERSION} on Node.js {}", probe_node_js(node, remote)?),
        }))
    }

    fn prepare(&self, node: &Node, remote: &dyn Remote) -> Result<String, SystemError> {
        let version = self.probe(node, remote)?.unwrap_or_default();
        if !is_database(node) {
            install(remote, &Packages::place()?)?;
        }
        Ok(version)
    }

    fn scripts(&self, node: &Node) -> ProcessScripts {
        match is_database(node) {
            true => self.postgres().scripts(),
            false => self.daemon(node).scripts(),
        }
    }

    fn start_order(&self, _nodes: &[Node]) -> Vec<Vec<Node>> {
        let database = self.database().cloned().into_iter().collect();
        let mut apps = self.apps().cloned();
        let first = apps.next().into_iter().collect();
        [database, first, apps.collect()]
            .into_iter()
            .filter(|group: &Vec<_>| !group.is_empty())
            .collect()
    }

    fn has_leader(&self) -> bool {
        false
    }

    fn serves(&self, node: &Node) -> bool {
        !is_database(node)
    }

    fn start_limit(&self) -> Duration {
        START_LIMIT
    }

    /// As a process manager would: Strapi is run by one.
    fn is_supervised(&self) -> bool {
        true
    }

    fn quiet(&self, node: &Node) -> Option<String> {
        is_database(node).then(postgres::quiet)
    }

    fn client_address(&self, node: &Node) -> String {
        match node.ip.is_ipv6() {
            true => format!("[{}]:{PORT}", node.ip),
            false => format!("{}:{PORT}", node.ip),
        }
    }

    fn port(&self, node: &Node) -> Option<u16> {
        Some(if is_database(node) { postgres::PORT } else { PORT })
    }

    /// What the nodes send one another are queries.
    fn peer_port(&self, _node: &Node) -> u16 {
        postgres::PORT
    }

    fn connect(&self) -> Arc<dyn Connect> {
        Arc::new(StrapiConnect::new(self.task, TOKEN))
    }

    async fn status(&self, node: &Node) -> Result<Status, String> {
        match is_database(node) {
            true => postgres::ready(node).await?,
            false => strapi::ready(&self.client_address(node), TOKEN).await?,
        }
        Ok(Status { leader: None, term: 0 })
    }
}
