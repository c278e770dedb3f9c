//! A node's files, and its start.

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::state::{LabState, NodeState};
use super::tool::{self, Tool};
use super::{LabError, PATIENCE, cgroup, init, network};

/// In the lab's directory: the key that opens all nodes, and what they answer with.
pub(super) const KEY: &str = "id_ed25519";
pub(super) const KNOWN_HOSTS: &str = "known_hosts";
pub(super) const SSH_CONFIG: &str = "ssh_config";

const HOSTS: &str = "hosts";
const LOG: &str = "init.log";
const HOST_KEY: &str = "upper/etc/ssh/ssh_host_ed25519_key";

/// No PAM, no DNS: neither is needed, and each costs time. Many sessions at once: one per call.
const SSHD_CONFIG: &str = "\
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin yes
PasswordAuthentication no
UsePAM no
UseDNS no
PrintMotd no
MaxSessions 100
MaxStartups 100:30:200
Subsystem sftp internal-sftp
SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
";

/// Files which all nodes share: the key, names and addresses, the settings for `ssh`.
pub(super) fn shared_files(lab: &LabState) -> Result<(), LabError> {
    let directory = lab.directory();
    generate_key(&directory.join(KEY), &lab.name)?;
    let mut hosts = "127.0.0.1 localhost\n::1 localhost\n".to_owned();
    let mut config = String::new();
    for node in &lab.nodes {
        hosts.push_str(&format!("{} {}\n", node.ip, node.name));
        config.push_str(&format!("Host {}\n  HostName {}\n", node.name, node.ip));
    }
    hosts.push_str(&format!("{} control\n", lab.controller()));
    config.push_str(&format!(
        "Host *\n  User root\n  IdentityFile {d}/{KEY}\n  IdentitiesOnly yes\n  \
         UserKnownHostsFile {d}/{KNOWN_HOSTS}\n  StrictHostKeyChecking yes\n  LogLevel ERROR\n",
        d = directory.display()
    ));
    write(&directory.join(HOSTS), hosts)?;
    write(&directory.join(SSH_CONFIG), config)
}

/// The host keys of all nodes, which have to be there.
pub(super) fn known_hosts(lab: &LabState) -> Result<(), LabError> {
    let mut lines = String::new();
    for node in &lab.nodes {
        let key = read(&lab.node_directory(node).join(HOST_KEY).with_extension("pub"))?;
        let key: Vec<&str> = key.split_whitespace().take(2).collect();
        lines.push_str(&format!("{},{} {}\n", node.ip, node.name, key.join(" ")));
    }
    write(&lab.directory().join(KNOWN_HOSTS), lines)
}

/// Starts a node and wires it up; the parent of its PID 1 is returned.
pub(super) fn start(lab: &LabState, node: &NodeState, program: &Path) -> Result<Child, LabError> {
    files(lab, node)?;
    cgroup::create(&node.cgroups);
    let mut child = spawn(lab, node, program)?;
    match wire(lab, node, &mut child) {
        Ok(()) => Ok(child),
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

/// Waits until the node's sshd greets.
pub(super) fn await_sshd(
    lab: &LabState,
    node: &NodeState,
    child: &mut Child,
    until: Instant,
) -> Result<(), LabError> {
    loop {
        let greeted = TcpStream::connect_timeout(&(node.ip, 22).into(), Duration::from_millis(500))
            .and_then(|mut stream| {
                stream.set_read_timeout(Some(Duration::from_millis(500)))?;
                stream.read_exact(&mut [0; 4])
            });
        let Err(error) = greeted else { return Ok(()) };
        if let Ok(Some(status)) = child.try_wait() {
            return Err(not_up(lab, node, format!("its first process ended, {status}")));
        }
        if Instant::now() >= until {
            let reason = format!("no sshd answers within {PATIENCE:?} ({error})");
            return Err(not_up(lab, node, reason));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// What differs from this machine's own files; the rest is seen through the overlay.
fn files(lab: &LabState, node: &NodeState) -> Result<(), LabError> {
    let directory = lab.node_directory(node);
    let upper = directory.join("upper");
    for path in ["work", "root", "upper/etc/ssh", "upper/root/.ssh"] {
        let path = directory.join(path);
        fs::create_dir_all(&path).map_err(|source| LabError::io(&path, source))?;
    }
    for path in ["root", "root/.ssh"] {
        let path = upper.join(path);
        fs::set_permissions(&path, Permissions::from_mode(0o700))
            .map_err(|source| LabError::io(&path, source))?;
    }
    write(&upper.join("etc/hosts"), read(&lab.directory().join(HOSTS))?)?;
    write(&upper.join("etc/hostname"), format!("{}\n", node.name))?;
    write(&upper.join("etc/ssh/sshd_config"), SSHD_CONFIG)?;
    let public = lab.directory().join(KEY).with_extension("pub");
    write(&upper.join("root/.ssh/authorized_keys"), read(&public)?)?;
    // What root's shell does on this machine at its start would be done for every command.
    for profile in [".bashrc", ".profile", ".bash_profile", ".zshenv"] {
        write(&upper.join("root").join(profile), "")?;
    }
    generate_key(&directory.join(HOST_KEY), &node.name)
}

fn generate_key(path: &Path, comment: &str) -> Result<(), LabError> {
    let quiet = ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"];
    Tool::new("ssh-keygen").args(quiet).args([path]).run().map(drop)
}

fn spawn(lab: &LabState, node: &NodeState, program: &Path) -> Result<Child, LabError> {
    let directory = lab.node_directory(node);
    let log_path = directory.join(LOG);
    let opened = File::create(&log_path).and_then(|log| Ok((log.try_clone()?, log)));
    let (out, err) = opened.map_err(|source| LabError::io(&log_path, source))?;
    let path = |name: &str| tool::find(name).unwrap_or_else(|| name.into());
    // A session of its own, so that Ctrl-C and hang-up at the terminal do not reach the node.
    Command::new(path("setsid"))
        .arg(path("unshare"))
        .args(["--net", "--mount", "--propagation", "private", "--uts", "--ipc"])
        .args(["--pid", "--fork", "--kill-child"])
        .arg(program)
        .arg(init::SUBCOMMAND)
        .args(init::InitArgs::of(lab, node).argv())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(|source| LabError::io("setsid unshare", source))
}

/// Waits for the node's PID 1 to write itself down, and wires up its network namespace.
fn wire(lab: &LabState, node: &NodeState, child: &mut Child) -> Result<(), LabError> {
    let until = Instant::now() + PATIENCE;
    let process = loop {
        if let Some(process) = lab.first_process(node) {
            break process;
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(not_up(lab, node, format!("its first process ended, {status}")));
        }
        if Instant::now() >= until {
            return Err(not_up(lab, node, format!("no first process within {PATIENCE:?}")));
        }
        thread::sleep(Duration::from_millis(2));
    };
    network::plug(lab, node, process.pid())
}

fn not_up(lab: &LabState, node: &NodeState, reason: String) -> LabError {
    let log = fs::read_to_string(lab.node_directory(node).join(LOG)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines[lines.len().saturating_sub(5)..].join("\n  ");
    let log = if tail.is_empty() { tail } else { format!("\n  {tail}") };
    LabError::NodeDown { node: node.name.clone(), reason, log }
}

fn read(path: &Path) -> Result<String, LabError> {
    fs::read_to_string(path).map_err(|source| LabError::io(path, source))
}

fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), LabError> {
    fs::write(path, contents).map_err(|source| LabError::io(path, source))
}
