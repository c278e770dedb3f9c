//! What types cannot say: names of nodes, sizes, and parts which do not fit one another.

use std::time::Duration;

use super::diagnostic::Diagnostic;
use super::unknown_system::{Mistake, mistakes};
use super::{
    ClusterSpec, Concurrency, FaultSpec, OnUnavailable, PartitionSpec, ROLE_PREFIX, Roles, Span,
    Spec, Split, SystemSpec, Targets, ToyBug, ToySpec, WorkloadSpec,
};

use crate::system::strapi::{APP, DB};

/// The most nodes of a lab or of a local cluster.
const NODES_MAX: u32 = 50;

/// All that is wrong with a well-formed specification; empty when it can be run.
pub fn validate(spec: &Spec, source: &str) -> Vec<Diagnostic> {
    let mut validator = Validator::new(spec, source);
    validator.head(spec);
    validator.cluster(&spec.cluster);
    validator.roles();
    validator.system(spec);
    validator.load(spec);
    for fault in &spec.faults {
        validator.fault(fault, spec.load.time.0);
    }
    validator.checks(spec);
    validator.found
}

/// What is wrong with one fault on the nodes of `spec`, its times aside.
pub fn fault(fault: &FaultSpec, spec: &Spec, source: &str) -> Vec<Diagnostic> {
    let mut validator = Validator::new(spec, source);
    validator.mix(fault);
    validator.found
}

struct Validator<'a> {
    source: &'a str,
    nodes: Vec<String>,
    roles: Roles,
    /// Whether all nodes share this machine's network.
    alone: bool,
    found: Vec<Diagnostic>,
}

impl<'a> Validator<'a> {
    fn new(spec: &Spec, source: &'a str) -> Self {
        Self {
            source,
            nodes: spec.cluster.node_names(),
            roles: spec.cluster.roles().clone(),
            alone: matches!(spec.cluster, ClusterSpec::Local(_)),
            found: Vec::new(),
        }
    }

    fn head(&mut self, spec: &Spec) {
        if spec.version != 1 {
            self.report(
                "version",
                &spec.version.to_string(),
                format!("version {} is not known to this isobar", spec.version),
                "write `version: 1`",
            );
        }
        let safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !spec.name.starts_with(|c: char| c.is_ascii_alphanumeric())
            || !spec.name.chars().all(safe)
        {
            self.report(
                "name",
                &spec.name,
                format!("`{}` cannot name a run directory", spec.name),
                "use letters, digits, `-`, `_` and `.`, beginning with a letter or digit",
            );
        }
        let is_link = |url: &String| {
            let scheme = url.starts_with("https://") || url.starts_with("http://");
            scheme && url.contains("{{trace}}")
        };
        if let Some(url) = spec.trace_url.as_ref().filter(|url| !is_link(url)) {
            let message = format!("`{url}` leads to no trace");
            let help = "write `https://jaeger.example/trace/{{trace}}`";
            self.report("trace-url", url, message, help);
        }
    }

    fn cluster(&mut self, cluster: &ClusterSpec) {
        match cluster {
            ClusterSpec::Lab(lab) => {
                self.node_count(lab.nodes);
                if let Some(name) = &lab.name
                    && !crate::lab::valid_name(name)
                {
                    self.report(
                        "cluster",
                        name,
                        format!("`{name}` cannot name a lab"),
                        "use one to eight of a-z and 0-9",
                    );
                }
            }
            ClusterSpec::Local(local) => self.node_count(local.nodes),
            ClusterSpec::Ssh(ssh) => {
                if ssh.nodes.is_empty() {
                    let help = "write `nodes: [host1, host2, host3]`";
                    self.report("cluster", "nodes", "no nodes are given".to_owned(), help);
                }
                for (position, node) in ssh.nodes.iter().enumerate() {
                    if ssh.nodes[..position].contains(node) {
                        let message = format!("node `{node}` is listed twice");
                        self.report("cluster", node, message, "keep one of them");
                    }
                }
                for node in ssh.overrides.keys() {
                    self.known_node("overrides", node);
                }
                if ssh.agent && (ssh.key.is_some() || ssh.password_env.is_some()) {
                    self.report(
                        "cluster",
                        "agent",
                        "`agent: true` excludes `key` and `password-env`".to_owned(),
                        "keep one way to authenticate",
                    );
                }
            }
        }
    }

