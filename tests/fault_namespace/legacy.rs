//! Kernels that know only the legacy tables, and systems where both names mean one program.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::lab::{Lab, can_run};
use crate::scene::Scene;

/// What iptables says on such a kernel.
const REFUSES: &str = "#!/bin/sh\necho 'TABLE_ADD failed (Operation not supported)' >&2\nexit 4\n";
const NAMES: [&str; 4] = ["iptables", "iptables-restore", "ip6tables", "ip6tables-restore"];

fn is_cut_and_mended(programs: &Path) {
    let lab = Lab::up(2, false);
    lab.remotes[0].programs.set(programs.to_owned()).unwrap();
    let faults = json!([{"partition": {"split": {"grudge": {"n1": ["n2"]}}, "at": "0s"}}]);
    let mut scene = Scene::new(&lab, faults);
    scene.injector.begin();
    scene.wait_installed(0);
    assert!(!lab.hears(1, 2) && lab.hears(2, 1));
    let legacy = "iptables-legacy-save";
    assert!(lab.on(1, legacy).contains("-j ISOBAR-IN"));
    let report = scene.injector.heal_all(Duration::from_secs(5));
    assert_eq!((report.healed, report.dirty.len()), (1, 0));
    assert!(lab.hears(1, 2) && !lab.on(1, legacy).contains("ISOBAR-IN"));
    assert_eq!(scene.events()[1]["value"]["evidence"], json!({"n1": "1 rule, 0 packets dropped"}));
    scene.assert_nothing_left();
}

#[test]
fn where_iptables_is_refused_by_the_kernel_the_legacy_program_is_used() {
    if !can_run() {
        return;
    }
    let programs = tempfile::tempdir().unwrap();
    for name in NAMES {
        let path = programs.path().join(name);
        std::fs::write(&path, REFUSES).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    is_cut_and_mended(programs.path());
}

#[test]
fn where_iptables_is_the_legacy_program_its_rules_count_once() {
    if !can_run() {
        return;
    }
    let programs = tempfile::tempdir().unwrap();
    for name in NAMES {
        // It looks at the name it was called by.
        let legacy = name.replace("tables", "tables-legacy");
        let script = format!("#!/bin/sh\nexec {legacy} \"$@\"\n");
        let path = programs.path().join(format!("{name}.sh"));
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        symlink(&path, programs.path().join(name)).unwrap();
    }
    is_cut_and_mended(programs.path());
}
