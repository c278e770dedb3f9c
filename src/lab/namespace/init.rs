//! PID 1 of a node: builds the node's root, then keeps an sshd running and reaps orphans.
//!
//! It runs in fresh namespaces, but at first still sees this machine's files, `/proc` and cgroups.

use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, unmount};
use rustix::process::{WaitOptions, pivot_root, wait};
use rustix::system::sethostname;

use super::cgroup;
use crate::lab::state::{LabState, NodeState, record_first_process};
use crate::lab::tool::{self, ip};
use crate::lab::{LabError, PATIENCE, wait_for};

/// The hidden subcommand which calls [`run`].
pub const SUBCOMMAND: &str = "lab-node-init";

/// Devices of this machine that a node may use, where they exist.
const DEVICES: [&str; 9] =
    ["null", "zero", "full", "random", "urandom", "tty", "fuse", "loop-control", "net/tun"];

/// Loop devices have to be there before one can be asked for: the node has no udev.
const LOOP_DEVICES: u32 = 16;
const LOOP_MAJOR: u32 = 7;

const RESPAWN_AFTER: Duration = Duration::from_millis(100);

/// What a node has to know of itself.
#[derive(Clone, Debug, clap::Args)]
pub struct InitArgs {
    #[arg(long)]
    name: String,
    /// Holds `upper`, `work` and `root`.
    #[arg(long)]
    directory: PathBuf,
    #[arg(long)]
    ip: Ipv4Addr,
    #[arg(long = "cgroup")]
    cgroups: Vec<PathBuf>,
}

impl InitArgs {
    pub(super) fn of(lab: &LabState, node: &NodeState) -> Self {
        Self {
            name: node.name.clone(),
            directory: lab.node_directory(node),
            ip: node.ip,
            cgroups: node.cgroups.clone(),
        }
    }

    /// The arguments that are parsed to `self`.
    pub(super) fn argv(&self) -> Vec<OsString> {
        let mut argv: Vec<OsString> = vec![
            "--name".into(),
            (&self.name).into(),
            "--directory".into(),
            (&self.directory).into(),
            "--ip".into(),
            self.ip.to_string().into(),
        ];
        for path in &self.cgroups {
            argv.extend(["--cgroup".into(), path.into()]);
        }
        argv
    }
}

/// Is the node's first process; comes back only when the node cannot be built.
pub fn run(args: &InitArgs) -> Result<Infallible, LabError> {
    cgroup::join(&args.cgroups);
    record_first_process(&args.directory)?;
    let root = args.directory.join("root");
    mount_root(&args.directory, &root)?;
    mount_special(&root)?;
    change_root(&root)?;
    sethostname(args.name.as_bytes()).map_err(|error| LabError::io("host name", error.into()))?;
    configure_network(args.ip)?;
    keep_sshd()
}

/// The overlay, and in it the running program, should it be on a file system of its own.
fn mount_root(directory: &Path, root: &Path) -> Result<(), LabError> {
    let mut options = b"lowerdir=/,upperdir=".to_vec();
    options.extend(directory.join("upper").as_os_str().as_bytes());
    options.extend(b",workdir=");
    options.extend(directory.join("work").as_os_str().as_bytes());
    let options = CString::new(options).map_err(|error| LabError::io(directory, error.into()))?;
    let options = options.as_c_str();
    at(root, mount("overlay", root, "overlay", MountFlags::empty(), Some(options)))?;
    let Ok(program) = std::env::current_exe() else { return Ok(()) };
    let inside = root.join(program.strip_prefix("/").unwrap_or(&program));
    if !inside.exists() {
        touch(&inside)?;
        at(&inside, mount_bind(&program, &inside))?;
    }
    Ok(())
}

