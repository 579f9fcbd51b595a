//! The program that loads the CPU inside a process group.

use std::fmt;
use std::path::{Path, PathBuf};

/// Program that uses the CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CpuLoader {
    /// stress-ng at this path.
    StressNg(PathBuf),
    /// Busy loops of the shell.
    Shell,
}

impl CpuLoader {
    /// stress-ng if a folder of `path` has it, else the shell; `path` has the form of the variable `PATH`.
    pub(super) fn on_path(path: &str) -> Self {
        let is_program = |file: &Path| {
            use std::os::unix::fs::PermissionsExt;
            file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
        };
        let mut files =
            std::env::split_paths(path).filter(|dir| dir.is_absolute()).map(|dir| dir.join("stress-ng"));
        files.find(|file| is_program(file)).map_or(Self::Shell, Self::StressNg)
    }

    /// Shell script that leads the group, and its first argument.
    pub(super) fn script(&self) -> (&'static str, &Path) {
        match self {
            Self::StressNg(program) => (include_str!("stress_ng.sh"), program.as_path()),
            Self::Shell => (include_str!("shell_loops.sh"), Path::new("")),
        }
    }
}

impl fmt::Display for CpuLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StressNg(program) => program.display().fmt(f),
            Self::Shell => f.write_str("shell loops, as stress-ng is not on the PATH"),
        }
    }
}
