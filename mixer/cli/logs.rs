//! Logs: to standard error, coloured on a terminal only.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::LogFormat;

/// Starts logging; `debug` shows every event and push.
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

/// Whether standard error is a terminal that wants colours (<https://no-color.org>).
pub(crate) fn is_coloured() -> bool {
    std::io::stderr().is_terminal() && wants_colour()
}

/// Whether nobody has said that colours are not wanted.
pub(crate) fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
