//! Several faults on one track, and well-known lists of them.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Value, json};

use super::{FaultSpec, fault_spec};
use crate::spec::Span;

fault_spec! {
    /// At each of its times one of these, for as long as its own `for` says, or else the track's.
    pub struct MixSpec {
        pub of: Vec<FaultSpec>,
    }
}

/// Lists of faults which are known by a name. Where a node cannot have one, it is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    Partitions,
    Processes,
    Network,
    Clocks,
    Disks,
    Everything,
}

/// A list of faults by its name, and when they happen.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PresetSpec {
    pub preset: Preset,
    /// Of each track: slow nodes want more time between faults. 10 s by default.
    #[serde(default = "ten_seconds")]
    pub every: Span,
    /// Half of `every` by default.
    #[serde(default)]
    pub r#for: Option<Span>,
}

fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}

impl PresetSpec {
    /// Tracks, from each of which the seed draws.
    pub fn faults(self) -> Vec<FaultSpec> {
        let lasts = self.r#for.unwrap_or(Span(self.every.0 / 2));
        let tracks = self.preset.tracks();
        // One after another: nodes that are asked for four faults at once are slow at each.
        let begins = |place: u32| Span(self.every.0 * place / (tracks.len() as u32 + 1));
        let track = |(place, of): (u32, &Vec<Value>)| {
            let (every, at) = (self.every, begins(place));
            let random = json!({"random": {"every": every, "for": lasts, "at": at, "of": of}});
            serde_json::from_value::<FaultSpec>(random).ok()
        };
        (1..).zip(&tracks).filter_map(track).collect()
    }
}

impl Preset {
    /// What each track chooses from.
    fn tracks(self) -> Vec<Vec<Value>> {
        let partitions = [
            json!({"partition": {"split": "one"}}),
            json!({"partition": {"split": "majority"}}),
            json!({"partition": {"split": "leader"}}),
            json!({"partition": {"split": "majorities-ring"}}),
            json!({"partition": {"split": "bridge"}}),
            json!({"partition": {"split": "leader", "direction": "deaf"}}),
            json!({"partition": {"split": "leader", "direction": "mute"}}),
        ];
        let processes = [
            json!({"kill": {"targets": "one"}}),
            json!({"kill": {"targets": "leader"}}),
            json!({"kill": {"targets": "majority"}}),
            json!({"kill": {"targets": "all"}}),
            json!({"pause": {"targets": "one"}}),
            json!({"pause": {"targets": "leader"}}),
            json!({"pause": {"targets": "majority"}}),
            json!({"term": {"targets": "one"}}),
            json!({"freeze": {"targets": "leader", "on-unavailable": "skip"}}),
            json!({"crash-loop": {"targets": "one", "on-unavailable": "skip"}}),
        ];
        let network = ["delay", "loss", "duplicate", "corrupt", "reorder", "rate"]
            .map(|fault| json!({fault: {"targets": "minority", "on-unavailable": "skip"}}));
        let clocks = [
            json!({"clock-bump": {"targets": "one", "by": "100ms"}}),
            json!({"clock-bump": {"targets": "minority", "by": "10s"}}),
            json!({"clock-bump": {"targets": "leader", "by": "1m", "way": "back"}}),
            json!({"clock-strobe": {"targets": "one"}}),
            json!({"clock-drift": {"targets": "minority"}}),
            json!({"clock-drift": {"targets": "leader", "way": "back"}}),
        ]
        .map(skipped);
        let disks = [
            json!({"disk-fill": {"targets": "one"}}),
            json!({"disk-slow": {"targets": "minority"}}),
            json!({"disk-slow": {"targets": "leader"}}),
            json!({"disk-error": {"targets": "one"}}),
            json!({"disk-read-only": {"targets": "leader"}}),
            json!({"lost-writes": {"targets": "minority"}}),
            json!({"lost-writes": {"targets": "all"}}),
        ]
        .map(skipped);
        let more = [
            json!({"membership": {"change": "remove", "targets": "one"}}),
            json!({"membership": {"change": "replace", "targets": "leader"}}),
            json!({"cpu-limit": {"targets": "leader"}}),
            json!({"power": {"targets": "minority"}}),
        ]
        .map(skipped);
        // One of these at a time: they hit a node as a whole.
        let nodes = [&processes[..], &disks, &more].concat();
        let tracks: &[&[Value]] = match self {
            Self::Partitions => &[&partitions],
            Self::Processes => &[&processes],
            Self::Network => &[&network],
            Self::Clocks => &[&clocks],
            Self::Disks => &[&disks],
            // Side by side: a kill within a partition finds more than either.
            Self::Everything => &[&partitions, &nodes, &network, &clocks],
        };
        tracks.iter().map(|of| of.to_vec()).collect()
    }
}

/// The fault, skipped where a node cannot have it.
fn skipped(mut fault: Value) -> Value {
    if let Some(settings) = fault.as_object_mut().and_then(|fault| fault.values_mut().next()) {
        settings["on-unavailable"] = "skip".into();
    }
    fault
}

/// A list of faults, or `{ preset: NAME }`.
pub fn faults<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<FaultSpec>, D::Error> {
    struct Visitor;

    impl<'de> de::Visitor<'de> for Visitor {
        type Value = Vec<FaultSpec>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of faults, or { preset: NAME }")
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut faults = Vec::new();
            while let Some(fault) = seq.next_element()? {
                faults.push(fault);
            }
            Ok(faults)
        }

        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            let named = PresetSpec::deserialize(de::value::MapAccessDeserializer::new(map))?;
            Ok(named.faults())
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }
    }

    deserializer.deserialize_any(Visitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_hold_what_they_say() {
        let count = |preset: Preset| {
            let tracks = PresetSpec { preset, every: ten_seconds(), r#for: None }.faults();
            let leaves = tracks.iter().flat_map(FaultSpec::leaves).count();
            (tracks.len(), leaves)
        };
        assert_eq!(count(Preset::Partitions), (1, 7));
        assert_eq!(count(Preset::Processes), (1, 10));
        assert_eq!(count(Preset::Network), (1, 6));
        assert_eq!(count(Preset::Clocks), (1, 6));
        assert_eq!(count(Preset::Disks), (1, 7));
        assert_eq!(count(Preset::Everything), (4, 40));
    }
}
