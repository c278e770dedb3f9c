//! The fields of snippets: `{{node.ip}}`, `{{dir}}`, `{{role.db}}`, ….

use isobar_workloads::template::{Template, TemplateError};
use serde_json::{Map, Value, json};

use crate::cluster::Node;
use crate::spec::Roles;

/// All that there are, by the first part of their names.
pub const FIELDS: [&str; 6] = ["node", "dir", "port", "nodes", "ips", "role"];

/// What snippets know of a node.
#[derive(Clone, Debug)]
pub struct NodeFields {
    pub node: Node,
    pub nodes: Vec<Node>,
    /// The node's own directory.
    pub dir: String,
    /// As specified.
    pub port: Option<String>,
}

impl NodeFields {
    /// A template with its fields filled in.
    pub fn fill(&self, template: &Template) -> Result<String, TemplateError> {
        template.text(&|name| self.get(name))
    }

    /// The node as a field of its own: `{"name": "n1", "ip": "10.77.0.1", …}`.
    pub fn of_node(&self) -> Value {
        let Node { name, ip, index, role } = &self.node;
        json!({"name": name, "ip": ip.to_string(), "number": index + 1, "role": role})
    }

    /// Where clients connect: `host:port`.
    pub fn address(&self) -> String {
        let port = self.port_number().unwrap_or(0);
        std::net::SocketAddr::new(self.node.ip, port).to_string()
    }

    pub fn port_number(&self) -> Option<u16> {
        self.port_text()?.parse().ok()
    }

    fn port_text(&self) -> Option<String> {
        let template = Template::parse(self.port.as_ref()?).ok()?;
        template.text(&|name| if name == "port" { None } else { self.get(name) }).ok()
    }

    fn get(&self, name: &str) -> Option<Value> {
        let all = |told: fn(&Node) -> String| {
            let told: Vec<String> = self.nodes.iter().map(told).collect();
            Value::String(told.join(","))
        };
        match name {
            "node" => Some(self.of_node()),
            "dir" => Some(Value::String(self.dir.clone())),
            "port" => self.port_text().map(Value::String),
            "nodes" => Some(all(|node| node.name.clone())),
            "ips" => Some(all(|node| node.ip.to_string())),
            "role" => Some(self.roles()),
            _ => None,
        }
    }

    /// From each role to the address of its first node.
    fn roles(&self) -> Value {
        let roles = Roles::of_nodes(&self.nodes);
        let address = |name: &String| {
            let node = self.nodes.iter().find(|node| node.name == *name)?;
            Some(Value::String(node.ip.to_string()))
        };
        let first = |(role, nodes): (&String, &Vec<String>)| {
            Some((role.clone(), nodes.first().and_then(address)?))
        };
        Value::Object(roles.0.iter().filter_map(first).collect::<Map<_, _>>())
    }
}
