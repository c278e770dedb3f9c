//! Operations as columns: numbers side by side, each text once.

use std::collections::HashMap;

use isobar_checkers::history::Operation;
use serde::Serialize;

use super::super::super::words;
use super::super::Page;
use super::{chosen, shown};

/// Characters of what an operation did.
const LABEL_CHARS: usize = 200;
/// Characters of all labels together; once they are used up, labels are short.
const LABELS_CHARS: usize = 1_600_000;
const LABEL_CHARS_SHORT: usize = 20;
const ERROR_CHARS: usize = 160;

/// In order of invocation.
#[derive(Serialize)]
pub struct Columns {
    /// In the history; those in the columns may be fewer.
    total: usize,
    /// Which ones were left out, in a sentence; empty if none was.
    left_out: String,
    /// Texts to which `key`, `node`, `label` and `error` point; the first is empty.
    texts: Vec<String>,
    index: Vec<u32>,
    process: Vec<u32>,
    key: Vec<u32>,
    node: Vec<u32>,
    label: Vec<u32>,
    error: Vec<u32>,
    /// 0 ok, 1 fail, 2 info, as digits.
    outcome: String,
    /// `r` for what only reads, `w` for the others.
    kind: String,
    /// When it was invoked, after the one before.
    began: Vec<i64>,
    /// How long before that it was due.
    late: Vec<u64>,
    /// From the invocation to the completion, of any kind.
    took: Vec<Option<u64>>,
}

/// Each text once.
#[derive(Default)]
struct Texts {
    texts: Vec<String>,
    places: HashMap<String, u32>,
    chars: usize,
}

impl Texts {
    fn place(&mut self, text: String) -> u32 {
        if let Some(place) = self.places.get(&text) {
            return *place;
        }
        let place = self.texts.len() as u32;
        self.chars += text.len();
        self.texts.push(text.clone());
        self.places.insert(text, place);
        place
    }
}

impl Columns {
    pub fn of(page: &Page<'_>) -> Self {
        let history = page.source.history;
        let places = chosen::places(history, &page.named_indexes());
        let total = history.len();
        let mut columns = Self::empty(total, left_out(total, places.len()));
        let mut texts = Texts::default();
        texts.place(String::new());
        let mut before = 0;
        for place in places {
            let operation = history.operation(place);
            columns.push(operation, &mut texts, &mut before);
        }
        columns.texts = texts.texts;
        columns
    }

    fn empty(total: usize, left_out: String) -> Self {
        Self {
            total,
            left_out,
            texts: Vec::new(),
            index: Vec::new(),
            process: Vec::new(),
            key: Vec::new(),
            node: Vec::new(),
            label: Vec::new(),
            error: Vec::new(),
            outcome: String::new(),
            kind: String::new(),
            began: Vec::new(),
            late: Vec::new(),
            took: Vec::new(),
        }
    }

    fn push(&mut self, operation: Operation<'_>, texts: &mut Texts, before: &mut u64) {
        let began = operation.invoked_at().0;
        let chars = if texts.chars < LABELS_CHARS { LABEL_CHARS } else { LABEL_CHARS_SHORT };
        let label = words::clip(&words::operation(operation), chars);
        let key = operation.key().map_or(String::new(), |key| words::key(&key));
        let ended = operation.completed_at().or(operation.gave_up_at());
        self.index.push(operation.index().0);
        self.process.push(operation.process());
        self.key.push(texts.place(key));
        self.node.push(texts.place(words::plain(operation.node().unwrap_or_default())));
        self.label.push(texts.place(label));
        self.error.push(texts.place(shown(operation.error().unwrap_or_default(), ERROR_CHARS)));
        self.outcome.push(match words::completion(operation.completion()) {
            "ok" => '0',
            "fail" => '1',
            _ => '2',
        });
        self.kind.push(if words::only_reads(operation) { 'r' } else { 'w' });
        self.began.push(began as i64 - *before as i64);
        self.late.push(began.saturating_sub(operation.due_at().0));
        self.took.push(ended.map(|end| end.0.saturating_sub(began)));
        *before = began;
    }
}

fn left_out(total: usize, kept: usize) -> String {
    if kept == total {
        return String::new();
    }
    format!(
        "Of {}, {} are on this page: those that findings name with the {} before and after each \
         on the same key, the {} slowest, up to {} of unknown outcome, and an even choice of the \
         rest. history.jsonl has all; the curves above count all.",
        words::counted(total, "operation"),
        words::count(kept as u64),
        chosen::NEIGHBOURS,
        chosen::SLOWEST,
        words::count(chosen::UNKNOWN_MAX as u64)
    )
}