/// `/proc`, `/sys`, `/dev`, `/run`.
fn mount_special(root: &Path) -> Result<(), LabError> {
    let none = MountFlags::empty();
    let (proc, sys, dev, run) =
        (root.join("proc"), root.join("sys"), root.join("dev"), root.join("run"));
    at(&proc, mount("proc", &proc, "proc", none, None))?;
    at(&sys, mount("sysfs", &sys, "sysfs", none, None))?;
    at(&dev, mount("tmpfs", &dev, "tmpfs", MountFlags::NOSUID, Some(c"mode=0755")))?;
    for device in DEVICES {
        let (outside, inside) = (Path::new("/dev").join(device), dev.join(device));
        if outside.exists() {
            touch(&inside)?;
            at(&inside, mount_bind(&outside, &inside))?;
        }
    }
    for minor in 0..LOOP_DEVICES {
        let path = dev.join(format!("loop{minor}"));
        let mode = Mode::RUSR | Mode::WUSR;
        let device = makedev(LOOP_MAJOR, minor);
        at(&path, mknodat(CWD, &path, FileType::BlockDevice, mode, device))?;
    }
    let links = [
        ("/proc/self/fd", "fd"),
        ("fd/0", "stdin"),
        ("fd/1", "stdout"),
        ("fd/2", "stderr"),
        ("pts/ptmx", "ptmx"),
    ];
    for (target, link) in links {
        let link = dev.join(link);
        symlink(target, &link).map_err(|source| LabError::io(&link, source))?;
    }
    let (pts, shm) = (dev.join("pts"), dev.join("shm"));
    make_directory(&pts)?;
    make_directory(&shm)?;
    let own = Some(c"newinstance,ptmxmode=0666,mode=0620,gid=5");
    at(&pts, mount("devpts", &pts, "devpts", none, own))?;
    at(&shm, mount("tmpfs", &shm, "tmpfs", none, Some(c"mode=1777")))?;
    at(&run, mount("tmpfs", &run, "tmpfs", none, Some(c"mode=0755")))?;
    make_directory(&run.join("sshd"))?;
    make_directory(&run.join("lock"))
}

fn change_root(root: &Path) -> Result<(), LabError> {
    std::env::set_current_dir(root).map_err(|source| LabError::io(root, source))?;
    make_directory(Path::new(".old"))?;
    at(root, pivot_root(".", ".old"))?;
    std::env::set_current_dir("/").map_err(|source| LabError::io("/", source))?;
    at("/.old", unmount("/.old", UnmountFlags::DETACH))?;
    fs::remove_dir("/.old").map_err(|source| LabError::io("/.old", source))
}

/// Waits for the wire, which the controller lays.
pub(in crate::lab) fn configure_network(address: Ipv4Addr) -> Result<(), LabError> {
    let wire = Path::new("/sys/class/net/eth0");
    wait_for(Instant::now() + PATIENCE, || wire.exists())
        .map_err(|()| LabError::io(wire, ErrorKind::TimedOut.into()))?;
    let lines = format!("link set lo up\naddr add {address}/24 dev eth0\nlink set eth0 up\n");
    ip("-batch -").run_with(&lines).map(drop)
}

fn keep_sshd() -> Result<Infallible, LabError> {
    let mut sshd = Command::new(tool::find("sshd").unwrap_or_else(|| "sshd".into()));
    sshd.args(["-D", "-e"]).env_clear().env("PATH", tool::PATH).env("HOME", "/root");
    keep(sshd.stdin(Stdio::null()))
}

/// Starts a program again whenever it ends, so that even `kill -9 -1` leaves the node with it, and
/// reaps orphans.
pub(in crate::lab) fn keep(program: &mut Command) -> Result<Infallible, LabError> {
    loop {
        let child =
            program.spawn().map_err(|source| LabError::io(program.get_program(), source))?;
        loop {
            // Of all children, since orphans of the node become ours.
            match wait(WaitOptions::empty()) {
                Ok(Some((pid, _))) if pid.as_raw_pid() == child.id() as i32 => break,
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        thread::sleep(RESPAWN_AFTER);
    }
}

/// An empty file to mount on.
fn touch(path: &Path) -> Result<(), LabError> {
    if let Some(parent) = path.parent() {
        make_directory(parent)?;
    }
    File::create(path).map(drop).map_err(|source| LabError::io(path, source))
}

pub(in crate::lab) fn make_directory(path: &Path) -> Result<(), LabError> {
    fs::create_dir_all(path).map_err(|source| LabError::io(path, source))
}

pub(in crate::lab) fn at<T>(
    path: impl AsRef<Path>,
    result: Result<T, Errno>,
) -> Result<T, LabError> {
    result.map_err(|error| LabError::io(path, error.into()))
}
