//! The operations: the script's table of all that are on the page, and without a script those
//! around the findings, with a row for every `#op-…` link.

use std::collections::HashSet;

use isobar_checkers::history::{History, Operation};
use isobar_checkers::{CheckResult, Finding, Nanos, OpIndex, ValueId};
use serde_json::Value;

use super::super::words;
use super::{Html, Page, scripted, section, table_head, tall_scroller};

/// Rows of the first finding's table, and of each other's.
const ROWS_FIRST: usize = 200;
const ROWS_OTHER: usize = 40;
/// Links above a table to the rows that its finding names.
const JUMPS_MAX: usize = 12;

/// One table for each object that findings are about.
pub struct Tables<'a> {
    tables: Vec<Table<'a>>,
    rows: HashSet<OpIndex>,
}

struct Table<'a> {
    /// `None`: findings about the history as a whole.
    key: Option<&'a Value>,
    rows: Vec<Operation<'a>>,
    left_out: usize,
    named: HashSet<OpIndex>,
}

impl<'a> Tables<'a> {
    /// Chooses for every key the operations which are nearest, in order of invocation, to those
    /// that a finding names.
    pub fn of(history: &'a History, findings: &[(&'a CheckResult, &'a Finding)]) -> Self {
        let mut tables: Vec<Table<'a>> = Vec::new();
        for (_, finding) in findings {
            let named = super::named_by(finding);
            let key = finding.key.as_ref();
            match tables.iter_mut().find(|table| table.key == key) {
                Some(table) => table.named.extend(named),
                None => {
                    let named = named.collect();
                    tables.push(Table { key, rows: Vec::new(), left_out: 0, named });
                }
            }
        }
        tables.retain(|table| !table.named.is_empty());
        for (place, table) in tables.iter_mut().enumerate() {
            let room = if place == 0 { ROWS_FIRST } else { ROWS_OTHER };
            let all: Vec<Operation<'a>> = match table.key_id(history) {
                None => history.operations().collect(),
                own => history.operations().filter(|op| op.key_id() == own).collect(),
            };
            table.choose(&all, room);
        }
        let rows = tables.iter().flat_map(|table| table.rows.iter().map(|op| op.index())).collect();
        Self { tables, rows }
    }

    pub fn has(&self, index: OpIndex) -> bool {
        self.rows.contains(&index)
    }

    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
}

impl<'a> Table<'a> {
    /// Of the key of what is named; `None`: findings of no key, or a key that no operation has, as
    /// those of micro-operations.
    fn key_id(&self, history: &History) -> Option<ValueId> {
        self.key?;
        let mut named = history.operations().filter(|op| self.named.contains(&op.index()));
        named.find_map(Operation::key_id)
    }

    /// `all` in order of invocation; those named stay even if there were no room.
    fn choose(&mut self, all: &[Operation<'a>], room: usize) {
        let places: Vec<usize> =
            (0..all.len()).filter(|place| self.named.contains(&all[*place].index())).collect();
        let distance = |place: usize| {
            let next = places.partition_point(|named| *named < place);
            let after = places.get(next).map_or(usize::MAX, |named| named - place);
            let before = next.checked_sub(1).map_or(usize::MAX, |left| place - places[left]);
            after.min(before)
        };
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by_key(|place| distance(*place));
        order.truncate(room);
        order.sort_unstable();
        self.rows = order.into_iter().map(|place| all[place]).collect();
        self.left_out = all.len() - self.rows.len();
    }
}

pub fn write(html: &mut Html, page: &Page<'_>) {
    if page.source.history.is_empty() {
        return;
    }
    section(html, "operations", "Operations", |html| {
        scripted(html, &[("id", "all-operations")], |html| without_script(html, page));
    });
}

/// What is near to the findings.
fn without_script(html: &mut Html, page: &Page<'_>) {
    if page.tables.is_empty() {
        html.leaf("p", &[], "No finding names any. All are in history.jsonl.");
    }
    let mut written = HashSet::new();
    for (place, table) in page.tables.tables.iter().enumerate() {
        let title = match table.key {
            Some(key) => format!("Key {}", words::key(key)),
            None => "All keys".to_owned(),
        };
        let shown = words::counted(table.rows.len(), "operation");
        let note = match table.left_out {
            0 => format!("{shown}: all there are."),
            left => {
                let left = words::count(left as u64);
                format!("{shown} nearest to the finding; {left} not shown.")
            }
        };
        let mut inside = |html: &mut Html| {
            html.leaf("p", &[("class", "left-out")], &note);
            jumps(html, table);
            rows(html, table, &mut written);
        };
        if place == 0 {
            html.leaf("h3", &[], &title);
            inside(html);
        } else {
            html.element("details", &[], |html| {
                html.leaf("summary", &[], &title);
                inside(html);
            });
        }
    }
}

/// Links to the rows that the finding names, which may lie far down.
fn jumps(html: &mut Html, table: &Table<'_>) {
    html.element("p", &[("class", "jumps")], |html| {
        html.text("In the finding:");
        let named = table.rows.iter().filter(|op| table.named.contains(&op.index()));
        for operation in named.take(JUMPS_MAX) {
            let name = words::op_name(operation.index());
            html.text(" ");
            html.element("a", &[("href", &format!("#{name}"))], |html| {
                html.leaf("span", &[("class", "op")], &words::operation(*operation));
            });
        }
    });
}

fn rows(html: &mut Html, table: &Table<'_>, written: &mut HashSet<OpIndex>) {
    let label = "Operations around the finding";
    tall_scroller(html, label, |html| {
        html.element("table", &[("class", "operations")], |html| {
            let names =
                ["Name", "Began", "Took", "Process", "Node", "Operation", "Outcome", "Error"];
            table_head(html, &names);
            html.element("tbody", &[], |html| {
                for operation in &table.rows {
                    // A row's name is unique on the page.
                    let anchor = written.insert(operation.index());
                    row(html, *operation, table.named.contains(&operation.index()), anchor);
                }
            });
        });
    });
}

fn row(html: &mut Html, operation: Operation<'_>, named: bool, anchor: bool) {
    let name = words::op_name(operation.index());
    let outcome = words::completion(operation.completion());
    let class = format!("{outcome}{}", if named { " named" } else { "" });
    let mut attributes = vec![("class", class.as_str())];
    if anchor {
        attributes.push(("id", &name));
    }
    html.element("tr", &attributes, |html| {
        html.element("th", &[("scope", "row")], |html| {
            html.leaf("a", &[("href", &format!("#{name}"))], &name);
        });
        html.leaf("td", &[("class", "number")], &words::instant(operation.invoked_at()));
        html.leaf("td", &[("class", "number")], &took(operation));
        html.leaf("td", &[("class", "number")], &operation.process().to_string());
        html.leaf("td", &[], &words::plain(operation.node().unwrap_or_default()));
        html.leaf("td", &[("class", "op")], &words::operation(operation));
        html.leaf("td", &[], outcome);
        let error = operation.error().unwrap_or_default();
        html.leaf("td", &[], &words::shorten(error, 200));
    });
}

fn took(operation: Operation<'_>) -> String {
    let end: Option<Nanos> = operation.completed_at().or(operation.gave_up_at());
    words::length(operation.invoked_at(), end).unwrap_or_else(|| "open".to_owned())
}
