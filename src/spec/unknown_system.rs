//! What is wrong with a `custom` system, one that runs already, and their clients.

use std::collections::BTreeMap;
use std::time::Duration;

use isobar_workloads::http::HttpConnect;
use isobar_workloads::template::Template;

use super::{ClientSpec, ClusterSpec, CustomSpec, FaultSpec, OnUnavailable, Spec, SystemSpec};
use crate::system::FIELDS;

/// A mistake: near which word it is and which word is wrong, what is, and the way out.
pub struct Mistake {
    pub near: &'static str,
    pub culprit: String,
    pub message: String,
    pub help: String,
}

fn mistake(near: &'static str, culprit: &str, message: String, help: &str) -> Mistake {
    Mistake { near, culprit: culprit.to_owned(), message, help: help.to_owned() }
}

/// All mistakes.
pub fn mistakes(spec: &Spec) -> Vec<Mistake> {
    let mut found = Vec::new();
    let foreign = matches!(spec.system, SystemSpec::Custom(_) | SystemSpec::None(_));
    if !foreign && spec.client.is_some() {
        let message = "this system brings clients of its own".to_owned();
        found.push(mistake("client", "client", message, "leave `client` out"));
    }
    if foreign && spec.client.is_none() {
        let message = "nobody knows how to talk to this system".to_owned();
        let help = "write `client: { http: … }` or `client: { process: … }`";
        found.push(mistake("system", "system", message, help));
    }
    if let SystemSpec::Custom(custom) = &spec.system {
        snippets(custom, spec, &mut found);
    }
    if let Some(role) = spec.system.clients_role()
        && !spec.cluster.roles().0.contains_key(role)
    {
        let help = "say under `cluster` which nodes have it: `roles: { app: [n1, n2] }`";
        found.push(mistake("clients", role, format!("there is no role `{role}`"), help));
    }
    match &spec.client {
        Some(ClientSpec::Http(_)) => requests(spec, &mut found),
        Some(ClientSpec::Process(process)) => found.extend(template("command", &process.command)),
        None => {}
    }
    faults(spec, &mut found);
    found
}

fn snippets(custom: &CustomSpec, spec: &Spec, found: &mut Vec<Mistake>) {
    let roles = spec.cluster.roles();
    let known = spec.cluster.node_names();
    let plain = |node: &String| roles.of(node).is_none_or(|role| !custom.roles.contains_key(role));
    if custom.start.is_none() && known.iter().any(plain) {
        let help = "write `start: exec PROGRAM`, which stays in the foreground";
        found.push(mistake("custom", "custom", "nobody knows how to start it".to_owned(), help));
    }
    for (name, text) in custom.snippets() {
        found.extend(template(name, text));
    }
    for (role, own) in &custom.roles {
        if !roles.0.contains_key(role) {
            let help = "say under `cluster` which nodes have it: `roles: { app: [n1, n2] }`";
            found.push(mistake("custom", role, format!("there is no role `{role}`"), help));
        }
        if own.start.is_none() {
            let help = "write `start: exec PROGRAM`, which stays in the foreground";
            let message = format!("nobody knows how to start `{role}`");
            found.push(mistake("custom", role, message, help));
        }
        if !own.roles.is_empty() || own.clients.is_some() {
            let message = "a role has no roles and clients of its own".to_owned();
            found.push(mistake("custom", role, message, "write them once, under `custom`"));
        }
        for (name, text) in own.snippets() {
            found.extend(template(name, text));
        }
        for other in &own.after {
            // Two that wait for each other would both be started last.
            let waits = custom.roles.get(other).is_some_and(|other| other.after.contains(role));
            if waits || other == role || !roles.0.contains_key(other) {
                let message = format!("`{role}` cannot be started after `{other}`");
                let help = "name a role of this cluster that does not wait for it";
                found.push(mistake("after", other, message, help));
            }
        }
    }
}

/// Whether a text is a template with fields that exist.
fn template(name: &'static str, text: &str) -> Option<Mistake> {
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            return Some(mistake(name, name, error.to_string(), "fields look like `{{node.ip}}`"));
        }
    };
    let first = |field: &str| field.split('.').next().unwrap_or_default().to_owned();
    let unknown = template.fields().map(first).find(|field| !FIELDS.contains(&field.as_str()))?;
    let help = format!("there are {}", FIELDS.join(", "));
    let message = format!("there is no field `{{{{{unknown}}}}}`");
    Some(mistake(name, &unknown, message, &help))
}

fn requests(spec: &Spec, found: &mut Vec<Mistake>) {
    let Some(ClientSpec::Http(http)) = &spec.client else { return };
    found.extend(template("url", &http.url));
    if !http.url.starts_with("http://") && !http.url.starts_with("https://") {
        let help = "write `url: http://{{node.ip}}:8080`";
        found.push(mistake("url", "url", format!("`{}` is no URL", http.url), help));
    }
    if let Err(wrong) = HttpConnect::new(&http.options(Duration::from_secs(1)), BTreeMap::new()) {
        for (name, why) in wrong {
            found.push(mistake("client", &name, why, "see docs/your-own-system.md"));
        }
    }
    for &f in spec.workload.operations() {
        if http.operations.contains_key(f) {
            continue;
        }
        let message = format!("the workload performs `{f}`, for which there is no request");
        let help = match f {
            "cas" => "add it under `operations`, or write `register: { cas: false }`",
            _ => "add it under `operations`",
        };
        found.push(mistake("operations", "operations", message, help));
    }
}

