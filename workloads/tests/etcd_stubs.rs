//! The checked-in stubs of etcd's API are what `proto/etcd` says.
//!
//! Generating them here, and not in a build script, keeps protoc and protox out of every build.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

const HEADER: &str = "\
// Generated from proto/etcd by tests/etcd_stubs.rs; do not edit. To write it again:
//   ISOBAR_REGENERATE=1 cargo test -p isobar-workloads --test etcd_stubs
";

#[test]
fn stubs_are_what_the_protocol_files_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("src/etcd/generated.rs");
    let generated = generate(&root.join("proto"));
    if std::env::var_os("ISOBAR_REGENERATE").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let checked_in = fs::read_to_string(&path).unwrap();
    assert!(
        checked_in == generated,
        "src/etcd/generated.rs is out of date: run with ISOBAR_REGENERATE=1 and commit it"
    );
}

/// Both packages as sibling modules of one file, since the one refers to `super::mvccpb`.
fn generate(protos: &Path) -> String {
    let files = protox::compile(["etcd/kv.proto", "etcd/rpc.proto"], [protos]).unwrap();
    let out = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .build_server(false)
        .build_transport(false)
        .out_dir(out.path())
        .compile_fds(files)
        .unwrap();
    let mut text = HEADER.to_owned();
    for package in ["mvccpb", "etcdserverpb"] {
        let body = fs::read_to_string(out.path().join(format!("{package}.rs"))).unwrap();
        text.push_str(&format!("\npub mod {package} {{\n{body}}}\n"));
    }
    text
}
