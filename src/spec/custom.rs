//! `system: custom` and `system: none`: any system, told in shell snippets, or left as it is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// A system told in snippets for a POSIX shell, with fields: `{{node.name}}`, `{{node.ip}}`,
/// `{{node.number}}` (from 1), `{{node.role}}`, `{{dir}}` (the node's own directory), `{{port}}`,
/// `{{nodes}}` (all names, separated by commas), `{{ips}}` (all addresses) and `{{role.db}}` (the
/// address of that role's first node).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CustomSpec {
    /// Files that are brought into `{{dir}}`, looked for from the working directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Once on each node, before the first start. What it prints is the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<String>,
    /// Runs the process in the foreground: `exec python3 {{dir}}/service.py {{port}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// By default SIGTERM to the process and its children, and SIGKILL 5 s later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<String>,
    /// By default SIGKILL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kill: Option<String>,
    /// By default SIGSTOP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<String>,
    /// By default SIGCONT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// Removes data that is not in `{{dir}}/data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wipe: Option<String>,
    /// Run on this machine: ends with status 0 when the node serves. By default a node serves when
    /// its `port` accepts connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
    /// How long a node may take from its start until it serves; 60 s by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_within: Option<Span>,
    /// Run on this machine: prints the name or the address of the leader as the node knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<String>,
    /// Files to collect, besides what `start` prints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<String>,
    /// Where clients connect: `8080`, or with fields: `808{{node.number}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// Of a role: those that have to serve before it is started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// What is different for the nodes of a role: all of the above.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, CustomSpec>,
    /// The role that clients talk to; all nodes by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<String>,
}

/// A deployment that already runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NoneSpec {
    /// Where clients connect, when `client` does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// The role that clients talk to; all nodes by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<String>,
}

impl CustomSpec {
    /// The snippets for a node with this role.
    pub fn of_role(&self, role: Option<&str>) -> &Self {
        role.and_then(|role| self.roles.get(role)).unwrap_or(self)
    }

    /// Every snippet with the name of its setting.
    pub fn snippets(&self) -> Vec<(&'static str, &str)> {
        let one = [
            ("install", &self.install),
            ("start", &self.start),
            ("stop", &self.stop),
            ("kill", &self.kill),
            ("pause", &self.pause),
            ("resume", &self.resume),
            ("wipe", &self.wipe),
            ("ready", &self.ready),
            ("leader", &self.leader),
            ("port", &self.port),
        ];
        let one = one.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
        one.chain(self.logs.iter().map(|log| ("logs", log.as_str()))).collect()
    }
}
