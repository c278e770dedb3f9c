//! PID 1 of a rootless node: gives it directories of its own, then reaps orphans.
//!
//! It runs in fresh namespaces, but at first still sees this machine's files and `/proc`.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::mount::{MountFlags, mount, mount_bind};
use rustix::system::sethostname;

use crate::lab::namespace::init::{at, configure_network, keep, make_directory};
use crate::lab::state::{record_first_process, record_ready};
use crate::lab::{LabError, tool};

/// The hidden subcommand which calls [`run`].
pub const SUBCOMMAND: &str = "lab-rootless-init";

/// What a node has of its own, with its mode.
const OWN: [(&str, u32); 4] = [("run", 0o755), ("tmp", 0o1777), ("var", 0o755), ("root", 0o700)];

/// What has to be in them.
const INNER: [&str; 6] = ["run/lock", "var/cache", "var/lib", "var/log", "var/spool", "var/tmp"];

/// What a node has to know of itself.
#[derive(Clone, Debug, clap::Args)]
pub struct InitArgs {
    #[arg(long)]
    pub name: String,
    /// Where it writes itself down.
    #[arg(long)]
    pub directory: PathBuf,
    /// Holds, or will hold, the directories of its own.
    #[arg(long)]
    pub files: PathBuf,
    /// Names and addresses of the nodes.
    #[arg(long)]
    pub hosts: PathBuf,
    #[arg(long)]
    pub ip: Ipv4Addr,
}

impl InitArgs {
    /// The arguments that are parsed to `self`.
    pub(super) fn argv(&self) -> Vec<OsString> {
        let Self { name, directory, files, hosts, ip } = self;
        let ip = ip.to_string();
        let pairs: [(&str, OsString); 5] = [
            ("--name", name.into()),
            ("--directory", directory.into()),
            ("--files", files.into()),
            ("--hosts", hosts.into()),
            ("--ip", ip.into()),
        ];
        pairs.into_iter().flat_map(|(option, value)| [option.into(), value]).collect()
    }
}

/// Is the node's first process; comes back only when the node cannot be built.
pub fn run(args: &InitArgs) -> Result<Infallible, LabError> {
    record_first_process(&args.directory)?;
    let none = MountFlags::empty();
    // Of its own network namespace: this tells about the wire.
    forbidden("/sys", mount("sysfs", "/sys", "sysfs", none, None))?;
    sethostname(args.name.as_bytes()).map_err(|error| LabError::io("host name", error.into()))?;
    configure_network(args.ip)?;
    at("/etc/hosts", mount_bind(&args.hosts, "/etc/hosts"))?;
    at("/dev/shm", mount("tmpfs", "/dev/shm", "tmpfs", none, Some(c"mode=1777")))?;
    own_directories(&args.files)?;
    record_ready(&args.directory)?;
    hide(&args.files)?;
    forbidden("/proc", mount("proc", "/proc", "proc", none, None))?;
    let mut sleep = Command::new(tool::find("sleep").unwrap_or_else(|| "sleep".into()));
    sleep.arg("infinity").env_clear().stdin(Stdio::null());
    keep(&mut sleep)
}

/// Makes them, unless the node was on before.
fn own_directories(files: &Path) -> Result<(), LabError> {
    for (directory, mode) in OWN {
        let path = files.join(directory);
        make_directory(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(mode))
            .map_err(|source| LabError::io(&path, source))?;
    }
    // What runs is of this boot of the node.
    let run = files.join("run");
    for entry in fs::read_dir(&run).map_err(|source| LabError::io(&run, source))?.flatten() {
        let path = entry.path();
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(|source| LabError::io(&path, source))?;
    }
    INNER.iter().try_for_each(|inner| make_directory(&files.join(inner)))?;
    let link = files.join("var/run");
    match symlink("/run", &link) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(LabError::io(link, error)),
        _ => Ok(()),
    }
}

/// Puts the node's directories in the place of this machine's.
fn hide(files: &Path) -> Result<(), LabError> {
    // The first may hide the path to the others: they are found from here.
    std::env::set_current_dir(files).map_err(|source| LabError::io(files, source))?;
    for (directory, _) in OWN {
        let place = Path::new("/").join(directory);
        at(&place, mount_bind(directory, &place))?;
    }
    std::env::set_current_dir("/").map_err(|source| LabError::io("/", source))
}

/// Where `/proc` or `/sys` are covered in part, as in many containers, the kernel gives no others.
fn forbidden(path: &str, result: Result<(), Errno>) -> Result<(), LabError> {
    match result {
        Err(Errno::PERM | Errno::ACCESS) => {
            Err(LabError::Denied { what: "mounting /proc and /sys in a user namespace" })
        }
        result => at(path, result),
    }
}
