//! How fast transactions are read and judged, and in how much memory, at sizes ten times apart:
//! `cargo bench -p isobar-checkers --bench transactions [TRANSACTIONS]` (1,000,000 by default; ten
//! million take a file of 5 GB in the folder for temporary files).
//!
//! Each row runs in a process of its own, so that the peak of memory is its own. Seconds are
//! those on a processor: other work on the machine does not count.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Command;

use isobar_checkers::generate::Random;
use isobar_checkers::history;
use isobar_checkers::{TxnOptions, list_append};

#[allow(dead_code)]
#[path = "support/usage.rs"]
mod usage;

const CLIENTS: usize = 10;
const ACTIVE_KEYS: usize = 10;
const APPENDS_PER_KEY: usize = 32;

/// One client of the simulated database.
enum Client {
    Idle,
    Asked(Vec<(bool, usize)>),
    Done(String),
}

/// Lists in use; a full one makes room for another.
struct Lists {
    active: Vec<(usize, usize)>,
    keys: usize,
}

impl Lists {
    /// Takes effect: what the micro-operations give back. A stale client misses the last elements.
    fn run(&mut self, asked: &[(bool, usize)], missed: usize) -> String {
        let mut done = String::from("[");
        for (place, &(append, slot)) in asked.iter().enumerate() {
            let (key, length) = &mut self.active[slot];
            let separator = if place == 0 { "" } else { "," };
            if append {
                *length += 1;
                write!(done, r#"{separator}["append",{key},{length}]"#).unwrap();
            } else {
                write!(done, r#"{separator}["r",{key},["#).unwrap();
                for element in 1..=length.saturating_sub(missed) {
                    let separator = if element == 1 { "" } else { "," };
                    write!(done, "{separator}{element}").unwrap();
                }
                done.push_str("]]");
            }
        }
        done.push(']');
        for (key, length) in &mut self.active {
            if *length >= APPENDS_PER_KEY {
                (*key, *length) = (self.keys, 0);
                self.keys += 1;
            }
        }
        done
    }
}

/// As isobar writes it; `stale`: of a thousand reading transactions how many miss something.
fn write_history(path: &Path, transactions: usize, stale: usize) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    let mut random = Random(99);
    let mut below = |limit: usize| random.below(limit as u64) as usize;
    let mut lists =
        Lists { active: (0..ACTIVE_KEYS).map(|key| (key, 0)).collect(), keys: ACTIVE_KEYS };
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::Idle).collect();
    let (mut begun, mut ended, mut index) = (0, 0, 0_u64);
    let mut event = |process: usize, kind: &str, value: &str| {
        let time = index * 1_037 + 13;
        writeln!(
            file,
            r#"{{"index":{index},"time":{time},"process":{process},"type":"{kind}","f":"txn","value":{value}}}"#
        )
        .unwrap();
        index += 1;
    };
    while ended < transactions {
        let process = below(CLIENTS);
        match std::mem::replace(&mut clients[process], Client::Idle) {
            Client::Idle if begun == transactions => {}
            Client::Idle => {
                begun += 1;
                let count = 1 + below(4);
                let asked: Vec<(bool, usize)> =
                    (0..count).map(|_| (below(2) == 0, below(ACTIVE_KEYS))).collect();
                let mut value = String::from("[");
                for (place, &(append, slot)) in asked.iter().enumerate() {
                    let separator = if place == 0 { "" } else { "," };
                    let key = lists.active[slot].0;
                    let f = if append { "append" } else { "r" };
                    write!(value, r#"{separator}["{f}",{key},null]"#).unwrap();
                }
                value.push(']');
                event(process, "invoke", &value);
                clients[process] = Client::Asked(asked);
            }
            Client::Asked(asked) => {
                let reads = asked.iter().all(|(append, _)| !append);
                let missed = if reads && below(1000) < stale { 3 } else { 0 };
                clients[process] = Client::Done(lists.run(&asked, missed));
            }
            Client::Done(value) => {
                event(process, "ok", &value);
                ended += 1;
            }
        }
    }
    file.into_inner().unwrap().sync_all().unwrap();
}

/// In the child: reads and judges one file, and prints a row.
fn measure(path: &Path) {
    let bytes = std::fs::metadata(path).unwrap().len();
    let start = usage::processor_time();
    let file = BufReader::new(File::open(path).unwrap());
    let history = history::read(&path.display().to_string(), file, None).unwrap();
    let read = usage::processor_time();
    let (read_peak, held) = (usage::peak(), usage::now());
    usage::forget_peak();
    let result = list_append(&history, &TxnOptions::default());
    let checked = usage::processor_time();
    println!(
        "| {} | {:.0} | {:.2} | {:.0} | {:.3} | {:.0} | {:.2} | {} {} |",
        history.len(),
        bytes as f64 / 1e6,
        (read - start).as_secs_f64(),
        read_peak as f64 / 1e6,
        (checked - read).as_secs_f64(),
        (usage::peak().saturating_sub(held)) as f64 / 1e6,
        (checked - start).as_secs_f64(),
        result.verdict.word(),
        result.figures["anomalies"],
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [mode, path] = &arguments[..]
        && mode == "measure"
    {
        return measure(Path::new(path));
    }
    let most = arguments.first().map_or(1_000_000, |text| text.parse().unwrap());
    println!(
        "| history | transactions | file MB | read s | peak MB | check s | beyond MB | both s | \
         verdict |\n|---|---|---|---|---|---|---|---|---|"
    );
    for (name, stale) in [("clean", 0), ("stale", 300)] {
        let mut size = 10_000.min(most);
        while size <= most {
            let file = format!("isobar-transactions-{}.jsonl", std::process::id());
            let path = std::env::temp_dir().join(file);
            write_history(&path, size, stale);
            print!("| {name} ");
            io::stdout().flush().unwrap();
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["measure".as_ref(), path.as_os_str()])
                .status();
            std::fs::remove_file(&path).unwrap();
            assert!(child.unwrap().success());
            size *= 10;
        }
    }
}
