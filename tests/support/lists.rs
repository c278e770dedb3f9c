//! A small, slow judge of list-append histories, which shares no code with the checkers: what the
//! transactions of a run depend on, told by the lists that they read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde_json::Value;

/// A transaction; times are positions in the history, or others in the same order.
#[derive(Debug)]
pub struct Txn {
    pub process: u64,
    pub invoked: usize,
    /// Of an ok one.
    pub completed: Option<usize>,
    /// `ok`, `fail` or `info`.
    pub kind: String,
    /// Function, key, value.
    pub micros: Vec<(String, String, Value)>,
}

impl Txn {
    fn appends(&self) -> impl DoubleEndedIterator<Item = (&str, &Value)> {
        let appends = self.micros.iter().filter(|(f, ..)| f == "append");
        appends.map(|(_, key, value)| (key.as_str(), value))
    }

    fn appended(&self, key: &str, element: &Value) -> bool {
        self.appends().any(|append| append == (key, element))
    }

    /// What an ok transaction read of others: per read, the list without its own elements, which
    /// stand at the end.
    fn reads(&self) -> impl Iterator<Item = (&str, &[Value])> {
        let reads = self.micros.iter().filter(|(f, ..)| f == "r" && self.kind == "ok");
        reads.map(|(_, key, value)| {
            let list = value.as_array().map_or(&[][..], Vec::as_slice);
            let others = list.iter().position(|element| self.appended(key, element));
            (key.as_str(), &list[..others.unwrap_or(list.len())])
        })
    }
}

/// Which cycles count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Serializability has none.
    Any,
    /// Snapshot isolation has none but with two adjacent anti-dependencies (Cerone and Gotsman,
    /// *Analysing Snapshot Isolation*, 2016).
    NoAdjacentRw,
    /// Parallel snapshot isolation has none with fewer than two anti-dependencies (same).
    OneRwAtMost,
}

/// Which order of time counts besides the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    None,
    Realtime,
}

/// A history of transactions on lists.
pub struct Lists {
    pub txns: Vec<Txn>,
    /// Per key, the longest list that was read.
    longest: BTreeMap<String, Vec<Value>>,
    /// Key and element to the place of its transaction.
    writers: HashMap<(String, String), usize>,
}

impl Lists {
    pub fn read(history: &Path) -> Self {
        let text = std::fs::read_to_string(history).unwrap();
        let mut txns: Vec<Txn> = Vec::new();
        let mut open: HashMap<u64, usize> = HashMap::new();
        for (at, line) in text.lines().enumerate() {
            let event: Value = serde_json::from_str(line).unwrap();
            let Some(process) = event["process"].as_u64() else { continue };
            let kind = event["type"].as_str().unwrap().to_owned();
            if kind == "invoke" {
                open.insert(process, txns.len());
                let micros = micros(&event["value"]);
                let kind = "info".to_owned();
                txns.push(Txn { process, invoked: at, completed: None, kind, micros });
                continue;
            }
            let txn = &mut txns[open.remove(&process).unwrap()];
            txn.completed = Some(at).filter(|_| kind == "ok");
            txn.micros = micros(&event["value"]);
            txn.kind = kind;
        }
        Self::of(txns)
    }

    pub fn of(txns: Vec<Txn>) -> Self {
        let mut longest: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (_, key, list) in txns.iter().filter(|t| t.kind == "ok").flat_map(|t| &t.micros) {
            if let Some(list) = list.as_array() {
                let known = longest.entry(key.clone()).or_default();
                if list.len() > known.len() {
                    *known = list.clone();
                }
            }
        }
        let mut writers = HashMap::new();
        for (place, txn) in txns.iter().enumerate() {
            for (key, element) in txn.appends() {
                let twice = writers.insert((key.to_owned(), element.to_string()), place);
                assert_eq!(twice, None, "{element} is appended to {key} twice");
            }
        }
        Self { txns, longest, writers }
    }

    pub fn count(&self, kind: &str) -> usize {
        self.txns.iter().filter(|txn| txn.kind == kind).count()
    }

    /// Everything that can be counted, for who looks at a test that fails.
    pub fn figures(&self) -> String {
        let outcomes = ["ok", "fail", "info"].map(|kind| format!("{} {kind}", self.count(kind)));
        let anomalies = [
            ("incompatible", self.incompatible()),
            ("lost", self.lost()),
            ("aborted reads", self.aborted_reads()),
            ("intermediate reads", self.intermediate_reads()),
            ("lost updates", self.lost_updates()),
            ("fractured reads", self.fractured_reads()),
            ("session violations", self.session_violations()),
        ];
        let anomalies = anomalies.iter().filter(|(_, count)| *count > 0);
        let anomalies: Vec<String> = anomalies.map(|(name, n)| format!("{n} {name}")).collect();
        format!("{}; {}", outcomes.join(", "), anomalies.join(", "))
    }

