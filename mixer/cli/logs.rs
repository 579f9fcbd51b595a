//! Log lines on standard error: text for people, coloured on a terminal only, or JSON with the fields beside the message.
//!
//! They go through the queue of [`log_queue`], so that nothing waits for their reader before promemu ends.

use std::backtrace::{Backtrace, BacktraceStatus};
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
        log_queue::stderr().put(printable(lines, is_coloured()).as_bytes());
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Times to the second, for people.
struct Seconds;

impl FormatTime for Seconds {
    fn format_time(&self, line: &mut fmt::format::Writer<'_>) -> std::fmt::Result {
        line.write_str(&wall_now().rfc3339())
    }
}

/// A panic, which is a bug, as a log line; the standard library's own would wait for standard error.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or("without a message");
    let backtrace = Backtrace::capture();
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
