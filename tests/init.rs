//! A test of one's own: `init`, `schema`, and variables of the environment.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use serde_json::Value;
use support::{Ended, Isobar};

/// Runs in the store's directory, where files may be written.
fn isobar(place: &Isobar, args: &str, variables: &[(&str, &str)]) -> Ended {
    let mut command = place.command(args.split(' '));
    command.current_dir(place.store.path()).envs(variables.iter().copied());
    Ended::of(&command.output().unwrap())
}

#[test]
fn every_template_is_a_good_specification_that_is_never_written_over() {
    let place = Isobar::new();
    for template in ["toy", "etcd", "etcd-rootless", "strapi", "http", "process", "custom"] {
        let name = format!("{template}.yaml");
        let init = format!("init {template} --output {name}");
        isobar(&place, &init, &[]).expect(0).says(&format!("isobar run {name}"));
        isobar(&place, &format!("validate {name}"), &[]).expect(0).says("ok");
        let text = fs::read_to_string(place.store.path().join(&name)).unwrap();
        assert!(text.starts_with("# yaml-language-server: $schema=isobar.schema.json\n"), "{text}");
        assert!(!text.contains("examples/"), "it lies elsewhere:\n{text}");
        isobar(&place, &init, &[]).expect(2).says("is there already").says("--output FILE");
        assert_eq!(fs::read_to_string(place.store.path().join(&name)).unwrap(), text);
    }
    let schema = fs::read_to_string(place.store.path().join("isobar.schema.json")).unwrap();
    let printed = isobar(&place, "schema", &[]).expect(0).stdout;
    assert_eq!(printed.trim_end(), schema.trim_end());
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    isobar(&place, "init", &[]).expect(0).says("isobar.yaml");
    isobar(&place, "init --output nowhere/a.yaml", &[]).expect(2).says("nowhere/a.yaml");
}

#[test]
fn variables_of_the_environment_stand_in_a_specification() {
    let place = Isobar::new();
    isobar(&place, "init toy", &[]).expect(0);
    let path = place.store.path().join("isobar.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("name: ").unwrap();
    let rest = rest.split_once('\n').unwrap().1;
    fs::write(&path, format!("{before}name: nightly-${{BUILD}}\n{rest}")).unwrap();
    let validate = "validate isobar.yaml";
    isobar(&place, validate, &[("BUILD", "17")]).expect(0);
    let line = before.lines().count() + 1;
    isobar(&place, validate, &[])
        .expect(2)
        .says("the variable `BUILD` is not set")
        .says(&format!("isobar.yaml:{line}:15"));
    isobar(&place, validate, &[("BUILD", "{a: 1}")]).expect(2).says("the value of `BUILD`");
}

#[test]
fn a_link_to_traces_has_to_be_one() {
    let place = Isobar::new();
    isobar(&place, "init --template toy --output toy.yaml", &[]).expect(0);
    let path = place.store.path().join("toy.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}trace-url: javascript:alert({{{{trace}}}})\n")).unwrap();
    isobar(&place, "validate toy.yaml", &[]).expect(2).says("leads to no trace").says("jaeger");
    fs::write(&path, format!("{text}trace-url: http://traces/{{{{trace}}}}\n")).unwrap();
    isobar(&place, "validate toy.yaml", &[]).expect(0);
}
