//! The programs that a process group runs: one loads the CPU, and one holds memory.

use std::fmt;
use std::path::{Path, PathBuf};

/// The programs of all groups, from the folders of a `PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    pub(super) loader: CpuLoader,
    /// Holds memory: dd, which reads a block of that size and then waits for a pipe that nobody reads.
    pub(super) dd: Option<PathBuf>,
    /// The variable `PATH`.
    pub(super) path: String,
}

/// Program that uses the CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CpuLoader {
    /// stress-ng at this path.
    StressNg(PathBuf),
    /// Busy loops of the shell.
    Shell,
}

impl Programs {
    /// stress-ng and dd if a folder of `path` has them; `path` has the form of the variable `PATH`.
    pub(super) fn on_path(path: &str) -> Self {
        let find = |name: &str| {
            let mut files =
                std::env::split_paths(path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(name));
            files.find(|file| is_program(file))
        };
        Self {
            loader: find("stress-ng").map_or(CpuLoader::Shell, CpuLoader::StressNg),
            dd: find("dd"),
            path: path.to_owned(),
        }
    }

    /// Script of the shell that leads a group, and its arguments.
    pub(super) fn script(&self) -> (&'static str, [&Path; 2]) {
        let dd = self.dd.as_deref().unwrap_or(Path::new(""));
        match &self.loader {
            CpuLoader::StressNg(program) => {
                (concat!(include_str!("stress_ng.sh"), include_str!("group.sh")), [program, dd])
            }
            CpuLoader::Shell => {
                (concat!(include_str!("shell_loops.sh"), include_str!("group.sh")), [Path::new(""), dd])
            }
        }
    }
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

impl fmt::Display for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.loader {
            CpuLoader::StressNg(program) => program.display().fmt(f)?,
            CpuLoader::Shell => f.write_str("shell loops, as stress-ng is not on the PATH")?,
        }
        match &self.dd {
            Some(_) => Ok(()),
            None => f.write_str("; they fill no memory, as dd is not on the PATH"),
        }
    }
}
