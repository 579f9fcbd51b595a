//! The guide of plugins works as it is written: its files and commands in their order, from an empty folder.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::processes::{Process, eventually, free_port, get};

fn repository(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The code blocks: their language and text.
fn blocks(guide: &str) -> Vec<(&str, &str)> {
    let fenced = guide.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap()).collect()
}

/// The name of the file that a block holds: its first line, as a comment.
fn file_name(block: &str) -> Option<&str> {
    let first = block.lines().next()?;
    let name = first.strip_prefix("// ").or_else(|| first.strip_prefix("# "))?;
    name.contains('.').then_some(name)
}

/// A reader of the guide, with a clone of promemu in the folder and promemu on the PATH.
struct Reader {
    _folder: tempfile::TempDir,
    here: PathBuf,
    path: OsString,
    printed: String,
}

impl Reader {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(env!("CARGO_MANIFEST_DIR"), folder.path().join("promemu")).unwrap();
        let programs = [
            std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into()),
            env!("CARGO_BIN_EXE_promemu").into(),
        ];
        let folders = programs.iter().filter_map(|program| Some(Path::new(program).parent()?.to_owned()));
        let others = std::env::var_os("PATH").unwrap();
        let path = std::env::join_paths(folders.chain(std::env::split_paths(&others))).unwrap();
        Self { here: folder.path().to_owned(), _folder: folder, path, printed: String::new() }
    }

    fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {line}")]).current_dir(&self.here).env("PATH", &self.path);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("PME_")
                || ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTFLAGS"].contains(&&*name)
            {
                command.env_remove(name);
            }
        }
        command.env("CARGO_NET_OFFLINE", "true").env("PME_LISTEN", "off");
        command
    }

    /// Runs a command to its end; one that serves a page until the page has the metrics of its config.
    fn run(&mut self, line: &str) {
        if let Some(folder) = line.strip_prefix("cd ") {
            self.here = self.here.join(folder).canonicalize().unwrap();
        } else if line.contains("scrape=") {
            let port = free_port();
            let mut run = Process::start(&mut self.shell(&line.replace("9464", &port.to_string())));
            let metric = if line.contains("connects") { "connect_errors_total{" } else { "stairs{" };
            eventually(line, || get(port, "/metrics").filter(|page| page.contains(metric)));
            assert_eq!(run.terminate(), Some(0), "{line}: {}", run.log());
        } else {
            let output = self.shell(line).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !said.contains("warning"), "{line}: {said}");
            self.printed += &String::from_utf8_lossy(&output.stdout);
        }
    }
}

#[test]
fn every_file_and_command_of_the_guide_works_from_an_empty_folder() {
    let guide = repository("docs/plugins.md");
    let mut reader = Reader::new();
    let (mut commands, mut files) = (0, 0);
    for (language, block) in blocks(&guide) {
        if language == "sh" {
            for line in block.lines() {
                reader.run(line);
                commands += 1;
            }
        } else if let Some(name) = file_name(block) {
            fs::write(reader.here.join(name), format!("{block}\n")).unwrap();
            files += 1;
        }
    }
    assert!(commands >= 15 && files == 5, "{commands} commands, {files} files");
    for printed in ["scenario climb: ", "stairs{", "marks{", "shop_basket_euros_bucket{", "article=\"bolt\""]
    {
        assert!(reader.printed.contains(printed), "{printed} in {}", reader.printed);
    }
}

#[test]
fn the_parts_that_the_guide_shows_are_those_of_the_example() {
    let (guide, example) = (repository("docs/plugins.md"), repository("plugins/examples/shops.rs"));
    let parts = blocks(&guide)
        .into_iter()
        .filter(|(language, block)| *language == "rust" && file_name(block).is_none());
    let parts: Vec<&str> = parts.map(|(_, block)| block).collect();
    for part in &parts {
        assert!(example.contains(part), "{part}");
    }
    assert!(parts.len() >= 6 && guide.lines().count() < 300);
}
