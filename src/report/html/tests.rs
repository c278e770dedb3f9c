//! The page as a browser would take it apart.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::super::{
    plots,
    sample::{Sample, edit},
};

fn page(sample: &Sample) -> String {
    let source = sample.source(Path::new("/nowhere"));
    let plots = plots::draw(&source).unwrap();
    super::page(&source, &plots).unwrap()
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).unwrap() + from.len();
    &text[start..start + text[start..].find(to).unwrap()]
}

/// Every tag between the style and the scripts, without its angle brackets; values are escaped, so
/// `<` begins a tag.
fn tags(page: &str) -> Vec<&str> {
    let markup = between(page, "</style>", "<script type=\"application/json\"");
    markup.split('<').skip(1).map(|rest| rest.split_once('>').unwrap().0).collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let from = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    Some(&tag[from..from + tag[from..].find('"')?])
}

#[test]
fn the_policy_allows_the_one_style_and_the_one_script() {
    let page = page(&Sample::stale_read());
    let hash = |element: &str| {
        let text = between(&page, &format!("<{element}>"), &format!("</{element}>"));
        BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()))
    };
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.contains(&format!("style-src 'sha256-{}'; ", hash("style"))), "{policy}");
    assert!(policy.contains(&format!("script-src 'sha256-{}'; ", hash("script"))), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.matches("<style").count(), 1);
    assert_eq!(page.matches("<script").count(), 2, "the script and what it reads");
}

#[test]
fn the_script_parses_no_markup_and_asks_nobody() {
    let script = super::script::SCRIPT;
    let forbidden = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "import(",
        "</script",
        "<!--",
    ];
    for word in forbidden {
        assert!(!script.contains(word), "{word}");
    }
    for (number, line) in script.lines().enumerate() {
        assert!(line.chars().count() <= 100, "line {number}: {line}");
    }
}

#[test]
fn what_the_script_reads_is_json_that_ends_no_element() {
    for (name, sample) in Sample::all() {
        let page = page(&sample);
        let data = between(&page, "id=\"data\">", "</script>");
        assert!(!data.contains('<'), "{name}");
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        let index = data["operations"]["index"].as_array().unwrap();
        assert_eq!(index.len(), sample.history.len(), "{name}");
        let findings = &sample.source(Path::new("/nowhere")).findings().len();
        assert_eq!(data["findings"].as_array().unwrap().len(), (*findings).min(10), "{name}");
    }
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for (name, sample) in Sample::all() {
        let page = page(&sample);
        let style = between(&page, "<style>", "</style>");
        assert!(!style.contains("url(") && !style.contains("@import"), "{name}");
        for tag in tags(&page) {
            let element = tag.split([' ', '/']).next().unwrap();
            let forbidden =
                ["script", "img", "iframe", "object", "embed", "link", "form", "base", "image"];
            assert!(!forbidden.contains(&element), "{name}: <{tag}>");
            // Outside the quotes are names alone.
            let names = tag.split('"').step_by(2);
            assert!(names.into_iter().all(|part| !part.contains(" on")), "{name}: <{tag}>");
            assert_eq!(attribute(tag, "style"), None, "{name}: <{tag}>");
            assert_eq!(attribute(tag, "src"), None, "{name}: <{tag}>");
            if let Some(target) = attribute(tag, "href") {
                assert!(!target.contains(':') && !target.starts_with("//"), "{name}: {target}");
            }
        }
    }
}

