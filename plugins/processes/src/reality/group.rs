//! A real process: a group of processes, which a shell leads.
//!
//! The shell reads what to do from a pipe whose other end promemu alone has. When that end is closed, by dropping the
//! [`Group`] or by the kernel when promemu is gone, the shell kills its group. Nobody has to be told for that, and
//! there is no moment between the beginning of a group and its being guarded. The parent-death signal of prctl(2)
//! would not do: it comes when the thread ends that began the process, and is forgotten by what the process begins
//! itself.

use std::io::{Result, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use super::ration::Load;

const SHELL: &str = "/bin/sh";

/// What loads the CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Burner {
    /// stress-ng, which is here.
    StressNg(PathBuf),
    /// Loops of the shell.
    Shell,
}

/// A group that lives.
#[derive(Debug)]
pub(super) struct Group {
    shell: Child,
    input: ChildStdin,
}

impl Burner {
    /// stress-ng, if it is on this path, which is as the variable `PATH` has it.
    pub(super) fn on_path(path: &str) -> Self {
        let is_program = |file: &Path| {
            use std::os::unix::fs::PermissionsExt;
            file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
        };
        let files =
            std::env::split_paths(path).filter(|dir| dir.is_absolute()).map(|dir| dir.join("stress-ng"));
        files.into_iter().find(|file| is_program(file)).map_or(Self::Shell, Self::StressNg)
    }
}

impl Group {
    /// Begins one, which does nothing yet. It has nothing of promemu's: its files are closed by the kernel when the
    /// shell begins, and of the variables it gets those that are named here.
    pub(super) fn begin(burner: &Burner, name: &str, path: &str) -> Result<Self> {
        let (script, program) = match burner {
            Burner::StressNg(program) => (include_str!("stress_ng.sh"), program.as_path()),
            Burner::Shell => (include_str!("shell.sh"), Path::new("")),
        };
        let mut shell = Command::new(SHELL)
            .args(["-c", script, name])
            .arg(program)
            .env_clear()
            .env("PATH", path)
            .env("TMPDIR", std::env::temp_dir())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let input = shell.stdin.take().ok_or_else(|| std::io::Error::other("it has no input"))?;
        Ok(Self { shell, input })
    }

    /// The pid of its leader, by which the group is called, too.
    pub(super) fn pid(&self) -> u32 {
        self.shell.id()
    }

    /// Changes what it does.
    pub(super) fn load(&mut self, load: Load) -> Result<()> {
        writeln!(self.input, "{} {}", load.workers(), load.percent_each())
    }

    /// Ends it, and gives what is still to be waited for.
    pub(super) fn end(self) -> Child {
        let Self { shell, input } = self;
        drop(input);
        shell
    }
}

/// Kills all that are in a group. Its leader may have ended, but must not have been waited for: so nobody else has
/// come by its number.
pub(super) fn kill(leader: u32) {
    let kill = Command::new(SHELL)
        .args(["-c", "kill -s KILL -- \"-$0\"", &leader.to_string()])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // Who is not there any more need not be killed, and without a shell there would be no group.
    drop(kill);
}
