//! Labs come up whole or not at all, do not see each other, and leave nothing behind.

use isobar::cluster::Command;
use isobar::cluster::doctor::{Item, Needs, State, doctor};
use isobar::lab::{Health, Lab, LabError, LabOptions, Owner};
use isobar::spec::LabKind;

use crate::support::{self, TestLab};

#[test]
fn the_doctor_finds_a_lab_healthy_and_a_node_without_firewall_not() {
    let Some(lab) = TestLab::up(2) else { return };
    let needs = Needs { root: true, firewall: true, ipv6: true, ..Needs::default() };
    let found = doctor(&lab.cluster(), &needs);
    assert!(found.iter().all(|d| d.state == State::Ok), "{found:#?}");
    let firewalls = found.iter().filter(|d| d.item == Item::Firewall).count();
    assert_eq!(firewalls, 4, "{found:#?}");
    let remote = &lab.cluster().members[1].remote;
    let broken = "for t in iptables ip6tables; do for v in '' -nft -legacy; do \
                  rm -f /usr/sbin/$t$v /sbin/$t$v; done; done";
    remote.check(&Command::shell(broken)).unwrap();
    let found = doctor(&lab.cluster(), &needs);
    let bad: Vec<_> = found.iter().filter(|d| d.state != State::Ok).collect();
    assert!(bad.len() == 2 && bad.iter().all(|d| d.node == "n2" && d.item == Item::Firewall));
}

#[test]
fn labs_stand_side_by_side_and_leave_nothing_behind() {
    if !support::possible() {
        return;
    }
    let rules = support::firewall();
    {
        let (a, b) = (TestLab::up(2).unwrap(), TestLab::up(3).unwrap());
        assert_ne!(a.lab.name(), b.lab.name());
        let remote = &a.cluster().members[0].remote;
        let greet = |ip: &str| {
            let script = format!("timeout 2 bash -c 'read -r line </dev/tcp/{ip}/22; echo $line'");
            remote.run(&Command::shell(&script)).unwrap().text()
        };
        assert!(greet(&a.address(2)).starts_with("SSH-2.0"), "nodes see each other");
        assert_eq!(greet(&b.address(2)), "", "labs do not");
        let drop = format!("iptables -w -I INPUT -s {} -j DROP", a.address(2));
        remote.check(&Command::shell(&drop)).unwrap();
        assert_eq!(greet(&a.address(2)), "");
        assert_eq!(support::firewall(), rules, "the rule is in the node only");
        let listed: Vec<_> = Lab::list().unwrap();
        let of = |lab: &TestLab| listed.iter().find(|l| l.name == lab.lab.name()).unwrap();
        assert_eq!((of(&a).health, of(&b).health), (Health::Up, Health::Up));
        assert_eq!(of(&b).nodes.len(), 3);
        let again = Lab::up(&LabOptions { name: Some(a.lab.name().to_owned()), ..a.options() });
        assert!(matches!(again.err().unwrap(), LabError::Taken { .. }));

        let traces = [support::traces(a.lab.name()), support::traces(b.lab.name())];
        assert!(traces.iter().all(|traces| traces.len() > 3), "{traces:?}");
        let names = [a.lab.name().to_owned(), b.lab.name().to_owned()];
        drop_in_turn(a, b);
        for name in names {
            assert_eq!(support::traces(&name), [""; 0]);
            let gone = Lab::find(Some(&name)).err().unwrap();
            assert!(matches!(gone, LabError::Unknown { .. }), "{gone}");
        }
    }
    assert_eq!(support::firewall(), rules);
}

fn drop_in_turn(a: TestLab, b: TestLab) {
    drop(a);
    // Twice: `down` is idempotent.
    let mut b = b;
    b.lab.down().unwrap();
    b.lab.down().unwrap();
}

#[test]
fn an_orphan_is_known_and_can_be_taken_down_by_anybody() {
    let Some(lab) = TestLab::up(1) else { return };
    let name = lab.lab.name().to_owned();
    let path = lab.lab.directory().join("lab.json");
    let state = std::fs::read_to_string(&path).unwrap();
    let ticks = state.split("\"started_ticks\": ").nth(1).unwrap();
    let ticks: String = ticks.chars().take_while(char::is_ascii_digit).collect();
    // As if our pid had been given to another process after our death.
    std::fs::write(&path, state.replace(&ticks, "1")).unwrap();
    let listed = Lab::list().unwrap();
    let found = listed.iter().find(|lab| lab.name == name).unwrap();
    assert_eq!(found.health, Health::Orphaned);
    Lab::find(Some(&name)).unwrap().down().unwrap();
    assert_eq!(support::traces(&name), [""; 0]);
}

#[test]
fn a_lab_that_does_not_come_up_leaves_nothing() {
    if !support::possible() {
        return;
    }
    let name = support::name();
    let options = LabOptions {
        kind: LabKind::Namespace,
        nodes: 2,
        name: Some(name.clone()),
        owner: Owner::Me,
        program: Some("/bin/false".into()),
    };
    let error = Lab::up(&options).err().unwrap();
    assert!(matches!(error, LabError::NodeDown { .. }), "{error}");
    assert_eq!(support::traces(&name), [""; 0]);
    let none = Lab::up(&LabOptions { nodes: 0, ..options }).err().unwrap();
    assert!(matches!(none, LabError::Nodes { nodes: 0 }), "{none}");
}
