//! Transactions: `workload: { append: … }` and `workload: { wr: … }`, and what is promised of them.

use std::fmt;
use std::str::FromStr;

use isobar_checkers::txn::Model;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Share;

/// Transactions of reads and writes of many keys, drawn as Elle does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TxnSpec {
    /// Keys in use at a time.
    #[serde(default = "keys_default")]
    pub keys: u32,
    /// A key is replaced by a fresh one when it would be written more often.
    #[serde(default = "max_writes_per_key_default")]
    pub max_writes_per_key: u32,
    /// Micro-operations in a transaction: `1..4`, both included, or `3`.
    #[serde(default)]
    pub txn_length: TxnLength,
    /// The share of micro-operations that read.
    #[serde(default = "reads_default")]
    pub reads: Share,
    #[serde(default)]
    pub key_distribution: KeyDistributionSpec,
    /// `false`: let any node answer transactions which only read from its own copy, to show stale
    /// reads.
    #[serde(default = "yes")]
    pub linearizable: bool,
}

/// Which of the keys in use a micro-operation takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyDistributionSpec {
    /// All alike.
    #[default]
    Uniform,
    /// Half of all take one key, half of the rest another, and so on: Elle's default.
    Exponential,
}

/// The least and the most micro-operations in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxnLength {
    pub least: u32,
    pub most: u32,
}

impl Default for TxnLength {
    fn default() -> Self {
        Self { least: 1, most: 4 }
    }
}

impl FromStr for TxnLength {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (least, most) = text.split_once("..").unwrap_or((text, text));
        // etcd takes 128 requests in one transaction.
        match (least.trim().parse(), most.trim().parse()) {
            (Ok(least @ 1..), Ok(most @ ..=64)) if least <= most => Ok(Self { least, most }),
            _ => Err(format!(
                "`{text}` is not a length of transactions: write micro-operations as `3`, or \
                 `1..4`, from 1 to 64"
            )),
        }
    }
}

impl fmt::Display for TxnLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { least, most } = self;
        if least == most { write!(f, "{least}") } else { write!(f, "{least}..{most}") }
    }
}

/// What is promised of transactions on lists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ListAppendSpec {
    #[serde(default)]
    pub consistency: Consistency,
}

/// What is promised of transactions on registers, and what may be taken for granted of the order
/// in which a register had its values: the more, the more is found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RwRegisterSpec {
    #[serde(default)]
    pub consistency: Consistency,
    /// Who reads a value and then writes another has replaced it.
    #[serde(default)]
    pub wfr_keys: bool,
    /// The order keeps to that of each process.
    #[serde(default)]
    pub sequential_keys: bool,
    /// The order keeps to real time.
    #[serde(default)]
    pub linearizable_keys: bool,
}

/// A model of transactional consistency by its name, or by Elle's for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consistency(pub Model);

impl Default for Consistency {
    fn default() -> Self {
        Self(Model::STRICT_SERIALIZABLE)
    }
}

impl FromStr for Consistency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Model::parse(text).map(Self).map_err(|error| error.to_string())
    }
}

impl fmt::Display for Consistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! serde_as_text {
    ($($name:ty),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

serde_as_text!(TxnLength, Consistency);

fn keys_default() -> u32 {
    10
}

fn max_writes_per_key_default() -> u32 {
    256
}

fn reads_default() -> Share {
    Share(0.5)
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn models_have_the_names_of_the_checker() {
        assert_eq!("strict-serializable".parse(), Ok(Consistency::default()));
        assert_eq!(Consistency::default().to_string(), "strict-serializable");
        assert!("serialisable".parse::<Consistency>().unwrap_err().contains("serializable"));
    }

    #[test]
    fn lengths_are_a_number_or_both_ends() {
        assert_eq!("1..4".parse(), Ok(TxnLength::default()));
        assert_eq!("3".parse(), Ok(TxnLength { least: 3, most: 3 }));
        for text in ["1..4", "3"] {
            assert_eq!(text.parse::<TxnLength>().unwrap().to_string(), text);
        }
        for wrong in ["", "0", "4..1", "0..4", "1..65", "1..=4", "-1", "a..b"] {
            assert!(wrong.parse::<TxnLength>().is_err(), "{wrong}");
        }
    }
}
