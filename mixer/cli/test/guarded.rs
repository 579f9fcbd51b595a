//! A process that ends with its owner: when it is dropped, and also where promemu is killed.
//!
//! A watchdog, which is a shell, waits for the end of a pipe that promemu holds open. It is there before the process is, and
//! the process itself tells it its pid before it becomes the program that is meant: there is no moment at which promemu could
//! be killed and leave something behind.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, PipeWriter, pipe};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Reads a pid, ends that process at the end of its input, from which no signal of a terminal keeps it, and removes the
/// folders that are its arguments.
const WATCHDOG: &str =
    "trap '' INT HUP TERM; read -r pid; read -r line; [ -z \"$pid\" ] || kill -9 \"$pid\"; rm -rf -- \"$@\"";
/// Writes its pid and becomes the program of its arguments.
const BECOME: &str = "echo $$; exec \"$0\" \"$@\" >&2";

/// A process, and its watchdog. Both end when it is dropped.
#[derive(Debug)]
pub(super) struct Guarded {
    child: Child,
    watchdog: Option<Watchdog>,
}

#[derive(Debug)]
struct Watchdog {
    child: Child,
    /// Its input, which ends with promemu.
    input: PipeWriter,
}

impl Watchdog {
    fn start(folders: &[&Path]) -> io::Result<Self> {
        let (read, input) = pipe()?;
        let child = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .args(folders)
            .stdin(read)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { child, input })
    }
}

impl Guarded {
    /// Starts a program, all of whose output goes to `log`. If promemu is killed, its folders are removed; else they are left
    /// to their owner.
    ///
    /// # Errors
    ///
    /// The program cannot be started.
    pub(super) fn start(command: &Command, log: File, folders: &[&Path]) -> io::Result<Self> {
        let program = executable(command.get_program())?;
        // Without a shell it ends with its owner all the same, unless promemu is killed.
        let watchdog = Watchdog::start(folders).ok();
        let mut child = if let Some(watchdog) = &watchdog {
            let mut child = Command::new("sh");
            child.args(["-c", BECOME]).arg(program).stdout(watchdog.input.try_clone()?);
            child
        } else {
            let mut child = Command::new(program);
            child.stdout(log.try_clone()?);
            child
        };
        let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        child.args(command.get_args()).envs(variables);
        let child = child.stdin(Stdio::null()).stderr(log).spawn()?;
        Ok(Self { child, watchdog })
    }

    /// `true` until it has ended.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it ends.
    pub(super) fn wait(mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // The watchdog goes second: it would be missed if promemu were killed between the two. Until the process is waited for,
        // its pid is not another's.
        let mut is_killed = self.child.kill().is_ok();
        if let Some(watchdog) = &mut self.watchdog {
            is_killed &= watchdog.child.kill().and_then(|()| watchdog.child.wait()).is_ok();
        }
        let _is_gone = is_killed && self.child.wait().is_ok();
    }
}

/// The file of a program, which is looked for on the PATH as a shell does it.
fn executable(program: &OsStr) -> io::Result<PathBuf> {
    let named = Path::new(program);
    if named.components().count() > 1 {
        return named.metadata().map(|_is_there| named.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(named)).find(|file| file.is_file());
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it is not on the PATH"))
}
