//! `install.sh`: a release in a folder, at a `file:` address and at a server is installed, replaced and removed; what is not as its
//! sum says changes nothing.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::processes::promemu_command;

/// A release of this promemu in a folder, and a prefix to install it into.
struct Release {
    dir: tempfile::TempDir,
    kind: String,
}

impl Release {
    fn new() -> Self {
        let printed = promemu_command(&["--version"]).output().unwrap().stdout;
        let printed = String::from_utf8(printed).unwrap();
        let kind = printed.lines().find_map(|line| line.strip_prefix("target: ")).unwrap().to_owned();
        let release = Self { dir: tempfile::tempdir().unwrap(), kind };
        std::fs::create_dir(release.folder()).unwrap();
        release.add(env!("CARGO_PKG_VERSION"));
        release
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("release")
    }

    fn prefix(&self) -> PathBuf {
        self.dir.path().join("prefix")
    }

    fn archive(&self, version: &str) -> PathBuf {
        self.folder().join(format!("promemu-{version}-{}.tar.gz", self.kind))
    }

    /// Makes the archive of a version, and writes its sum beside those of others. The program stands by itself, as the archive
    /// of `manage.sh` would take minutes to build.
    fn add(&self, version: &str) {
        let program = env!("CARGO_BIN_EXE_promemu");
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = -V ]; then echo promemu {version}; else exec {program} \"$@\"; fi\n"
        );
        self.add_program(version, &script);
    }

    fn add_program(&self, version: &str, script: &str) {
        let name = format!("promemu-{version}-{}", self.kind);
        let root = self.dir.path().join(&name);
        std::fs::create_dir_all(root.join("configs")).unwrap();
        std::fs::create_dir(root.join("plugins")).unwrap();
        std::fs::write(root.join("configs/mine.ron"), "Config()").unwrap();
        std::fs::write(root.join("plugins").join(format!("of-{version}")), "").unwrap();
        for file in
            ["README.md", "CHANGELOG.md", "LICENSE", "promemu.1", "promemu.bash", "_promemu", "promemu.fish"]
        {
            std::fs::write(root.join(file), file).unwrap();
        }
        std::fs::write(root.join("promemu"), script).unwrap();
        let packed = format!(
            "chmod 755 '{name}/promemu' && tar -czf 'release/{name}.tar.gz' '{name}' && cd release && sha256sum *.tar.gz >SHA256SUMS"
        );
        let output = Command::new("sh").args(["-c", &packed]).current_dir(self.dir.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn install(&self, from: &str, args: &[&str]) -> Output {
        let mut command = Command::new("sh");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh")).args(["--from", from]);
        // A proxy of the environment has nothing to do with this machine.
        command.arg("--prefix").arg(self.prefix()).args(args).env("no_proxy", "127.0.0.1");
        command.output().unwrap()
    }

    fn installed_version(&self) -> String {
        let output = Command::new(self.prefix().join("bin/promemu")).arg("-V").output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// All files below a folder, without it.
fn files(folder: &Path) -> Vec<String> {
    let output = Command::new("find").args([".", "-type", "f"]).current_dir(folder).output().unwrap();
    let mut files: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    files.sort();
    files
}

/// Serves the files of a folder over HTTP, as long as the test runs.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut head) = (stream.unwrap(), Vec::new());
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            let name = head.split_whitespace().nth(1).unwrap().trim_start_matches('/');
            let (status, body) = std::fs::read(folder.join(name))
                .map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
        }
    });
    address
}

#[test]
fn a_release_is_installed_from_a_folder_a_file_address_and_a_server_and_removed() {
    let release = Release::new();
    let folder = release.folder().display().to_string();
    for from in [folder.clone(), format!("file://{folder}"), serve(release.folder())] {
        let output = release.install(&from, &[]);
        let version = format!("promemu {}", env!("CARGO_PKG_VERSION"));
        assert!(
            output.status.success() && said(&output).contains(&format!("installed: {version}\n")),
            "{from}: {output:?}"
        );
        assert_eq!(release.installed_version(), version);
        let installed = files(&release.prefix());
        for file in [
            "./bin/promemu",
            "./lib/promemu/configs/mine.ron",
            "./share/man/man1/promemu.1",
            "./lib/promemu/LICENSE",
        ] {
            assert!(installed.iter().any(|found| found == file), "{file} in {installed:?}");
        }
        let configs =
            Command::new(release.prefix().join("bin/promemu")).arg("--list-configs").output().unwrap();
        assert!(String::from_utf8(configs.stdout).unwrap().contains("hosts_load_with_peaks"));
        let removed = release.install(&from, &["--uninstall"]);
        assert!(removed.status.success(), "{removed:?}");
        assert_eq!(files(&release.prefix()), [""; 0]);
    }
}

