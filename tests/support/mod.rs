//! What the end-to-end tests share: the binary, a place for runs, and what this machine can do.

#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part")]

pub mod lists;
pub mod requirement;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The program under test, with a store of its own.
pub struct Isobar {
    pub store: TempDir,
}

/// What a finished command printed, and its exit code.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Isobar {
    pub fn new() -> Self {
        Self { store: tempfile::tempdir().unwrap() }
    }

    /// The command, for those who want to watch it.
    pub fn command<S: AsRef<str>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_isobar"));
        command.args(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        command.env("ISOBAR_STORE", self.store.path());
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command
    }

    pub fn run<S: AsRef<str>>(&self, args: impl IntoIterator<Item = S>) -> Ended {
        Ended::of(&self.command(args).output().unwrap())
    }

    /// Writes a specification next to the runs.
    pub fn spec(&self, name: &str, text: &str) -> String {
        let path = self.store.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Brings a lab up and puts the `ssh:` block that `lab up` prints into a specification.
    pub fn over_ssh(&self, lab: &str, nodes: u32, text: &str) -> String {
        let nodes = nodes.to_string();
        let block = self.run(["lab", "up", "--nodes", &nodes, "--name", lab]).expect(0).stdout;
        text.replace(&format!("cluster:\n  lab: {{ nodes: {nodes} }}\n"), &block)
    }

    /// The directory of the latest run of a test.
    pub fn latest(&self, test: &str) -> PathBuf {
        self.store.path().join(test).join("latest").canonicalize().unwrap()
    }
}

/// Takes a lab down, also when its test fails.
pub struct LabGuard<'a>(pub &'a Isobar, pub &'static str);

impl Drop for LabGuard<'_> {
    fn drop(&mut self) {
        self.0.run(["lab", "down", self.1]);
    }
}

/// Polls until `done`, at most `limit`.
pub fn wait_for(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

impl Ended {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the test, showing everything, unless the exit code is `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let all = format!("{}\n{}", self.stdout, self.stderr);
        assert!(all.contains(text), "`{text}` is not in:\n{all}");
        self
    }
}

/// Whether this machine can run a lab with etcd in it.
#[track_caller]
pub fn lab_available(test: &str) -> bool {
    let etcd = || {
        let missing = Command::new("etcd").arg("--version").output().is_err();
        missing.then(|| "etcd is missing here; run `sudo isobar lab install`".to_owned())
    };
    let missing = isobar::lab::requirements(isobar::spec::LabKind::Namespace)
        .err()
        .map(|error| error.to_string())
        .or_else(etcd);
    requirement::met(missing.map(|missing| format!("{test}: {missing}")))
}

/// This machine's own firewall, without counters: no test may change it.
pub fn firewall() -> Vec<String> {
    let rules = |tool: &str| {
        let output = Command::new(tool).output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).into_owned()
    };
    let both = format!("{}{}", rules("iptables-save"), rules("ip6tables-save"));
    both.lines().filter(|line| line.starts_with("-A")).map(str::to_owned).collect()
}

/// All that this machine still shows of the lab called `name`: interfaces, mounts, processes,
/// control groups.
pub fn traces(name: &str) -> Vec<String> {
    let directory = format!("/run/isobar/lab/{name}");
    let entries = |place: &str| {
        let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
        entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let links = entries("/sys/class/net").into_iter().filter(|l| l.ends_with(&format!("-{name}")));
    let groups = ["", "freezer", "memory"]
        .into_iter()
        .flat_map(|tree| entries(&format!("/sys/fs/cgroup/{tree}")))
        .filter(|group| group.starts_with(&format!("isobar-{name}-")));
    links
        .chain(groups)
        .chain(mounts.lines().filter(|line| line.contains(&directory)).map(str::to_owned))
        .chain(processes(&format!("{directory}/")))
        .chain(Path::new(&directory).exists().then(|| directory.clone()))
        .collect()
}

/// Processes whose command line contains `mark`.
pub fn processes(mark: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(mark))
        .collect()
}
