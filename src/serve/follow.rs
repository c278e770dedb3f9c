//! A file that grows: its new whole lines, each time it is looked at.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

/// Bytes read at once; a longer line than this is none of isobar's and is passed over.
const CHUNK: usize = 1 << 20;

#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    /// Bytes of whole lines so far.
    read: u64,
}

impl Follower {
    pub fn of(path: PathBuf) -> Self {
        Self { path, read: 0 }
    }

    /// Gives every line that is whole by now, without its end. A file that is not there yet, or
    /// cannot be read, has none.
    pub fn lines(&mut self, mut take: impl FnMut(&[u8])) {
        let Ok(mut file) = File::open(&self.path) else { return };
        let mut buffer = vec![0; CHUNK];
        // Not past what was there at the beginning: a fast writer would keep us here.
        let end = file.metadata().map(|meta| meta.len()).unwrap_or_default();
        while self.read < end {
            let found = file
                .seek(SeekFrom::Start(self.read))
                .and_then(|_| fill(&mut file, &mut buffer))
                .unwrap_or_default();
            let whole = match buffer[..found].iter().rposition(|byte| *byte == b'\n') {
                Some(last) => last + 1,
                None if found == CHUNK => {
                    self.read += CHUNK as u64;
                    continue;
                }
                None => return,
            };
            for line in buffer[..whole - 1].split(|byte| *byte == b'\n') {
                take(line);
            }
            self.read += whole as u64;
        }
    }
}

fn fill(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut found = 0;
    while found < buffer.len() {
        match file.read(&mut buffer[found..])? {
            0 => break,
            more => found += more,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_come_once_and_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut follower = Follower::of(path.clone());
        let mut look = || {
            let mut lines = Vec::new();
            follower.lines(|line| lines.push(String::from_utf8_lossy(line).into_owned()));
            lines
        };
        assert!(look().is_empty(), "there is no file yet");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"one\ntw").unwrap();
        assert_eq!(look(), ["one"]);
        assert!(look().is_empty());
        file.write_all(b"o\n\nfour\n").unwrap();
        assert_eq!(look(), ["two", "", "four"]);
        fs::write(
            &path,
            [b"one\ntwo\n\nfour\n".as_slice(), &[b'x'; CHUNK + 5], b"\nlast\n"].concat(),
        )
        .unwrap();
        assert_eq!(look().last().unwrap(), "last");
    }
}