    fn roles(&mut self) {
        let roles = self.roles.clone();
        for (role, nodes) in &roles.0 {
            let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if role.is_empty() || !role.chars().all(safe) {
                let help = "use lower-case letters, digits and `-`";
                self.report("roles", role, format!("`{role}` cannot name a role"), help);
            }
            if nodes.is_empty() {
                let message = format!("no node has the role `{role}`");
                self.report("roles", role, message, "leave it out, or list its nodes");
            }
            for (place, node) in nodes.iter().enumerate() {
                self.known_node("roles", node);
                if roles.of(node) != Some(role) || nodes[..place].contains(node) {
                    let message = format!("node `{node}` has two roles");
                    let help = "a node runs one process: list it once";
                    self.report("roles", node, message, help);
                }
            }
        }
    }

    fn node_count(&mut self, nodes: u32) {
        if !(1..=NODES_MAX).contains(&nodes) {
            self.report(
                "cluster",
                &nodes.to_string(),
                format!("a cluster of {nodes} nodes cannot be brought up"),
                &format!("write a number from 1 to {NODES_MAX}"),
            );
        }
    }

    fn system(&mut self, spec: &Spec) {
        let local = matches!(spec.cluster, ClusterSpec::Local(_));
        match spec.system {
            SystemSpec::Toy(_) if !local => self.report(
                "system",
                "toy",
                "the toy system runs on this machine only".to_owned(),
                "write `cluster: { local: { nodes: 3 } }`",
            ),
            SystemSpec::Etcd(_) if local => self.report(
                "system",
                "etcd",
                "etcd needs nodes of its own: local nodes share ports and a firewall".to_owned(),
                "write `cluster: { lab: { nodes: 5 } }`, or `ssh:`",
            ),
            SystemSpec::Strapi(_) => self.strapi(spec),
            _ => {}
        }
        for Mistake { near, culprit, message, help } in mistakes(spec) {
            self.report(near, &culprit, message, &help);
        }
        if !spec.system.performs(&spec.workload) {
            let (system, workload) = (spec.system.name(), spec.workload.name());
            let message = format!("clients of {system} do not know the workload {workload}");
            self.report("workload", workload, message, "write `register: {}`, or another system");
        }
        let register = matches!(spec.workload, WorkloadSpec::Register(_));
        if let SystemSpec::Toy(ToySpec { bug }) = &spec.system
            && register
            && bug.of_transactions()
            && *bug != ToyBug::DirtyRead
        {
            let message = "a bug of isolation shows in transactions only".to_owned();
            self.report("system", "bug", message, "write `workload: { append: {} }`");
        }
    }

    /// Who runs what, and what Strapi has no operation for.
    fn strapi(&mut self, spec: &Spec) {
        if matches!(spec.cluster, ClusterSpec::Local(_)) {
            let message = "Strapi and its database need nodes of their own".to_owned();
            let help = "write `cluster: { lab: { nodes: 4, roles: … } }`, or `ssh:`";
            self.report("system", "strapi", message, help);
        }
        let (apps, databases) = (self.roles.nodes(APP).len(), self.roles.nodes(DB).len());
        if databases != 1 || apps == 0 || apps + databases != self.nodes.len() {
            let message = "each node runs Strapi or is the one database".to_owned();
            let help = "say so under `cluster`: `roles: { app: [n1, n2, n3], db: [n4] }`";
            self.report("system", "strapi", message, help);
        }
        match &spec.workload {
            WorkloadSpec::Register(register) if register.cas => {
                let message = "Strapi has no compare-and-set".to_owned();
                self.report("workload", "register", message, "write `register: { cas: false }`");
            }
            WorkloadSpec::Append(txns) if txns.txn_length.most > 1 => {
                let message = "Strapi has no transactions over several requests".to_owned();
                self.report("workload", "append", message, "write `append: { txn-length: 1 }`");
            }
            _ => {}
        }
    }

