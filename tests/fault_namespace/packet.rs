//! Packets lost and slowed down; queues that are not ours.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::thread::JoinHandle;
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
fn a_queue_of_somebody_else_is_left_alone() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(2, false);
    lab.on(2, "tc qdisc add dev e0 root tbf rate 900mbit burst 1mb latency 50ms");
    let before = [queues(&lab, 1), queues(&lab, 2)];
    let mut scene = Scene::new(&lab, json!([{"rate": {"targets": ["n2"], "at": "0s"}}]));
    scene.injector.begin();
    scene.wait_for_entry(0, |entry| {
        matches!(entry, JournalEntry::Skipped { why, .. }
            if why.contains("e0 has a queue that is not ours"))
    });
    let report = scene.injector.heal_all(Duration::from_secs(5));
    assert_eq!((report.healed, report.dirty.len()), (0, 0));
    assert_eq!([queues(&lab, 1), queues(&lab, 2)], before);
    scene.assert_nothing_left();
}

fn knows_netem(lab: &Lab) -> bool {
    lab.remotes[0]
        .ns_runs("tc qdisc add dev lo root netem delay 1ms && tc qdisc del dev lo root netem")
}

/// All rules and queues of a node, without counters.
fn network(lab: &Lab, node: usize) -> String {
    format!("{}\n{}", lab.rules(node), queues(lab, node))
}

