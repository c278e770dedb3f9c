//! What the field's words mean, in one sentence each, for somebody who has never heard them: from
//! the topics of the checkers.

use isobar_checkers::topics::{Kind, of_kind};

/// What a check claims of the system, by the check's name. The check of a data type has the name
/// of the type.
pub fn claim(check: &str) -> Option<&'static str> {
    let topic = of_kind(Kind::Check, check).or_else(|| of_kind(Kind::Model, check));
    topic.map(|topic| topic.sentence)
}

/// What an anomaly is, by the field's name for it.
pub fn anomaly(name: &str) -> Option<&'static str> {
    of_kind(Kind::Anomaly, name).map(|topic| topic.sentence)
}