#[test]
fn elements_are_closed_in_order() {
    for (name, sample) in Sample::all() {
        let page = page(&sample);
        let mut open = Vec::new();
        for tag in tags(&page) {
            let element = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap();
            if matches!(element, "style" | "head" | "html" | "body") || tag.ends_with('/') {
                continue;
            }
            match tag.starts_with('/') {
                true => assert_eq!(open.pop(), Some(element), "{name}"),
                false => open.push(element),
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
    }
}

#[test]
fn names_are_unique_and_links_lead_somewhere() {
    for (name, sample) in Sample::all() {
        let page = page(&sample);
        let mut ids = HashSet::new();
        for tag in tags(&page) {
            if let Some(id) = attribute(tag, "id") {
                assert!(ids.insert(id), "{name}: {id} twice");
            }
        }
        for tag in tags(&page) {
            for reference in ["href", "for", "aria-labelledby"] {
                let target = attribute(tag, reference).unwrap_or_default();
                let target = match reference {
                    "href" => target.strip_prefix('#').unwrap_or_default(),
                    _ => target,
                };
                assert!(target.is_empty() || ids.contains(target), "{name}: {target}");
            }
        }
    }
}

#[test]
fn the_sections_follow_the_readers_questions() {
    let page = page(&Sample::stale_read());
    let order = [
        "<h1>",
        "isobar run examples/etcd-register.yaml --seed 42",
        "id=\"contradiction\"",
        "id=\"witness\"",
        "id=\"run\"",
        "id=\"operations\"",
        "id=\"checks\"",
        "id=\"faults\"",
        "id=\"reproduction\"",
    ];
    let places: Vec<usize> = order.iter().map(|mark| page.find(mark).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn the_contradicting_read_is_marked_under_its_fault() {
    let page = page(&Sample::stale_read());
    let drawing = between(&page, "<svg class=\"lanes\"", "</svg>");
    assert_eq!(drawing.matches("class=\"operation ").count(), 4);
    let wrong = between(drawing, "class=\"operation read ok wrong\"", "</g>");
    assert!(wrong.contains("✗ read → 17") && wrong.contains("op-100006"), "{wrong}");
    assert!(drawing.contains("partition #2 on n5"), "the fault behind it");
    assert!(page.contains("it read 17, but the register holds 21"));
    assert!(page.contains("<a class=\"name\" href=\"#op-100006\">op-100006</a>"));
    assert!(page.contains("<a class=\"name\" href=\"#op-100006\">op 100006</a> returned 17"));
    assert!(page.contains("id=\"op-100006\""));
}

#[test]
fn further_findings_are_folded_away_but_whole() {
    let page = page(&Sample::two_findings());
    let others = between(&page, "id=\"other-findings\"", "</section>");
    assert_eq!(others.matches("<details>").count(), 2);
    assert!(others.contains("There is none: not even the first operation can be right."));
    assert!(others.contains("class=\"operation write info\""), "an open write is drawn as open");
    assert!(others.contains("outcome unknown: may happen any time"));
}

#[test]
fn a_table_says_what_it_leaves_out() {
    let page = page(&Sample::stale_read());
    let operations = between(&page, "id=\"operations\"", "</section>");
    assert!(operations.contains("200 operations nearest to the finding; 101 not shown."));
    assert_eq!(operations.matches("class=\"ok named\"").count(), 4);
}

#[test]
fn unknown_and_incomplete_are_said_on_the_first_screen() {
    let first_screen = |sample: &Sample| between(&page(sample), "<header", "</header>").to_owned();
    let unknown = first_screen(&Sample::unknown());
    assert!(unknown.contains("This run proves nothing."), "{unknown}");
    assert!(unknown.contains("used up the budget"), "{unknown}");
    let incomplete = first_screen(&Sample::incomplete());
    assert!(incomplete.contains("cut short at 18.000 s"), "{incomplete}");
    assert!(incomplete.contains("n5 could not be reached"), "{incomplete}");
}

#[test]
fn hostile_values_are_text_and_short() {
    let page = page(&Sample::hostile());
    assert!(!page.contains("<img"), "markup from a value");
    assert!(page.contains("&lt;/script&gt;&lt;/style&gt;&lt;img src=x onerror=alert(1)&gt;"));
    assert!(page.contains("⟨U+202E⟩") && page.contains("⟨U+0000⟩"));
    let hides = |c: char| c == '\u{202e}' || (c.is_control() && c != '\n' && c != '\t');
    assert!(!page.contains(hides));
    assert!(page.contains("1,048,576 characters)"), "says how long the value was");
    assert!(page.contains("{{body}}"), "a value which looks like ours is put in as it is");
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
}

#[test]
fn an_empty_run_still_makes_a_page() {
    let mut sample = Sample::unknown();
    sample.history = Default::default();
    sample.results.checks.clear();
    sample.meta.nodes.clear();
    sample.meta.phases.clear();
    let page = page(&sample);
    assert!(page.contains("nothing to plot") && page.contains("No fault was injected."));
}

#[test]
fn a_thousand_findings_stay_a_page() {
    let mut sample = Sample::stale_read();
    let finding = sample.results.checks[0].findings[0].clone();
    sample.results.checks[0].findings = vec![finding; 1000];
    let page = page(&sample);
    assert!(page.contains("Other findings (999)") && page.contains("990 more findings"));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

#[test]
fn a_long_run_stays_a_small_page() {
    let mut sample = Sample::stale_read();
    edit(&mut sample.history, |operations| {
        let load = operations.clone();
        for round in 1..40u32 {
            operations.extend(load.iter().map(|op| {
                let mut op = op.clone();
                op.index.0 += round * 200_000;
                op
            }));
        }
    });
    let page = page(&sample);
    assert!(page.contains("200 operations nearest to the finding; "), "says what it leaves out");
    assert!(page.contains("2,500 of "), "says which points are drawn");
    assert!(
        page.contains(" are on this page: those that findings name"),
        "says what the script has"
    );
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}
