//! `cluster:` where the nodes are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Roles;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterSpec {
    /// Nodes made on this machine, brought up before the run and down after it.
    Lab(LabSpec),
    /// Machines reached over SSH.
    Ssh(SshSpec),
    /// Processes on this machine.
    Local(LocalSpec),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LabSpec {
    /// Named n1 … nN; 1 to 50.
    pub nodes: u32,
    /// Up to 8 letters and digits; by default a free one is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the nodes are made of; by default namespaces, of an ordinary user without root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<LabKind>,
    /// What each node is there for: `{ app: [n1, n2, n3], db: [n4] }`.
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
}

/// What the nodes of a lab are made of.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum LabKind {
    /// Namespaces of this machine's kernel; needs root
    #[default]
    Namespace,
    /// User-Mode Linux: a kernel, a clock and a disk per node; needs root, and time
    Vm,
    /// Namespaces of an ordinary user
    Rootless,
}

impl std::fmt::Display for LabKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Namespace => "namespace",
            Self::Vm => "vm",
            Self::Rootless => "rootless",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SshSpec {
    /// Names, which are also the addresses unless `overrides` has another.
    pub nodes: Vec<String>,
    #[serde(default = "root")]
    pub user: String,
    #[serde(default = "ssh_port")]
    pub port: u16,
    /// Private key file; `~/` is the home directory. Without key, agent and password: the agent,
    /// then the usual files in `~/.ssh`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Authenticate with the running ssh-agent only.
    #[serde(default)]
    pub agent: bool,
    /// The name of an environment variable that holds the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// By default `~/.ssh/known_hosts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_hosts: Option<PathBuf>,
    /// `false`: accept any host key. Only for throw-away machines.
    #[serde(default = "yes")]
    pub check_host_keys: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<String, NodeOverride>,
    /// What each node is there for: `{ app: [a1, a2], db: [b1] }`.
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
}

/// What is different about one node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NodeOverride {
    /// Host name or IP address for SSH, for clients and for the other nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LocalSpec {
    /// Named n1 … nN.
    pub nodes: u32,
    /// What each node is there for: `{ app: [n1, n2], db: [n3] }`.
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
}

/// How nodes that exist are reached: a [`ClusterSpec`] once its lab, if any, is up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    Ssh(SshSpec),
    Local(LocalSpec),
    /// The nodes of a rootless lab, from inside of its user namespace.
    Rootless(RootlessSpec),
}

/// A rootless lab that is up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RootlessSpec {
    /// Its name.
    pub lab: String,
}

impl ClusterSpec {
    /// The nodes' names, in order: as given, or n1 … nN.
    pub fn node_names(&self) -> Vec<String> {
        match self {
            Self::Ssh(ssh) => ssh.nodes.clone(),
            Self::Lab(LabSpec { nodes, .. }) | Self::Local(LocalSpec { nodes, .. }) => {
                (1..=*nodes).map(|number| format!("n{number}")).collect()
            }
        }
    }

    /// What each node is there for.
    pub fn roles(&self) -> &Roles {
        match self {
            Self::Ssh(ssh) => &ssh.roles,
            Self::Lab(lab) => &lab.roles,
            Self::Local(local) => &local.roles,
        }
    }
}

fn root() -> String {
    "root".to_owned()
}

fn ssh_port() -> u16 {
    22
}

fn yes() -> bool {
    true
}
