//! The data types that `isobar check` and `isobar explain` judge: one table.

use std::collections::BTreeMap;

use clap::Args;
use isobar_checkers::checks::{self, BankOptions, SetFullOptions};
use isobar_checkers::history::History;
use isobar_checkers::models::container::{Container, Priority};
use isobar_checkers::models::{
    Counter, FencedLock, FifoQueue, Kv, MultiRegister, Mutex, PriorityQueue, ReentrantMutex,
    Semaphore, Set, Stack, UnorderedQueue,
};
use isobar_checkers::txn::{self, Anomaly, Assumptions, UnknownAnomaly, UnknownModel};
use isobar_checkers::{Budget, CheckResult, Register, TxnOptions, Verdict, topics};
use serde_json::{Value, json};

/// A data type, what may be promised of it, and who decides.
#[derive(Clone, Copy)]
pub struct Model {
    pub name: &'static str,
    /// `linearizable`, `sessions`, …; `own`: the one rule that the type is about; `isolation`: one
    /// or several models of the lattice of transactions.
    pub consistency: &'static str,
    judge: fn(&History, &Options) -> CheckResult,
}

/// The anomalies that one name stands for.
#[derive(Clone, Debug)]
pub struct Anomalies(Vec<Anomaly>);

fn anomalies(name: &str) -> Result<Anomalies, UnknownAnomaly> {
    Anomaly::parse_all(name).map(Anomalies)
}

/// What a history does not say of its own system, and how much may be spent on it.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// What the system promised; by default the strongest promise of the model. For transactions
    /// one or several of: read-uncommitted, read-committed, …, serializable, strict-serializable
    #[arg(short, long, alias = "consistency-models", value_delimiter = ',', value_name = "NAME,…")]
    pub consistency: Vec<String>,
    /// Of transactions, the anomalies that alone are violations: G0, G1, G-single, …; a G-single is
    /// a G2 too, a G0 a G1c
    #[arg(short, long, value_delimiter = ',', value_name = "NAME,…", value_parser = anomalies)]
    pub anomalies: Vec<Anomalies>,
    /// Of rw-register: who reads a version and then writes replaces it, committed or not
    #[arg(long)]
    pub wfr_keys: bool,
    /// Of rw-register: each key is sequentially consistent by itself
    #[arg(long)]
    pub sequential_keys: bool,
    /// Of rw-register: each key is linearizable by itself
    #[arg(long)]
    pub linearizable_keys: bool,
    /// How many may hold a semaphore at once
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub permits: u32,
    /// The accounts of a bank; by default any
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub accounts: Vec<String>,
    /// What all accounts of a bank hold together; by default what most reads found
    #[arg(long, alias = "total-amount", value_name = "N", allow_negative_numbers = true)]
    pub total: Option<i64>,
    /// Balances may be below zero
    #[arg(long, alias = "allow-negative-balances")]
    pub allow_negative: bool,
    /// Configurations to search per key before the answer is unknown
    #[arg(long, default_value_t = Budget::default().states, value_name = "N")]
    pub states: u64,
    /// Megabytes to search in before the answer is unknown
    #[arg(long, default_value_t = Budget::default().bytes >> 20, value_name = "MB")]
    pub memory: u64,
}

impl Options {
    fn budget(&self) -> Budget {
        Budget { states: self.states, bytes: self.memory.saturating_mul(1 << 20) }
    }

    /// The models promised of transactions.
    fn isolation(&self) -> Result<Vec<txn::Model>, UnknownModel> {
        match self.consistency.is_empty() {
            true => Ok(vec![txn::Model::STRICT_SERIALIZABLE]),
            false => self.consistency.iter().map(|name| txn::Model::parse(name)).collect(),
        }
    }

    /// What is asked of transactions; [`find`] has seen to it that the names are right.
    fn txn(&self) -> TxnOptions {
        let models = self.isolation().unwrap_or_default();
        let anomalies = self.anomalies.iter().flat_map(|all| all.0.clone()).collect();
        let assumptions = Assumptions {
            wfr_keys: self.wfr_keys,
            sequential_keys: self.sequential_keys,
            linearizable_keys: self.linearizable_keys,
        };
        TxnOptions { models, anomalies, assumptions }
    }

    fn bank(&self) -> BankOptions {
        BankOptions {
            accounts: (!self.accounts.is_empty()).then(|| self.accounts.iter().map(name).collect()),
            total: self.total,
            negative_allowed: self.allow_negative,
        }
    }
}

