//! The JSON Schema of specifications, for editors: what to write, what it means, what is wrong.
//!
//! It is drawn from the types themselves. Types that are read from text say here how it looks.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{
    Bandwidth, Concurrency, Consistency, FaultSpec, PresetSpec, Rate, Share, Size, Span, Spec,
    Targets, TxnLength,
};

/// The schema of [`Spec`], in draft 7, which editors know best.
pub fn schema() -> Schema {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<Spec>()
}

/// `faults:` is a list, or the name of one.
pub(super) fn faults(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "What goes wrong, where and when: a list, or { preset: NAME }.",
        "anyOf": [
            generator.subschema_for::<Vec<FaultSpec>>(),
            generator.subschema_for::<PresetSpec>(),
            { "type": "null" },
        ],
    })
}

macro_rules! written_as {
    ($($type:ty: $schema:tt)*) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

written_as! {
    Span: {
        "description": "A time with its unit: 500ms, 10s, 2m, 1h.",
        "type": "string",
        "pattern": r"^[0-9]+(\.[0-9]+)? *(ms|s|m|h)$",
    }
    Rate: {
        "description": "Operations per second: 500/s.",
        "type": "string",
        "pattern": r"^[0-9]+(\.[0-9]+)? */s$",
    }
    Share: {
        "description": "A percentage: 90%.",
        "type": "string",
        "pattern": r"^[0-9]+(\.[0-9]+)? *%$",
    }
    Bandwidth: {
        "description": "Bits per second: 1mbit.",
        "type": "string",
        "pattern": "^[0-9]+ *(kbit|mbit|gbit)$",
    }
    Size: {
        "description": "Bytes: 16MiB.",
        "type": "string",
        "pattern": "^[0-9]+ *(KiB|MiB|GiB)$",
    }
    Concurrency: {
        "description": "How many workers: 15, or 3n for three per node.",
        "type": ["string", "integer"],
        "pattern": "^[0-9]+n?$",
        "minimum": 1,
        "maximum": 10_000,
    }
    TxnLength: {
        "description": "Micro-operations of a transaction: 3, or 1..4.",
        "type": ["string", "integer"],
        "pattern": r"^[0-9]+( *\.\. *[0-9]+)?$",
        "minimum": 1,
        "maximum": 64,
    }
    Consistency: {
        "description": "A model: strict-serializable, snapshot-isolation, read-committed, …",
        "type": "string",
    }
    Targets: {
        "description": "Which nodes: one, all, minority, majority, minority-third, leader, \
            followers; role:NAME, one of role:NAME; or a list of names.",
        "anyOf": [
            { "enum": [
                "one", "all", "minority", "majority", "minority-third", "leader", "followers",
            ] },
            { "type": "string", "pattern": "^([a-z-]+ of )?role:.+$" },
            { "type": "array", "items": { "type": "string" } },
        ],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use serde_json::Value;

    use super::super::parse::tree_of;
    use super::*;

    fn valid(text: &str) -> bool {
        let schema = Value::from(schema());
        jsonschema::draft7::new(&schema).unwrap().is_valid(&tree_of(text).unwrap())
    }

    #[test]
    fn every_example_is_as_the_schema_says() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let mut seen = 0;
        for entry in std::fs::read_dir(examples).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                seen += 1;
                assert!(valid(&std::fs::read_to_string(&path).unwrap()), "{}", path.display());
            }
        }
        assert!(seen > 15, "{seen} examples");
    }

    #[test]
    fn what_the_parser_refuses_the_schema_refuses() {
        let good = include_str!("../../examples/etcd-register.yaml");
        for (from, to) in [
            ("version: 1", "version: 2"),
            ("time: 60s", "time: 60"),
            ("split: majority", "split: majorty"),
            ("targets: one", "targets: two"),
            ("register:", "registers:"),
            ("  - linearizable: {}", "  - linearizable: { budget: 3 }"),
        ] {
            assert!(good.contains(from), "{from}");
            let bad = good.replace(from, to);
            assert!(super::super::parse("bad.yaml", &bad).is_err(), "{to}");
            assert!(!valid(&bad), "{to}");
        }
    }
}
