//! A lab for one test.

#[path = "../support/requirement.rs"]
pub mod requirement;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, thread};

use isobar::cluster::Cluster;
use isobar::lab::{Lab, LabOptions, Owner, requirements};
use isobar::spec::{LabKind, SshSpec};

/// Taken down when dropped, also by a panic.
pub struct TestLab {
    pub lab: Lab,
    nodes: u32,
}

/// Whether labs of namespaces can be had here; with `ISOBAR_REQUIRE_LAB=1` they must.
#[track_caller]
pub fn possible() -> bool {
    of_kind_possible(LabKind::Namespace)
}

/// As [`possible`], for labs of any kind.
#[track_caller]
pub fn of_kind_possible(kind: LabKind) -> bool {
    requirement::met(requirements(kind).err().map(|error| error.to_string()))
}

/// A name that no other test process uses: several may run at once on one machine.
pub fn name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("t{:x}{number:x}", std::process::id() % 0xf_ffff)
}

impl TestLab {
    pub fn up(nodes: u32) -> Option<Self> {
        Self::of(LabKind::Namespace, nodes)
    }

    pub fn of(kind: LabKind, nodes: u32) -> Option<Self> {
        of_kind_possible(kind).then(|| {
            let lab = Lab::up(&options(kind, nodes)).unwrap();
            Self { lab, nodes }
        })
    }

    pub fn options(&self) -> LabOptions {
        options(LabKind::Namespace, self.nodes)
    }

    pub fn spec(&self) -> SshSpec {
        self.lab.ssh_spec()
    }

    pub fn cluster(&self) -> Cluster {
        Cluster::ssh(&self.spec()).unwrap()
    }

    /// An address in the lab's network.
    pub fn address(&self, host: u8) -> String {
        let (_, first) = self.lab.nodes().next().unwrap();
        let [a, b, c, _] = first.octets();
        format!("{a}.{b}.{c}.{host}")
    }

    /// Freezes or thaws all of a node with its cgroup, or else its sshd with signals.
    pub fn freeze(&self, node: &str, frozen: bool) {
        let own = format!("isobar-{}-{node}", self.lab.name());
        let v1 = Path::new("/sys/fs/cgroup/freezer").join(&own);
        let v2 = Path::new("/sys/fs/cgroup").join(&own);
        if v1.is_dir() {
            let word = if frozen { "FROZEN" } else { "THAWED" };
            fs::write(v1.join("freezer.state"), word).unwrap();
        } else {
            fs::write(v2.join("cgroup.freeze"), if frozen { "1" } else { "0" }).unwrap();
        }
    }
}

pub fn options(kind: LabKind, nodes: u32) -> LabOptions {
    let program = Some(env!("CARGO_BIN_EXE_isobar").into());
    LabOptions { kind, nodes, name: Some(name()), owner: Owner::Me, program }
}

impl Drop for TestLab {
    fn drop(&mut self) {
        let down = self.lab.down();
        if !thread::panicking() {
            down.unwrap();
        }
    }
}

/// All that this machine shows of a lab: processes, interfaces, mounts, cgroups, files.
pub fn traces(name: &str) -> Vec<String> {
    let directory = format!("/run/isobar/lab/{name}");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&format!("{directory}/")) {
            found.push(line);
        }
    }
    let links = fs::read_dir("/sys/class/net").unwrap().flatten();
    let links = links.map(|link| link.file_name().to_string_lossy().into_owned());
    found.extend(links.filter(|link| link.ends_with(&format!("-{name}"))));
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    found.extend(mounts.lines().filter(|line| line.contains(&directory)).map(str::to_owned));
    for tree in ["", "freezer", "memory"] {
        let Ok(groups) = fs::read_dir(Path::new("/sys/fs/cgroup").join(tree)) else { continue };
        let groups = groups.flatten().map(|group| group.file_name().to_string_lossy().into_owned());
        found.extend(groups.filter(|group| group.starts_with(&format!("isobar-{name}-"))));
    }
    found.extend(Path::new(&directory).exists().then_some(directory));
    found
}

/// The rules of this machine's own firewall, without counters.
pub fn firewall() -> String {
    let rules = Command::new("iptables-save").output().unwrap().stdout;
    let rules = String::from_utf8_lossy(&rules);
    rules.lines().filter(|line| line.starts_with("-A")).map(str::to_owned).collect()
}
