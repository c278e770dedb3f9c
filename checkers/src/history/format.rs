//! Which reader a file needs.

use std::io::BufRead;

use super::{History, ReadError, awdit, edn, json, jsonl, porcupine};

/// How a history is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An event per line, as JSON: isobar's own.
    Jsonl,
    /// One array of JSON, or objects over several lines.
    Json,
    /// Clojure's notation: Jepsen's histories, Porcupine's logs of its key-value store.
    Edn,
    /// Porcupine's logs of Jepsen's etcd test.
    PorcupineEtcd,
    /// The sessions of AWDIT and Plume.
    Awdit,
}

impl Format {
    /// From the first bytes of a file; a kilobyte is plenty.
    pub fn detect(head: &[u8]) -> Self {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let next = |from: usize| head.get(from..).unwrap_or_default().trim_ascii_start();
        match head.first() {
            None => Self::Jsonl,
            Some(b'{') => match next(1).first() {
                Some(b':') => Self::Edn,
                // The first line holds the brace alone.
                _ if head[1..].starts_with(b"\n") || head[1..].starts_with(b"\r\n") => Self::Json,
                _ => Self::Jsonl,
            },
            Some(b'[') => match next(1) {
                [b'{', ..] if next(1)[1..].trim_ascii_start().first() != Some(&b':') => Self::Json,
                [] | [b']', ..] => Self::Json,
                _ => Self::Edn,
            },
            Some(b'#' | b'(' | b';') => Self::Edn,
            Some(b'r' | b'w') if head.get(1).is_some_and(u8::is_ascii_whitespace) => Self::Awdit,
            Some(b'-' | b'=') => Self::Awdit,
            Some(_) => Self::PorcupineEtcd,
        }
    }
}

/// Reads a whole history in a format, by default the one that it looks like; `name` is what
/// errors call it.
///
/// # Errors
/// [`ReadError`] with file, line and column, and what was expected there.
pub fn read(
    name: &str,
    mut reader: impl BufRead + Send,
    format: Option<Format>,
) -> Result<History, ReadError> {
    let format = match format {
        Some(format) => format,
        None => {
            let error = |source| ReadError::Io { file: name.to_owned(), source };
            Format::detect(reader.fill_buf().map_err(error)?)
        }
    };
    match format {
        Format::Jsonl => jsonl::read(name, reader),
        Format::Json => json::read(name, reader),
        Format::Edn => edn::read(name, reader),
        Format::PorcupineEtcd => porcupine::read(name, reader),
        Format::Awdit => awdit::read(name, reader),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        for (head, format) in [
            ("", Format::Jsonl),
            ("{\"index\":0", Format::Jsonl),
            ("\u{feff}{ \"index\":0", Format::Jsonl),
            ("{\n  \"index\": 0", Format::Json),
            ("[{\"type\":", Format::Json),
            (" [\n { \"type\":", Format::Json),
            ("[]", Format::Json),
            ("{:process 0", Format::Edn),
            ("{ :process 0", Format::Edn),
            ("[{:process 0", Format::Edn),
            ("[#jepsen.history.Op{", Format::Edn),
            ("#jepsen.history.Op{", Format::Edn),
            ("; from Jepsen\n{:process 0", Format::Edn),
            ("({:process 0", Format::Edn),
            ("INFO  jepsen.util - 4", Format::PorcupineEtcd),
            ("w 0 7\n", Format::Awdit),
            ("r 0 7\n", Format::Awdit),
            ("=====\nw 0 7", Format::Awdit),
        ] {
            assert_eq!(Format::detect(head.as_bytes()), format, "{head}");
        }
    }
}