    fn writer(&self, key: &str, element: &Value) -> usize {
        let writer = self.writers.get(&(key.to_owned(), element.to_string()));
        *writer.unwrap_or_else(|| panic!("nobody appended {element} to {key}"))
    }

    /// Reads which are no prefix of the longest list of their key, or have an element twice.
    pub fn incompatible(&self) -> usize {
        let all = self.txns.iter().filter(|txn| txn.kind == "ok").flat_map(|txn| &txn.micros);
        let odd = all.filter(|(_, key, value)| {
            let Some(list) = value.as_array() else { return false };
            let distinct: BTreeSet<String> = list.iter().map(Value::to_string).collect();
            distinct.len() < list.len() || !self.longest[key].starts_with(list)
        });
        odd.count()
    }

    /// Acknowledged elements that nobody has seen, though their list was read after that.
    pub fn lost(&self) -> usize {
        let mut read: HashMap<&str, usize> = HashMap::new();
        for txn in &self.txns {
            for (key, _) in txn.reads() {
                let last = read.entry(key).or_default();
                *last = txn.invoked.max(*last);
            }
        }
        let ok = self.txns.iter().filter_map(|txn| Some((txn, txn.completed?)));
        let appends = ok.flat_map(|(txn, at)| txn.appends().map(move |append| (append, at)));
        let lost = appends.filter(|((key, element), completed)| {
            let read_later = read.get(key).is_some_and(|last| last > completed);
            read_later && !self.longest.get(*key).is_some_and(|list| list.contains(element))
        });
        lost.count()
    }

    /// G1a: reads of what a failed transaction appended.
    pub fn aborted_reads(&self) -> usize {
        let failed = |key: &str, element| self.txns[self.writer(key, element)].kind == "fail";
        let reads = self.txns.iter().flat_map(Txn::reads);
        reads.filter(|(key, list)| list.iter().any(|element| failed(key, element))).count()
    }

    /// G1b: reads that end in an element which was not the last that its transaction appended.
    pub fn intermediate_reads(&self) -> usize {
        let reads = self.txns.iter().flat_map(Txn::reads);
        let intermediate = reads.filter(|(key, list)| {
            let Some(last) = list.last() else { return false };
            let writer = &self.txns[self.writer(key, last)];
            writer.appends().rfind(|(other, _)| other == key).is_some_and(|(_, e)| e != last)
        });
        intermediate.count()
    }

    /// Transactions that read the same list as another one and appended to it, as that one did.
    pub fn lost_updates(&self) -> usize {
        let mut groups: BTreeMap<(&str, usize), BTreeSet<usize>> = BTreeMap::new();
        for (place, txn) in self.txns.iter().enumerate() {
            for (key, list) in txn.reads() {
                if txn.appends().any(|(other, _)| other == key) {
                    groups.entry((key, list.len())).or_default().insert(place);
                }
            }
        }
        groups.values().map(|group| group.len() - 1).sum()
    }

    /// Transactions which saw a part of another and missed a part of it.
    pub fn fractured_reads(&self) -> usize {
        let fractured = |(place, reader): &(usize, &Txn)| {
            let seen: BTreeSet<usize> = reader
                .reads()
                .flat_map(|(key, list)| list.iter().map(move |element| self.writer(key, element)))
                .filter(|writer| writer != place)
                .collect();
            seen.iter().any(|writer| {
                let mut appends = self.txns[*writer].appends();
                appends.any(|(key, element)| {
                    reader.reads().any(|(other, list)| other == key && !list.contains(element))
                })
            })
        };
        self.txns.iter().enumerate().filter(fractured).count()
    }

    /// Whether some transactions depend on each other in a circle of this sort. Failed ones do not
    /// take part, whatever was seen of them.
    pub fn cyclic(&self, rule: Rule, order: Order) -> bool {
        let Dependencies { direct, anti, nodes } = self.dependencies(order);
        match rule {
            Rule::Any => has_cycle(nodes, direct.iter().chain(&anti).copied()),
            Rule::NoAdjacentRw => {
                // A second layer is entered by an anti-dependency and left by another edge only.
                let left = direct.iter().flat_map(|&(a, b)| [(a, b), (a + nodes, b)]);
                let entered = anti.iter().map(|&(a, b)| (a, b + nodes));
                has_cycle(2 * nodes, left.chain(entered))
            }
            Rule::OneRwAtMost => {
                let mut after: Vec<Vec<usize>> = vec![Vec::new(); nodes];
                direct.iter().for_each(|&(a, b)| after[a].push(b));
                has_cycle(nodes, direct.iter().copied())
                    || anti.iter().any(|&(a, b)| reaches(&after, b, a))
            }
        }
    }

