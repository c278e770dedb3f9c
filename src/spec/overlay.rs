//! `--set path=value`: a specification with some of its values replaced.
//!
//! A path is dotted: `load.rate`, `faults.0.partition.every`. A value is YAML: `500/s`,
//! `{ nodes: 5 }`. Where a section is a map of one name, a bare word stands for the name without
//! settings: `workload=append` is `workload: { append: {} }`; `faults` takes a preset, or `none`.

use serde_json::{Map, Value};

use super::parse::{text_of, tree_of};
use super::{CheckSpec, WorkloadSpec};

/// Checks that a workload may get when it has none that judges it, the strongest first.
const PROMISES: [&str; 3] = ["linearizable", "list-append", "rw-register"];

/// What is wrong with `--set`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OverlayError {
    #[error("`{0}` is not of the form path=value: write `--set load.rate=500/s`")]
    Form(String),
    #[error("{path}: `{value}` is not a value in YAML: {reason}")]
    Value { path: String, value: String, reason: String },
    #[error("{path}: there is no `{part}` in the specification{hint}")]
    Path { path: String, part: String, hint: String },
    #[error("{0}")]
    Source(String),
}

/// One replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub path: String,
    pub value: String,
}

impl std::str::FromStr for Setting {
    type Err = OverlayError;

    fn from_str(text: &str) -> Result<Self, OverlayError> {
        match text.split_once('=') {
            Some((path, value)) if !path.is_empty() && !path.contains(char::is_whitespace) => {
                Ok(Self { path: path.to_owned(), value: value.to_owned() })
            }
            _ => Err(OverlayError::Form(text.to_owned())),
        }
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.path, self.value)
    }
}

/// The text of the specification `source` with `settings` made, in their order. Checks that do not
/// judge a workload which was set are left out; if none is left that judges its promise, the
/// strongest is asked for.
///
/// # Errors
/// What cannot be set. Whether the result is a good specification is for the parser to say.
pub fn overlay(source: &str, settings: &[Setting]) -> Result<String, OverlayError> {
    if settings.is_empty() {
        return Ok(source.to_owned());
    }
    let mut tree = tree_of(source).map_err(OverlayError::Source)?;
    for setting in settings {
        set(&mut tree, setting)?;
    }
    if settings.iter().any(|setting| setting.path == "workload") {
        fit_checks(&mut tree);
    }
    text_of(&tree).map_err(OverlayError::Source)
}

fn set(tree: &mut Value, setting: &Setting) -> Result<(), OverlayError> {
    let Setting { path, value } = setting;
    let wrong = |reason| OverlayError::Value { path: path.clone(), value: value.clone(), reason };
    let value = section(path, tree_of(value).map_err(wrong)?);
    let mut place = tree;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        place = entry(path, place, part, parts.peek().is_none())?;
    }
    *place = value;
    Ok(())
}

/// What is called `part` in a map, or is the item of that number in a list. Only the last part of
/// a path may be new: a typo in the middle would go unseen.
fn entry<'a>(
    path: &str,
    place: &'a mut Value,
    part: &str,
    last: bool,
) -> Result<&'a mut Value, OverlayError> {
    if last && place.is_null() {
        *place = named_nothing();
    }
    let known = match place {
        Value::Object(members) => members.keys().cloned().collect(),
        Value::Array(items) => (0..items.len()).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    };
    match place {
        Value::Object(members) => match last {
            true => Some(members.entry(part).or_insert(Value::Null)),
            false => members.get_mut(part),
        },
        Value::Array(items) => part.parse().ok().and_then(|index: usize| items.get_mut(index)),
        _ => None,
    }
    .ok_or_else(|| missing(path, part, &known))
}

fn missing(path: &str, part: &str, known: &[String]) -> OverlayError {
    let hint = match known {
        [] => String::new(),
        known => format!(": there are {}", known.join(", ")),
    };
    OverlayError::Path { path: path.to_owned(), part: part.to_owned(), hint }
}

