//! Commands over SSH, and what can go wrong with them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command as Program;
use std::thread;
use std::time::{Duration, Instant};

use isobar::cluster::{Cluster, Command, Output, RemoteError};
use isobar::spec::{NodeOverride, SshSpec};

use crate::support::TestLab;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn on_first(spec: &SshSpec, command: &Command) -> Result<Output, RemoteError> {
    Cluster::ssh(spec)?.members[0].remote.run(command)
}

fn shell(script: &str) -> Command {
    Command::shell(script)
}

#[test]
fn commands_run_as_typed_with_input_outputs_and_status() {
    let Some(lab) = TestLab::up(2) else { return };
    let cluster = lab.cluster();
    assert_eq!(cluster.controller.map(|ip| ip.to_string()), Some(lab.address(254)));
    assert_eq!(cluster.nodes()[1].ip.to_string(), lab.address(2));
    let names = cluster.on_all(|member| member.remote.check(&shell("hostname; id -u")));
    let names: Vec<String> = names.into_iter().map(|name| name.unwrap().text()).collect();
    assert_eq!(names, ["n1\n0", "n2\n0"]);

    let first = &cluster.members[0].remote;
    let odd = "it's \"$HOME\" `x` \\n ä";
    let output = first.run(&Command::argv(["printf", "%s", odd])).unwrap();
    assert_eq!((output.status, output.text().as_str()), (0, odd));
    let output = first.run(&shell("cat; echo oops >&2; exit 7").stdin("in")).unwrap();
    assert_eq!(
        (output.status, output.text(), output.error_text()),
        (7, "in".into(), "oops".into())
    );
    assert_eq!(first.run(&shell("kill -9 $$")).unwrap().status, 137);
    assert_eq!(first.run(&shell("sh -c 'kill -TERM $$'; exit $?")).unwrap().status, 143);
    // The command may end without reading its input.
    assert_eq!(first.run(&shell("true").stdin(vec![b'x'; 8 << 20])).unwrap().status, 0);
    let failed = first.check(&shell("echo no >&2; false")).unwrap_err();
    assert!(matches!(failed, RemoteError::Failed { status: 1, ref stderr, .. } if stderr == "no"));
    let long = first.run(&Command::argv(["true", &"x".repeat(40_000)])).unwrap_err();
    assert!(long.to_string().contains("standard input"), "{long}");
}

#[test]
fn large_data_pass_both_ways_at_once() {
    let Some(lab) = TestLab::up(1) else { return };
    let remote = &lab.cluster().members[0].remote;
    let four_mib = "head -c 4194304 /dev/zero";
    let output = remote.run(&shell(&format!("{four_mib} >&2; {four_mib}"))).unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (4 << 20, 4 << 20));
    let input: Vec<u8> = (0..8_000_000_u32).map(|n| (n % 251) as u8).collect();
    let output = remote.run(&shell("tee /dev/stderr").stdin(input.clone())).unwrap();
    assert!(output.stdout == input && output.stderr == input);
}

#[test]
fn concurrent_calls_do_not_wait_for_each_other() {
    let Some(lab) = TestLab::up(1) else { return };
    let cluster = lab.cluster();
    let remote = &cluster.members[0].remote;
    thread::scope(|scope| {
        let slow = scope.spawn(|| remote.run(&shell("sleep 2")));
        let began = Instant::now();
        for _ in 0..5 {
            remote.check(&shell("true")).unwrap();
        }
        assert!(began.elapsed() < seconds(1), "{:?}", began.elapsed());
        assert_eq!(slow.join().unwrap().unwrap().status, 0);
        // More calls at a time than there may be sessions: they take turns.
        let many: Vec<_> = (0..40).map(|_| scope.spawn(|| remote.check(&shell("true")))).collect();
        assert!(many.into_iter().all(|call| call.join().unwrap().is_ok()));
    });
}

#[test]
fn deadlines_hold_whatever_the_node_does() {
    let Some(lab) = TestLab::up(1) else { return };
    let remote = &lab.cluster().members[0].remote;
    for script in ["sleep 60", "yes", "sleep 60 & true"] {
        let began = Instant::now();
        let error = remote.run(&shell(script).deadline(seconds(1))).unwrap_err();
        assert!(matches!(error, RemoteError::Deadline { .. }), "{script}: {error}");
        assert!(began.elapsed() < seconds(3), "{script}: {:?}", began.elapsed());
    }
    // The next call is not troubled by what the last one left.
    assert_eq!(remote.check(&shell("echo well")).unwrap().text(), "well");
}

