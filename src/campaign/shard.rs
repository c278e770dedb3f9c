//! `--shard 2/8`: the part of a campaign that this machine runs.

use std::str::FromStr;

/// The variable in which Kubernetes tells a pod of an indexed Job its number, from 0.
const COMPLETION_INDEX: &str = "JOB_COMPLETION_INDEX";

/// Every `of`-th test, from the `number`-th.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub number: usize,
    pub of: usize,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ShardError {
    #[error("`{0}` is no shard: write `2/8`, from `1/8` to `8/8`")]
    Form(String),
    #[error(
        "`{0}` leaves the number of this shard to {COMPLETION_INDEX}, which is {1}: \
         write `2/{0}`"
    )]
    Index(usize, String),
}

impl Shard {
    /// `2/8`, or `8` with the number taken from `index`, which counts from 0.
    pub fn parse(text: &str, index: Option<&str>) -> Result<Self, ShardError> {
        let form = || ShardError::Form(text.to_owned());
        let (number, of) = match text.split_once('/') {
            Some((number, of)) => (number.parse().ok(), of),
            None => (None, text),
        };
        let of: usize = of.parse().map_err(|_| form())?;
        let number = match (number, text.contains('/')) {
            (Some(number), _) => number,
            (None, true) => return Err(form()),
            (None, false) => {
                let wrong = || {
                    let told = index.map_or("not set".to_owned(), |index| format!("`{index}`"));
                    ShardError::Index(of, told)
                };
                let index: usize = index.and_then(|i| i.parse().ok()).ok_or_else(wrong)?;
                index.checked_add(1).filter(|number| *number <= of).ok_or_else(wrong)?
            }
        };
        let within = (1..=of).contains(&number);
        within.then_some(Self { number, of }).ok_or_else(form)
    }

    /// Whether the test at `place`, from 0, is for this shard.
    pub fn has(self, place: usize) -> bool {
        place % self.of == self.number - 1
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        Self::parse(text, std::env::var(COMPLETION_INDEX).ok().as_deref())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn shards_share_out_every_test_once() {
        let shards: Vec<Shard> =
            (1..=3).map(|n| Shard::parse(&format!("{n}/3"), None).unwrap()).collect();
        for place in 0..10 {
            assert_eq!(shards.iter().filter(|shard| shard.has(place)).count(), 1, "{place}");
        }
    }

    #[test]
    fn kubernetes_counts_from_zero() {
        let shard = Shard::parse("8", Some("1")).unwrap();
        assert_eq!(shard, Shard { number: 2, of: 8 });
        assert!(Shard::parse("8", None).unwrap_err().to_string().contains("which is not set"));
        assert!(Shard::parse("8", Some("8")).unwrap_err().to_string().contains("which is `8`"));
    }

    #[test]
    fn what_is_no_shard_is_said() {
        for wrong in ["0/8", "9/8", "1/0", "a/b", "/8", "1/", ""] {
            assert!(Shard::parse(wrong, Some("0")).is_err(), "{wrong}");
        }
    }
}