/// An account as histories have it: a number, or else a string.
fn name(text: &String) -> Value {
    text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))
}

const fn model(
    name: &'static str,
    consistency: &'static str,
    judge: fn(&History, &Options) -> CheckResult,
) -> Model {
    Model { name, consistency, judge }
}

/// The strongest promise of each type comes first: it is the default.
pub const MODELS: &[Model] = &[
    model("register", LINEARIZABLE, |history, options| linearizable(history, &Register, options)),
    model("register", SESSIONS, |history, _| checks::sessions(history)),
    model("cas-register", LINEARIZABLE, |history, options| {
        linearizable(history, &Register, options)
    }),
    model("cas-register", SESSIONS, |history, _| checks::sessions(history)),
    model("versioned-register", SESSIONS, |history, _| checks::versioned_sessions(history)),
    model("fifo-queue", LINEARIZABLE, |history, options| {
        linearizable(history, &FifoQueue::default(), options)
    }),
    model("unordered-queue", LINEARIZABLE, |history, options| {
        linearizable(history, &UnorderedQueue::default(), options)
    }),
    model("stack", LINEARIZABLE, |history, options| {
        linearizable(history, &Stack::default(), options)
    }),
    model("priority-queue", LINEARIZABLE, |history, options| {
        linearizable(history, &priority_queue(history), options)
    }),
    model("mutex", LINEARIZABLE, |history, options| linearizable(history, &Mutex, options)),
    model("reentrant-mutex", LINEARIZABLE, |history, options| {
        linearizable(history, &ReentrantMutex::default(), options)
    }),
    model("semaphore", LINEARIZABLE, |history, options| {
        linearizable(history, &Semaphore { permits: options.permits }, options)
    }),
    model("fenced-lock", LINEARIZABLE, |history, options| {
        linearizable(history, &FencedLock, options)
    }),
    model("kv", LINEARIZABLE, |history, options| linearizable(history, &Kv, options)),
    model("multi-register", LINEARIZABLE, |history, options| {
        linearizable(history, &MultiRegister, options)
    }),
    model("set", LINEARIZABLE, |history, options| linearizable(history, &Set, options)),
    model("set", OWN, |history, _| checks::set(history)),
    model("set-full", LINEARIZABLE, |history, _| set_full(history, true)),
    model("set-full", OWN, |history, _| set_full(history, false)),
    model("counter", LINEARIZABLE, |history, options| linearizable(history, &Counter, options)),
    model("counter", OWN, |history, _| checks::counter(history)),
    model("bank", OWN, |history, options| checks::bank(history, &options.bank())),
    model("total-queue", OWN, |history, _| checks::total_queue(history)),
    model("unique-ids", OWN, |history, _| checks::unique_ids(history)),
    model("exclusive", OWN, |history, _| checks::exclusive(history)),
    model("existence", OWN, |history, _| checks::existence(history)),
    model("atomic-visibility", OWN, |history, _| checks::atomic_visibility(history)),
    model("long-fork", OWN, |history, _| checks::long_fork(history)),
    model("append-log", OWN, |history, _| checks::append_log(history)),
    model("monotonic", OWN, |history, _| checks::monotonic(history)),
    model("sequential", OWN, |history, _| checks::sequential(history)),
    model("causal-reverse", OWN, |history, _| checks::causal_reverse(history)),
    model("watch", OWN, |history, _| checks::watch(history)),
    model("list-append", ISOLATION, |history, options| {
        isobar_checkers::list_append(history, &options.txn())
    }),
    model("rw-register", ISOLATION, |history, options| {
        isobar_checkers::rw_register(history, &options.txn())
    }),
];

pub const LINEARIZABLE: &str = "linearizable";
pub const SESSIONS: &str = "sessions";
pub const OWN: &str = "own";
/// Any models of the lattice of transactions.
pub const ISOLATION: &str = "isolation";

fn linearizable(
    history: &History,
    model: &impl isobar_checkers::Model,
    options: &Options,
) -> CheckResult {
    isobar_checkers::linearizable(history, model, &options.budget())
}

/// Least first if anything deletes the minimum.
fn priority_queue(history: &History) -> PriorityQueue {
    let least_first = history.operations().any(|operation| operation.f() == "delete-min");
    Container(Priority { least_first })
}

fn set_full(history: &History, linearizable: bool) -> CheckResult {
    checks::set_full(history, SetFullOptions { linearizable })
}