#[test]
fn a_frozen_node_is_a_deadline_and_not_a_hang() {
    let Some(lab) = TestLab::up(1) else { return };
    let cluster = lab.cluster();
    let remote = &cluster.members[0].remote;
    remote.check(&shell("true")).unwrap();
    lab.freeze("n1", true);
    // Once with the session that is open, once with a new one.
    for remote in [remote, &lab.cluster().members[0].remote] {
        let began = Instant::now();
        let error = remote.run(&shell("true").deadline(seconds(1))).unwrap_err();
        assert!(matches!(error, RemoteError::Deadline { .. }), "{error}");
        assert!(began.elapsed() < seconds(3), "{:?}", began.elapsed());
    }
    lab.freeze("n1", false);
    assert_eq!(remote.check(&shell("echo thawed")).unwrap().text(), "thawed");
    // A frozen lab goes down, too.
    lab.freeze("n1", true);
}

#[test]
fn a_session_that_died_while_idle_is_replaced() {
    let Some(lab) = TestLab::up(1) else { return };
    let remote = &lab.cluster().members[0].remote;
    remote.check(&shell("true")).unwrap();
    // An end without a status is not taken for success.
    let cut = remote.run(&shell("kill -9 $PPID; sleep 5")).unwrap_err();
    assert!(matches!(cut, RemoteError::Lost { .. }), "{cut}");
    assert!(remote.check(&shell("true")).is_ok());
    // Everything in the node dies but its first process, which brings sshd back.
    let killed = remote.run(&shell("kill -9 -1"));
    assert!(killed.is_err() || killed.is_ok_and(|output| output.status != 0));
    let until = Instant::now() + seconds(5);
    while let Err(error) = remote.check(&shell("true")) {
        assert!(Instant::now() < until, "{error}");
    }
}

