//! promemu as PID 1, the first process of a container: it starts itself as a child, forwards signals to it, and reaps orphans.
//!
//! The kernel gives each process whose parent has ended to PID 1, and it stays a zombie until PID 1 waits for it. A program that
//! waits for children of its own cannot also wait for any child, so that is the work of a process that does nothing else.
//!
//! Invariant: nothing but this module runs as PID 1, and PID 1 starts nothing but promemu.

use std::io::{IsTerminal, stdin};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use promemu_core::error::Error;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, getsid, kill_process, wait};
use rustix::termios::tcsetpgrp;
use tokio::signal::unix::{SignalKind, signal};

use crate::hang_up::is_hang_up_ignored;

/// The program that runs, also if its file has been removed since. A process that is started from here is called `exe`.
const OWN_PROGRAM: &str = "/proc/self/exe";
/// Exit code of a process that a signal has ended, without the signal's number; shells have the same.
const SIGNALLED: i32 = 128;

/// Signals that are not forwarded: those that cannot be caught, those that are about the process itself, and those that a terminal
/// sends to a process in its background.
const NOT_FORWARDED: [Signal; 13] = [
    Signal::KILL,
    Signal::STOP,
    Signal::CHILD,
    Signal::PIPE,
    Signal::ILL,
    Signal::TRAP,
    Signal::ABORT,
    Signal::BUS,
    Signal::FPE,
    Signal::SEGV,
    Signal::SYS,
    Signal::TTIN,
    Signal::TTOU,
];

/// `true` if this process is PID 1.
pub(crate) fn is_first_process() -> bool {
    std::process::id() == 1
}

/// Runs promemu with the same arguments as a child until it ends, and returns its exit code: 128 and the signal's number if a signal
/// has ended it.
///
/// # Errors
///
/// If signals cannot be caught, or the child cannot be started.
pub(crate) fn supervise() -> Result<ExitCode, Error> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |source| Error::System { what, source }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let code = runtime.map_err(failed("threads cannot be started"))?.block_on(async {
        // PID 1 loses signals that it does not catch, so it catches them before the child starts.
        let mut child_ended = signal(SignalKind::child())?;
        let signals = forwarded().map(|it| Ok((it, signal(SignalKind::from_raw(it.as_raw()))?)));
        let signals = signals.collect::<std::io::Result<Vec<_>>>()?;
        let child = start()?;
        for (forwarded, mut caught) in signals {
            tokio::spawn(async move {
                while caught.recv().await.is_some() {
                    // A child that has just ended needs no signal.
                    let _has_ended = kill_process(child, forwarded).is_err();
                }
            });
        }
        loop {
            if let Some(code) = reap(child)? {
                return Ok(code);
            }
            child_ended.recv().await;
        }
    });
    let code = code.map_err(failed("promemu cannot be started as a child of PID 1"))?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)))
}

/// Signals that the child gets.
fn forwarded() -> impl Iterator<Item = Signal> {
    let named = (1..32).filter_map(Signal::from_named_raw).filter(|it| !NOT_FORWARDED.contains(it));
    // The child inherits only signals that are ignored, and not caught, here.
    named.filter(|it| *it != Signal::HUP || !is_hang_up_ignored())
}

/// Starts the child, in a process group of its own: a terminal sends its signals to a group, and the child gets them from PID 1.
fn start() -> std::io::Result<Pid> {
    let mut args = std::env::args_os();
    let own = std::env::current_exe().ok().filter(|file| file.exists());
    let mut command = Command::new(own.unwrap_or_else(|| OWN_PROGRAM.into()));
    if let Some(name) = args.next() {
        command.arg0(name);
    }
    let child = command.args(args).process_group(0).spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| std::io::Error::other("its pid is out of range"))?;
    // The child of an interactive container answers to the keyboard, which only the group in the foreground can read.
    if stdin().is_terminal() && getsid(None).is_ok_and(|session| session == getpid()) {
        let _is_in_front = tcsetpgrp(stdin(), pid).is_ok();
        // It may have asked for input too early, and been stopped.
        kill_process(pid, Signal::CONT)?;
    }
    Ok(pid)
}

/// Waits for all processes that have ended. Returns the exit code of the child once it is one of them.
fn reap(child: Pid) -> std::io::Result<Option<i32>> {
    while let Some((pid, status)) = wait(WaitOptions::NOHANG)? {
        if pid == child
            && let Some(code) = exit_code(status)
        {
            return Ok(Some(code));
        }
    }
    Ok(None)
}

fn exit_code(status: WaitStatus) -> Option<i32> {
    status.exit_status().or_else(|| Some(SIGNALLED + status.terminating_signal()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_that_ask_a_process_for_something_are_forwarded() {
        let forwarded: Vec<Signal> = forwarded().collect();
        for asked in [Signal::INT, Signal::TERM, Signal::QUIT, Signal::USR1, Signal::USR2, Signal::WINCH] {
            assert!(forwarded.contains(&asked), "{asked:?}");
        }
        assert!(!NOT_FORWARDED.iter().any(|it| forwarded.contains(it)));
    }

    #[test]
    #[expect(clippy::zombie_processes, reason = "waitpid waits for each")]
    fn a_process_that_a_signal_has_ended_has_128_and_its_number_as_exit_code() {
        let code = |script: &str| {
            let child = Command::new("/bin/sh").args(["-c", script]).spawn().unwrap();
            let pid = Pid::from_child(&child);
            let (_, status) = rustix::process::waitpid(Some(pid), WaitOptions::empty()).unwrap().unwrap();
            exit_code(status)
        };
        assert_eq!([code("exit 0"), code("exit 3"), code("exit 255")], [Some(0), Some(3), Some(255)]);
        assert_eq!([code("kill -KILL $$"), code("kill -TERM $$")], [Some(137), Some(143)]);
    }
}