    fn load(&mut self, spec: &Spec) {
        if spec.load.time.0.is_zero() {
            let message = "a load of no time proves nothing".to_owned();
            self.report("load", "time", message, "write a time such as `60s`");
        }
        if spec.load.timeout.0.is_zero() {
            let message = "with a timeout of 0 every operation fails".to_owned();
            self.report("load", "timeout", message, "write a time such as `2s`");
        }
        let role = spec.system.clients_role();
        let nodes = role.map_or(self.nodes.len(), |role| self.roles.nodes(role).len());
        if let Concurrency::Total(workers) = spec.load.concurrency
            && (workers as usize) < nodes
        {
            self.report(
                "load",
                "concurrency",
                format!("{workers} workers leave some of {nodes} nodes without one"),
                "each worker talks to one node: write `1n` or more",
            );
        }
        self.workload(&spec.workload);
        if spec.lease.0.as_secs() < 5 {
            self.report(
                "lease",
                "lease",
                format!("a lease of {} is too short to be renewed in time", spec.lease),
                "write `5s` or more",
            );
        }
    }

    fn workload(&mut self, workload: &WorkloadSpec) {
        for (key, number, limits) in workload.sizes() {
            if !limits.contains(&number) {
                let message = format!("`{key}: {number}` is too few or too many");
                let help = format!("write a number from {} to {}", limits.start(), limits.end());
                self.report("workload", key, message, &help);
            }
        }
    }

    fn fault(&mut self, fault: &FaultSpec, load: Duration) {
        let schedule = fault.schedule();
        if schedule.first >= load {
            let first = Span(schedule.first);
            self.report(
                fault.name(),
                fault.name(),
                format!("the first {} would begin at {first}, when the load is over", fault.name()),
                "set an earlier `at`, a shorter `every` or a longer `time`",
            );
        }
        if let (Some(every), Some(lasts)) = (schedule.every, schedule.lasts)
            && lasts >= every
        {
            self.report(
                fault.name(),
                "for",
                format!("a {} must end before the next one begins", fault.name()),
                "make `for` shorter than `every`",
            );
        }
        if schedule.every.is_some_and(|every| every.is_zero()) {
            let help = "write a time such as `10s`";
            self.report(fault.name(), "every", "`every` must not be 0".to_owned(), help);
        }
        self.mix(fault);
    }

    /// Whom a fault, or each of a mix, hits.
    fn mix(&mut self, fault: &FaultSpec) {
        let leaves = fault.leaves();
        if leaves.is_empty() {
            let message = format!("a {} of nothing does nothing", fault.name());
            self.report(fault.name(), "of", message, "list at least one fault under `of`");
        }
        for fault in leaves {
            self.aims(fault);
        }
    }

    /// Whom a fault hits.
    fn aims(&mut self, fault: &FaultSpec) {
        if let FaultSpec::Partition(partition) = fault {
            self.partition(partition);
        }
        let links = fault.links();
        let own = match fault.name() {
            name if name.starts_with("clock-") => Some("clock"),
            name if name.starts_with("disk-") || name == "lost-writes" => Some("disk"),
            "power" => Some("power switch"),
            _ => links.map(|_| "network"),
        };
        let needed = self.alone && fault.on_unavailable() == OnUnavailable::Fail;
        if let Some(own) = own.filter(|_| needed) {
            let message = format!("a {} needs nodes with a {own} of their own", fault.name());
            let help = "leave it out, or use a cluster of `lab:` or `ssh:`";
            self.report(fault.name(), fault.name(), message, help);
        }
        let to = links.map(|links| links.to);
        for targets in fault.targets().into_iter().chain(to) {
            self.targets(fault.name(), targets);
        }
    }

