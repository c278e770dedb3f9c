//! Compiles `src/main.rs` with the compiler that cargo uses, static, so that it runs on any node of
//! this architecture. Where that cannot be, isobar is built without it, and says why when asked.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src");
    let program = PathBuf::from(variable("OUT_DIR")).join("helper");
    let missing = match compile(&program) {
        Ok(()) => String::new(),
        Err(why) => {
            std::fs::write(&program, []).expect("OUT_DIR can be written");
            println!("cargo::warning=faults that need a helper will be refused: {why}");
            why.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    };
    println!("cargo::rustc-env=ISOBAR_HELPER_MISSING={missing}");
    let arch = variable("CARGO_CFG_TARGET_ARCH").to_string_lossy().into_owned();
    println!("cargo::rustc-env=ISOBAR_HELPER_MACHINE={}", machine(&arch));
}

fn variable(name: &str) -> OsString {
    env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name}"))
}

/// What `uname -m` says there.
fn machine(arch: &str) -> &str {
    let little = env::var("CARGO_CFG_TARGET_ENDIAN").is_ok_and(|endian| endian == "little");
    match arch {
        "x86" => "i686",
        "powerpc64" if little => "ppc64le",
        "powerpc64" => "ppc64",
        arch => arch,
    }
}

/// With musl where Rust has it for this machine: the program is half as long then. Else with the C
/// library of the system, of which the static part is not always installed.
fn compile(program: &Path) -> Result<(), String> {
    let target = variable("TARGET").to_string_lossy().into_owned();
    if variable("CARGO_CFG_TARGET_OS") != "linux" {
        return Err(format!("nodes are helped on Linux only, not on {target}"));
    }
    let musl = target.replace("-gnu", "-musl");
    let small = compile_for(&musl, program);
    if small.is_ok() || musl == target {
        return small;
    }
    compile_for(&target, program).map_err(|why| {
        format!(
            "{why} (before the build: install the static C library, or rustup target add {musl})"
        )
    })
}

/// Says why it could not be compiled: the compiler's first error.
fn compile_for(target: &str, program: &Path) -> Result<(), String> {
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.args(["--crate-name", "helper", "--crate-type", "bin", "--edition", "2024"]);
    rustc.arg("--target").arg(target).arg("-o").arg(program).arg("src/main.rs");
    let options =
        ["target-feature=+crt-static", "opt-level=s", "panic=abort", "lto=fat", "strip=symbols"];
    rustc.args(options.iter().flat_map(|option| ["-C", option]));
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut option = OsString::from("linker=");
        option.push(linker);
        rustc.arg("-C").arg(option);
    }
    let output = rustc.output().map_err(|error| format!("cannot start rustc: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // As GNU's linker says it, and LLVM's.
    let missing = ["cannot find -l", "unable to find library"];
    let names = |line: &&str| missing.iter().any(|words| line.contains(words));
    let first = said.lines().find(names).or_else(|| said.lines().find(|l| l.starts_with("error")));
    let first = first.unwrap_or("rustc failed and did not say why").trim_start_matches([' ', '=']);
    Err(first.trim_start_matches("note: ").to_owned())
}
