//! How soon a fault is on all nodes, with evidence read back from each, and how soon undone.
//!
//! Each family of faults is injected into a lab a number of times, and the times are taken from
//! the history, as of any run: from the first mention to the evidence.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use isobar_checkers::history::jsonl;
use isobar_checkers::{FaultWindow, InjectOutcome, Nanos};
use isobar_workloads::Connect;
use serde::Serialize;
use serde_json::json;

use crate::cluster::{Cluster, Node, Remote};
use crate::fault::{Ground, Hold, HoldError, HoldOptions, Injector, Plan};
use crate::run::{Clock, Recorder, RecorderError};
use crate::spec::FaultSpec;
use crate::system::{Daemon, ProcessScripts, Status, System, SystemError};

/// What half of the injections into five nodes must not exceed, in milliseconds.
pub const TARGET_MS: f64 = 150.0;
/// What undoing may take.
const HEAL_LIMIT: Duration = Duration::from_secs(30);

/// Families, with the settings that put them on every node.
fn families() -> [(&'static str, serde_json::Value); 11] {
    let all = json!({"targets": "all"});
    [
        ("partition", json!({"split": "majority"})),
        ("loss", all.clone()),
        ("delay", all.clone()),
        ("rate", all.clone()),
        ("kill", all.clone()),
        ("pause", all.clone()),
        ("freeze", all.clone()),
        ("crash-loop", all.clone()),
        ("truncate", all.clone()),
        ("cpu-limit", all.clone()),
        ("file-limit", all),
    ]
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultMeasurement {
    pub family: &'static str,
    pub nodes: usize,
    /// From the beginning of an injection to the evidence of all nodes, sorted.
    pub took_ms: Vec<f64>,
    /// From the beginning of a heal to its evidence, sorted.
    pub undone_ms: Vec<f64>,
    /// Why others were not injected.
    pub skipped: Option<String>,
}

/// The least of the `sorted` times that `share` of them do not exceed.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

#[derive(Debug, thiserror::Error)]
pub enum FaultBenchError {
    #[error(transparent)]
    Hold(#[from] HoldError),
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error("cannot measure {family}: {reason}")]
    Family { family: &'static str, reason: String },
}

/// Measures every family `count` times on `cluster`, which has to be a lab of ours; `told` gets
/// each row when it is measured. Files are kept in `directory` until then.
///
/// # Errors
/// When the nodes cannot be had, or a fault could not be undone.
pub fn measure_faults(
    cluster: &Cluster,
    count: u32,
    directory: &Path,
    mut told: impl FnMut(&FaultMeasurement),
) -> Result<(), FaultBenchError> {
    for (family, settings) in families() {
        told(&measure(cluster, family, settings, count, directory)?);
    }
    Ok(())
}

fn measure(
    cluster: &Cluster,
    family: &'static str,
    mut settings: serde_json::Value,
    count: u32,
    directory: &Path,
) -> Result<FaultMeasurement, FaultBenchError> {
    let failed = |reason: String| FaultBenchError::Family { family, reason };
    // One begins when the one before is healed, and the nodes agree.
    settings["every"] = "1s".into();
    settings["at"] = "0s".into();
    settings["for"] = "50ms".into();
    let fault: FaultSpec = serde_json::from_value(json!({family: settings}))
        .map_err(|error| failed(error.to_string()))?;
    let load = Duration::from_secs(u64::from(count));
    let nodes = cluster.nodes();
    let plan = Plan::draw(&[fault], &nodes, 1, load);
    let history = directory.join(format!("{family}.jsonl"));
    let options = HoldOptions {
        run: format!("bench-{}-{family}", std::process::id()),
        lease: Duration::from_secs(30),
        privileged: true,
        journal: directory.join(format!("{family}-faults.jsonl")),
    };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| failed(error.to_string()))?;
    let recorder = Arc::new(Recorder::create(&history, Clock::start())?);
    let ground = Ground {
        hold: Arc::new(Hold::take(cluster, options)?),
        system: Arc::new(Idle),
        recorder: Arc::clone(&recorder),
        runtime: runtime.handle().clone(),
    };
    for member in &cluster.members {
        let script = Idle.scripts(&member.node).start;
        let data = "mkdir -p /run/isobar-idle.data; seq 100000 >/run/isobar-idle.data/log";
        let command = crate::cluster::Command::shell(format!("{data}\n{script}")).privileged();
        member.remote.check(&command).map_err(|error| failed(error.to_string()))?;
    }
    let mut injector = Injector::prepare(ground, plan);
    injector.begin();
    while !injector.is_idle() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let healed = injector.heal_all(HEAL_LIMIT);
    drop(injector);
    if let Some((_, why)) = healed.dirty.first() {
        return Err(failed(why.clone()));
    }
    // The last owner closes the file.
    drop(recorder);
    let file = File::open(&history).map_err(|error| failed(error.to_string()))?;
    let read = jsonl::read(&history.display().to_string(), BufReader::new(file))
        .map_err(|error| failed(error.to_string()))?;
    Ok(row(family, nodes.len(), &read.faults))
}

fn row(family: &'static str, nodes: usize, faults: &[FaultWindow]) -> FaultMeasurement {
    let sorted = |span: fn(&FaultWindow) -> Option<(Nanos, Nanos)>| {
        let spans = faults.iter().filter_map(span);
        let mut ms: Vec<f64> =
            spans.map(|(from, to)| to.0.saturating_sub(from.0) as f64 / 1e6).collect();
        ms.sort_by(f64::total_cmp);
        ms
    };
    let skipped = faults.iter().find_map(|fault| match &fault.outcome {
        InjectOutcome::Skipped(why) | InjectOutcome::Indeterminate(why) => Some(why.clone()),
        InjectOutcome::Installed => None,
    });
    FaultMeasurement {
        family,
        nodes,
        took_ms: sorted(|fault| Some(fault.from).zip(fault.installed_at)),
        undone_ms: sorted(|fault| fault.heal_from.zip(fault.to)),
        skipped,
    }
}

/// The heads of the columns.
pub const FAULT_HEAD: &str =
    "family         nodes  times    p50 ms    p90 ms    max ms  undo p50  target";

/// `partition 5 10 61.2 70.1 74.9 58.3 p50 150 ms: met`
pub fn fault_line(measured: &FaultMeasurement) -> String {
    let FaultMeasurement { family, nodes, took_ms, undone_ms, skipped } = measured;
    let head = format!("{family:<15}{nodes:>5}{:>7}", took_ms.len());
    let quantiles = [0.5, 0.9, 1.0].map(|share| quantile(took_ms, share));
    let [Some(p50), Some(p90), Some(max)] = quantiles else {
        // One node's reason is the others'.
        let why = skipped.as_deref().and_then(|why| why.split("; ").next());
        let why = why.unwrap_or("it was never injected");
        return format!("{head}  not possible here: {why}");
    };
    let undo = quantile(undone_ms, 0.5).map_or_else(|| "?".to_owned(), |ms| format!("{ms:.1}"));
    let met = if p50 <= TARGET_MS { "met" } else { "missed" };
    format!("{head}{p50:>10.1}{p90:>10.1}{max:>10.1}{undo:>10}  p50 {TARGET_MS:.0} ms: {met}")
}

/// A process that sleeps, on nodes of which the first leads.
struct Idle;

#[async_trait]
impl System for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn probe(&self, _: &Node, _: &dyn Remote) -> Result<Option<String>, SystemError> {
        Ok(None)
    }

    fn scripts(&self, _: &Node) -> ProcessScripts {
        Daemon {
            argv: vec!["sleep".to_owned(), "86400".to_owned()],
            pid_file: "/run/isobar-idle.pid".to_owned(),
            log: "/run/isobar-idle.log".to_owned(),
            data: "/run/isobar-idle.data".to_owned(),
            mark: "sleep 86400".to_owned(),
        }
        .scripts()
    }

    fn client_address(&self, node: &Node) -> String {
        format!("{}:1", node.ip)
    }

    fn peer_port(&self, _: &Node) -> u16 {
        1
    }

    fn connect(&self) -> Arc<dyn Connect> {
        Arc::new(isobar_workloads::etcd::EtcdConnect { linearizable: true })
    }

    async fn status(&self, _: &Node) -> Result<Status, String> {
        Ok(Status { leader: Some("n1".to_owned()), term: 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_tells_its_quantiles_or_why_there_are_none() {
        let mut row = FaultMeasurement {
            family: "partition",
            nodes: 5,
            took_ms: (1..=10).map(f64::from).collect(),
            undone_ms: vec![2.0, 3.0, 7.0],
            skipped: None,
        };
        assert_eq!(
            [FAULT_HEAD.to_owned(), fault_line(&row)].join("\n"),
            "family         nodes  times    p50 ms    p90 ms    max ms  undo p50  target\n\
             partition          5     10       5.0       9.0      10.0       3.0  p50 150 ms: met"
        );
        row.took_ms = vec![151.0];
        assert!(fault_line(&row).ends_with("150 ms: missed"));
        row = FaultMeasurement { took_ms: Vec::new(), skipped: Some("no netem".into()), ..row };
        assert!(fault_line(&row).ends_with("not possible here: no netem"));
    }
}
