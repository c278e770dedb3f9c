//! Which nodes a node does not hear, as ordered from outside.
//!
//! The order is a file with a name per line, next to the data directory: so a cut outlives the
//! process it was made for, as a firewall's rule would. What is dropped is counted in memory.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::raft::Member;

/// Shared by all connections of a node.
pub struct Links {
    path: PathBuf,
    names: Vec<String>,
    peers: Vec<Link>,
}

#[derive(Default)]
struct Link {
    cut: AtomicBool,
    dropped: AtomicU64,
}

impl Links {
    /// The links from `names`, as the file at `path` has them.
    pub fn load(path: PathBuf, names: Vec<String>) -> io::Result<Self> {
        let peers = names.iter().map(|_| Link::default()).collect();
        let links = Self { path, names, peers };
        links.reload()?;
        Ok(links)
    }

    /// Reads the file again. A link that is newly cut counts from 0.
    pub fn reload(&self) -> io::Result<()> {
        let cut = read(&self.path)?;
        for (name, link) in self.names.iter().zip(&self.peers) {
            let cut = cut.contains(name);
            if link.cut.swap(cut, Ordering::SeqCst) != cut {
                link.dropped.store(0, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    /// Whether a message that came from `peer` is heard; one that is not is counted.
    pub fn hears(&self, peer: Member) -> bool {
        let Some(link) = self.peers.get(peer) else { return false };
        let cut = link.cut.load(Ordering::SeqCst);
        if cut {
            link.dropped.fetch_add(1, Ordering::SeqCst);
        }
        !cut
    }

    /// The nodes that are not heard, and how many of their messages were dropped.
    pub fn dropped(&self) -> Vec<(&str, u64)> {
        let links = self.names.iter().zip(&self.peers);
        links
            .filter(|(_, link)| link.cut.load(Ordering::SeqCst))
            .map(|(name, link)| (name.as_str(), link.dropped.load(Ordering::SeqCst)))
            .collect()
    }
}

/// The names in the file; none when there is no file.
pub fn read(path: &Path) -> io::Result<BTreeSet<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// Puts `names` into the file, whole or not at all; removes it when there are none.
pub fn write(path: &Path, names: &BTreeSet<String>) -> io::Result<()> {
    if names.is_empty() {
        return match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let text: String = names.iter().map(|name| format!("{name}\n")).collect();
    let draft = path.with_extension("new");
    std::fs::write(&draft, text)?;
    std::fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_cut_link_drops_counts_and_outlives_the_node() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/links");
        let load = || Links::load(path.clone(), vec!["n1".to_owned(), "n2".to_owned()]).unwrap();
        let links = load();
        assert!(links.hears(0) && links.hears(1) && !links.hears(2));
        write(&path, &BTreeSet::from(["n2".to_owned()])).unwrap();
        links.reload().unwrap();
        assert!(links.hears(0) && !links.hears(1) && !links.hears(1));
        assert_eq!(links.dropped(), [("n2", 2)]);
        links.reload().unwrap();
        assert_eq!(links.dropped(), [("n2", 2)]);
        assert_eq!(load().dropped(), [("n2", 0)]);
        write(&path, &BTreeSet::new()).unwrap();
        write(&path, &BTreeSet::new()).unwrap();
        links.reload().unwrap();
        assert!(links.hears(1) && links.dropped().is_empty());
    }
}