#[test]
fn the_highest_version_is_the_default_and_replaces_another() {
    let release = Release::new();
    let folder = release.folder().display().to_string();
    release.add("100.0.0");
    release.add("99.0.0");
    for (args, version) in [(&["--version", "99.0.0"][..], "99.0.0"), (&[], "100.0.0")] {
        let output = release.install(&folder, args);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(release.installed_version(), format!("promemu {version}"));
        let plugins = files(&release.prefix().join("lib/promemu/plugins"));
        assert_eq!(plugins, [format!("./of-{version}")], "those of another version are gone");
    }
    let output = release.install(&folder, &["--version", "3.0.0"]);
    assert!(
        !output.status.success()
            && said(&output).contains(concat!("it has:\n", env!("CARGO_PKG_VERSION"), "\n99.0.0\n100.0.0\n")),
        "{output:?}"
    );
}

#[test]
fn a_release_is_the_default_before_what_came_before_it() {
    let release = Release::new();
    for version in ["100.0.0-rc1", "100.0.0", "100.0.0-rc2"] {
        release.add(version);
    }
    assert!(release.install(&release.folder().display().to_string(), &[]).status.success());
    assert_eq!(release.installed_version(), "promemu 100.0.0");
}

#[test]
fn files_of_others_and_a_program_that_works_are_left_alone() {
    let release = Release::new();
    let folder = release.folder().display().to_string();
    let lib = release.prefix().join("lib/promemu");
    std::fs::create_dir_all(&lib).unwrap();
    std::fs::write(lib.join("theirs"), "").unwrap();
    for args in [&[][..], &["--uninstall"]] {
        let refused = release.install(&folder, args);
        assert!(
            !refused.status.success() && said(&refused).contains("not installed by this script"),
            "{refused:?}"
        );
        assert_eq!(files(&release.prefix()), ["./lib/promemu/theirs"]);
    }
    std::fs::remove_dir_all(&lib).unwrap();
    assert!(release.install(&folder, &[]).status.success());
    release.add_program("102.0.0", "#!/no/such/interpreter\n");
    let refused = release.install(&folder, &[]);
    assert!(
        !refused.status.success() && said(&refused).contains("does not run on this machine"),
        "{refused:?}"
    );
    assert_eq!(release.installed_version(), concat!("promemu ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_archive_without_its_sum_changes_nothing() {
    let release = Release::new();
    let folder = release.folder().display().to_string();
    assert!(release.install(&folder, &[]).status.success());
    let before = files(&release.prefix());
    release.add("101.0.0");
    let archive = release.archive("101.0.0");
    let whole = std::fs::read(&archive).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for tampered in [&flipped[..], &whole[..whole.len() - 1], &[]] {
        std::fs::write(&archive, tampered).unwrap();
        let output = release.install(&folder, &[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains("is refused: its SHA-256 is"), "{output:?}");
    }
    std::fs::write(&archive, &whole).unwrap();
    let other = "0".repeat(64);
    let empty = release.install(&folder, &["--sha256", ""]);
    assert!(!empty.status.success() && said(&empty).contains("64 hexadecimal digits"), "{empty:?}");
    let pinned = release.install(&folder, &["--sha256", &other]);
    assert!(!pinned.status.success() && said(&pinned).contains(&format!("should be {other};")), "{pinned:?}");
    std::fs::write(release.folder().join("SHA256SUMS"), "").unwrap();
    let unlisted = release.install(&folder, &["--version", "101.0.0"]);
    assert!(
        !unlisted.status.success() && said(&unlisted).contains("has no promemu-101.0.0-"),
        "{unlisted:?}"
    );
    assert_eq!(files(&release.prefix()), before);
    assert_eq!(release.installed_version(), concat!("promemu ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_arguments_and_addresses_that_others_could_change_are_refused() {
    let release = Release::new();
    for (from, args, answer) in [
        (
            "http://releases.example/promemu",
            &[][..],
            "is refused: releases are read from https:// or from a folder",
        ),
        ("http://127.0.0.1.releases.example/promemu", &[], "is refused"),
        ("ftp://127.0.0.1/promemu", &[], "is refused"),
        ("/no/such/folder", &[], "/no/such/folder has no SHA256SUMS that can be read"),
        (".", &["--version", "../1.0.0"], "../1.0.0 is no version"),
        (".", &["--colour"], "unknown argument: --colour"),
        (".", &["--version"], "--version needs a value"),
    ] {
        let output = release.install(from, args);
        assert!(!output.status.success() && said(&output).contains(answer), "{from} {args:?}: {output:?}");
    }
    assert!(!release.prefix().exists());
}
