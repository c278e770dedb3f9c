//! The pages under `docs/` and the README: their commands run, their links lead somewhere, their
//! YAML is what isobar reads, and their drawing is what the checkers know.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use isobar_checkers::txn::Model;
use support::Isobar;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README, the pages and what contributors read.
fn pages() -> Vec<(PathBuf, String)> {
    let mut paths = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "md") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn commands_print_what_the_pages_say() {
    let isobar = Isobar::new();
    trycmd::TestCases::new()
        .env("ISOBAR_STORE", isobar.store.path().to_str().unwrap())
        .register_bin("isobar", trycmd::schema::Bin::Path(env!("CARGO_BIN_EXE_isobar").into()))
        .case("docs/*.md");
}

#[test]
fn links_lead_to_files() {
    for (page, text) in pages() {
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let file = target.split('#').next().unwrap();
            let path = page.parent().unwrap().join(file);
            assert!(path.exists(), "{}: nothing is at {target}", page.display());
        }
    }
}

#[test]
fn commands_that_are_named_exist() {
    let isobar = Isobar::new();
    let mut verbs = BTreeSet::new();
    for (_, text) in pages() {
        for start in ["`isobar ", "$ isobar ", "release/isobar "] {
            for rest in text.split(start).skip(1) {
                let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '-');
                verbs.insert(rest[..end.unwrap_or(rest.len())].to_owned());
            }
        }
    }
    verbs.remove("");
    assert!(verbs.len() >= 15, "{verbs:?}");
    for verb in verbs {
        isobar.run([verb.as_str(), "--help"]).expect(0);
    }
}

#[test]
fn sections_of_specifications_are_what_isobar_reads() {
    let demo = fs::read_to_string(root().join("examples/demo.yaml")).unwrap();
    let etcd = fs::read_to_string(root().join("examples/etcd-register.yaml")).unwrap();
    let parts = |spec: &str| {
        let (head, checks) = spec.split_once("checks:").unwrap();
        let (head, faults) = head.split_once("faults:").unwrap();
        [head, faults, checks].map(str::to_owned)
    };
    let mut read = 0;
    for (page, text) in pages() {
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        for block in blocks {
            // Only etcd has members that can be changed, and only nodes of a lab networks.
            let of_etcd = ["membership:", "silent-corrupt:"].iter().any(|of| block.contains(of));
            let [head, faults, checks] = parts(if of_etcd { &etcd } else { &demo });
            let spec = match block {
                whole if whole.starts_with("version:") => whole.to_owned(),
                part if part.starts_with("faults:") => format!("{head}{part}checks:{checks}"),
                part if part.starts_with("checks:") => format!("{head}faults:{faults}{part}"),
                _ => continue,
            };
            let parsed = isobar::spec::parse(&page.display().to_string(), &spec);
            assert!(parsed.is_ok(), "{}", parsed.unwrap_err());
            read += 1;
        }
    }
    assert!(read >= 3, "only {read} blocks");
}

/// What the README says to be found is found by a test which runs that very example.
#[test]
fn the_track_record_is_tested() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = readme.split_once("## Track record").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let tests: String = fs::read_dir(root().join("tests"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let rows: Vec<&str> = section.lines().filter(|line| line.contains("examples/")).collect();
    assert!(rows.len() >= 6, "{rows:?}");
    for row in rows {
        let (_, file) = row.split_once("`examples/").unwrap();
        let file = file.split('`').next().unwrap();
        assert!(root().join("examples").join(file).exists(), "{row}");
        // The exit code or the words stand in the same test.
        let mut of_file = tests.split("#[test]").filter(|test| test.contains(file));
        assert!(of_file.any(|test| test.contains("expect(1)") || test.contains("== 1")), "{row}");
    }
}

/// An arrow for each implication that does not follow from others.
fn lattice() -> String {
    let mut out = String::from("graph TD\n");
    for model in Model::all().rev() {
        let weaker: Vec<Model> =
            Model::all().filter(|w| model.implies(*w) && *w != model).collect();
        let direct = |w: &&Model| !weaker.iter().any(|m| m != *w && m.implies(**w));
        for next in weaker.iter().filter(direct) {
            out.push_str(&format!("    {model} --> {next}\n"));
        }
    }
    out
}

#[test]
fn the_lattice_is_drawn_as_the_checkers_know_it() {
    let path = root().join("docs/checks.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once("<!-- lattice -->\n").unwrap();
    let (drawn, tail) = rest.split_once("<!-- /lattice -->").unwrap();
    let wanted = format!("```mermaid\n{}```\n", lattice());
    if drawn != wanted && std::env::var_os("ISOBAR_DRAW").is_some() {
        let text = format!("{head}<!-- lattice -->\n{wanted}<!-- /lattice -->{tail}");
        fs::write(&path, text).unwrap();
        return;
    }
    assert_eq!(drawn, wanted, "ISOBAR_DRAW=1 cargo test --test docs draws it again");
}
