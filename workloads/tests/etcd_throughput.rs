//! How much load fifteen clients put on one etcd, and what it costs them. A measurement:
//! `cargo test --release -p isobar-workloads --test etcd_throughput -- --ignored --nocapture`

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use isobar_workloads::{Outcome, Register, RegisterOptions, Workload};
use support::{Etcd, have_etcd};

const WORKERS: u32 = 15;
const TIME: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a test"]
async fn throughput_of_15_clients() {
    if !have_etcd() {
        return;
    }
    let node = Etcd::alone().await;
    let options = RegisterOptions { seed: 1, keys: 10, ops_per_key: 300, values: None, cas: true };
    let register = Arc::new(Mutex::new(Register::new(options)));
    let (cpu_begin, begin) = (cpu_ms(), Instant::now());
    let mut workers = Vec::new();
    for worker in 0..WORKERS {
        let mut client = node.client(true).await;
        let register = Arc::clone(&register);
        workers.push(tokio::spawn(async move {
            let (mut ok, mut all) = (0_u64, 0_u64);
            while begin.elapsed() < TIME {
                let invocation = register.lock().unwrap().next(worker).unwrap();
                let outcome = client.invoke(&invocation).await;
                register.lock().unwrap().observe(&invocation, &outcome);
                assert!(!matches!(outcome, Outcome::Info(_)), "{outcome:?}");
                ok += u64::from(matches!(outcome, Outcome::Ok(_)));
                all += 1;
            }
            (ok, all)
        }));
    }
    let (mut ok, mut all) = (0, 0);
    for worker in workers {
        let (worker_ok, worker_all) = worker.await.unwrap();
        ok += worker_ok;
        all += worker_all;
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("operations: {:.0}/s, ok {:.0}/s", all as f64 / seconds, ok as f64 / seconds);
    let cpu_us = (cpu_ms() - cpu_begin) * 1_000;
    println!("client CPU: {} us per operation", cpu_us / all.max(1));
    assert!(ok > 0);
}

/// CPU time of this process, user and system; in ticks of 10 ms: proc_pid_stat(5).
fn cpu_ms() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let columns: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (columns[11].parse::<u64>().unwrap() + columns[12].parse::<u64>().unwrap()) * 10
}
