//! `isobar doctor SPEC`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, read_spec};
use crate::cluster::doctor::{Diagnosis, State};
use crate::exit::Exit;
use crate::lab::{self, Lab, LabOptions, Owner};
use crate::run;
use crate::spec::{ClusterSpec, LabSpec, Reach, Spec};
use crate::terminal;

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The specification of the test
    #[arg(value_name = "SPEC")]
    spec: PathBuf,
}

/// Prints a line per node and fact; an error when the test could not be run. Changes nothing; a
/// lab is there for as long as that takes.
pub fn doctor(args: &DoctorArgs) -> Result<Exit, Failure> {
    let spec = read_spec(&args.spec)?;
    let reach = match &spec.cluster {
        ClusterSpec::Lab(wanted) => return lab_for_now(&spec, wanted),
        ClusterSpec::Ssh(ssh) => Reach::Ssh(ssh.clone()),
        ClusterSpec::Local(local) => Reach::Local(local.clone()),
    };
    examine(&spec, &reach)
}

/// Brings up the lab that the run would have, to examine its nodes.
fn lab_for_now(spec: &Spec, wanted: &LabSpec) -> Result<Exit, Failure> {
    lab::enter(wanted.kind).map_err(Failure::lab)?;
    let mut lab = Lab::up(&LabOptions::new(wanted, Owner::Me)).map_err(Failure::lab)?;
    let examined = examine(spec, &lab.reach());
    lab.down().map_err(Failure::lab).and(examined)
}

fn examine(spec: &Spec, reach: &Reach) -> Result<Exit, Failure> {
    let cluster = run::connect(reach, spec.cluster.roles()).map_err(Failure::set_up)?;
    let nodes = cluster.nodes();
    let system = run::system(spec, &nodes, Path::new("runs")).map_err(Failure::set_up)?;
    let diagnoses = run::examine(spec, &cluster, system.as_ref(), true);
    for diagnosis in &diagnoses {
        terminal::result(&line(diagnosis));
    }
    if let Some(error) = diagnoses.iter().find(|diagnosis| diagnosis.state == State::Error) {
        return Err(Failure::set_up(run::complaint(error)));
    }
    for member in &cluster.members {
        let found = system.probe(&member.node, &*member.remote).map_err(Failure::set_up)?;
        let (node, name) = (&member.node.name, system.name());
        let text = match found {
            Some(version) => format!("ok\t{node}\tsystem\t{name} {version}"),
            None => format!("ok\t{node}\tsystem\t{name} will be installed"),
        };
        terminal::result(&text);
    }
    Ok(Exit::Valid)
}

fn line(diagnosis: &Diagnosis) -> String {
    let state = match diagnosis.state {
        State::Ok => "ok",
        State::Warning => "warning",
        State::Error => "error",
    };
    let remedy = diagnosis.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
    let Diagnosis { node, item, message, .. } = diagnosis;
    format!("{state}\t{node}\t{item}\t{message}{remedy}")
}
