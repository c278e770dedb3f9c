//! What the words of the field mean: `topics.md`, the one list of every consistency, check, model
//! and anomaly that this crate speaks of, as data.

use std::sync::LazyLock;

const TEXT: &str = include_str!("topics.md");

/// One word, taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// As findings, checks and the command line have it: `stale-read`.
    pub name: &'static str,
    /// What sort of word it is.
    pub kind: Kind,
    /// The check that decides it, or finds it: `linearizable`, `set-full`.
    pub check: &'static str,
    /// What it is, in one sentence.
    pub sentence: &'static str,
    /// Further paragraphs, as in the file; may be empty.
    pub more: &'static str,
    /// A history of a few lines which shows it; `TIMES PROCESS [NODE] f ARGUMENT [-> RESULT]`,
    /// times in milliseconds, `!` failed, `?` never known.
    pub example: &'static str,
}

/// What a topic is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What a check claims of a system.
    Check,
    /// A data type.
    Model,
    /// How a claim is broken.
    Anomaly,
}

impl Kind {
    /// For a heading: `anomaly`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Model => "model",
            Self::Anomaly => "anomaly",
        }
    }
}

/// In the order of the file: checks, models, anomalies.
pub fn all() -> &'static [Topic] {
    static TOPICS: LazyLock<Vec<Topic>> =
        LazyLock::new(|| TEXT.split("\n## ").skip(1).filter_map(parse).collect());
    &TOPICS
}

/// The topic called `name`, whatever its kind; a check comes before a model of the same name.
pub fn find(name: &str) -> Option<&'static Topic> {
    all().iter().find(|topic| topic.name == name)
}

/// The topic of a kind.
pub fn of_kind(kind: Kind, name: &str) -> Option<&'static Topic> {
    all().iter().find(|topic| topic.kind == kind && topic.name == name)
}

/// The name of an anomaly which is in the list: every finding takes its name through here, so
/// that the tests of a check fail while its anomaly has no topic.
pub(crate) fn known(anomaly: &'static str) -> &'static str {
    debug_assert!(
        of_kind(Kind::Anomaly, anomaly).is_some(),
        "`{anomaly}` has no topic in topics.md"
    );
    anomaly
}

/// `NAME (KIND, CHECK)`, a paragraph, further paragraphs, and an example indented by four.
fn parse(text: &'static str) -> Option<Topic> {
    let (head, body) = text.split_once('\n')?;
    let (name, about) = head.trim_end_matches(')').split_once(" (")?;
    let (kind, check) = about.split_once(", ")?;
    let kind = match kind {
        "check" => Kind::Check,
        "model" => Kind::Model,
        "anomaly" => Kind::Anomaly,
        _ => return None,
    };
    let (prose, example) = body.split_once("\n    ").unwrap_or((body, ""));
    let (sentence, more) = prose.trim().split_once("\n\n").unwrap_or((prose.trim(), ""));
    Some(Topic { name, kind, check, sentence, more: more.trim(), example: example.trim_end() })
}

#[cfg(test)]
mod tests;
