//! Log lines on standard error: text for people, coloured on a terminal only, or JSON with the fields beside the message.
//!
//! They go through the queue of [`log_queue`], so that nothing waits for their reader before promemu ends.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::time::Duration;

use promemu_run::clock::wall_now;
use promemu_run::log_queue;
use promemu_run::printable::printable;
use tracing::error;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::LogFormat;

/// Starts logging; with `debug` every event and push is logged, and warnings of libraries are, too.
pub(crate) fn start(format: LogFormat, debug: bool) {
    // A library repeats in its own words, at each attempt, an error that promemu reports once with what to do.
    let (level, of_libraries) =
        if debug { (LevelFilter::DEBUG, LevelFilter::WARN) } else { (LevelFilter::INFO, LevelFilter::OFF) };
    let filter = Targets::new().with_target("promemu", level).with_default(of_libraries);
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => {
            let layer = fmt::layer().with_writer(|| Lines).with_ansi(is_coloured()).with_target(false);
            if is_terminal() {
                registry.with(layer.with_timer(Seconds)).init();
            } else {
                registry.with(layer).init();
            }
        }
        LogFormat::Json => {
            registry.with(fmt::layer().json().flatten_event(true).with_writer(|| Lines)).init();
        }
    }
    std::panic::set_hook(Box::new(log_panic));
}

/// Waits for the reader of what is logged, for `patience` at most.
pub(crate) fn flush(patience: Option<Duration>) {
    // Lines that a reader does not take in time are lost, as on every full pipe.
    let _is_written = log_queue::stderr().flush(patience);
}

/// The queue as a writer. The subscriber writes one whole event at a time.
struct Lines;

impl Write for Lines {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        log_queue::stderr().put(of_one_event(&printable(lines, is_coloured())).as_bytes());
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The text of an event, whose further lines are set in: a line break in a name begins nothing that looks like another event.
fn of_one_event(text: &str) -> Cow<'_, str> {
    match text.strip_suffix('\n') {
        Some(line) if line.contains('\n') => Cow::Owned(line.replace('\n', "\n    ") + "\n"),
        _ => Cow::Borrowed(text),
    }
}

/// Times to the second, for people.
struct Seconds;

impl FormatTime for Seconds {
    fn format_time(&self, line: &mut fmt::format::Writer<'_>) -> std::fmt::Result {
        line.write_str(&wall_now().rfc3339())
    }
}

/// Memory that a backtrace may take.
const BACKTRACE_BYTES: usize = 512 << 20;

/// A panic, which is a bug, as a log line; the standard library's own would wait for standard error.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or("without a message");
    // Out of memory in the middle of one, the standard library waits for itself to finish it.
    let has_room = Vec::<u8>::new().try_reserve_exact(BACKTRACE_BYTES).is_ok();
    let backtrace = if has_room { Backtrace::capture() } else { Backtrace::disabled() };
    if backtrace.status() == BacktraceStatus::Captured {
        error!(thread, place, %backtrace, "panicked: {message}");
    } else {
        error!(thread, place, "panicked: {message}");
    }
}

/// `true` if standard error is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// `true` if standard error is a terminal and colours are wanted.
pub(crate) fn is_coloured() -> bool {
    is_terminal() && wants_colour()
}

/// `false` if `NO_COLOR` is set (<https://no-color.org>), or the terminal is a dumb one.
pub(crate) fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && !is_dumb()
}

/// `true` if the terminal knows no codes: neither of colours, nor those that move the cursor.
pub(crate) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::process::{Command, Stdio};

    use super::*;

    /// Set in the process of a test that lacks memory: the bytes that it has left.
    const FREE_BYTES: &str = "PROMEMU_TEST_FREE_BYTES";

    /// Takes all memory but this, and panics.
    fn panic_with(free_bytes: usize) {
        start(LogFormat::Text, false);
        let (mut blocks, mut size) = (Vec::<Vec<u8>>::with_capacity(1 << 20), 1 << 20);
        while size >= 32 {
            let mut block = Vec::new();
            match block.try_reserve_exact(size) {
                Ok(()) => blocks.push(block),
                Err(_) => size /= 2,
            }
        }
        let mut free = 0;
        while free < free_bytes {
            free += blocks.swap_remove(0).capacity();
        }
        assert!(catch_unwind(|| panic!("a bug")).is_err());
        std::process::exit(7);
    }

    #[test]
    fn further_lines_of_an_event_are_set_in() {
        assert_eq!(of_one_event("one line\n"), "one line\n");
        assert_eq!(of_one_event("host=a\n2026 INFO b\n\nc\n"), "host=a\n    2026 INFO b\n    \n    c\n");
    }

    #[test]
    fn a_panic_without_memory_for_a_backtrace_does_not_hang() {
        if let Some(free) = std::env::var(FREE_BYTES).ok().and_then(|free| free.parse().ok()) {
            panic_with(free);
        }
        let own = std::env::current_exe().unwrap();
        let name = "logs::tests::a_panic_without_memory_for_a_backtrace_does_not_hang";
        for free_bytes in [2 << 20, 5 << 20, 8 << 20, 20 << 20, 50 << 20] {
            let bounded = "ulimit -c 0; ulimit -v 2000000; exec timeout -k 1 60 \"$0\" \"$@\"";
            let status = Command::new("sh")
                .args(["-c", bounded])
                .arg(&own)
                .args(["--exact", name, "--nocapture"])
                .env(FREE_BYTES, free_bytes.to_string())
                .env("RUST_BACKTRACE", "1")
                .env("MALLOC_ARENA_MAX", "1")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            // `timeout` ends one that hangs with 124.
            assert_eq!(status.unwrap().code(), Some(7), "{free_bytes} bytes left");
        }
    }
}
