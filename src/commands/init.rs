//! `isobar init`: a specification to begin with.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Failure, schema};
use crate::exit::Exit;
use crate::terminal;

/// What editors look for, next to a specification.
const SCHEMA: &str = "isobar.schema.json";

/// A system that a specification can begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// The demonstration: a small cluster inside this program, with a planted bug
    Toy,
    /// etcd on five nodes in network namespaces of this machine
    Etcd,
    /// The same without root
    EtcdRootless,
    /// Strapi on three nodes in front of PostgreSQL
    Strapi,
    /// Your own service, which runs already: requests as data
    Http,
    /// The same, with a client program of yours
    Process,
    /// Your own service, started, killed and cut off by isobar
    Custom,
}

impl Template {
    /// The name of an example, and its text.
    fn example(self) -> (&'static str, &'static str) {
        macro_rules! example {
            ($name:literal) => {
                ($name, include_str!(concat!("../../", $name)))
            };
        }
        match self {
            Self::Toy => example!("examples/demo.yaml"),
            Self::Etcd => example!("examples/etcd-register.yaml"),
            Self::EtcdRootless => example!("examples/etcd-rootless.yaml"),
            Self::Strapi => example!("examples/strapi-set.yaml"),
            Self::Http => example!("examples/templates/http.yaml"),
            Self::Process => example!("examples/templates/process.yaml"),
            Self::Custom => example!("examples/templates/custom.yaml"),
        }
    }

    /// The specification that is to lie at `path`.
    fn text(self, path: &Path) -> String {
        let (name, text) = self.example();
        // The words above it say how to run it.
        let text = text.replace(name, &path.display().to_string());
        format!("# yaml-language-server: $schema={SCHEMA}\n{text}")
    }
}

#[derive(Debug, Args)]
pub struct InitArgs {
    /// Which system to begin with
    #[arg(value_enum, default_value = "etcd")]
    template: Template,
    /// The same, by name
    #[arg(long = "template", value_enum, value_name = "TEMPLATE", hide = true)]
    named: Option<Template>,
    /// The file to write
    #[arg(long, short, value_name = "FILE", default_value = "isobar.yaml")]
    output: PathBuf,
}

/// Writes a specification and, for editors, the schema next to it; never over what is there.
pub fn init(args: &InitArgs) -> Result<Exit, Failure> {
    let path = &args.output;
    write_new(path, &args.named.unwrap_or(args.template).text(path))?;
    let schema_path = path.with_file_name(SCHEMA);
    if !schema_path.exists() {
        write_new(&schema_path, &schema::text()?)?;
    }
    let path = path.display();
    terminal::result(&format!(
        "Wrote {path}. Change it as you need it, then:\n\
         \x20 isobar validate {path}\n\
         \x20 isobar plan {path}\n\
         \x20 isobar run {path}"
    ));
    Ok(Exit::Valid)
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let fail = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::usage(format!(
            "{} is there already, and was left alone: write to another with --output FILE",
            path.display()
        )),
        _ => Failure::usage(format!("cannot write {}: {error}", path.display())),
    };
    let mut file = File::create_new(path).map_err(fail)?;
    file.write_all(text.as_bytes()).map_err(fail)
}
