//! What is wrong with a list, in words.

use super::super::anomaly::Anomaly;
use super::super::evidence::Case;
use super::super::words;
use super::entry::elements;
use super::key::{External, Judge};

impl<'a> Judge<'a, '_> {
    /// An element that nobody appended, that was there before, or whose append failed.
    pub(super) fn strange(&mut self, anomaly: Anomaly, read: External<'a>, place: usize) {
        let (key, txns) = (self.key, self.txns);
        let reader = self.entries[read.entry].txn;
        let failed = self.failed_writer(read.list[place]);
        self.ordered.sightings.add(anomaly, || {
            let element = words::value(txns, read.list[place]);
            let name = words::key(txns, key);
            let (title, why) = match anomaly {
                Anomaly::PhantomRead => {
                    ("what nobody appended", "no transaction appended that".to_owned())
                }
                Anomaly::DuplicateElements => {
                    ("an element twice", "in the same list twice".to_owned())
                }
                _ => ("what was aborted", "which T2 appended; but T2 failed".to_owned()),
            };
            Case {
                anomaly,
                key,
                txns: [reader].into_iter().chain(failed).collect(),
                title: format!("{} read {title}", words::op(txns, reader)),
                argument: format!("T1 found {element} in key {name}, {why}."),
            }
        });
    }

    pub(super) fn incompatible(&mut self, read: External<'a>, longest: External<'a>) {
        let (key, txns) = (self.key, self.txns);
        let readers = [self.entries[read.entry].txn, self.entries[longest.entry].txn];
        self.ordered
            .sightings
            .add(Anomaly::IncompatibleOrder, || {
                let name = words::key(txns, key);
                let (one, other) = (words::list(txns, read.list), words::list(txns, longest.list));
                let same = readers[0] == readers[1];
                let title =
                    format!("{} read a list no other agrees with", words::op(txns, readers[0]));
                Case {
                    anomaly: Anomaly::IncompatibleOrder,
                    key,
                    txns: readers[..if same { 1 } else { 2 }].to_vec(),
                    title,
                    argument: format!(
                        "T1 found {one} in key {name}, and {} {other}: neither is how the other \
                     began, so the list had two different orders.",
                        if same { "it also found" } else { "T2" }
                    ),
                }
            })
            .against_what(|| {
                let op = words::op(txns, readers[0]);
                let (one, other) = (words::list(txns, read.list), words::list(txns, longest.list));
                let what = format!("key {}, by {op}", words::key(txns, key));
                [what, format!("{other}, or a beginning of it"), one]
            });
    }

    /// Two appends of one transaction, the second of which is in the list before the first.
    pub(super) fn turned(&mut self, longest: External<'a>, first: usize, second: usize) {
        let (key, txns) = (self.key, self.txns);
        let (reader, writer) = (self.entries[longest.entry].txn, self.entries[first].txn);
        let [first, second] = [first, second].map(|entry| self.micro(entry).value);
        self.ordered.sightings.add(Anomaly::IncompatibleOrder, || {
            let [first, second] = [first, second].map(|element| words::value(txns, element));
            let (name, list) = (words::key(txns, key), words::list(txns, longest.list));
            let title = format!(
                "{} read appends in another order than they were made",
                words::op(txns, reader)
            );
            Case {
                anomaly: Anomaly::IncompatibleOrder,
                key,
                txns: vec![reader, writer],
                title,
                argument: format!(
                    "T2 appended {first} to key {name} and then {second}, but in the list that T1 \
                     found, {list}, {second} is there without {first} before it."
                ),
            }
        })
        .against_what(|| {
            let op = words::op(txns, reader);
            let [first, second] = [first, second].map(|element| words::value(txns, element));
            let what = format!("key {}, by {op}", words::key(txns, key));
            let seen = format!("{}: {second} without it", words::list(txns, longest.list));
            [what, format!("{first} before {second}"), seen]
        });
    }

    pub(super) fn intermediate(&mut self, read: External<'a>, append: usize) {
        let (key, txns) = (self.key, self.txns);
        let (reader, writer) = (self.entries[read.entry].txn, self.entries[append].txn);
        let element = self.micro(append).value;
        self.ordered.sightings.add(Anomaly::G1b, || {
            let (element, name) = (words::value(txns, element), words::key(txns, key));
            Case {
                anomaly: Anomaly::G1b,
                key,
                txns: vec![reader, writer],
                title: format!(
                    "{} read a version between two appends of one transaction",
                    words::op(txns, reader)
                ),
                argument: format!(
                    "T1 found T2's append of {element} at the end of key {name}, but T2 appended \
                     more to that key afterwards."
                ),
            }
        });
    }

    pub(super) fn dirty_update(&mut self, aborted: usize, updater: usize) {
        let (key, txns) = (self.key, self.txns);
        let (failed, next) = (self.entries[aborted].txn, self.entries[updater].txn);
        let (lost, kept) = (self.micro(aborted).value, self.micro(updater).value);
        self.ordered.sightings.add(Anomaly::DirtyUpdate, || {
            let (lost, kept) = (words::value(txns, lost), words::value(txns, kept));
            let name = words::key(txns, key);
            Case {
                anomaly: Anomaly::DirtyUpdate,
                key,
                txns: vec![next, failed],
                title: format!("{} built on what was aborted", words::op(txns, next)),
                argument: format!(
                    "T1 appended {kept} to key {name} behind {lost}, which T2 appended; but T2 \
                     failed."
                ),
            }
        });
    }

    /// `same`: transactions by the number of elements they read.
    pub(super) fn lost_update(&mut self, same: &[(u32, u32)]) {
        let (key, txns) = (self.key, self.txns);
        let updaters: Vec<u32> = same.iter().map(|update| update.1).take(4).collect();
        let read = self
            .entries
            .iter()
            .position(|entry| (entry.txn, entry.place) == (same[0].1, same[0].0));
        let list = read.map_or(&[][..], |read| elements(txns, self.micro(read).value));
        let count = same.len();
        self.ordered.sightings.add(Anomaly::LostUpdate, || {
            let (name, list) = (words::key(txns, key), words::list(txns, list));
            let title = format!(
                "{count} transactions changed the same version of key {name}, {} the first",
                words::op(txns, updaters[0])
            );
            let who: Vec<String> = (1..=updaters.len()).map(|n| format!("T{n}")).collect();
            let rest = if count > updaters.len() { " and others" } else { "" };
            Case {
                anomaly: Anomaly::LostUpdate,
                key,
                txns: updaters,
                title,
                argument: format!(
                    "{}{rest} each found {list} in key {name} and then appended to it: whichever \
                     came second did not see what the first had done.",
                    who.join(", ")
                ),
            }
        });
    }

    /// A transaction that appended to what it had read, after another had done so.
    pub(super) fn overtaken(&mut self, read: usize, other: usize) {
        let (key, txns) = (self.key, self.txns);
        let (txn, list) = (self.entries[read].txn, elements(txns, self.micro(read).value));
        let (by, element) = (self.entries[other].txn, self.micro(other).value);
        self.ordered.sightings.add(Anomaly::LostUpdate, || {
            let (name, list) = (words::key(txns, key), words::list(txns, list));
            let (who, element) = (words::op(txns, txn), words::value(txns, element));
            Case {
                anomaly: Anomaly::LostUpdate,
                key,
                txns: vec![txn, by],
                title: format!("{who} changed a version of key {name} that was replaced already"),
                argument: format!(
                    "T1 found {list} in key {name} and then appended to it, after T2 had appended \
                     {element}, which T1 did not see."
                ),
            }
        });
    }
}
