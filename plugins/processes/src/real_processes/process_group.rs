//! A real process: a process group led by a shell.
//!
//! The shell reads its requests from a pipe whose other end only promemu holds. When that end is closed, by dropping
//! the [`ProcessGroup`] or by the kernel when promemu is gone, the shell ends its group. So the group needs no message
//! to end, and is guarded from its first moment. The parent-death signal of prctl(2) would not do: it fires when the
//! thread that started the process ends, and the processes that this one starts do not inherit it.

use std::io::{Result, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{Pid, Signal, kill_process_group};

use super::cpu_budget::CpuLoad;
use super::programs::Programs;

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
    pub(super) fn start(programs: &Programs, name: &str) -> Result<Self> {
        let (script, arguments) = programs.script();
        // The program that holds memory waits for a place in this pipe, of which only the group has the ends.
        let (unread, full) = std::io::pipe()?;
        // The smallest pipe takes the least memory; another size works, too.
        let _has_changed = fcntl_setpipe_size(&full, rustix::param::page_size()).is_ok();
        let mut shell = Command::new(SHELL)
            .args(["-c", script, name])
            .args(arguments)
            .env_clear()
            .env("PATH", &programs.path)
            .env("TMPDIR", std::env::temp_dir())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(full)
            .stderr(unread)
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
        writeln!(self.input, "cpu {} {}", load.workers(), load.percent_each())
    }

    /// Replaces the memory that the group holds beside that of its programs.
    pub(super) fn set_memory(&mut self, bytes: u64) -> Result<()> {
        writeln!(self.input, "memory {bytes}")
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
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // A group that is gone needs no signal.
        let _is_gone = kill_process_group(group, Signal::KILL).is_err();
    }
}
