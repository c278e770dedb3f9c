//! Files of other tools are read whole: every line ends up in an operation.

#![allow(clippy::unwrap_used)]

mod shared;

use std::fs;

use isobar_checkers::history::Completion;

#[test]
fn logs_of_porcupines_key_value_store() {
    let Some(folder) = shared::folder("porcupine-kv") else { return };
    let files = shared::labelled(&folder);
    assert_eq!(files.len(), 6);
    for (path, _) in files {
        let history = shared::read(&path);
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let completed = history.operations().filter(|op| op.completion() == Completion::Ok);
        assert_eq!(history.len() + completed.count(), lines, "{}", path.display());
        for operation in history.operations() {
            assert!(["get", "put", "append"].contains(&operation.f()), "{operation:?}");
            assert!(operation.key().is_some_and(|key| key.is_string()), "{operation:?}");
        }
    }
}

#[test]
fn sessions_of_awdit() {
    let Some(folder) = shared::folder("awdit") else { return };
    let files = shared::labelled(&folder);
    assert_eq!(files.len(), 22);
    for (path, _) in files {
        let history = shared::read(&path);
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().filter(|line| line.starts_with(['r', 'w'])).count();
        let operations: usize =
            history.operations().map(|op| op.result().as_array().unwrap().len()).sum();
        assert_eq!(operations, lines, "{}", path.display());
        assert!(history.untimed);
    }
}
