//! Log lines on standard error: text for people, coloured on a terminal only, or JSON with the fields beside the message.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::LogFormat;

/// Starts logging; with `debug` every event and push is logged.
pub(crate) fn start(format: LogFormat, debug: bool) {
    let level = if debug { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let filter = Targets::new().with_target("promemu", level).with_default(LevelFilter::WARN);
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => {
            let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(is_coloured()).with_target(false);
            registry.with(layer).init();
        }
        LogFormat::Json => {
            registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).init();
        }
    }
}

/// `true` if standard error is a terminal and colours are wanted.
pub(crate) fn is_coloured() -> bool {
    std::io::stderr().is_terminal() && wants_colour()
}

/// `false` if `NO_COLOR` is set (<https://no-color.org>).
pub(crate) fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
