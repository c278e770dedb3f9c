//! Every value that a key has had: so that a transaction can read what was there before.

use isobar_workloads::txn::{Function, Micro};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message::Member;

/// What a transaction sees: all that stands in the log up to `horizon`, and of what comes after
/// it, up to `index`, only what came in through the node `site`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub index: u64,
    pub horizon: u64,
    pub site: Member,
}

impl Snapshot {
    fn sees(&self, version: &Version) -> bool {
        version.index <= self.horizon
            || version.index <= self.index && version.site == Some(self.site)
    }
}

/// The versions of one key, in the order of the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Versions(Vec<Version>);

#[derive(Clone, Debug, PartialEq)]
struct Version {
    /// Of the entry that made it.
    index: u64,
    /// The node through which its transaction came, where that matters.
    site: Option<Member>,
    change: Change,
}

#[derive(Clone, Debug, PartialEq)]
enum Change {
    Write(Value),
    Append(Value),
}

impl Versions {
    pub fn write(&mut self, index: u64, value: Value) {
        self.0.push(Version { index, site: None, change: Change::Write(value) });
    }

    /// Keeps what a micro-operation writes, if it does.
    pub fn change(&mut self, index: u64, site: Option<Member>, micro: &Micro) {
        let Micro(function, _, value) = micro;
        let change = match function {
            Function::Read => return,
            Function::Write => Change::Write(value.clone()),
            Function::Append => Change::Append(value.clone()),
        };
        self.0.push(Version { index, site, change });
    }

    /// The newest value; null if there is none.
    pub fn latest(&self) -> Value {
        value(self.0.iter())
    }

    pub fn at(&self, snapshot: &Snapshot) -> Value {
        value(self.0.iter().filter(|version| snapshot.sees(version)))
    }

    /// Whether there is something new for who has seen `snapshot`. It is enough to look at the
    /// last version: a snapshot that leaves out a part of the log (`horizon` before `index`) is
    /// taken only where the writer of a version has always seen the one before.
    pub fn changed_since(&self, snapshot: &Snapshot) -> bool {
        self.0.last().is_some_and(|version| !snapshot.sees(version))
    }
}

fn value<'a>(versions: impl DoubleEndedIterator<Item = &'a Version>) -> Value {
    let (mut written, mut appended) = (Value::Null, Vec::new());
    for version in versions.rev() {
        match &version.change {
            Change::Append(element) => appended.push(element.clone()),
            Change::Write(value) => {
                written = value.clone();
                break;
            }
        }
    }
    if appended.is_empty() {
        return written;
    }
    appended.reverse();
    match written {
        Value::Array(mut list) => {
            list.append(&mut appended);
            Value::Array(list)
        }
        _ => Value::Array(appended),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn append(versions: &mut Versions, index: u64, site: Member, element: u64) {
        let micro = Micro(Function::Append, "x".to_owned(), json!(element));
        versions.change(index, Some(site), &micro);
    }

    #[test]
    fn a_snapshot_sees_what_was_there_and_more_of_its_own_site() {
        let mut versions = Versions::default();
        assert_eq!(versions.latest(), Value::Null);
        append(&mut versions, 3, 0, 1);
        append(&mut versions, 5, 1, 2);
        append(&mut versions, 7, 1, 3);
        let at = |index, horizon, site| versions.at(&Snapshot { index, horizon, site });
        assert_eq!(at(2, 2, 0), Value::Null);
        assert_eq!(at(5, 5, 0), json!([1, 2]));
        assert_eq!(at(7, 4, 0), json!([1]));
        assert_eq!(at(6, 4, 1), json!([1, 2]));
        assert_eq!(at(7, 4, 1), json!([1, 2, 3]));
        assert!(versions.changed_since(&Snapshot { index: 7, horizon: 4, site: 0 }));
        assert!(!versions.changed_since(&Snapshot { index: 7, horizon: 4, site: 1 }));
        assert!(versions.changed_since(&Snapshot { index: 6, horizon: 6, site: 1 }));
        assert_eq!(versions.latest(), json!([1, 2, 3]));
    }

    #[test]
    fn a_write_replaces_all_before_it() {
        let mut versions = Versions::default();
        append(&mut versions, 1, 0, 1);
        versions.write(2, json!([9]));
        append(&mut versions, 3, 0, 2);
        assert_eq!(versions.latest(), json!([9, 2]));
        versions.write(4, json!(5));
        assert_eq!(versions.latest(), json!(5));
    }
}
