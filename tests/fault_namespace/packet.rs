//! Packets lost and slowed down; queues that are not ours.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use isobar::fault::JournalEntry;
use serde_json::json;

use crate::FOREIGN;
use crate::lab::{Lab, can_run};
use crate::scene::Scene;

/// How many of `count` datagrams of `from` arrive at `to`.
fn arrive(lab: &Lab, to: usize, from: usize, count: usize) -> usize {
    let address = lab.address(to, 5000 + from as u16);
    let receiver = lab.within(to, move || UdpSocket::bind(address).unwrap());
    receiver.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let local = lab.address(from, 0);
    let sender = lab.within(from, move || UdpSocket::bind(local).unwrap());
    let mut arrived = 0;
    for _ in 0..count / 20 {
        (0..20).for_each(|_| assert_eq!(sender.send_to(b"?", address).unwrap(), 1));
        arrived += std::iter::repeat_with(|| receiver.recv(&mut [0; 1]).is_ok())
            .take(20)
            .take_while(|arrived| *arrived)
            .count();
    }
    arrived
}

/// How long `from` takes to send so many bytes to `to`.
fn sending(lab: &Lab, to: usize, from: usize, bytes: usize) -> Duration {
    let address: SocketAddr = lab.address(to, 6000 + from as u16);
    let listener = lab.within(to, move || TcpListener::bind(address).unwrap());
    let began = Instant::now();
    let sender = lab.start_within(from, move || {
        TcpStream::connect(address).unwrap().write_all(&vec![7; bytes]).unwrap();
    });
    let mut received = Vec::new();
    listener.accept().unwrap().0.read_to_end(&mut received).unwrap();
    sender.join().unwrap();
    assert_eq!(received.len(), bytes);
    began.elapsed()
}

fn queues(lab: &Lab, node: usize) -> String {
    lab.on(node, "tc qdisc show; tc class show dev e0; tc filter show dev e0")
}

fn evidence(scene: &Scene, phase: &str) -> String {
    let events = scene.events();
    let of_phase = |event: &&serde_json::Value| {
        event["value"]["phase"] == phase && !event["value"]["outcome"].is_null()
    };
    events.iter().find(of_phase).unwrap()["value"]["evidence"].to_string()
}

#[test]
fn a_share_of_what_a_node_sends_is_lost_and_counted() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(3, false);
    (1..=3).for_each(|node| drop(lab.on(node, FOREIGN)));
    let before: Vec<String> = (1..=3).map(|node| lab.rules(node)).collect();
    let faults = json!([{"loss": {"targets": ["n1"], "to": ["n2"], "share": "50%", "at": "0s"}}]);
    let mut scene = Scene::new(&lab, faults);
    scene.injector.begin();
    scene.wait_installed(0);
    let arrived = arrive(&lab, 2, 1, 400);
    assert!((120..=280).contains(&arrived), "{arrived} of 400 arrived");
    assert_eq!(arrive(&lab, 3, 1, 100), 100, "another link");
    assert_eq!(arrive(&lab, 1, 2, 100), 100, "the other way");

    let report = scene.injector.heal_all(Duration::from_secs(5));
    assert_eq!((report.healed, report.dirty.len()), (1, 0));
    assert_eq!((1..=3).map(|node| lab.rules(node)).collect::<Vec<_>>(), before);
    let lost = 400 - arrived;
    assert_eq!(evidence(&scene, "heal"), format!(r#"{{"n2":"1 rule, {lost} packets dropped"}}"#));
    scene.assert_nothing_left();
}

#[test]
fn a_link_carries_no_more_than_its_rate() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(3, false);
    let before = queues(&lab, 1);
    let faults = json!([{
        "rate": {"targets": ["n1"], "to": ["n2"], "rate": "2mbit", "at": "0s"},
    }]);
    let mut scene = Scene::new(&lab, faults);
    scene.injector.begin();
    scene.wait_installed(0);
    // 2 Mbit/s are 250 kB in a second.
    let slow = sending(&lab, 2, 1, 250_000);
    assert!(slow > Duration::from_millis(700), "{slow:?}");
    let other = sending(&lab, 3, 1, 250_000);
    assert!(other < slow / 3, "{other:?} on another link, {slow:?} on the slow one");

    let report = scene.injector.heal_all(Duration::from_secs(5));
    assert_eq!((report.healed, report.dirty.len()), (1, 0));
    assert_eq!(queues(&lab, 1), before);
    let seen = evidence(&scene, "heal");
    assert!(seen.contains("rate 2Mbit, 1 filter, "), "{seen}");
    scene.assert_nothing_left();
}

#[test]
fn what_a_kernel_cannot_do_is_skipped_and_leaves_no_trace() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(2, false);
    lab.on(2, "tc qdisc add dev e0 root tbf rate 900mbit burst 1mb latency 50ms");
    let before = [queues(&lab, 1), queues(&lab, 2)];
    let knows_netem = lab.remotes[0].ns_runs("tc qdisc add dev lo root netem delay 1ms");
    let faults = json!([
        {"delay": {"targets": ["n1"], "time": "60ms", "jitter": "0s", "at": "0s"}},
        {"rate": {"targets": ["n2"], "at": "0s"}},
    ]);
    let mut scene = Scene::new(&lab, faults);
    scene.injector.begin();
    let skipped = |id: u32, reason: &'static str| {
        scene.wait_for_entry(id, move |entry| {
            matches!(entry, JournalEntry::Skipped { id: other, why }
                if *other == id && why.contains(reason))
        });
    };
    skipped(1, "e0 has a queue that is not ours");
    if knows_netem {
        lab.on(1, "tc qdisc del dev lo root");
        scene.wait_installed(0);
        let trip = lab.on(1, "ping -c 3 -q 10.9.0.2 | sed -n 's,.*= \\([0-9]*\\)\\..*,\\1,p'");
        assert!(trip.trim().parse::<u32>().unwrap() >= 60, "{trip}");
    } else {
        skipped(0, "Specified qdisc kind is unknown");
    }
    let report = scene.injector.heal_all(Duration::from_secs(5));
    assert_eq!((report.healed, report.dirty.len()), (usize::from(knows_netem), 0));
    assert_eq!([queues(&lab, 1), queues(&lab, 2)], before);
    scene.assert_nothing_left();
}