/// How long datagrams of `from` to `to` take until they are back.
fn trips(lab: &Lab, to: usize, from: usize, port: u16, count: usize) -> Vec<Duration> {
    let address = lab.address(to, port);
    let echo = lab.within(to, move || UdpSocket::bind(address).unwrap());
    echo.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let local = lab.address(from, 0);
    let caller = lab.within(from, move || UdpSocket::bind(local).unwrap());
    caller.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let trip = |_| {
        let began = Instant::now();
        caller.send_to(b"?", address).unwrap();
        let (_, back) = echo.recv_from(&mut [0; 8]).unwrap();
        echo.send_to(b"!", back).unwrap();
        caller.recv(&mut [0; 8]).unwrap();
        began.elapsed()
    };
    (0..count).map(trip).collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// How many helpers there are for this run.
fn helpers(scene: &Scene) -> usize {
    crate::scene::processes(&format!("/run/isobar/{}/", scene.run), "helper")
}

#[test]
fn where_there_is_no_netem_packets_are_late_by_the_helper() {
    if !can_run() {
        return;
    }
    for v6 in [false, true] {
        let lab = Lab::up(3, v6);
        if knows_netem(&lab) {
            return;
        }
        (1..=2).for_each(|node| drop(lab.on(node, FOREIGN)));
        let before: Vec<String> = (1..=3).map(|node| network(&lab, node)).collect();
        let delay = json!({"targets": ["n1"], "to": ["n2"], "time": "60ms", "at": "0s"});
        let mut scene = Scene::new(&lab, json!([{"delay": delay}]));
        scene.injector.begin();
        scene.wait_installed(0);
        assert_eq!(helpers(&scene), 1);
        let late = trips(&lab, 2, 1, 5555, 21);
        // A busy machine makes a trip longer, but none shorter.
        let is_late = |trip: &&Duration| trip.as_millis() >= 50;
        assert!(late.iter().filter(is_late).count() >= 18, "{late:?}");
        assert!(median(late.clone()).as_millis() <= 75, "{late:?}");
        let other = median(trips(&lab, 3, 1, 5555, 9));
        assert!(other < Duration::from_millis(10), "{other:?} on another link");

        let report = scene.injector.heal_all(Duration::from_secs(5));
        assert_eq!((report.healed, report.dirty.len()), (1, 0), "{report:?}");
        assert_eq!(helpers(&scene), 0);
        assert_eq!((1..=3).map(|node| network(&lab, node)).collect::<Vec<_>>(), before);
        let soon = median(trips(&lab, 2, 1, 5555, 9));
        assert!(soon < Duration::from_millis(10), "{soon:?} after the heal");
        let seen = evidence(&scene, "heal");
        let told = "delay 60ms 10ms 25% by isobar's helper, 1 rule, 21 packets, 21 of them";
        assert!(seen.contains(told) || v6 && seen.contains("by isobar's helper, 1 rule"), "{seen}");
        assert_eq!(scene.events()[0]["value"]["means"], "helper");
        scene.assert_nothing_left();
    }
}

/// Numbers that `from` sends to `to`, as often and in the order in which they arrive.
fn doubled(lab: &Lab, to: usize, from: usize, count: u8) -> Vec<u8> {
    let address = lab.address(to, 5557);
    let receiver = lab.within(to, move || UdpSocket::bind(address).unwrap());
    let local = lab.address(from, 0);
    let sender = lab.within(from, move || UdpSocket::bind(local).unwrap());
    let mut arrived = Vec::new();
    let mut receive = |limit: Duration| {
        let mut number = [0];
        receiver.set_read_timeout(Some(limit)).unwrap();
        receiver.recv(&mut number).ok().inspect(|_| arrived.push(number[0])).map(|_| number[0])
    };
    // Few at a time, since a socket keeps only so much.
    for lot in 0..count / 10 {
        let numbers = lot * 10..(lot + 1) * 10;
        let last = numbers.end - 1;
        numbers.for_each(|number| assert_eq!(sender.send_to(&[number], address).unwrap(), 1));
        while receive(Duration::from_secs(5)).is_some_and(|number| number != last) {}
    }
    while receive(Duration::from_millis(500)).is_some() {}
    arrived
}

#[test]
fn where_there_is_no_netem_packets_are_doubled_by_the_helper() {
    if !can_run() {
        return;
    }
    for v6 in [false, true] {
        let lab = Lab::up(3, v6);
        if knows_netem(&lab) {
            return;
        }
        (1..=3).for_each(|node| drop(lab.on(node, FOREIGN)));
        let before: Vec<String> = (1..=3).map(|node| network(&lab, node)).collect();
        let noise = json!({
            "targets": ["n1"], "to": ["n2"], "share": "50%", "correlation": "0%", "at": "0s",
        });
        let mut scene = Scene::new(&lab, json!([{"duplicate": noise}]));
        scene.injector.begin();
        scene.wait_installed(0);
        let arrived = doubled(&lab, 2, 1, 200);
        let times = |number: u8| arrived.iter().filter(|other| **other == number).count();
        assert!((0..200).all(|number| (1..=2).contains(&times(number))), "{arrived:?}");
        let copies = arrived.len() - 200;
        assert!((60..=140).contains(&copies), "{copies} of 200 came twice");
        assert_eq!(doubled(&lab, 3, 1, 100).len(), 100, "another link");
        assert_eq!(doubled(&lab, 1, 2, 100).len(), 100, "the other way");
        // A stream is what it was.
        let received = carried(&lab, 2, 1, 7001, 200_000);
        assert_eq!((received.len(), wrong_bits(&received)), (200_000, 0));

        let report = scene.injector.heal_all(Duration::from_secs(5));
        assert_eq!((report.healed, report.dirty.len()), (1, 0), "{report:?}");
        assert_eq!(helpers(&scene), 0);
        let seen = evidence(&scene, "heal");
        assert!(seen.contains("duplicate 50% 0% by isobar's helper, 1 rule, "), "{seen}");
        assert_eq!((1..=3).map(|node| network(&lab, node)).collect::<Vec<_>>(), before);
        assert_eq!(doubled(&lab, 2, 1, 100).len(), 100, "after the heal");
        scene.assert_nothing_left();
    }
}

/// Sends so many bytes over TCP, and returns those that arrive.
fn carried(lab: &Lab, to: usize, from: usize, port: u16, bytes: usize) -> Vec<u8> {
    let address: SocketAddr = lab.address(to, port);
    let listener = lab.within(to, move || TcpListener::bind(address).unwrap());
    let sender: JoinHandle<()> = lab.start_within(from, move || {
        TcpStream::connect(address).unwrap().write_all(&vec![0x55; bytes]).unwrap();
    });
    let mut received = Vec::new();
    listener.accept().unwrap().0.read_to_end(&mut received).unwrap();
    sender.join().unwrap();
    received
}

fn wrong_bits(received: &[u8]) -> u32 {
    received.iter().map(|byte| (byte ^ 0x55).count_ones()).sum()
}

#[test]
fn silently_corrupted_packets_arrive_wrong_and_nobody_tells() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(3, false);
    let before: Vec<String> = (1..=3).map(|node| network(&lab, node)).collect();
    let faults = json!([{
        "silent-corrupt": {"targets": ["n1"], "to": ["n2"], "port": 7001, "share": "50%", "at": "0s"},
    }]);
    let mut scene = Scene::new(&lab, faults);
    scene.injector.begin();
    scene.wait_installed(0);
    let bytes = 200_000;
    let received = carried(&lab, 2, 1, 7001, bytes);
    assert_eq!(received.len(), bytes);
    // No packet between two nodes carries more than 1500 bytes.
    let wrong = wrong_bits(&received);
    assert!((40..=130).contains(&wrong), "{wrong} bits are wrong");
    let statistics = lab.on(2, "cat /proc/net/snmp");
    let tcp: Vec<&str> = statistics.lines().filter(|line| line.starts_with("Tcp:")).collect();
    let column = tcp[0].split(' ').position(|name| name == "InCsumErrors").unwrap();
    assert_eq!(tcp[1].split(' ').nth(column), Some("0"), "the kernel saw a wrong checksum");
    assert_eq!(wrong_bits(&carried(&lab, 2, 1, 7002, bytes)), 0, "another port");
    assert_eq!(wrong_bits(&carried(&lab, 3, 1, 7001, bytes)), 0, "another link");

    let report = scene.injector.heal_all(Duration::from_secs(5));
    assert_eq!((report.healed, report.dirty.len()), (1, 0), "{report:?}");
    let seen = evidence(&scene, "heal");
    assert!(seen.contains("silent-corrupt 50% by isobar's helper, 2 rules, "), "{seen}");
    assert!(seen.contains(&format!(" {wrong} of them disturbed")), "{wrong}: {seen}");
    assert_eq!(wrong_bits(&carried(&lab, 2, 1, 7001, bytes)), 0, "after the heal");
    assert_eq!((1..=3).map(|node| network(&lab, node)).collect::<Vec<_>>(), before);
    scene.assert_nothing_left();
}

