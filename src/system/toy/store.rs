//! What a node knows after a crash: a file of records, one JSON value per line, only appended to.
//!
//! A batch of records is one write and one `fdatasync`, before anything that depends on it leaves
//! the node. A torn last line is the mark of a crash in the middle of a write: nobody was told of
//! it, so it is cut off.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::raft::Record;

pub struct Store {
    file: File,
    path: PathBuf,
    lines: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}:{line}: not a record of a toy node: {reason}; remove the file to start anew")]
    Damaged { path: PathBuf, line: usize, reason: String },
}

impl Store {
    /// Opens `raft.jsonl` in `directory`, both made when missing, and reads what it holds.
    pub fn open(directory: &Path) -> Result<(Self, Vec<Record>), StoreError> {
        let path = directory.join("raft.jsonl");
        let fail = |source| StoreError::Io { path: path.clone(), source };
        std::fs::create_dir_all(directory).map_err(fail)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(fail)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(fail)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut records = Vec::new();
        for (number, line) in bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
            let record = serde_json::from_slice(line).map_err(|error| StoreError::Damaged {
                path: path.clone(),
                line: number + 1,
                reason: error.to_string(),
            })?;
            records.push(record);
        }
        file.set_len(whole as u64).map_err(fail)?;
        file.seek(SeekFrom::Start(whole as u64)).map_err(fail)?;
        Ok((Self { file, path, lines: Vec::new() }, records))
    }

    /// Appends `records` and returns when they are on disk. After an error the file may end in a
    /// torn line: nothing may be appended to it any more.
    pub fn save(&mut self, records: &[Record]) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        self.lines.clear();
        for record in records {
            serde_json::to_writer(&mut self.lines, record)
                .map_err(|error| self.error(error.into()))?;
            self.lines.push(b'\n');
        }
        self.file.write_all(&self.lines).map_err(|error| self.error(error))?;
        self.file.sync_data().map_err(|error| self.error(error))
    }

    fn error(&self, source: io::Error) -> StoreError {
        StoreError::Io { path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::system::toy::raft::{Entry, Operation};

    fn records() -> Vec<Record> {
        let operation = Operation::Write { key: "k".to_owned(), value: json!({"a": "\n"}) };
        vec![
            Record::Term { term: 3, vote: Some(1) },
            Record::Append(Entry { term: 3, operation: Some(operation) }),
            Record::Truncate(0),
        ]
    }

    #[test]
    fn what_was_saved_is_read_back_and_a_torn_line_is_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let (mut store, before) = Store::open(directory.path()).unwrap();
        assert!(before.is_empty());
        store.save(&records()).unwrap();
        store.file.write_all(b"{\"term\":{\"te").unwrap();
        drop(store);
        let (mut store, after) = Store::open(directory.path()).unwrap();
        assert_eq!(after, records());
        store.save(&[Record::Truncate(7)]).unwrap();
        let (_, after) = Store::open(directory.path()).unwrap();
        assert_eq!(after[3..], [Record::Truncate(7)]);
    }

    #[test]
    fn a_damaged_file_is_refused_with_its_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("raft.jsonl");
        std::fs::write(&path, "{\"truncate\":1}\nnonsense\n").unwrap();
        let error = Store::open(directory.path()).err().unwrap().to_string();
        assert!(error.contains("raft.jsonl:2: not a record"), "{error}");
    }
}
