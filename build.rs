//! The commit that `promemu --version` names: the variable `PROMEMU_COMMIT`, what git says of a clone, or what cargo wrote into a
//! published crate.
//!
//! Debug builds name none, as each commit would build the program and its tests anew.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Parts of the program, beside the sources of other crates.
const SOURCES: [&str; 6] = ["build.rs", "Cargo.toml", "Cargo.lock", "configs", "mixer", "plugins"];
/// Written by cargo into each package; a clone does not have it.
const PACKAGED: &str = ".cargo_vcs_info.json";
/// Added to a commit whose files were edited.
const EDITED: &str = " with changes";

fn main() {
    println!("cargo::rerun-if-env-changed=PROMEMU_COMMIT");
    println!("cargo::rustc-env=PROMEMU_TARGET={}", variable("TARGET"));
    println!("cargo::rustc-env=PROMEMU_COMMIT={}", commit().unwrap_or_else(|| "unknown".to_owned()));
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn commit() -> Option<String> {
    let given = variable("PROMEMU_COMMIT");
    if !given.is_empty() {
        return Some(given);
    }
    if variable("PROFILE") == "debug" {
        println!("cargo::rerun-if-changed=build.rs");
        return None;
    }
    let folder = variable("CARGO_MANIFEST_DIR");
    let folder = Path::new(&folder);
    for source in SOURCES.iter().filter(|source| folder.join(source).exists()) {
        println!("cargo::rerun-if-changed={source}");
    }
    // A package may lie in somebody else's repository.
    if folder.join(".git").exists() { of_clone(folder) } else { of_package(folder) }
}

/// The commit that is checked out.
fn of_clone(folder: &Path) -> Option<String> {
    let commit = git(folder, &["rev-parse", "HEAD"])?;
    let branch = git(folder, &["symbolic-ref", "--quiet", "HEAD"]);
    for name in [Some("HEAD".to_owned()), branch, Some("packed-refs".to_owned())].into_iter().flatten() {
        // A file that does not exist would run this script at every build.
        if let Some(file) =
            git(folder, &["rev-parse", "--git-path", &name]).filter(|file| folder.join(file).exists())
        {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    let mut status = vec!["status", "--porcelain", "--untracked-files=no", "--"];
    status.extend(SOURCES);
    let is_edited = git(folder, &status).is_none_or(|changes| !changes.is_empty());
    Some(if is_edited { commit + EDITED } else { commit })
}

/// The commit that the crate was packaged from.
fn of_package(folder: &Path) -> Option<String> {
    let info = fs::read_to_string(folder.join(PACKAGED)).ok()?;
    let commit = info.split("\"sha1\"").nth(1)?.split('"').nth(1)?;
    if commit.len() < 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let is_edited = info.split_whitespace().collect::<String>().contains("\"dirty\":true");
    Some(format!("{commit}{}", if is_edited { EDITED } else { "" }))
}

fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