#[test]
fn only_known_host_keys_are_accepted() {
    let Some(lab) = TestLab::up(2) else { return };
    let good = lab.spec();
    let known = std::fs::read_to_string(good.known_hosts.as_ref().unwrap()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let with = |contents: &str| {
        let path = directory.path().join("known_hosts");
        std::fs::write(&path, contents).unwrap();
        (SshSpec { known_hosts: Some(path.clone()), ..good.clone() }, path)
    };
    let mut keys = known.lines().map(|line| line.split_once(' ').unwrap().1);
    let (own, other) = (keys.next().unwrap(), keys.next().unwrap());
    let ip = lab.address(1);

    let (spec, path) = with(&format!("# a comment\n{ip} {other}\n"));
    let error = on_first(&spec, &shell("true")).unwrap_err();
    assert!(matches!(error, RemoteError::HostKey { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("{}:2;", path.display())), "{text}");
    assert!(text.contains(&format!("ssh-keygen -f {} -R {ip}", path.display())), "{text}");

    let (spec, _) = with("");
    let text = on_first(&spec, &shell("true")).unwrap_err().to_string();
    assert!(text.contains(&format!("ssh-keyscan -p 22 {ip} >> ")), "{text}");
    let anything = SshSpec { check_host_keys: false, ..spec };
    assert!(on_first(&anything, &shell("true")).is_ok());

    let (spec, _) = with(&format!("@revoked {ip} {own}\n{ip} {own}\n"));
    let text = on_first(&spec, &shell("true")).unwrap_err().to_string();
    assert!(text.contains("revoked"), "{text}");

    // One line in a form we do not know does not spoil the others; nor do hashed names.
    let (spec, _) = with(&format!("@cert-authority * {other}\n???\n[{ip}]:22 {own}\n"));
    assert!(on_first(&spec, &shell("true")).is_ok());
    let (spec, path) = with(&format!("{ip} {own}\n"));
    let hashed = Program::new("ssh-keygen").arg("-H").arg("-f").arg(&path).output().unwrap();
    assert!(hashed.status.success());
    assert!(!std::fs::read_to_string(&path).unwrap().contains(&ip));
    assert!(on_first(&spec, &shell("true")).is_ok());
}

#[test]
fn a_host_with_several_keys_shows_the_known_one() {
    let Some(lab) = TestLab::up(1) else { return };
    let remote = &lab.cluster().members[0].remote;
    let more = "ssh-keygen -q -t ecdsa -N '' -f /etc/ssh/second\n\
                echo 'HostKey /etc/ssh/second' >>/etc/ssh/sshd_config\n\
                cut -d' ' -f1,2 /etc/ssh/second.pub; pid=$(cat /run/sshd.pid); kill -HUP $pid";
    let key = remote.check(&shell(more)).unwrap().text();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{} {key}\n", lab.address(1))).unwrap();
    let spec = SshSpec { known_hosts: Some(file.path().to_owned()), ..lab.spec() };
    // Both the old file (ed25519) and the new one (ecdsa) match, each with its own type.
    let until = Instant::now() + seconds(5);
    while let Err(error) = on_first(&spec, &shell("true")) {
        assert!(Instant::now() < until, "{error}");
    }
    assert!(on_first(&lab.spec(), &shell("true")).is_ok());
}

#[test]
fn what_cannot_be_reached_or_entered_is_said_clearly() {
    let Some(lab) = TestLab::up(1) else { return };
    let good = lab.spec();
    let unreachable = |address: String, port: u16| {
        let node = NodeOverride { address: Some(address), ..Default::default() };
        let overrides = BTreeMap::from([("n1".to_owned(), node)]);
        let spec = SshSpec { port, overrides, ..good.clone() };
        let began = Instant::now();
        let error = on_first(&spec, &shell("true").deadline(seconds(2))).unwrap_err();
        assert!(matches!(error, RemoteError::Unreachable { .. }), "{error}");
        assert!(began.elapsed() < seconds(4), "{:?}", began.elapsed());
        error.to_string()
    };
    let text = unreachable(lab.address(77), 22);
    assert!(text.contains(&lab.address(77)), "{text}");
    assert!(unreachable(lab.address(1), 2222).contains("does sshd run there?"));
    assert!(unreachable("no-such-host.invalid".to_owned(), 22).contains("overrides"));

    let password =
        SshSpec { password_env: Some("ISOBAR_TEST_NOT_SET".to_owned()), key: None, ..good.clone() };
    let text = on_first(&password, &shell("true")).unwrap_err().to_string();
    assert!(text.contains("ISOBAR_TEST_NOT_SET"), "{text}");

    let directory = tempfile::tempdir().unwrap();
    let key = |name: &str, passphrase: &str| {
        let path: PathBuf = directory.path().join(name);
        let words = ["-q", "-t", "ed25519", "-N", passphrase, "-f"];
        assert!(Program::new("ssh-keygen").args(words).arg(&path).status().unwrap().success());
        on_first(&SshSpec { key: Some(path), ..good.clone() }, &shell("true")).unwrap_err()
    };
    let refused = key("stranger", "");
    assert!(matches!(refused, RemoteError::Authentication { .. }), "{refused}");
    assert!(refused.to_string().contains("stranger"), "{refused}");
    let locked = key("locked", "secret").to_string();
    assert!(locked.contains("ssh-add") && locked.contains("agent: true"), "{locked}");
}

#[test]
fn root_is_reached_through_sudo_or_the_reason_is_said() {
    let Some(lab) = TestLab::up(1) else { return };
    let remote = &lab.cluster().members[0].remote;
    let user = "useradd --create-home --shell /bin/sh --password '*' ann && \
                mkdir -p /home/ann/.ssh && \
                cp /root/.ssh/authorized_keys /home/ann/.ssh/ && chown -R ann /home/ann/.ssh";
    remote.check(&shell(user)).unwrap();
    let ann = Cluster::ssh(&SshSpec { user: "ann".to_owned(), ..lab.spec() }).unwrap();
    let ann = &ann.members[0].remote;
    assert_eq!(ann.check(&shell("id -un")).unwrap().text(), "ann");
    let refused = ann.run(&shell("id -un").privileged()).unwrap_err();
    assert!(matches!(refused, RemoteError::Authentication { .. }), "{refused}");
    assert!(refused.to_string().contains("NOPASSWD"), "{refused}");
    if remote.run(&shell("command -v sudo")).unwrap().ok() {
        let allow = "echo 'ann ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/isobar";
        remote.check(&shell(allow)).unwrap();
        assert_eq!(ann.check(&shell("id -un").privileged()).unwrap().text(), "root");
        assert_eq!(ann.run(&shell("exit 1").privileged()).unwrap().status, 1);
    }
}
