//! `isobar lab` as it is typed.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command as Program, Output, Stdio};

use isobar::cluster::{Cluster, Command};
use isobar::lab::Lab;
use isobar::spec::ClusterSpec;

use crate::support;

fn isobar(words: &[&str], input: &str) -> Output {
    let mut child = Program::new(env!("CARGO_BIN_EXE_isobar"))
        .arg("lab")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whatever happens, the lab goes.
struct Down(String);

impl Drop for Down {
    fn drop(&mut self) {
        if let Ok(mut lab) = Lab::find(Some(&self.0)) {
            let _ = lab.down();
        }
    }
}

#[test]
fn a_lab_by_hand_from_up_to_down() {
    if !support::possible() {
        return;
    }
    let name = support::name();
    let _down = Down(name.clone());
    let up = isobar(&["up", "--nodes", "2", "--name", &name], "");
    assert!(up.status.success(), "{}", text(&up.stderr));

    // What it prints is what a specification needs to reach the lab over SSH.
    let block: BTreeMap<String, ClusterSpec> = serde_yaml::from_str(&text(&up.stdout)).unwrap();
    let ClusterSpec::Ssh(spec) = &block["cluster"] else { panic!("{block:?}") };
    let cluster = Cluster::ssh(spec).unwrap();
    let hosts = cluster.on_all(|member| member.remote.check(&Command::shell("hostname")));
    let hosts: Vec<String> = hosts.into_iter().map(|host| host.unwrap().text()).collect();
    assert_eq!(hosts, ["n1", "n2"]);

    let status = text(&isobar(&["status"], "").stdout);
    assert!(
        status.contains(&format!("{name}\tnamespace\tup\tby hand\t/run/isobar/lab/{name}")),
        "{status}"
    );

    let words = ["exec", "n2", "--name", &name, "--", "sh", "-c", "cat; echo \"it's $1\"; exit 9"];
    let exec = isobar(&[&words[..], &["_", "a  b"]].concat(), "in ");
    assert_eq!((exec.status.code(), text(&exec.stdout)), (Some(9), "in it's a  b\n".to_owned()));

    let unknown = isobar(&["exec", "n3", "--name", &name, "--", "true"], "");
    assert!(!unknown.status.success());
    let said = text(&unknown.stderr);
    assert!(said.contains("no node n3; it has n1, n2"), "{said}");

    let down = isobar(&["down", &name], "");
    assert!(down.status.success(), "{}", text(&down.stderr));
    assert_eq!(support::traces(&name), [""; 0]);
    let again = isobar(&["down", &name], "");
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("there is no lab"), "{}", text(&again.stderr));
}
