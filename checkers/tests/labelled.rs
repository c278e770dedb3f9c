//! Porcupine's labelled logs: every verdict must be right, with a certificate for it. The time
//! told is for judging a whole folder, without reading and without checking the certificates.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod shared;

use std::time::{Duration, Instant};

use isobar_checkers::models::Kv;
use isobar_checkers::{Budget, Model, Register, Verdict, certificates, linearizable};

fn every_verdict_is_right<M: Model>(name: &str, model: &M, files: usize) {
    let Some(folder) = shared::folder(name) else { return };
    let labelled = shared::labelled(&folder);
    assert_eq!(labelled.len(), files);
    let budget = Budget::default();
    let mut judging = Duration::ZERO;
    for (path, label) in labelled {
        let history = shared::read(&path);
        let start = Instant::now();
        let result = linearizable(&history, model, &budget);
        judging += start.elapsed();
        let path = path.display();
        let right = if label == "true" { Verdict::Valid } else { Verdict::Violated };
        assert_eq!(result.verdict, right, "{path}: {}", result.summary);
        if right == Verdict::Valid {
            for certificate in certificates(&history, model, &budget).unwrap() {
                assert_eq!(certificate.verify(&history, model), Ok(()), "{path}");
            }
        } else {
            let finding = &result.findings[0];
            assert!(finding.witness.is_some(), "{path}: {finding:?}");
            let (anomaly, count) = (&finding.anomaly, finding.operations.len());
            eprintln!("{path}\t{anomaly}\t{count} operations\t{}", finding.title);
        }
    }
    eprintln!("{name}: {files} files judged in {judging:?}");
}

#[test]
fn logs_of_jepsens_etcd_test() {
    every_verdict_is_right("porcupine-etcd", &Register, 102);
}

#[test]
fn logs_of_a_key_value_store() {
    every_verdict_is_right("porcupine-kv", &Kv, 6);
}
