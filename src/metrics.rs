//! `--metrics ADDRESS`: how a run goes, in OpenMetrics text, for whoever asks over HTTP.
//!
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::exit::Exit;
use crate::store::OperationCounts;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Who has not asked by then is hung up on: one at a time is served.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is told of all runs of this program so far.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// In the order in which they began.
    runs: Vec<Run>,
    /// By fault and what became of it.
    faults: BTreeMap<(String, String), u64>,
    ended: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default)]
struct Run {
    /// `None` when it is over.
    phase: Option<String>,
    operations: OperationCounts,
}

/// What one run tells.
#[derive(Clone, Debug)]
pub struct RunMetrics {
    metrics: Metrics,
    place: usize,
}

impl RunMetrics {
    fn run(&self, change: impl FnOnce(&mut Run)) {
        if let Some(run) = self.metrics.state().runs.get_mut(self.place) {
            change(run);
        }
    }

    pub fn phase(&self, name: &str) {
        self.run(|run| run.phase = Some(name.to_owned()));
    }

    /// The operations so far.
    pub fn operations(&self, counts: OperationCounts) {
        self.run(|run| run.operations = counts);
    }

    /// A fault was injected or healed; `outcome` as in the history.
    pub fn fault(&self, fault: &str, outcome: &str) {
        let mut state = self.metrics.state();
        *state.faults.entry((fault.to_owned(), outcome.to_owned())).or_default() += 1;
    }

    /// The run is over.
    pub fn ended(&self, exit: Exit) {
        self.run(|run| run.phase = None);
        *self.metrics.state().ended.entry(exit.word()).or_default() += 1;
    }
}

impl Metrics {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another run begins.
    pub fn begin(&self) -> RunMetrics {
        let mut state = self.state();
        state.runs.push(Run::default());
        RunMetrics { metrics: self.clone(), place: state.runs.len() - 1 }
    }

    /// As OpenMetrics text.
    pub fn text(&self) -> String {
        let state = self.state();
        let mut out = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: Vec<(String, u64)>| {
            // Writing to a String does not fail.
            let _ = writeln!(out, "# TYPE {name} {kind}\n# HELP {name} {help}");
            let end = if kind == "counter" { "_total" } else { "" };
            for (labels, value) in samples {
                let _ = writeln!(out, "{name}{end}{labels} {value}");
            }
        };
        type Count = fn(&OperationCounts) -> u64;
        let kinds: [(&str, Count); 4] = [
            ("invoked", |counts| counts.invoked),
            ("ok", |counts| counts.ok),
            ("fail", |counts| counts.fail),
            ("info", |counts| counts.info),
        ];
        let operations = kinds.map(|(kind, count)| {
            let sum = state.runs.iter().map(|run| count(&run.operations)).sum();
            (labels(&[("type", kind)]), sum)
        });
        let help = "Operations of clients, by how they ended.";
        family("isobar_operations", "counter", help, operations.to_vec());
        let faults = state.faults.iter().map(|((fault, outcome), count)| {
            (labels(&[("fault", fault.as_str()), ("outcome", outcome.as_str())]), *count)
        });
        family("isobar_faults", "counter", "Faults, by what became of them.", faults.collect());
        let runs = state.ended.iter().map(|(exit, count)| (labels(&[("exit", exit)]), *count));
        family("isobar_runs", "counter", "Runs that ended, by their exit.", runs.collect());
        let mut phases: BTreeMap<&str, u64> = BTreeMap::new();
        for phase in state.runs.iter().filter_map(|run| run.phase.as_deref()) {
            *phases.entry(phase).or_default() += 1;
        }
        let phases = phases.iter().map(|(phase, count)| (labels(&[("phase", phase)]), *count));
        family("isobar_runs_in_phase", "gauge", "Runs that go on, by phase.", phases.collect());
        out.push_str("# EOF\n");
        out
    }

    /// Serves the text at `address` for the rest of the program; where it listens.
    pub fn serve(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address)?;
        let bound = listener.local_addr()?;
        let metrics = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever hangs up early asks again.
                let _ = answer(stream, &metrics);
            }
        });
        Ok(bound)
    }
}

/// Answers one request; the connection is closed after it.
fn answer(mut stream: TcpStream, metrics: &Metrics) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    reader.read_line(&mut request)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let (status, kind, body) = match request.split_whitespace().collect::<Vec<_>>()[..] {
        ["GET", "/metrics" | "/", ..] => ("200 OK", CONTENT_TYPE, metrics.text()),
        ["GET", ..] => ("404 Not Found", "text/plain", "see /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "text/plain", "only GET is answered\n".to_owned()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Read;

    use super::*;

    fn get(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn what_is_served_counts_over_all_runs() {
        let metrics = Metrics::default();
        let ok = |ok| OperationCounts { invoked: ok + 1, ok, fail: 1, info: 0 };
        let (first, second) = (metrics.begin(), metrics.begin());
        first.phase("safety");
        first.fault("partition", "installed");
        first.operations(ok(5));
        first.ended(Exit::Violated);
        second.phase("recovery");
        second.operations(ok(2));
        insta::assert_snapshot!(metrics.text());
        let address = metrics.serve(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let answer = get(address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains(CONTENT_TYPE) && answer.ends_with("# EOF\n"), "{answer}");
        assert!(get(address, "GET /x HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(get(address, "POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
    }
}