#[test]
fn a_helper_that_dies_lets_packets_pass_and_is_no_evidence() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(2, false);
    if knows_netem(&lab) {
        return;
    }
    let faults = json!([
        {"loss": {"targets": ["n1"], "to": ["n2"], "share": "100%", "correlation": "0%", "at": "0s"}},
        {"reorder": {"targets": ["n2"], "to": ["n1"], "share": "30%", "correlation": "0%", "at": "0s"}},
    ]);
    let mut scene = Scene::new(&lab, faults);
    scene.injector.begin();
    (0..2).for_each(|id| scene.wait_installed(id));
    assert!(!lab.hears(2, 1), "all is lost");
    let late = arrived(&lab, 1, 2, 200);
    assert!(late.windows(2).any(|pair| pair[0] > pair[1]), "none overtook another: {late:?}");
    let pid = format!("sed 's/^pid //; s/ .*//' /run/isobar/{}/n2/queue.7000", scene.run);
    lab.on(2, &format!("kill -KILL $({pid})"));
    crate::lab::wait_for("packets pass", Duration::from_secs(5), || lab.hears(2, 1));
    let report = scene.injector.heal_all(Duration::from_secs(5));
    assert_eq!((report.healed, report.dirty.len()), (2, 0), "{report:?}");
    let events = scene.events();
    let healed = events.iter().rev().find(|event| {
        event["value"]["phase"] == "heal" && event["value"]["evidence"]["n2"].is_string()
    });
    assert_eq!(healed.unwrap()["value"]["evidence"]["n2"], "1 rule, but no helper");
    scene.assert_nothing_left();
}

/// Numbers that `from` sends to `to`, in the order in which they arrive.
fn arrived(lab: &Lab, to: usize, from: usize, count: u8) -> Vec<u8> {
    let address = lab.address(to, 5556);
    let receiver = lab.within(to, move || UdpSocket::bind(address).unwrap());
    receiver.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let local = lab.address(from, 0);
    let sender = lab.within(from, move || UdpSocket::bind(local).unwrap());
    (0..count).for_each(|number| assert_eq!(sender.send_to(&[number], address).unwrap(), 1));
    let receive = |_| {
        let mut number = [0];
        receiver.recv(&mut number).unwrap();
        number[0]
    };
    (0..count).map(receive).collect()
}

#[test]
fn a_node_of_another_machine_refuses_the_helper_and_is_left_alone() {
    if !can_run() {
        return;
    }
    let lab = Lab::up(2, false);
    let before = network(&lab, 2);
    let programs = tempfile::tempdir().unwrap();
    let uname = programs.path().join("uname");
    std::fs::write(&uname, "#!/bin/sh\necho m68k\n").unwrap();
    std::fs::set_permissions(&uname, Permissions::from_mode(0o755)).unwrap();
    lab.remotes[1].programs.set(programs.path().to_owned()).unwrap();
    let faults = json!([{"silent-corrupt": {"targets": ["n1"], "at": "0s"}}]);
    let mut scene = Scene::new(&lab, faults);
    scene.injector.begin();
    scene.wait_for_entry(0, |entry| {
        matches!(entry, JournalEntry::Skipped { why, .. }
            if why.contains("its machine is m68k, isobar's helper is for "))
    });
    assert!(scene.injector.heal_all(Duration::from_secs(5)).dirty.is_empty());
    assert_eq!(network(&lab, 2), before);
    scene.assert_nothing_left();
}
