//! A whole run as one `.tar.gz`, written while it is sent.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::answer::{guarded, set};
use super::place::Place;
use super::stream;

/// Of the address and of the file's name.
pub const END: &str = ".tar.gz";

/// Sends the run; in the archive it is the folder `<test>-<run>`.
pub fn send(place: &Place) -> Response {
    let folder = format!("{}-{}", place.test, place.run);
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = folder.chars().map(plain).collect();
    let directory = place.directory.path.clone();
    let mut response = stream::body(move |out| pack(&directory, &folder, out)).into_response();
    set(&mut response, CONTENT_TYPE, "application/gzip");
    let disposition = format!("attachment; filename=\"{name}{END}\"");
    set(&mut response, CONTENT_DISPOSITION, &disposition);
    guarded(response)
}

/// Files and folders below `directory`; links and devices are left out.
fn pack(directory: &Path, folder: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut archive = Builder::new(GzEncoder::new(out, Compression::fast()));
    let mut pending = vec![directory.to_owned()];
    while let Some(path) = pending.pop() {
        let name = Path::new(folder).join(path.strip_prefix(directory).unwrap_or(&path));
        let meta = fs::symlink_metadata(&path)?;
        if meta.is_dir() {
            let mut inside = Vec::new();
            for entry in fs::read_dir(&path)? {
                inside.push(entry?.path());
            }
            inside.sort_unstable_by(|a, b| b.cmp(a));
            pending.extend(inside);
        } else if meta.is_file() {
            add(&mut archive, &path, &name)?;
        }
    }
    archive.into_inner()?.finish().map(|_| ())
}

/// A run may go on meanwhile: a file has the size it had when it was announced. What grew is cut,
/// what shrank is filled up.
fn add(archive: &mut Builder<impl Write>, path: &Path, name: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    let meta = file.metadata()?;
    let mut header = Header::new_gnu();
    header.set_metadata(&meta);
    header.set_entry_type(EntryType::Regular);
    let whole = file.chain(io::repeat(0)).take(meta.len());
    archive.append_data(&mut header, name, whole)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;
    use std::os::unix::fs::symlink;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn an_archive_has_all_files_and_no_links() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("nodes/n1")).unwrap();
        fs::write(directory.path().join("run.json"), "{}").unwrap();
        fs::write(directory.path().join("nodes/n1/a.log"), "x".repeat(100_000)).unwrap();
        symlink("/etc/passwd", directory.path().join("passwd")).unwrap();
        let mut bytes = Vec::new();
        pack(directory.path(), "etcd-1", &mut bytes).unwrap();
        let mut found = BTreeMap::new();
        for entry in tar::Archive::new(GzDecoder::new(&bytes[..])).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.insert(entry.path().unwrap().display().to_string(), text.len());
        }
        let wanted = [("etcd-1/nodes/n1/a.log", 100_000), ("etcd-1/run.json", 2)];
        assert_eq!(found, wanted.map(|(name, size)| (name.to_owned(), size)).into());
    }
}
