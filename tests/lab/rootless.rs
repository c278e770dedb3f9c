//! Labs of an ordinary user: real partitions on real etcd without root.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Output, Stdio};
use std::time::{Duration, Instant};

use isobar::cluster::{Command, NamespaceRemote, Remote, RemoteError};
use isobar::spec::LabKind;
use tempfile::TempDir;

use crate::support::{firewall, of_kind_possible, requirement};

/// Nobody: whom tests that run as root become.
const NOBODY: u32 = 65534;

/// An ordinary user with a home, a runtime directory and the program.
struct User {
    home: TempDir,
    program: PathBuf,
}

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl User {
    fn new() -> Option<Self> {
        if !of_kind_possible(LabKind::Rootless) {
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // Where it was built it may be out of an ordinary user's reach.
        let program = home.path().join("isobar");
        fs::copy(env!("CARGO_BIN_EXE_isobar"), &program).unwrap();
        for name in ["home", "runtime"] {
            let path = home.path().join(name);
            fs::create_dir(&path).unwrap();
            if root() {
                chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        Some(Self { home, program })
    }

    fn command(&self, words: &[&str]) -> Program {
        let mut command = if root() {
            let mut setpriv = Program::new("setpriv");
            setpriv.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
            setpriv.arg(&self.program);
            setpriv
        } else {
            Program::new(&self.program)
        };
        command.args(words).current_dir(self.home.path().join("home"));
        command.env("HOME", self.home.path().join("home")).env_remove("ISOBAR_STORE");
        command.env("XDG_RUNTIME_DIR", self.home.path().join("runtime"));
        command
    }

    fn isobar(&self, words: &[&str]) -> Ended {
        Ended::of(self.command(words).stdin(Stdio::null()).output().unwrap())
    }

    fn on(&self, node: &str, script: &str) -> Ended {
        self.isobar(&["lab", "exec", node, "--", "sh", "-c", script])
    }

    /// Whether an answer of `other` reaches `node`: a port on which nobody listens is refused.
    fn hears(&self, node: &str, other: &str) -> bool {
        let script = format!("timeout 2 bash -c '</dev/tcp/{other}/9' 2>&1 | grep -q refused");
        self.on(node, &script).code == Some(0)
    }

    /// The first process of a node.
    fn first(&self, node: &str) -> i32 {
        let status = self.isobar(&["lab", "status"]).stdout;
        let line = status.lines().find(|line| line.trim().starts_with(node)).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// What is left of labs: files, and processes.
    fn traces(&self) -> Vec<String> {
        let labs = self.home.path().join("runtime/isobar/lab");
        let files = fs::read_dir(labs).into_iter().flatten().flatten();
        let files = files.map(|file| file.file_name().to_string_lossy().into_owned());
        let mark = self.home.path().display().to_string();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
        files
            .filter(|file| file != ".lock")
            .chain(lines.filter(|line| line.contains(&mark)))
            .collect()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.isobar(&["lab", "down", "--all"]);
    }
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Self { code: output.status.code(), stdout, stderr }
    }

    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }
}

fn root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

fn wait_for(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + limit;
    while !done() {
        assert!(Instant::now() < until, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_lab_by_hand_without_root() {
    let Some(user) = User::new() else { return };
    let rules = firewall();
    let up = user.isobar(&["lab", "up", "--nodes", "2"]).expect(0);
    assert!(up.stdout.contains("kind: rootless"), "{}", up.stdout);
    let status = user.isobar(&["lab", "status"]).stdout;
    assert!(status.starts_with("lab\trootless\tup\tby hand\t"), "{status}");

    let seen = user.on("n1", "hostname; id -u; ls /var/lib; ps -e | grep -c isobar").expect(0);
    assert_eq!(seen.stdout, "n1\n0\n1\n", "{}", seen.stderr);
    user.on("n1", "exit 9").expect(9);
    assert!(user.hears("n1", "n2"));
    user.on("n1", "iptables -w -A INPUT -s n2 -j DROP").expect(0);
    assert!(!user.hears("n1", "n2"));
    user.on("n1", "tc qdisc add dev eth0 root tbf rate 1mbit burst 10k latency 50ms").expect(0);
    assert_eq!(firewall(), rules);

    user.on("n2", "echo a >/var/lib/kept").expect(0);
    user.isobar(&["lab", "power", "off", "n2"]).expect(0);
    assert!(user.isobar(&["lab", "status"]).stdout.contains("degraded"));
    let off = user.on("n2", "true").expect(2);
    assert!(off.stderr.contains("is off"), "{}", off.stderr);
    user.isobar(&["lab", "power", "on", "n2"]).expect(0);
    assert_eq!(user.on("n2", "cat /var/lib/kept; ls /var/run/").expect(0).stdout, "a\nlock\n");
    assert!(user.hears("n2", "control"));

    assert!(!user.traces().is_empty());
    user.isobar(&["lab", "down"]).expect(0);
    assert_eq!(user.traces(), [""; 0]);
    user.isobar(&["lab", "down", "lab"]).expect(2);
}

#[test]
fn what_is_left_of_a_lab_that_was_killed_at_its_birth_goes() {
    let Some(user) = User::new() else { return };
    // Its directory is made first, then its record.
    let lab = user.home.path().join("runtime/isobar/lab/lab");
    fs::create_dir_all(&lab).unwrap();
    if root() {
        for path in lab.ancestors().take(3) {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    user.isobar(&["lab", "down"]).expect(0);
    assert_eq!(user.traces(), [""; 0]);
}

#[test]
fn commands_enter_the_namespaces_with_input_status_and_deadline() {
    let Some(user) = User::new() else { return };
    user.isobar(&["lab", "up", "--nodes", "1"]).expect(0);
    let first = user.first("n1");
    let remote = NamespaceRemote::new("n1", move || Some(first));
    let output = remote.run(&Command::shell("cat; echo no >&2; hostname; exit 3").stdin("in "));
    let output = output.unwrap();
    assert_eq!(
        (output.status, output.text(), output.error_text()),
        (3, "in n1".into(), "no".into())
    );
    let begin = Instant::now();
    let script = "sleep 4321 & sleep 4321";
    let late = remote.run(&Command::shell(script).deadline(Duration::from_millis(500)));
    assert!(matches!(late, Err(RemoteError::Deadline { .. })), "{late:?}");
    assert!(begin.elapsed() < Duration::from_secs(10));
    wait_for("the script's processes are gone", Duration::from_secs(5), || {
        user.on("n1", "ps -e -o args | grep -c '[s]leep 4321'").stdout == "0\n"
    });
    let off = NamespaceRemote::new("n1", || None).run(&Command::shell("true"));
    assert!(matches!(off, Err(RemoteError::Unreachable { .. })), "{off:?}");
}

#[test]
fn where_user_namespaces_are_refused_the_setting_is_named() {
    if !of_kind_possible(LabKind::Rootless) {
        return;
    }
    // The setting is one of each user namespace: this machine's own stays as it is.
    let script = "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$0\" lab up --kind rootless";
    let output = Program::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", script])
        .arg(env!("CARGO_BIN_EXE_isobar"))
        .env_remove("XDG_RUNTIME_DIR")
        .output()
        .unwrap();
    let said = Ended::of(output).expect(4).stderr;
    assert!(said.contains("sysctl -w user.max_user_namespaces="), "{said}");
}

/// Where etcd is not installed, its test is skipped.
fn etcd() -> bool {
    let missing = Program::new("etcd").arg("--version").output().is_err();
    requirement::met(missing.then(|| "etcd is missing; run `sudo isobar lab install`".to_owned()))
}

fn spec(user: &User, time: &str) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/etcd-rootless.yaml");
    let text = fs::read_to_string(example).unwrap();
    let text =
        text.replace("time: 60s", &format!("time: {time}")).replace("rate: 500/s", "rate: 200/s");
    fs::write(user.home.path().join("home/etcd.yaml"), text).unwrap();
}

#[test]
fn etcd_is_partitioned_killed_and_found_valid_without_root() {
    if !etcd() {
        return;
    }
    let Some(user) = User::new() else { return };
    let rules = firewall();
    spec(&user, "16s");
    let ended = user.isobar(&["run", "etcd.yaml", "--seed", "1"]).expect(0);
    assert!(ended.stdout.contains("VALID"), "{}", ended.stdout);
    let run = user.home.path().join("home/runs/etcd-rootless/latest");
    let history = fs::read_to_string(run.join("history.jsonl")).unwrap();
    let evidence = |line: &&str| line.contains("\"partition\"") && line.contains("installed");
    let line = history.lines().find(evidence).unwrap();
    assert!(line.contains("packets dropped"), "{line}");
    assert_eq!(user.traces(), [""; 0]);
    assert_eq!(firewall(), rules);
}

#[test]
fn a_lab_whose_controller_was_killed_is_an_orphan_and_can_be_healed_and_taken_down() {
    if !etcd() {
        return;
    }
    let Some(user) = User::new() else { return };
    spec(&user, "60s");
    let mut controller = user
        .command(&["run", "etcd.yaml", "--seed", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let history = user.home.path().join("home/runs/etcd-rootless/latest/history.jsonl");
    wait_for("a partition", Duration::from_secs(60), || {
        fs::read_to_string(&history).is_ok_and(|history| history.contains("\"installed\""))
    });
    controller.kill().unwrap();
    controller.wait().unwrap();
    assert!(user.isobar(&["lab", "status"]).stdout.contains("orphaned"));
    let rules = || {
        let all = (1..=5).map(|n| user.on(&format!("n{n}"), "iptables-save").stdout);
        all.collect::<String>()
    };
    assert!(rules().contains("ISOBAR"));
    user.isobar(&["heal", "-1"]).expect(0);
    assert!(!rules().contains("ISOBAR"));
    user.isobar(&["lab", "down"]).expect(0);
    assert_eq!(user.traces(), [""; 0]);
}
