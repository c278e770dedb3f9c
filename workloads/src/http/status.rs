//! What the status of an answer says about an operation.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::Lost;
use crate::{Invocation, Outcome};

/// What an answer means for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It happened.
    Ok,
    /// It happened, and there is nothing: a read of `null`.
    Absent,
    /// It certainly did not happen.
    Fail,
    /// It may have happened, or may yet.
    Info,
}

impl Meaning {
    /// The safe reading of a status, where nobody says otherwise.
    ///
    /// | status | |
    /// |---|---|
    /// | 2xx | *ok* |
    /// | 400–407, 409–418, 421–424, 426, 428, 429, 431, 451 | *fail*: refused for what was asked |
    /// | 1xx, 3xx, 408, 5xx and all others | *info* |
    ///
    /// A redirect is *info*, since `303 See Other` is how some say that a POST was done; 408 is,
    /// since a server that waits no longer may have begun; and of 5xx nobody can know: a gateway's
    /// 502 and 504 come with writes that happened, and a 500 may be said after the commit.
    pub fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Ok,
            400..=407 | 409..=418 | 421..=424 | 426 | 428 | 429 | 431 | 451 => Self::Fail,
            _ => Self::Info,
        }
    }
}

/// Which answers a rule is about: `404`, or `5xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pattern {
    Status(u16),
    /// All with this first digit.
    Class(u16),
}

/// What statuses mean to one operation: rules, then the safe reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses(BTreeMap<Pattern, Meaning>);

impl Statuses {
    /// # Errors
    /// What is wrong with a pattern.
    pub fn new<'a>(rules: impl IntoIterator<Item = (&'a str, Meaning)>) -> Result<Self, String> {
        let rule = |(pattern, meaning): (&str, Meaning)| Ok((pattern.parse()?, meaning));
        rules.into_iter().map(rule).collect::<Result<_, _>>().map(Self)
    }

    pub fn meaning(&self, status: u16) -> Meaning {
        let rule = self.0.get(&Pattern::Status(status));
        let class = || self.0.get(&Pattern::Class(status / 100));
        rule.or_else(class).copied().unwrap_or_else(|| Meaning::of(status))
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let class = |digit: &str| digit.parse().ok().filter(|class| (1..=5).contains(class));
        let status = |text: &str| text.parse().ok().filter(|status| (100..=599).contains(status));
        let pattern = match text.strip_suffix("xx") {
            Some(digit) => class(digit).map(Self::Class),
            None => status(text).map(Self::Status),
        };
        pattern.ok_or_else(|| format!("`{text}` is no status: write `404` or `5xx`"))
    }
}

impl Lost {
    /// The outcome of an operation without an answer.
    pub fn outcome(&self, invocation: &Invocation) -> Outcome {
        match self {
            Self::NotSent(_) => Outcome::Fail(self.to_string()),
            Self::Unknown(reason) => Outcome::indeterminate(invocation, reason.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_happened_is_not_called_failed() {
        let of = |statuses: &[u16]| statuses.iter().map(|s| Meaning::of(*s)).collect::<Vec<_>>();
        assert_eq!(of(&[200, 201, 202, 204]), [Meaning::Ok; 4]);
        assert_eq!(of(&[400, 401, 403, 404, 405, 409, 413, 422, 429]), [Meaning::Fail; 9]);
        assert_eq!(of(&[301, 303, 307, 408, 425, 499]), [Meaning::Info; 6]);
        assert_eq!(of(&[500, 502, 503, 504, 599]), [Meaning::Info; 5]);
    }

    #[test]
    fn rules_come_first_and_the_closest_of_them() {
        let rules = [("404", Meaning::Absent), ("5xx", Meaning::Fail), ("504", Meaning::Info)];
        let statuses = Statuses::new(rules).unwrap_or_default();
        let of = |status| statuses.meaning(status);
        assert_eq!(
            [of(404), of(500), of(504), of(403)],
            [Meaning::Absent, Meaning::Fail, Meaning::Info, Meaning::Fail]
        );
        for wrong in ["600", "20", "6xx", "xx", "ok", "-1"] {
            assert!(Statuses::new([(wrong, Meaning::Ok)]).is_err(), "{wrong}");
        }
    }
}
