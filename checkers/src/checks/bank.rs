//! Accounts with a constant total (Jepsen's `bank`, from Hermitage's and Gretchen's tests): money
//! is moved, never made, so every consistent read of all accounts has the same total.
//!
//! `read` → `{"account": balance, …}`, or a list of `[account, balance]` pairs. Transfers are not
//! looked at: whether one happened does not change the total. When no total is declared, the one
//! that most reads have is taken for right; two different totals are a contradiction either way.
//! O(n).

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Value, json};

use super::evidence::{Case, Evidence, shown, some, unjudged, who};
use super::parts::{Op, Spelt, by_key, is_ok};
use crate::finding::{CheckResult, Verdict};
use crate::history::History;

const CHECK: &str = "bank";

/// What is known of the accounts; what is not is not judged, but for the total.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BankOptions {
    /// Their names; `None`: whatever reads name.
    pub accounts: Option<Vec<Value>>,
    /// What all accounts hold together; `None`: what most reads found.
    pub total: Option<i64>,
    /// Whether a balance may be below 0.
    pub negative_allowed: bool,
}

/// One ok read.
struct Statement<'a> {
    op: Op<'a>,
    /// (account, balance); `None`: not a number.
    balances: Vec<(Value, Option<i128>)>,
    total: i128,
}

/// *Violated* by `wrong-total`, `negative-balance`, `missing-balance` (null) and
/// `unexpected-account`. Figures: `reads`, `total`, `negative_min` (the lowest balance).
pub fn bank(history: &History, options: &BankOptions) -> CheckResult {
    let history = &Spelt::of(history);
    let mut evidence = Evidence::new(CHECK, history);
    let (mut reads, mut lowest, mut totals) = (0, 0_i128, Vec::new());
    for part in by_key(history) {
        let ok = part.operations.iter().copied().filter(|op| is_ok(op) && op.f == "read");
        let statements: Result<Vec<_>, String> = ok.map(statement).collect();
        let statements = match statements {
            Ok(statements) => statements,
            Err(problem) => return unjudged(CHECK, problem),
        };
        reads += statements.len();
        let whole = statements.iter().filter(|read| read.is_whole());
        let expected = options.total.map(i128::from).or_else(|| most_common(whole));
        totals.extend(expected);
        for read in &statements {
            let worst = read.balances.iter().filter_map(|(_, balance)| *balance).min();
            lowest = lowest.min(worst.unwrap_or(0));
            judge(part.key, read, expected, options, &statements, &mut evidence);
        }
    }
    let verdict = match reads {
        0 => Verdict::Unknown("no read was ok".to_owned()),
        _ => Verdict::Valid,
    };
    let total: Vec<Value> = totals.iter().map(|&total| number(total)).collect();
    let summary = format!("{reads} reads were summed up");
    let figures =
        [("reads", json!(reads)), ("total", json!(total)), ("negative_min", number(lowest))];
    evidence.finish(verdict, summary, figures)
}

fn number(number: i128) -> Value {
    i64::try_from(number).map_or_else(|_| json!(number.to_string()), |number| json!(number))
}

impl Statement<'_> {
    fn is_whole(&self) -> bool {
        self.balances.iter().all(|(_, balance)| balance.is_some())
    }
}

fn statement(op: Op<'_>) -> Result<Statement<'_>, String> {
    let problem = || {
        let shown = shown(&op.result);
        format!("op {}: a read of {shown}; expected balances by account", op.index.0)
    };
    let pairs: Vec<(Value, &Value)> = match &op.result {
        Value::Object(map) => {
            map.iter().map(|(account, balance)| (json!(account), balance)).collect()
        }
        Value::Array(items) => {
            let pair = |item: &'_ Value| match item.as_array().map(Vec::as_slice) {
                Some([account, _]) => Ok(account.clone()),
                _ => Err(problem()),
            };
            let accounts: Result<Vec<_>, String> = items.iter().map(pair).collect();
            accounts?.into_iter().zip(items.iter().map(|item| &item[1])).collect()
        }
        _ => return Err(problem()),
    };
    let mut balances = Vec::with_capacity(pairs.len());
    for (account, balance) in pairs {
        let number = balance.as_i64().map(i128::from);
        if number.is_none() && !balance.is_null() {
            return Err(problem());
        }
        balances.push((account, number));
    }
    let total = balances.iter().filter_map(|(_, balance)| *balance).sum();
    Ok(Statement { op, balances, total })
}

/// Of equally common ones, the first to be read.
fn most_common<'s, 'a: 's>(reads: impl Iterator<Item = &'s Statement<'a>>) -> Option<i128> {
    let mut counts: FxHashMap<i128, (usize, usize)> = FxHashMap::default();
    for (place, read) in reads.enumerate() {
        counts.entry(read.total).or_insert((0, usize::MAX - place)).0 += 1;
    }
    counts.into_iter().max_by_key(|(_, counted)| *counted).map(|(total, _)| total)
}