/// A bare word as the section means it.
fn section(path: &str, value: Value) -> Value {
    match (path, value) {
        ("faults", Value::Null) => Value::Array(Vec::new()),
        ("faults", Value::String(word)) if word == "none" => Value::Array(Vec::new()),
        ("faults", Value::String(word)) => named("preset", word.into()),
        ("workload" | "system", Value::String(word)) => named(&word, named_nothing()),
        (_, value) => value,
    }
}

fn named(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

fn named_nothing() -> Value {
    Value::Object(Map::new())
}

/// Leaves the checks that judge the workload.
fn fit_checks(tree: &mut Value) {
    let Ok(workload) = serde_json::from_value::<WorkloadSpec>(tree["workload"].clone()) else {
        // The parser will say what is wrong with it.
        return;
    };
    let judges = |check: &Value| {
        let check = serde_json::from_value::<CheckSpec>(check.clone());
        check.map_or(true, |check| check.judges(&workload))
    };
    let Some(checks) = tree["checks"].as_array_mut() else { return };
    checks.retain(|check| judges(check));
    let promise = |check: &Value| PROMISES.iter().any(|name| check.get(*name).is_some());
    if !checks.iter().any(promise) {
        let asked = PROMISES.iter().map(|name| named(name, named_nothing())).find(|c| judges(c));
        checks.splice(0..0, asked);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::spec::parse;

    const SOURCE: &str = include_str!("../../examples/demo.yaml");

    fn with(settings: &[&str]) -> Result<String, OverlayError> {
        let settings: Result<Vec<Setting>, _> = settings.iter().map(|s| s.parse()).collect();
        overlay(SOURCE, &settings?)
    }

    fn same(left: &[&str], right: &str) {
        let left = parse("left", &with(left).unwrap()).map_err(|e| e.to_string()).unwrap();
        assert_eq!(left, parse("right", right).map_err(|e| e.to_string()).unwrap());
    }

    #[test]
    fn values_words_and_entries_of_lists_are_set() {
        same(&[], SOURCE);
        same(&["load.rate=50/s"], &SOURCE.replace("200/s", "50/s"));
        same(&["load.concurrency=4"], &SOURCE.replace("concurrency: 2n", "concurrency: 4"));
        same(&["faults.0.partition.every=9s"], &SOURCE.replace("every: 5s", "every: 9s"));
        same(&["system.toy.bug=none"], &SOURCE.replace("stale-read", "none"));
        same(&["system=toy"], &SOURCE.replace("{ bug: stale-read }", "{}"));
        same(&["cluster={ local: { nodes: 5 } }"], &SOURCE.replace("nodes: 3", "nodes: 5"));
        let presets = parse("p", &with(&["faults=partitions"]).unwrap()).unwrap();
        let cuts = presets.faults.iter().flat_map(|fault| fault.leaves());
        assert!(cuts.map(|fault| fault.name()).any(|name| name == "partition"));
        assert!(parse("n", &with(&["faults=none"]).unwrap()).unwrap().faults.is_empty());
    }

    #[test]
    fn another_workload_gets_the_checks_that_judge_it() {
        let spec = parse("w", &with(&["workload=append"]).unwrap()).unwrap();
        let names: Vec<&str> = spec.checks.iter().map(CheckSpec::name).collect();
        assert_eq!(names, ["list-append", "availability"]);
    }

    #[test]
    fn what_cannot_be_set_is_said() {
        let told = |setting: &str| with(&[setting]).unwrap_err().to_string();
        assert!(told("rate").contains("not of the form path=value"));
        assert!(told("lod.rate=5/s").contains("no `lod` in the specification: there are version"));
        assert!(told("faults.3.kill={}").contains("no `3` in the specification: there are 0"));
        assert!(told("name.first=x").contains("no `first`"));
        assert!(told("load={").contains("not a value in YAML"));
    }
}
