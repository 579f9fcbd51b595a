//! The program's version, and the commit that a build writes into it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::processes::promemu_command;

fn printed(flag: &str) -> String {
    let output = promemu_command(&[flag]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_version_is_one_line_and_in_full_says_what_the_program_was_built_from_and_for() {
    let line = concat!("promemu ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(printed("-V"), line);
    let full = printed("--version");
    let fields = full.strip_prefix(line).unwrap_or_else(|| panic!("{full}"));
    let fields: Vec<(&str, &str)> = fields.lines().map(|line| line.split_once(": ").unwrap()).collect();
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["commit", "target", "plugin interface", "outputs", "features"]);
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    assert!(rustc.contains(&format!("host: {}\n", fields[1].1)), "{full}");
    assert_eq!(fields[3].1, "pushgateway, scrape, remote-write, otlp, file");
}

/// The build script as a program of its own.
fn build_script(folder: &Path) -> PathBuf {
    let program = folder.join("build-script");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "-A", "unknown_lints", "-o"]).arg(&program).arg(source);
    let output = rustc.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    program
}

/// Variables by which a hook of git names its repository.
const GIT_PLACES: [&str; 3] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"];

fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    // This repository and this user have nothing to do with it.
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for variable in GIT_PLACES {
        command.env_remove(variable);
    }
    command.arg("-C").arg(folder).args(["-c", "user.name=a", "-c", "user.email=a@localhost"]).args(args);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_build_names_the_commit_of_its_sources() {
    let dir = tempfile::tempdir().unwrap();
    let script = build_script(dir.path());
    let commit = |folder: &Path, profile: &str, given: &str| {
        let mut script = Command::new(&script);
        script.current_dir(folder).env("CARGO_MANIFEST_DIR", folder).env("PROFILE", profile);
        for variable in GIT_PLACES {
            script.env_remove(variable);
        }
        let output = script.env("TARGET", "x").env("PROMEMU_COMMIT", given).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("cargo::rustc-env=PROMEMU_COMMIT="));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let clone = dir.path().join("clone");
    std::fs::create_dir(&clone).unwrap();
    git(&clone, &["init", "-q", "-b", "main"]);
    std::fs::write(clone.join("Cargo.toml"), "a").unwrap();
    git(&clone, &["add", "."]);
    git(&clone, &["commit", "-q", "-m", "a"]);
    let head = git(&clone, &["rev-parse", "HEAD"]);
    assert_eq!(commit(&clone, "release", ""), head);
    assert_eq!(commit(&clone, "debug", ""), "unknown", "else each commit would build all tests anew");
    assert_eq!(commit(&clone, "debug", "given"), "given");
    std::fs::write(clone.join("Cargo.toml"), "b").unwrap();
    assert_eq!(commit(&clone, "release", ""), format!("{head} with changes"));

    // A crate from a registry that was unpacked in somebody's repository.
    let package = clone.join("package");
    std::fs::create_dir(&package).unwrap();
    assert_eq!(commit(&package, "release", ""), "unknown");
    let info = |sha1: &str, dirty: &str| {
        let text =
            format!("{{\n  \"git\": {{\n    \"sha1\": \"{sha1}\"{dirty}\n  }},\n  \"path_in_vcs\": \"\"\n}}");
        std::fs::write(package.join(".cargo_vcs_info.json"), text).unwrap();
    };
    let other = "0123456789abcdef0123456789abcdef01234567";
    info(other, "");
    assert_eq!(commit(&package, "release", ""), other);
    info(other, ",\n    \"dirty\": true");
    assert_eq!(commit(&package, "release", ""), format!("{other} with changes"));
    info("$(no commit)", "");
    assert_eq!(commit(&package, "release", ""), "unknown");
}