fn judge<'a>(
    key: Option<&'a Value>,
    read: &Statement<'a>,
    expected: Option<i128>,
    options: &BankOptions,
    all: &[Statement<'a>],
    evidence: &mut Evidence<'a>,
) {
    let op = read.op;
    let mut unexpected = Vec::new();
    if let Some(accounts) = &options.accounts {
        let known: FxHashSet<&Value> = accounts.iter().collect();
        unexpected
            .extend(read.balances.iter().map(|(name, _)| name).filter(|n| !known.contains(n)));
    }
    if !unexpected.is_empty() {
        evidence.add("unexpected-account", || Case {
            key,
            title: format!("{} found an account that does not exist", who(op)),
            argument: format!("There is no account {}.", some(unexpected)),
            about: vec![op],
        });
        return;
    }
    if !read.is_whole() {
        missing(key, read, evidence);
        return;
    }
    if let Some(expected) = expected.filter(|&expected| expected != read.total) {
        evidence.add("wrong-total", || {
            let other = all.iter().find(|other| other.total == expected && other.is_whole());
            let source = match (options.total, other) {
                (None, Some(other)) => format!("that op {} and others read", other.op.index.0),
                _ => "that was declared".to_owned(),
            };
            let about = match options.total {
                None => other.map(|other| other.op),
                Some(_) => None,
            };
            Case {
                key,
                title: format!("{} read balances of {} in all", who(op), read.total),
                argument: format!(
                    "Transfers keep the total, but {} is not the {expected} {source}: no state of \
                     the bank is like that.",
                    read.total
                ),
                about: about.into_iter().chain([op]).collect(),
            }
        })
        .against("all balances together", expected.to_string(), read.total.to_string());
    }
    let below = |(_, balance): &&(Value, Option<i128>)| balance.is_some_and(|balance| balance < 0);
    if let Some((account, Some(balance))) =
        read.balances.iter().find(below).filter(|_| !options.negative_allowed)
    {
        evidence
            .add("negative-balance", || Case {
                key,
                title: format!("{} found account {account} at {balance}", who(op)),
                argument: "Nobody may take more from an account than there is.".to_owned(),
                about: vec![op],
            })
            .against(format!("account {account}"), "0 or more", balance.to_string());
    }
}

/// Some accounts have no balance.
fn missing<'a>(key: Option<&'a Value>, read: &Statement<'a>, evidence: &mut Evidence<'a>) {
    let nulls = read.balances.iter().filter(|(_, balance)| balance.is_none());
    let names = some(nulls.map(|(account, _)| account));
    evidence
        .add("missing-balance", || Case {
            key,
            title: format!("{} found an account without a balance", who(read.op)),
            argument: format!("Account {names} has no balance."),
            about: vec![read.op],
        })
        .against(format!("account {names}"), "a balance", "none");
}

#[cfg(test)]
mod tests {
    use super::super::notation::{found, history};
    use super::*;

    fn judged(text: &str) -> String {
        found(&bank(&history(text), &BankOptions::default()))
    }

    #[test]
    fn accepts_one_total() {
        let text = "0-1 p0 read -> {\"a\":3,\"b\":7}\n 2-? p0 transfer {\"from\":\"a\"}\n
                    3-4 p1 read -> [[\"a\",0],[\"b\",10]]";
        assert_eq!(judged(text), "valid");
    }

    #[test]
    fn rejects_money_made_lost_or_owed() {
        let text = "0-1 p0 read -> {\"a\":3,\"b\":7}\n 2-3 p0 read -> {\"a\":3,\"b\":7}\n
                    4-5 p1 read -> {\"a\":2,\"b\":7}\n 6-7 p1 read -> {\"a\":-1,\"b\":11}\n
                    8-9 p1 read -> {\"a\":null,\"b\":11}";
        assert_eq!(judged(text), "missing-balance 1, negative-balance 1, wrong-total 1");
    }

    #[test]
    fn what_is_declared_is_held_to() {
        let history = history("0-1 p0 read -> {\"a\":3,\"c\":7}\n 2-3 p0 read -> {\"a\":-3}");
        let options = BankOptions {
            accounts: Some(vec![json!("a"), json!("b")]),
            total: Some(10),
            negative_allowed: true,
        };
        let result = bank(&history, &options);
        assert_eq!(found(&result), "unexpected-account 1, wrong-total 1");
        assert!(result.findings[1].prose[1].contains("that was declared"), "{result:?}");
    }

    #[test]
    fn what_is_no_bank_is_unknown() {
        assert_eq!(judged("0-1 p0 read -> 7"), "unknown");
        assert_eq!(judged("0-1 p0 read -> {\"a\":\"much\"}"), "unknown");
        assert_eq!(judged("0-1 p0 read -> [1]"), "unknown");
        assert_eq!(judged("0-1 p0 transfer 7"), "unknown");
    }
}
