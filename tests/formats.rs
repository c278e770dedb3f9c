//! `check` reads what others write: told by the first bytes, packed or not, from a file or a pipe.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

const EDN: &str = "\
{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value 2}
";

const JSON: &str = r#"[
  {"process": 0, "type": "invoke", "f": "write", "value": 1},
  {"process": 0, "type": "ok", "f": "write", "value": 1},
  {"process": 1, "type": "invoke", "f": "read", "value": null},
  {"process": 1, "type": "ok", "f": "read", "value": 2}
]"#;

fn check(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_isobar"))
        .arg("check")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_history_is_judged_alike_in_every_format_packed_or_not_from_file_or_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let contents = [
        ("plain.edn", EDN.as_bytes().to_vec()),
        ("plain.json", JSON.as_bytes().to_vec()),
        (
            "lines.jsonl",
            JSON.lines().map(|line| line.trim_end_matches(',')).collect::<Vec<_>>()[1..5]
                .join("\n")
                .into_bytes(),
        ),
        ("packed.edn.gz", gzip(EDN)),
        ("two-members.gz", [gzip(&EDN[..100]), gzip(&EDN[100..])].concat()),
        ("packed.json.zst", zstd::encode_all(JSON.as_bytes(), 3).unwrap()),
    ];
    for (name, bytes) in &contents {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let from_file = check(&[path.to_str().unwrap()], b"");
        let from_pipe = check(&["-"], bytes);
        for (output, shown) in [(from_file, path.to_str().unwrap()), (from_pipe, "-")] {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{name}: {told}");
            assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{shown}\tviolated\n"));
            assert!(told.contains("op 2 (process 1) read 2"), "{name}: {told}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_place_and_is_no_verdict() {
    let broken = EDN.replace(":f :read", ":f 17");
    for (arguments, input, expected) in [
        (&["-"][..], broken.as_bytes(), "standard input:3:32: `:f`: expected a keyword"),
        (&["--format", "awdit", "-"], EDN.as_bytes(), "standard input:1:1: "),
        (&["-"], &gzip(EDN)[..30], "standard input: cannot read: "),
    ] {
        let output = check(arguments, input);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(output.stdout.is_empty() && told.contains(expected), "{told}");
    }
}

/// One transaction found the other's append to x and missed the one to y.
const SKEWED: &str = "\
{:process 0, :type :invoke, :f :txn, :value [[:append x 1] [:append y 1]]}
{:process 1, :type :invoke, :f :txn, :value [[:r x nil] [:r y nil]]}
{:process 0, :type :ok, :f :txn, :value [[:append x 1] [:append y 1]]}
{:process 1, :type :ok, :f :txn, :value [[:r x [1]] [:r y []]]}
";

#[test]
fn command_lines_of_elle_cli_work_and_cycles_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("skewed.edn");
    fs::write(&file, SKEWED).unwrap();
    let (file, drawn) = (file.to_str().unwrap(), folder.path().join("drawn"));
    let arguments = ["--model", "list-append", "--consistency-models", "serializable,read-atomic"];
    let unused = ["--cycle-search-timeout", "1000", "--plot-format", "svg", "--directory"];
    let rest = [drawn.to_str().unwrap(), file];
    let output = check(&[&arguments[..], &unused, &rest].concat(), b"");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, format!("{file}\tviolated\n"));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("ruled out: ") && said.contains("may still be: "), "{said}");
    let picture = fs::read_to_string(drawn.join("skewed-G-single-1.svg")).unwrap();
    assert!(picture.starts_with("<svg"), "{picture}");
    assert!(drawn.join("skewed-G-single-1.dot").is_file());
    let output = check(&["-m", "list-append", "-c", "read-committed", file], b"");
    assert_eq!(output.status.code(), Some(0));
    let output = check(&["-m", "list-append", "-a", "write-skew", file], b"");
    assert_eq!(output.status.code(), Some(0));
}

/// Written in the other format and judged again: the same verdict; and what was written is written
/// again the same.
#[test]
fn what_is_exported_is_judged_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let export = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_isobar")).arg("export").args(arguments).output().unwrap()
    };
    fs::write(file("a.edn"), EDN).unwrap();
    let written = export(&[&file("a.edn"), "--to", "jsonl", "-o", &file("a.jsonl")]);
    assert!(String::from_utf8_lossy(&written.stderr).contains("2 operations"), "{written:?}");
    let judged = check(&["-m", "register", &file("a.jsonl")], b"");
    assert_eq!(judged.status.code(), Some(1), "{judged:?}");
    let edn = export(&[&file("a.jsonl")]).stdout;
    assert_eq!(check(&["-m", "register", "-"], &edn).status.code(), Some(1));
    fs::write(file("b.edn"), &edn).unwrap();
    assert_eq!(export(&[&file("b.edn")]).stdout, edn);
    let nowhere = export(&[&file("a.edn"), "-o", &file("no/where")]);
    assert_eq!(nowhere.status.code(), Some(4), "{nowhere:?}");
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("cannot write"), "{nowhere:?}");
}
