//! The first process of a guest on this machine's side: the parent of its kernel.
//!
//! It is PID 1 of a PID namespace, so that a kernel and all its helpers go with it.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{DATA_DISK, DISK, INIT};
use crate::lab::files::UPPER;
use crate::lab::state::{LabState, NodeState, record_first_process};
use crate::lab::{LabError, tool};

/// The hidden subcommand which calls [`run`].
pub const SUBCOMMAND: &str = "lab-guest";

/// Taken from this machine as the guest uses it. An etcd member and its page cache fit.
const MEMORY: &str = "mem=384M";

/// What a guest has to know of itself.
#[derive(Clone, Debug, clap::Args)]
pub struct GuestArgs {
    #[arg(long)]
    name: String,
    /// Holds `upper` and the disks; its parent the guest's init.
    #[arg(long)]
    directory: PathBuf,
    #[arg(long)]
    ip: Ipv4Addr,
}

impl GuestArgs {
    pub(super) fn of(lab: &LabState, node: &NodeState) -> Self {
        Self { name: node.name.clone(), directory: lab.node_directory(node), ip: node.ip }
    }

    /// The arguments that are parsed to `self`.
    pub(super) fn argv(&self) -> Vec<OsString> {
        vec![
            "--name".into(),
            (&self.name).into(),
            "--directory".into(),
            (&self.directory).into(),
            "--ip".into(),
            self.ip.to_string().into(),
        ]
    }

    /// The kernel's command line. No part of it holds a space: nor do a lab's paths.
    fn kernel_line(&self) -> Vec<String> {
        let Self { name, directory, ip } = self;
        let path = |name: &str| directory.join(name).display().to_string();
        let init = directory.with_file_name(INIT);
        [
            MEMORY.to_owned(),
            "root=/dev/root rootfstype=hostfs rootflags=/ ro quiet".to_owned(),
            format!("init={}", init.display()),
            "con=null con0=null,fd:1".to_owned(),
            format!("ubd0={} ubd1={}", path(DISK), path(DATA_DISK)),
            format!("vec0:transport=tap,ifname={name},depth=128,mac={}", hardware_address(*ip)),
            format!("uml_dir={} umid={name}", path("control")),
            format!("isobar_node={name} isobar_ip={ip} isobar_files={}", path(UPPER)),
        ]
        .iter()
        .flat_map(|words| words.split(' ').map(str::to_owned))
        .collect()
    }
}

/// The same after a power cut: else the others would go on talking to the card of before.
fn hardware_address(ip: Ipv4Addr) -> String {
    let [a, b, c, d] = ip.octets();
    // 02: not a manufacturer's.
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

/// Runs the guest's kernel; comes back when that has ended.
pub fn run(args: &GuestArgs) -> Result<Infallible, LabError> {
    record_first_process(&args.directory)?;
    // Where the kernel keeps its control socket, and the guest's memory; after a power cut there
    // is an old one.
    let memory = args.directory.join("memory");
    for path in [&args.directory.join("control"), &memory] {
        renew(path)?;
    }
    let kernel = tool::find("linux.uml").unwrap_or_else(|| "linux.uml".into());
    let status = Command::new(&kernel)
        .args(args.kernel_line())
        .env_clear()
        .env("PATH", tool::PATH)
        .env("TMPDIR", &memory)
        .status()
        .map_err(|source| LabError::io(&kernel, source))?;
    Err(LabError::Tool { command: "linux.uml".to_owned(), stderr: status.to_string() })
}

/// An empty directory.
fn renew(path: &Path) -> Result<(), LabError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => fs::create_dir(path),
    }
    .map_err(|source| LabError::io(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_told_its_disk_its_wire_and_its_name() {
        let args = GuestArgs {
            name: "n2".to_owned(),
            directory: "/run/isobar/lab/x/n2".into(),
            ip: Ipv4Addr::new(10, 77, 0, 2),
        };
        let line = args.kernel_line();
        for word in [
            "init=/run/isobar/lab/x/guest-init",
            "ubd0=/run/isobar/lab/x/n2/disk",
            "ubd1=/run/isobar/lab/x/n2/data-disk",
            "vec0:transport=tap,ifname=n2,depth=128,mac=02:00:0a:4d:00:02",
            "isobar_ip=10.77.0.2",
            "isobar_files=/run/isobar/lab/x/n2/upper",
        ] {
            assert!(line.iter().any(|w| w == word), "{word} is not in {line:?}");
        }
    }
}