    fn partition(&mut self, partition: &PartitionSpec) {
        if self.nodes.len() == 1 {
            let message = "one node cannot be partitioned".to_owned();
            self.report("faults", "partition", message, "use two nodes or more");
        }
        match &partition.split {
            Split::Isolate(targets) => self.targets("partition", targets),
            Split::Groups(groups) => {
                groups.iter().for_each(|targets| self.targets("groups", targets));
            }
            Split::Grudge(grudge) => {
                for name in grudge.iter().flat_map(|(node, drops)| drops.iter().chain([node])) {
                    self.known("grudge", name);
                }
            }
            _ => {}
        }
    }

    fn targets(&mut self, near: &str, targets: &Targets) {
        match targets {
            Targets::Nodes(names) => names.iter().for_each(|name| self.known(near, name)),
            Targets::Role(_, role) => self.known_role(near, role),
            _ => {}
        }
    }

    /// A node, or `role:` and a role.
    fn known(&mut self, near: &str, name: &str) {
        match name.strip_prefix(ROLE_PREFIX) {
            Some(role) => self.known_role(near, role),
            None => self.known_node(near, name),
        }
    }

    fn known_role(&mut self, near: &str, role: &str) {
        if self.roles.0.contains_key(role) {
            return;
        }
        let known: Vec<&str> = self.roles.0.keys().map(String::as_str).collect();
        let help = match known.is_empty() {
            true => "say under `cluster` which nodes have it: `roles: { db: [n4] }`".to_owned(),
            false => format!("this cluster has the roles {}", known.join(", ")),
        };
        self.report(near, role, format!("there is no role `{role}`"), &help);
    }

    fn known_node(&mut self, near: &str, node: &str) {
        // Without nodes, that is the error to mend first.
        if self.nodes.is_empty() || self.nodes.iter().any(|known| known == node) {
            return;
        }
        let help = format!("this cluster has {}", self.nodes.join(", "));
        self.report(near, node, format!("there is no node `{node}`"), &help);
    }

    fn checks(&mut self, spec: &Spec) {
        if spec.checks.is_empty() {
            let message = "a run without checks decides nothing".to_owned();
            self.report("checks", "checks", message, "write `checks: [linearizable: {}]`");
        }
        for check in spec.checks.iter().filter(|check| !check.judges(&spec.workload)) {
            let (check, workload) = (check.name(), spec.workload.name());
            let help = format!("write `{}: {{}}`, or another workload", spec.workload.check());
            let message = format!("{check} does not judge what the workload {workload} does");
            self.report("checks", check, message, &help);
        }
    }

    /// Reports at the first word `culprit` at or after the word `near`.
    fn report(&mut self, near: &str, culprit: &str, message: String, help: &str) {
        let start = find_word(self.source, near, 0).unwrap_or(0);
        let place = find_word(self.source, culprit, start).unwrap_or(start);
        let before = &self.source[..place];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let diagnostic = Diagnostic {
            message,
            help: Some(help.to_owned()),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            length: culprit.chars().count().max(1),
        };
        if !self.found.contains(&diagnostic) {
            self.found.push(diagnostic);
        }
    }
}

/// Byte offset of `word`, standing alone and not in a comment, at or after `from`.
fn find_word(text: &str, word: &str, from: usize) -> Option<usize> {
    let inside = |c: char| c.is_alphanumeric() || "-_".contains(c);
    let alone =
        |at: usize| !text[..at].ends_with(inside) && !text[at + word.len()..].starts_with(inside);
    let comment = |at: usize| {
        let line = text[..at].rsplit('\n').next().unwrap_or_default();
        line.starts_with('#') || line.contains(" #")
    };
    let mut all = text[from..].match_indices(word).map(|(at, _)| from + at);
    all.find(|&at| alone(at) && !comment(at))
}
