//! One program, one operation at a time.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Map, Value, json};

use crate::{Client, Connect, ConnectError, Context, Invocation, Outcome};

/// The longest line that is read.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// How often, and how many times, to look whether a program that is silent has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const ENDING_LOOKS: u32 = 50;
/// The most that is quoted of what is no answer.
const QUOTED_CHARS_MAX: usize = 200;

/// Starts programs, one for each client.
#[derive(Clone, Debug, Default)]
pub struct ProcessConnect {
    /// By the address at which a client is opened.
    pub targets: BTreeMap<String, ProcessTarget>,
    /// Whether the programs know the operation `read`.
    pub reads: bool,
}

/// What to start for one of the nodes.
#[derive(Clone, Debug, Default)]
pub struct ProcessTarget {
    /// For `sh -c`.
    pub command: String,
    pub environment: Vec<(String, String)>,
    /// Where its standard error is appended; thrown away without.
    pub log: Option<PathBuf>,
}

struct ProcessClient {
    child: Child,
    /// `None` after an error: what the program would say next belongs to no operation.
    pipes: Option<(ChildStdin, BufReader<ChildStdout>)>,
    context: Context,
    operations: u64,
    exchange: Option<String>,
}

impl Drop for ProcessClient {
    /// The whole group: a shell's children would outlive it.
    fn drop(&mut self) {
        // A program that was waited for has no number of its own any more.
        if matches!(self.child.try_wait(), Ok(None))
            && let Some(group) = Pid::from_raw(self.child.id() as i32)
        {
            let _ = kill_process_group(group, Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

impl ProcessConnect {
    fn start(&self, address: &str) -> Result<ProcessClient, String> {
        let target = self.targets.get(address).ok_or("there is no such node")?;
        let log = |path: &PathBuf| {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            OpenOptions::new().create(true).append(true).open(path)
        };
        let stderr = match target.log.as_ref().map(log) {
            Some(Ok(file)) => Stdio::from(file),
            Some(Err(error)) => return Err(format!("cannot write its log: {error}")),
            None => Stdio::null(),
        };
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(&target.command)
            .envs(target.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start `{}`: {error}", target.command))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let pipes = pipes.map(|(stdin, stdout)| (stdin, BufReader::new(stdout)));
        let context = Context::default();
        Ok(ProcessClient { child, pipes, context, operations: 0, exchange: None })
    }
}

#[async_trait]
impl Connect for ProcessConnect {
    async fn connect(&self, address: &str) -> Result<Box<dyn Client>, ConnectError> {
        match self.start(address) {
            Ok(client) => Ok(Box::new(client)),
            Err(reason) => Err(ConnectError { address: address.to_owned(), reason }),
        }
    }

    /// Lets a program read a key that nobody writes. Every answer but a result is an error: it
    /// would be one for all reads of the run.
    async fn probe(&self, address: &str) -> Result<(), String> {
        if !self.reads {
            return Ok(());
        }
        let mut client = self.start(address)?;
        let read = Invocation::probe();
        let reason = match client.exchange_lines(&read).await {
            Ok(Outcome::Ok(_)) => return Ok(()),
            Ok(Outcome::Fail(why) | Outcome::Info(why)) => format!("a first read fails: {why}"),
            Err(why) => why,
        };
        let target = self.targets.get(address);
        let log = target.and_then(|target| target.log.as_ref()).and_then(last_line);
        let log = log.map(|line| format!("; its log ends with `{line}`"));
        let command = target.map(|target| target.command.as_str()).unwrap_or_default();
        Err(format!("`{command}`: {reason}{}", log.unwrap_or_default()))
    }
}

#[async_trait]
impl Client for ProcessClient {
    fn begin(&mut self, context: &Context) {
        self.context = *context;
    }

    async fn invoke(&mut self, invocation: &Invocation) -> Outcome {
        match self.exchange_lines(invocation).await {
            Ok(outcome) => outcome,
            Err(reason) => Outcome::indeterminate(invocation, reason),
        }
    }

    fn broken(&self) -> bool {
        self.pipes.is_none()
    }

    fn answer(&self) -> Option<&str> {
        self.exchange.as_deref()
    }
}

impl ProcessClient {
    /// Writes an operation and reads its answer; the error is why nothing is known.
    async fn exchange_lines(&mut self, invocation: &Invocation) -> Result<Outcome, String> {
        // Taken out while the answer is awaited: so a cancelled operation ends the program too.
        let (mut stdin, mut stdout) = self.pipes.take().ok_or("the program has ended")?;
        self.exchange = None;
        self.operations += 1;
        let Invocation { f, key, value } = invocation;
        let Context { process, .. } = self.context;
        let line = json!({
            "id": self.operations, "f": f, "key": key, "value": value, "process": process,
            "traceparent": self.context.traceparent(),
        });
        // A thread that waits for a program ends with it, at the latest when we are dropped.
        let exchanged = tokio::task::spawn_blocking(move || {
            let answer = ask(&mut stdin, &mut stdout, &format!("{line}\n"));
            (answer, stdin, stdout)
        });
        let (answer, stdin, stdout) = exchanged.await.map_err(|error| error.to_string())?;
        match answer {
            Err(error) => Err(self.ended(&error.to_string()).await),
            Ok(answer) if !answer.ends_with('\n') => Err(self.ended("it closed its output").await),
            Ok(answer) => {
                let outcome = self.outcome(&answer, invocation)?;
                self.pipes = Some((stdin, stdout));
                Ok(outcome)
            }
        }
    }

    /// Why there is no answer, once the program had a moment to end.
    async fn ended(&mut self, instead: &str) -> String {
        for _ in 0..ENDING_LOOKS {
            if let Ok(Some(status)) = self.child.try_wait() {
                return format!("the program ended without an answer ({status})");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        format!("no answer: {instead}")
    }

    fn outcome(&mut self, line: &str, invocation: &Invocation) -> Result<Outcome, String> {
        let strange = |why: &str| {
            let told: String = line.trim_end().chars().take(QUOTED_CHARS_MAX).collect();
            format!("{why}: `{told}`; an answer is a line such as {{\"type\":\"ok\",\"value\":5}}")
        };
        let parsed: Result<Map<String, Value>, _> = serde_json::from_str(line);
        let mut answer = parsed.map_err(|_| strange("not an answer in JSON"))?;
        if answer.get("id").is_some_and(|id| *id != json!(self.operations)) {
            return Err(strange("an answer to another operation"));
        }
        self.exchange = answer.get("exchange").and_then(Value::as_str).map(str::to_owned);
        let error = answer.get("error").and_then(Value::as_str).unwrap_or("no reason given");
        match answer.get("type").and_then(Value::as_str) {
            Some("fail") => Ok(Outcome::Fail(error.to_owned())),
            Some("info") => Ok(Outcome::indeterminate(invocation, error)),
            Some("ok") => {
                let value = answer.remove("value");
                Ok(Outcome::Ok(value.unwrap_or_else(|| invocation.value.clone())))
            }
            _ => Err(strange("`type` must be `ok`, `fail` or `info`")),
        }
    }
}

/// Writes a line and reads one; without a newline at its end the program has closed its output.
fn ask(
    stdin: &mut ChildStdin,
    stdout: &mut BufReader<ChildStdout>,
    line: &str,
) -> std::io::Result<String> {
    stdin.write_all(line.as_bytes())?;
    let mut answer = String::new();
    stdout.by_ref().take(LINE_BYTES_MAX).read_line(&mut answer)?;
    Ok(answer)
}

fn last_line(path: &PathBuf) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn connect(command: &str) -> ProcessConnect {
        let environment = vec![("ISOBAR_NODE".to_owned(), "n1".to_owned())];
        let target = ProcessTarget { command: command.to_owned(), environment, log: None };
        let targets = [("n1:1".to_owned(), target)].into();
        ProcessConnect { targets, reads: true }
    }

    fn invocation(f: &str, value: Value) -> Invocation {
        Invocation { f: f.to_owned(), key: Some(json!("k0")), value }
    }

    async fn told(script: &str, invocation: &Invocation) -> Outcome {
        connect(script).connect("n1:1").await.unwrap().invoke(invocation).await
    }

    #[tokio::test]
    async fn a_program_answers_in_lines() {
        let echo = r#"n=0; while read -r line; do n=$((n+1)); echo "{\"id\":$n,\"type\":\"ok\",\
                      \"value\":\"$ISOBAR_NODE $n\",\"exchange\":\"GET → 200\"}"; done"#;
        let echo = echo.replace("\\\n                      ", "");
        let mut client = connect(&echo).connect("n1:1").await.unwrap();
        let read = invocation("read", Value::Null);
        assert_eq!(client.invoke(&read).await, Outcome::Ok(json!("n1 1")));
        assert_eq!(client.invoke(&read).await, Outcome::Ok(json!("n1 2")));
        assert_eq!(client.answer(), Some("GET → 200"));
        assert!(!client.broken());
    }

    #[tokio::test]
    async fn outcomes_are_told_apart() {
        let (read, write) = (invocation("read", Value::Null), invocation("write", json!(5)));
        let answer = |text: &str| format!("read -r line; echo '{text}'; cat");
        let ok = told(&answer(r#"{"type":"ok"}"#), &write).await;
        assert_eq!(ok, Outcome::Ok(json!(5)));
        let fail = told(&answer(r#"{"type":"fail","error":"refused"}"#), &write).await;
        assert_eq!(fail, Outcome::Fail("refused".to_owned()));
        let info = told(&answer(r#"{"type":"info","error":"lost"}"#), &write).await;
        assert_eq!(info, Outcome::Info("lost".to_owned()));
        let none = told(&answer(r#"{"type":"ok","value":null}"#), &read).await;
        assert_eq!(none, Outcome::Ok(Value::Null));
    }

    #[tokio::test]
    async fn without_a_whole_answer_a_write_is_unknown_and_a_read_failed() {
        for script in [
            "read -r line; exit 3",
            "read -r line; printf '{\"type\"'",
            "read -r line; echo nonsense; cat",
            "read -r line; echo '{\"type\":\"maybe\"}'; cat",
            "read -r line; echo '{\"type\":\"ok\",\"id\":9}'; cat",
        ] {
            let write = told(script, &invocation("write", json!(5))).await;
            assert!(matches!(write, Outcome::Info(_)), "{script}: {write:?}");
            let read = told(script, &invocation("read", Value::Null)).await;
            assert!(matches!(read, Outcome::Fail(_)), "{script}: {read:?}");
        }
    }

    #[tokio::test]
    async fn a_program_that_is_missing_or_prints_something_else_is_named() {
        let probe = async |command: &str| connect(command).probe("n1:1").await.unwrap_err();
        let missing = probe("exec isobar-no-such-program").await;
        assert!(missing.contains("isobar-no-such-program"), "{missing}");
        assert!(missing.contains("ended without an answer (exit status: 127)"), "{missing}");
        let refused = r#"read -r line; echo '{"type":"fail","error":"401: wrong token"}'"#;
        let refused = probe(refused).await;
        assert!(refused.contains("a first read fails: 401: wrong token"), "{refused}");
        let chatty = probe("echo ready; cat").await;
        assert!(chatty.contains("not an answer in JSON: `ready`"), "{chatty}");
    }

    /// A worker drops a client that is silent; nothing of it may stay.
    #[tokio::test]
    async fn a_program_is_killed_with_its_children() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let script = format!("sleep 1000 & echo $! >{}; wait", file.display());
        let client = connect(&script).connect("n1:1").await.unwrap();
        let pid = loop {
            match std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()) {
                Some(pid) => break rustix::process::Pid::from_raw(pid).unwrap(),
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        drop(client);
        let gone = async {
            let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
            let alive = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z"));
            while alive() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
    }
}
