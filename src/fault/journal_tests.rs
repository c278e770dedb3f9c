#![allow(clippy::unwrap_used)]

use super::*;

fn open(id: u32) -> JournalEntry {
    let undo = ["n1", "n2"].map(|node| (node.to_owned(), format!("undo {id}"))).into();
    JournalEntry::Open { id, fault: "partition".to_owned(), undo }
}

fn journal(entries: &[JournalEntry]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("faults.jsonl");
    let mut journal = Journal::create(&path, "r1", true).unwrap();
    entries.iter().for_each(|entry| journal.append(entry).unwrap());
    (directory, path)
}

fn ids(path: &Path) -> Vec<u32> {
    JournalState::read(path).unwrap().open.iter().map(|fault| fault.id).collect()
}

#[test]
fn what_is_neither_healed_nor_skipped_is_open() {
    let why = "no".to_owned();
    let (_directory, path) = journal(&[
        open(0),
        JournalEntry::Installed { id: 0, evidence: BTreeMap::new() },
        open(1),
        JournalEntry::Indeterminate { id: 1, why: why.clone() },
        open(2),
        JournalEntry::Skipped { id: 2, why },
        JournalEntry::Healed { id: 0 },
        open(3),
        JournalEntry::Settled { id: 0, settled_ms: None },
    ]);
    let state = JournalState::read(&path).unwrap();
    assert_eq!((state.run.as_deref(), state.privileged, state.torn), (Some("r1"), true, false));
    assert_eq!(ids(&path), [1, 3]);
    assert_eq!(state.entries.len(), 10);
}

#[test]
fn a_dirty_fault_stays_open_on_its_dirty_nodes() {
    let nodes = BTreeMap::from([("n2".to_owned(), "gone".to_owned())]);
    let (_directory, path) = journal(&[open(0), JournalEntry::Dirty { id: 0, nodes }]);
    let state = JournalState::read(&path).unwrap();
    assert_eq!(state.open[0].undo.keys().collect::<Vec<_>>(), ["n2"]);
}

#[test]
fn a_journal_cut_at_any_byte_is_read_up_to_its_last_whole_line() {
    let (_directory, path) = journal(&[open(0), JournalEntry::Healed { id: 0 }, open(1)]);
    let bytes = std::fs::read(&path).unwrap();
    for end in 0..=bytes.len() {
        std::fs::write(&path, &bytes[..end]).unwrap();
        let whole = bytes[..end].iter().filter(|byte| **byte == b'\n').count();
        let state = JournalState::read(&path).unwrap();
        assert_eq!(state.entries.len(), whole, "cut at {end}");
        assert_eq!(state.torn, end > 0 && bytes[end - 1] != b'\n', "cut at {end}");
    }
}

#[test]
fn a_torn_journal_can_be_continued() {
    let (_directory, path) = journal(&[open(0)]);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"event\":\"hea").unwrap();
    Journal::reopen(&path).unwrap().append(&JournalEntry::Healed { id: 0 }).unwrap();
    let state = JournalState::read(&path).unwrap();
    assert_eq!((state.open.len(), state.torn, state.entries.len()), (0, false, 3));
}

#[test]
fn the_format_is_version_1() {
    let (_directory, path) =
        journal(&[open(7), JournalEntry::Settled { id: 7, settled_ms: Some(5) }]);
    insta::assert_snapshot!(std::fs::read_to_string(path).unwrap());
}

#[test]
fn bad_journals_are_named_with_their_line() {
    let (directory, path) = journal(&[]);
    let error = |content: &str| {
        std::fs::write(&path, content).unwrap();
        let shown = JournalState::read(&path).unwrap_err().to_string();
        shown.replace(&directory.path().display().to_string(), "runs/x")
    };
    let other = error("{\"event\":\"begin\",\"version\":9,\"run\":\"r\",\"privileged\":true}\n");
    let garbage = error("what?\n{\"event\":\"healed\",\"id\":1}\n");
    std::fs::remove_file(&path).unwrap();
    let missing = JournalState::read(&path).unwrap_err().to_string();
    assert!(missing.contains("faults.jsonl") && missing.contains("cannot read"), "{missing}");
    assert!(Journal::create(&directory.path().join("no/faults.jsonl"), "r", true).is_err());
    insta::assert_snapshot!(format!("{other}\n{garbage}"));
}
