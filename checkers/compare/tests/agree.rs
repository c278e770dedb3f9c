//! isobar and adya judge histories of adya's simulated databases alike: a second opinion by
//! somebody else's code, on histories that isobar did not make.

use adya::r#gen::{GenOpts, Kind};
use adya::sim::{Isolation, SimOpts, run};
use isobar_checkers::txn::Model;
use isobar_checkers::{TxnOptions, Verdict, history, list_append};

const MODELS: [&str; 6] = [
    "read-committed",
    "repeatable-read",
    "snapshot-isolation",
    "serializable",
    "strong-session-serializable",
    "strict-serializable",
];

/// How many histories of each kind of database.
const SEEDS: u64 = 60;

#[test]
fn verdicts_on_lists_are_those_of_adya() {
    let mut differ = Vec::new();
    let mut violated = 0;
    for isolation in [
        Isolation::Serializable,
        Isolation::SnapshotIsolation,
        Isolation::ReadCommitted,
        Isolation::ReadUncommitted,
        Isolation::LostUpdate,
    ] {
        for seed in 0..SEEDS {
            let shape = GenOpts { kind: Kind::ListAppend, ..GenOpts::default() };
            // Small ones, so that some of each model are valid.
            let txns = 20 + 4 * seed as usize;
            let text = run(&SimOpts { isolation, txns, seed, r#gen: shape, ..SimOpts::default() });
            for model in MODELS {
                let (ours, theirs) = (by_isobar(&text, model), by_adya(&text, model));
                violated += u32::from(ours == "violated");
                if ours != theirs {
                    let told = format!("{isolation:?} {seed} {model}: {ours}, adya {theirs}");
                    differ.push(told);
                }
            }
        }
    }
    assert!(violated > 300, "only {violated} were violated");
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

fn by_isobar(text: &str, model: &str) -> &'static str {
    let history = history::read("sim", text.as_bytes(), None).expect("adya writes histories");
    let models = vec![Model::parse(model).expect("both know the model")];
    match list_append(&history, &TxnOptions { models, ..TxnOptions::default() }).verdict {
        Verdict::Valid => "valid",
        Verdict::Violated => "violated",
        Verdict::Unknown(_) => "unknown",
    }
}

fn by_adya(text: &str, model: &str) -> &'static str {
    let history = adya::History::from_json(text).expect("adya reads what it wrote");
    let options = adya::Opts { models: vec![model.to_owned()], ..adya::Opts::default() };
    match adya::check(&history, adya::Workload::ListAppend, &options).valid {
        adya::Valid::True => "valid",
        adya::Valid::False => "violated",
        adya::Valid::Unknown => "unknown",
    }
}
