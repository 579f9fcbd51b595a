//! A real process: a process group led by a shell.
//!
//! The shell reads its commands from a pipe whose other end only promemu holds. When that end is closed, by dropping
//! the [`ProcessGroup`] or by the kernel when promemu is gone, the shell kills its group. So the group needs no message
//! to end, and is guarded from its first moment. The parent-death signal of prctl(2) would not do: it fires when the
//! thread that started the process ends, and the processes that this one starts do not inherit it.

use std::io::{Result, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::cpu_budget::CpuLoad;
use super::cpu_loader::CpuLoader;

const SHELL: &str = "/bin/sh";

/// A running process group.
#[derive(Debug)]
pub(super) struct ProcessGroup {
    shell: Child,
    input: ChildStdin,
}

impl ProcessGroup {
    /// Starts an idle group. It inherits no open file of promemu's, and of its environment only the variables named
    /// here.
    pub(super) fn start(loader: &CpuLoader, name: &str, path: &str) -> Result<Self> {
        let (script, program) = loader.script();
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
        let input = shell.stdin.take().ok_or_else(|| std::io::Error::other("the shell has no input"))?;
        Ok(Self { shell, input })
    }

    /// Pid of the leader, which is also the group's id.
    pub(super) fn pid(&self) -> u32 {
        self.shell.id()
    }

    /// Replaces the group's load.
    pub(super) fn set_load(&mut self, load: CpuLoad) -> Result<()> {
        writeln!(self.input, "{} {}", load.workers(), load.percent_each())
    }

    /// Ends the group. The caller waits for the returned leader.
    pub(super) fn terminate(self) -> Child {
        let Self { shell, input } = self;
        drop(input);
        shell
    }
}

/// Sends SIGKILL to a whole group. The leader may have ended, but must not have been waited for: until then the
/// kernel gives its pid to no other process.
pub(super) fn kill_group(leader: u32) {
    let kill = Command::new(SHELL)
        .args(["-c", "kill -s KILL -- \"-$0\"", &leader.to_string()])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // A group that is gone needs no signal, and without a shell there would be no group.
    drop(kill);
}