/// The names of all types, each once, in the order of the table.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = MODELS.iter().map(|model| model.name).collect();
    names.dedup();
    names
}

/// The type called `name` with the promise asked for, or with its strongest.
///
/// # Errors
/// What may be promised of this type instead.
pub fn find(name: &str, options: &Options) -> Result<&'static Model, String> {
    let of_type = || MODELS.iter().filter(|model| model.name == name);
    if let Some(model) = of_type().find(|model| model.consistency == ISOLATION) {
        options.isolation().map_err(|error| error.to_string())?;
        return Ok(model);
    }
    if !options.anomalies.is_empty() {
        return Err(format!("a {name} has no transactions: leave out --anomalies"));
    }
    let wanted = |model: &&Model| match &options.consistency[..] {
        [] => true,
        [wanted] => model.consistency == wanted,
        _ => false,
    };
    of_type().find(wanted).ok_or_else(|| {
        let promises: Vec<&str> = of_type().map(|model| model.consistency).collect();
        format!(
            "a {name} is not judged for {}; its consistency is one of {}",
            options.consistency.join(" and "),
            promises.join(", ")
        )
    })
}

impl Model {
    /// Judges a history. Of one that tells no order between processes only transactions can be
    /// judged, by their sessions.
    pub fn judged(&self, history: &History, options: &Options) -> CheckResult {
        if !history.untimed || self.consistency == ISOLATION {
            return (self.judge)(history, options);
        }
        let reason = "nothing is known of the order between processes".to_owned();
        CheckResult {
            check: self.name.to_owned(),
            verdict: Verdict::Unknown(reason.clone()),
            summary: reason,
            figures: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// What is judged, by name: `linearizable`, `serializable,read-atomic`.
    pub fn promised(&self, options: &Options) -> String {
        if self.consistency != ISOLATION {
            return self.consistency.to_owned();
        }
        let models = options.isolation().unwrap_or_default();
        models.iter().map(|model| model.name()).collect::<Vec<_>>().join(",")
    }
}

/// One sentence on a type, for help texts.
pub fn about(name: &str) -> &'static str {
    topics::of_kind(topics::Kind::Model, name).map_or("", |topic| topic.sentence)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_model_is_taught() {
        for name in names() {
            assert!(!about(name).is_empty(), "{name} has no topic");
        }
        let models = topics::all().iter().filter(|topic| topic.kind == topics::Kind::Model);
        let taught: Vec<&str> = models.map(|topic| topic.name).collect();
        assert!(taught.iter().all(|name| names().contains(name)), "{taught:?}");
    }

    /// The options of a command line.
    fn options(consistency: &[&str]) -> Options {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            options: Options,
        }
        let flags = consistency.iter().flat_map(|name| ["-c", name]);
        <Line as clap::Parser>::try_parse_from(["isobar"].into_iter().chain(flags)).unwrap().options
    }

    #[test]
    fn the_strongest_promise_is_the_default() {
        let consistency = |name, asked: &[&str]| find(name, &options(asked)).map(|m| m.consistency);
        assert_eq!(consistency("register", &[]), Ok(LINEARIZABLE));
        assert_eq!(consistency("register", &[SESSIONS]), Ok(SESSIONS));
        let error = consistency("bank", &[LINEARIZABLE]).unwrap_err();
        assert_eq!(error, "a bank is not judged for linearizable; its consistency is one of own");
    }

    /// As where each process counts its own events: what came first, nobody said.
    #[test]
    fn without_an_order_between_processes_only_transactions_are_judged() {
        for (name, expected) in
            [("register", "unknown"), ("set-full", "unknown"), ("list-append", "valid")]
        {
            let mut history = History::default();
            history.untimed = true;
            let options = if name == "list-append" { &["serializable"][..] } else { &[] };
            let options = self::options(options);
            let judged = find(name, &options).unwrap().judged(&history, &options);
            assert_eq!(judged.verdict.word(), expected, "{name}");
        }
    }

    #[test]
    fn transactions_take_any_models_of_the_lattice() {
        let promised = |asked: &[&str]| {
            let options = options(asked);
            find("list-append", &options).map(|model| model.promised(&options))
        };
        assert_eq!(promised(&[]), Ok("strict-serializable".to_owned()));
        let both = Ok("snapshot-isolation,read-committed".to_owned());
        assert_eq!(promised(&["PL-SI,read-committed"]), both);
        let error = promised(&["serialisable"]).unwrap_err();
        assert!(error.ends_with("did you mean `serializable`?"), "{error}");
    }
}
