//! How the clients of a system that isobar does not know are opened, as `client:` says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use isobar_workloads::http::{HttpConnect, HttpTarget, authority};
use isobar_workloads::process::{ProcessConnect, ProcessTarget};
use isobar_workloads::template::{Template, TemplateError, variable};

use crate::cluster::Node;
use crate::spec::{ClientSpec, CustomSpec, HttpSpec, NoneSpec, ProcessSpec, Spec, SystemSpec};
use crate::system::{Clients, Custom, NodeFields, Root, SystemError};

/// The system of `spec`, if it is one of those that bring no clients of their own. What programs
/// complain about goes to `logs`, to each node's directory there.
///
/// # Errors
/// When clients cannot be opened: a variable of the environment is not set, for one.
pub fn custom(spec: &Spec, nodes: &[Node], root: Root, logs: &Path) -> Result<Custom, SystemError> {
    let (snippets, runs) = match &spec.system {
        SystemSpec::Custom(custom) => (custom.as_ref().clone(), true),
        SystemSpec::None(NoneSpec { port, clients }) => {
            let (port, clients) = (port.clone(), clients.clone());
            (CustomSpec { port, clients, ..CustomSpec::default() }, false)
        }
        _ => (CustomSpec::default(), false),
    };
    let of_node = |node: &Node| NodeFields {
        node: node.clone(),
        nodes: nodes.to_vec(),
        dir: root.directory(node),
        port: snippets.of_role(node.role.as_deref()).port.clone(),
    };
    let fields: Vec<NodeFields> = nodes
        .iter()
        .filter(|node| snippets.clients.is_none() || snippets.clients == node.role)
        .map(of_node)
        .collect();
    let clients = match &spec.client {
        Some(ClientSpec::Http(http)) => of_http(http, spec, &fields)?,
        Some(ClientSpec::Process(process)) => of_process(process, spec, &fields, logs)?,
        None => return Err(SystemError::Local("`client` is missing".to_owned())),
    };
    Ok(Custom::new(snippets, runs, nodes.to_vec(), root, clients))
}

fn of_http(http: &HttpSpec, spec: &Spec, nodes: &[NodeFields]) -> Result<Clients, SystemError> {
    let mut targets = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    for fields in nodes {
        let base = filled(&http.url, fields)?;
        let name = fields.node.name.clone();
        let address = authority(&base).map_err(|why| SystemError::Local(format!("url: {why}")))?;
        addresses.insert(name.clone(), address);
        targets.insert(name, HttpTarget { base, node: fields.of_node() });
    }
    // Shorter than an operation may take: one that was never sent did not happen.
    let options = http.options(spec.load.timeout.0.mul_f64(0.8));
    let connect = HttpConnect::new(&options, targets).map_err(|wrong| {
        let told: Vec<String> = wrong.iter().map(|(f, why)| format!("{f}: {why}")).collect();
        SystemError::Local(format!("client: http: {}", told.join("; ")))
    })?;
    for name in connect.variables() {
        variable(&name).map_err(|error| {
            let way_out = format!("set it for this run: `{name}=… isobar run …`");
            SystemError::Local(format!("client: http: {error}; {way_out}"))
        })?;
    }
    Ok(Clients { connect: Arc::new(connect), addresses })
}

fn of_process(
    process: &ProcessSpec,
    spec: &Spec,
    nodes: &[NodeFields],
    logs: &Path,
) -> Result<Clients, SystemError> {
    let mut targets = BTreeMap::new();
    for fields in nodes {
        let Node { name, ip, role, .. } = &fields.node;
        let port = fields.port_number().map(|port| port.to_string());
        let environment = [
            ("ISOBAR_NODE", name.clone()),
            ("ISOBAR_IP", ip.to_string()),
            ("ISOBAR_PORT", port.unwrap_or_default()),
            ("ISOBAR_ROLE", role.clone().unwrap_or_default()),
            ("ISOBAR_TIMEOUT_MS", spec.load.timeout.0.as_millis().to_string()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let command = filled(&process.command, fields)?;
        let log = Some(logs.join(name).join("client.log"));
        targets.insert(name.clone(), ProcessTarget { command, environment, log });
    }
    let reads = spec.workload.operations().contains(&"read");
    let connect = Arc::new(ProcessConnect { targets, reads });
    // Only the programs know where they connect.
    Ok(Clients { connect, addresses: BTreeMap::new() })
}

fn filled(text: &str, fields: &NodeFields) -> Result<String, SystemError> {
    let told = |error: TemplateError| SystemError::Local(format!("client: {error}"));
    fields.fill(&Template::parse(text).map_err(told)?).map_err(told)
}
