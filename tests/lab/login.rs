//! The ways to log in that depend on the environment: password, agent, and the usual keys.
//!
//! The environment of a running process cannot be changed safely. So the tests that need another
//! one run this file's `child` in a process of its own.

use std::path::Path;
use std::process::{Command as Program, Output, Stdio};
use std::time::{Duration, Instant};

use isobar::cluster::{Cluster, Command};
use isobar::lab::Lab;
use isobar::spec::SshSpec;

use crate::support::TestLab;

/// Logs in to n1 of the lab in `ISOBAR_TEST_LAB` the way `ISOBAR_TEST_WAY` says.
#[test]
fn child() {
    let Ok(name) = std::env::var("ISOBAR_TEST_LAB") else { return };
    let lab = Lab::find(Some(&name)).unwrap();
    let spec = SshSpec { key: None, ..lab.ssh_spec() };
    let spec = match std::env::var("ISOBAR_TEST_WAY").unwrap().as_str() {
        "agent" => SshSpec { agent: true, ..spec },
        "password" => SshSpec { password_env: Some("ISOBAR_TEST_PASSWORD".into()), ..spec },
        _ => spec,
    };
    let answer = Cluster::ssh(&spec)
        .and_then(|cluster| cluster.members[0].remote.check(&Command::shell("hostname")));
    match answer {
        Ok(output) => eprintln!("<<{}>>", output.text()),
        Err(error) => eprintln!("<<{error}>>"),
    }
}

fn log_in(lab: &TestLab, way: &str, environment: &[(&str, &Path)]) -> String {
    let mut child = Program::new(std::env::current_exe().unwrap());
    child.args(["--exact", "login::child", "--nocapture"]);
    child.env_remove("SSH_AUTH_SOCK").env("HOME", "/nonexistent");
    child.env("ISOBAR_TEST_LAB", lab.lab.name()).env("ISOBAR_TEST_WAY", way);
    child.envs(environment.iter().copied());
    let Output { stderr, .. } = child.output().unwrap();
    let text = String::from_utf8_lossy(&stderr).into_owned();
    let answer = text.split("<<").nth(1).and_then(|rest| rest.split(">>").next());
    answer.unwrap_or(&text).to_owned()
}

#[test]
fn with_a_password_from_the_environment() {
    let Some(lab) = TestLab::up(1) else { return };
    let allow = "echo root:secret | chpasswd\n\
                 sed -i 's/^PasswordAuthentication no/PasswordAuthentication yes/' \
                 /etc/ssh/sshd_config\n\
                 kill -HUP $(cat /run/sshd.pid)";
    lab.cluster().members[0].remote.check(&Command::shell(allow)).unwrap();
    let variable = "ISOBAR_TEST_PASSWORD";
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let answer = log_in(&lab, "password", &[(variable, Path::new("secret"))]);
        if answer == "n1" {
            break;
        }
        assert!(Instant::now() < until, "{answer}");
    }
    let wrong = log_in(&lab, "password", &[(variable, Path::new("wrong"))]);
    assert!(wrong.contains("refused") && !wrong.contains("wrong"), "{wrong}");
    let unset = log_in(&lab, "password", &[]);
    assert!(unset.contains(variable), "{unset}");
}

#[test]
fn with_the_agent() {
    let Some(lab) = TestLab::up(1) else { return };
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("agent");
    let mut agent = Program::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    while !socket.exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    let environment = [("SSH_AUTH_SOCK", socket.as_path())];
    let empty = log_in(&lab, "agent", &environment);
    let key = lab.spec().key.unwrap();
    let added = Program::new("ssh-add").arg(&key).envs(environment).output();
    let answers = ["agent", "usual"].map(|way| log_in(&lab, way, &environment));
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(added.is_ok_and(|added| added.status.success()));
    assert!(empty.contains("the agent (0 keys)"), "{empty}");
    assert_eq!(answers, ["n1", "n1"]);
    let gone = log_in(&lab, "agent", &environment);
    assert!(gone.contains("refused") && gone.contains("agent"), "{gone}");
}

#[test]
fn with_the_usual_keys() {
    let Some(lab) = TestLab::up(1) else { return };
    let home = tempfile::tempdir().unwrap();
    let none = log_in(&lab, "usual", &[("HOME", home.path())]);
    assert!(none.contains("~/.ssh/id_ed25519") && none.contains("password-env"), "{none}");
    std::fs::create_dir(home.path().join(".ssh")).unwrap();
    std::fs::copy(lab.spec().key.unwrap(), home.path().join(".ssh/id_ecdsa")).unwrap();
    assert_eq!(log_in(&lab, "usual", &[("HOME", home.path())]), "n1");
}