    fn dependencies(&self, order: Order) -> Dependencies {
        let happened = |place: &usize| self.txns[*place].kind != "fail";
        let mut edges = Dependencies { nodes: self.txns.len(), ..Dependencies::default() };
        for (key, list) in &self.longest {
            let writers: Vec<usize> = list.iter().map(|e| self.writer(key, e)).collect();
            let writers: Vec<usize> = writers.into_iter().filter(happened).collect();
            edges.direct.extend(writers.windows(2).map(|pair| (pair[0], pair[1])));
        }
        for (reader, txn) in self.txns.iter().enumerate() {
            for (key, list) in txn.reads() {
                let all = self.longest.get(key).map_or(&[][..], Vec::as_slice);
                let writers = |part: &[Value]| -> Vec<usize> {
                    part.iter().map(|e| self.writer(key, e)).filter(happened).collect()
                };
                let before = writers(list).last().copied();
                edges.direct.extend(before.map(|writer| (writer, reader)));
                let next = writers(&all[list.len().min(all.len())..]).first().copied();
                edges.anti.extend(next.map(|writer| (reader, writer)));
            }
        }
        if order == Order::Realtime {
            self.realtime(&mut edges);
        }
        edges.direct.retain(|(a, b)| a != b);
        edges.anti.retain(|(a, b)| a != b);
        edges
    }

    /// Through a node per completion, in order of time.
    fn realtime(&self, edges: &mut Dependencies) {
        let mut events: Vec<(usize, usize, bool)> = Vec::new();
        for (place, txn) in self.txns.iter().enumerate() {
            events.push((txn.invoked, place, false));
            events.extend(txn.completed.map(|at| (at, place, true)));
        }
        events.sort_unstable();
        let mut last: Option<usize> = None;
        for (_, place, completed) in events {
            if completed {
                let node = edges.nodes;
                edges.nodes += 1;
                edges.direct.push((place, node));
                edges.direct.extend(last.replace(node).map(|before| (before, node)));
            } else {
                edges.direct.extend(last.map(|before| (before, place)));
            }
        }
    }

    /// Reads of one process that go back behind what it has read or written before.
    pub fn session_violations(&self) -> usize {
        let mut known: HashMap<(u64, &str), usize> = HashMap::new();
        let mut found = 0;
        for txn in self.txns.iter().filter(|txn| txn.kind == "ok") {
            for (key, list) in txn.reads() {
                let known = known.entry((txn.process, key)).or_default();
                found += usize::from(list.len() < *known);
                *known = list.len().max(*known);
            }
            for (key, element) in txn.appends() {
                let place = self.longest.get(key).and_then(|l| l.iter().position(|e| e == element));
                let known = known.entry((txn.process, key)).or_default();
                *known = place.map_or(0, |place| place + 1).max(*known);
            }
        }
        found
    }
}

#[derive(Default)]
struct Dependencies {
    nodes: usize,
    /// Write–write, write–read and, where asked for, real time.
    direct: Vec<(usize, usize)>,
    /// Read–write.
    anti: Vec<(usize, usize)>,
}

/// Kahn's algorithm: what cannot be put in order is, or waits for, a cycle.
fn has_cycle(nodes: usize, edges: impl Iterator<Item = (usize, usize)>) -> bool {
    let (mut after, mut waiting) = (vec![Vec::new(); nodes], vec![0; nodes]);
    for (a, b) in edges {
        after[a].push(b);
        waiting[b] += 1;
    }
    let mut free: Vec<usize> = (0..nodes).filter(|node| waiting[*node] == 0).collect();
    let mut ordered = 0;
    while let Some(node) = free.pop() {
        ordered += 1;
        for &next in &after[node] {
            waiting[next] -= 1;
            if waiting[next] == 0 {
                free.push(next);
            }
        }
    }
    ordered < nodes
}

fn reaches(after: &[Vec<usize>], from: usize, to: usize) -> bool {
    let (mut seen, mut open) = (vec![false; after.len()], vec![from]);
    while let Some(node) = open.pop() {
        if node == to {
            return true;
        }
        if !std::mem::replace(&mut seen[node], true) {
            open.extend(&after[node]);
        }
    }
    false
}

pub fn micros(value: &Value) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let micros = value.as_array().unwrap().iter();
    micros.map(|micro| (text(&micro[0]), text(&micro[1]), micro[2].clone())).collect()
}