/// Faults that cannot be.
fn faults(spec: &Spec, found: &mut Vec<Mistake>) {
    let ours = !matches!(spec.system, SystemSpec::None(_));
    let custom = matches!(spec.system, SystemSpec::Custom(_) | SystemSpec::None(_));
    let local = matches!(spec.cluster, ClusterSpec::Local(_));
    for fault in spec.faults.iter().flat_map(FaultSpec::leaves) {
        let name = fault.name();
        let cuts = matches!(fault, FaultSpec::Partition(_));
        if cuts && custom && local {
            let message = "local nodes share one network, which cannot be cut".to_owned();
            let help = "use `cluster: { lab: { nodes: 3 } }`";
            found.push(mistake("faults", name, message, help));
        }
        let members = matches!(fault, FaultSpec::Membership(_));
        let needed = fault.on_unavailable() == OnUnavailable::Fail;
        if members && needed && !matches!(spec.system, SystemSpec::Etcd(_)) {
            let message = format!("{} has no members that isobar could change", spec.system.name());
            let help = "leave it out, or test etcd";
            found.push(mistake("faults", name, message, help));
        }
        let clock = matches!(fault, FaultSpec::ProcessClock(_));
        if clock && needed && matches!(spec.system, SystemSpec::Etcd(_)) {
            let message = "etcd does not see a clock of its own process: it is written in Go";
            let help = "write `clock-bump`, in a lab of `kind: vm` or over `ssh:`";
            found.push(mistake("faults", name, message.to_owned(), help));
        }
        if matches!(fault, FaultSpec::Wipe(_)) && matches!(spec.system, SystemSpec::Etcd(_)) {
            let message = "a member of etcd whose data are gone cannot come back as it was";
            let help = "write `membership: { change: replace }`: a new member, without data";
            found.push(mistake("faults", name, message.to_owned(), help));
        }
        let network = cuts || fault.links().is_some() || name.starts_with("clock-");
        if !network && !ours {
            let message = format!("a {name} needs a process that isobar started");
            let help = "tell it how with `system: { custom: { start: … } }`";
            found.push(mistake("faults", name, message, help));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::spec::parse;

    const GOOD: &str = include_str!("../../examples/own-http.yaml");

    /// The messages for the example with a part replaced.
    fn told(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        parse("own.yaml", &GOOD.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn what_a_system_told_in_snippets_lacks_is_named() {
        for (from, to, expected) in [
            ("start: exec", "stop: exec", "nobody knows how to start it"),
            ("{{port}}\n    port", "{{prot}}\n    port", "there is no field `{{prot}}`"),
            ("{{dir}}/", "{{dir}/", "is no name of a field"),
            ("      cas:", "      swap:", "the workload performs `cas`"),
            ("POST /kv", "POST kv", "the path `kv"),
            ("http://{{", "ftp://{{", "is no URL"),
            ("404: absent", "4o4: absent", "`4o4` is no status"),
            ("workload:", "faults: [partition: { split: halves }]\nworkload:", "cannot be cut"),
            ("  custom:", "  custom:\n    clients: app", "there is no role `app`"),
        ] {
            let told = told(from, to);
            assert!(told.contains(expected), "{from} → {to}: {told}");
            assert!(!told.contains("| #"), "a comment is shown: {told}");
        }
    }

    #[test]
    fn a_running_system_has_no_process_to_kill() {
        let (head, _) = GOOD.split_once("  custom:").unwrap();
        let (_, tail) = GOOD.split_once("client:").unwrap();
        let tail = tail.replace("{{port}}", "80");
        let good = format!("{head}  none: {{}}\nclient:{tail}");
        assert!(parse("own.yaml", &good).is_ok());
        let kill = format!("{good}faults:\n  - kill: {{}}\n");
        let told = parse("own.yaml", &kill).unwrap_err().to_string();
        assert!(told.contains("a kill needs a process that isobar started"), "{told}");
        let members = |more| format!("{good}faults:\n  - membership: {{ change: add{more} }}\n");
        let told = parse("own.yaml", &members("")).unwrap_err().to_string();
        assert!(told.contains("none has no members that isobar could change"), "{told}");
    }

    #[test]
    fn etcd_cannot_be_told_another_time_than_its_machine() {
        let etcd = include_str!("../../examples/etcd-register.yaml");
        let with = |fault: &str| etcd.replace("faults:\n", &format!("faults:\n  - {fault}\n"));
        let told = parse("etcd.yaml", &with("process-clock: {}")).unwrap_err().to_string();
        assert!(told.contains("it is written in Go"), "{told}");
        let skipped = with("process-clock: { on-unavailable: skip }");
        assert!(parse("etcd.yaml", &skipped).is_ok());
    }

    #[test]
    fn a_wiped_etcd_would_never_come_back() {
        let etcd = include_str!("../../examples/etcd-register.yaml");
        let wipe = etcd.replace("faults:\n", "faults:\n  - wipe: { on-unavailable: skip }\n");
        let told = parse("etcd.yaml", &wipe).unwrap_err().to_string();
        assert!(told.contains("cannot come back as it was"), "{told}");
        assert!(told.contains("`membership: { change: replace }`"), "{told}");
    }

    #[test]
    fn only_foreign_systems_have_a_client() {
        let (head, tail) = GOOD.split_once("client:").unwrap();
        let (_, workload) = tail.split_once("workload:").unwrap();
        let told = parse("own.yaml", &format!("{head}workload:{workload}")).unwrap_err();
        assert!(told.to_string().contains("nobody knows how to talk to this system"), "{told}");
        let (before, rest) = GOOD.split_once("  custom:").unwrap();
        let (_, rest) = rest.split_once("client:").unwrap();
        let told = parse("own.yaml", &format!("{before}  toy: {{}}\nclient:{rest}")).unwrap_err();
        assert!(told.to_string().contains("brings clients of its own"), "{told}");
    }
}
