//! What was collected from the nodes, as links relative to the page.

use std::fs;
use std::path::Path;

use super::super::words;
use super::writer::relative_reference;
use super::{Html, Page, scroller, table_head};

/// Files listed per node.
const FILES_MAX: usize = 40;
/// Folders below a node's that are looked into.
const DEPTH_MAX: usize = 3;

pub fn write(html: &mut Html, page: &Page<'_>) {
    let nodes = &page.source.meta.nodes;
    if nodes.is_empty() {
        return;
    }
    html.leaf("h3", &[], "Nodes");
    scroller(html, "Nodes", |html| {
        html.element("table", &[], |html| {
            table_head(html, &["Node", "Address", "Collected files"]);
            html.element("tbody", &[], |html| {
                for node in nodes {
                    html.element("tr", &[], |html| {
                        html.leaf("th", &[("scope", "row")], &words::plain(&node.name));
                        html.leaf("td", &[], &words::plain(&node.address));
                        html.element("td", &[], |html| links(html, page, &node.name));
                    });
                }
            });
        });
    });
}

fn links(html: &mut Html, page: &Page<'_>, node: &str) {
    let files = collected(page.source.directory, node);
    if files.is_empty() {
        html.text("none");
    }
    for (place, file) in files.iter().take(FILES_MAX).enumerate() {
        if place > 0 {
            html.text(", ");
        }
        let target = relative_reference(&format!("nodes/{node}/{file}")).into_owned();
        html.leaf("a", &[("href", &target)], &words::plain(file));
    }
    if let Some(left @ 1..) = files.len().checked_sub(FILES_MAX) {
        html.text(&format!(" and {} more", words::count(left as u64)));
    }
}

/// Paths of the files in a node's folder, relative to it, in order. A folder that cannot be read
/// has none: a missing log must not cost the report.
pub fn collected(directory: &Path, node: &str) -> Vec<String> {
    let one_name = !node.is_empty() && node != "." && node != ".." && !node.contains(['/', '\\']);
    let mut files = Vec::new();
    // A NUL would end the path for the system; std refuses it, and nothing is found.
    let mut folders = match one_name {
        true => vec![(directory.join("nodes").join(node), String::new(), 0)],
        false => Vec::new(),
    };
    while let Some((folder, prefix, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
                continue;
            };
            let path = format!("{prefix}{name}");
            if kind.is_file() {
                files.push(path);
            } else if kind.is_dir() && depth < DEPTH_MAX {
                folders.push((entry.path(), format!("{path}/"), depth + 1));
            }
        }
    }
    files.sort_unstable();
    files
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn files_are_found_below_the_node_only() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("nodes/n1/var");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("etcd.log"), "").unwrap();
        fs::write(directory.path().join("nodes/n1/a.log"), "").unwrap();
        fs::write(directory.path().join("secret"), "").unwrap();
        assert_eq!(collected(directory.path(), "n1"), ["a.log", "var/etcd.log"]);
        for outside in ["..", ".", "", "n1/..", "../..", "missing", "a\0b"] {
            assert!(collected(directory.path(), outside).is_empty(), "{outside:?}");
        }
    }
}
