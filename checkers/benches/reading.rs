//! How fast histories are read and registers judged, and in how much memory, at sizes ten times
//! apart: `cargo bench -p isobar-checkers --bench reading [OPERATIONS]` (10,000,000 by default;
//! the file then takes 2 GB in the folder for temporary files).
//!
//! Each size runs in a process of its own, so that the peak of memory is its own.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use isobar_checkers::history;
use isobar_checkers::{Budget, Register, linearizable};

const PROCESSES: usize = 100;
const KEYS: u64 = 1000;

/// One process of the simulated register.
#[derive(Clone, Copy)]
enum Client {
    Idle,
    /// Function, key, argument.
    Asked(&'static str, u64, (u64, u64)),
    /// With its result.
    Done(&'static str, u64, (u64, u64), Option<u64>),
}

/// Writes an event: index, process and key; type, function, and value as JSON.
type Line = fn(&mut BufWriter<File>, [u64; 3], &str, &str, &str) -> io::Result<()>;

/// As isobar writes it.
fn jsonl(
    file: &mut BufWriter<File>,
    [index, process, key]: [u64; 3],
    kind: &str,
    f: &str,
    value: &str,
) -> io::Result<()> {
    let (time, node) = (index * 1_037 + 13, process % 5 + 1);
    writeln!(
        file,
        r#"{{"index":{index},"time":{time},"process":{process},"type":"{kind}","f":"{f}","key":"k{key}","value":{value},"node":"n{node}"}}"#
    )
}

/// As Jepsen writes it.
fn edn(
    file: &mut BufWriter<File>,
    [index, process, key]: [u64; 3],
    kind: &str,
    f: &str,
    value: &str,
) -> io::Result<()> {
    let time = index * 1_037 + 13;
    let value = value.replace("null", "nil").replace(',', " ");
    writeln!(
        file,
        "{{:index {index}, :time {time}, :type :{kind}, :process {process}, :f :{f}, \
         :value [{key} {value}]}}"
    )
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % limit
    }
}

/// Function, arguments, and these as JSON.
fn request(draw: u64, current: u64, new: u64) -> (&'static str, (u64, u64), String) {
    match draw {
        0..5 => ("read", (0, 0), "null".to_owned()),
        5..8 => ("write", (0, new), new.to_string()),
        _ => ("cas", (current, new), format!("[{},{new}]", json(current))),
    }
}

/// The initial value is null.
fn json(value: u64) -> String {
    if value == 0 { "null".to_owned() } else { value.to_string() }
}

/// Values written once each; half the operations read, 30 % write, 20 % compare and set; one in a
/// hundred crashes. Every answer comes from registers, so the history is linearizable.
fn write_history(path: &Path, operations: u64, event: Line) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    let mut random = Random(7);
    let mut registers = vec![0; KEYS as usize];
    let mut clients = vec![(Client::Idle, 0); PROCESSES];
    let (mut index, mut begun, mut last_value) = (0_u64, 0, 0);
    let mut next_process = PROCESSES as u64;
    (0..PROCESSES).for_each(|client| clients[client].1 = client as u64);
    while begun < operations || clients.iter().any(|(c, _)| !matches!(c, Client::Idle)) {
        let (client, process) = &mut clients[random.below(PROCESSES as u64) as usize];
        let (kind, f, key, text) = match *client {
            Client::Idle if begun == operations => continue,
            Client::Idle => {
                begun += 1;
                let key = random.below(KEYS);
                let draw = random.below(10);
                last_value += u64::from(draw >= 5);
                let (f, argument, text) = request(draw, registers[key as usize], last_value);
                *client = Client::Asked(f, key, argument);
                ("invoke", f, key, text)
            }
            Client::Asked(f, key, argument) => {
                let register = &mut registers[key as usize];
                let happens = f == "write" || f == "cas" && *register == argument.0;
                let result = if f == "read" { Some(*register) } else { happens.then_some(0) };
                if happens {
                    *register = argument.1;
                }
                *client = Client::Done(f, key, argument, result);
                continue;
            }
            Client::Done(f, key, argument, result) => {
                *client = Client::Idle;
                let text = match f {
                    "read" => json(result.unwrap_or_default()),
                    "write" => argument.1.to_string(),
                    _ => format!("[{},{}]", json(argument.0), argument.1),
                };
                let crashed = random.below(100) == 0;
                let kind = if crashed {
                    "info"
                } else if result.is_some() {
                    "ok"
                } else {
                    "fail"
                };
                (kind, f, key, text)
            }
        };
        event(&mut file, [index, *process, key], kind, f, &text).unwrap();
        index += 1;
        if kind == "info" {
            *process = next_process;
            next_process += 1;
        }
    }
    file.into_inner().unwrap().sync_all().unwrap();
}

/// CPU seconds of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

/// A figure of `/proc/self/status`, in bytes.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let kib = line.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// In the child: reads and judges one file, and prints a row.
fn measure(path: &Path) {
    let bytes = std::fs::metadata(path).unwrap().len();
    let start = (Instant::now(), cpu_seconds());
    let file = BufReader::new(File::open(path).unwrap());
    let history = history::read(&path.display().to_string(), file, None).unwrap();
    let read = (Instant::now(), cpu_seconds());
    let read_peak = memory("VmHWM");
    let result = linearizable(&history, &Register, &Budget::default());
    let checked = (Instant::now(), cpu_seconds());
    let operations = history.len() as u64;
    println!(
        "| {operations} | {:.0} | {:.2} | {:.0} | {:.0} | {:.2} | {:.2} | {:.0} | {:.0} | {} |",
        bytes as f64 / 1e6,
        read.1 - start.1,
        bytes as f64 / 1e6 / (read.1 - start.1).max(0.005),
        read_peak as f64 / operations as f64,
        (checked.0 - read.0).as_secs_f64(),
        checked.1 - read.1,
        memory("VmHWM") as f64 / operations as f64,
        memory("VmHWM") as f64 / 1e6,
        result.verdict.word(),
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [mode, path] = &arguments[..]
        && mode == "measure"
    {
        return measure(Path::new(path));
    }
    let most = arguments.first().map_or(10_000_000, |text| text.parse().unwrap());
    println!(
        "| format | operations | file MB | read CPU s | MB/s | B/op read | check s | check CPU s \
         | B/op | peak MB | verdict |\n|---|---|---|---|---|---|---|---|---|---|---|"
    );
    for (name, event) in [("jsonl", jsonl as Line), ("edn", edn)] {
        let mut size = 10_000.min(most);
        while size <= most {
            let file = format!("isobar-reading-{}.{name}", std::process::id());
            let path = std::env::temp_dir().join(file);
            write_history(&path, size, event);
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
