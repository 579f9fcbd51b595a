//! Durations of flags, with errors that name the flag.

use promemu_core::error::Error;
use promemu_core::time::Span;
use tracing::warn;

/// The shortest time between two rounds of anything: shorter ones keep a core busy.
const SHORTEST_INTERVAL: Span = Span::from_nanos(1_000_000);

/// Any duration.
pub(crate) fn span(flag: &str, text: &str) -> Result<Span, Error> {
    if let Some(doubt) = Span::doubt(text) {
        warn!("{flag}: {doubt}");
    }
    Span::parse(text).map_err(|error| Error::Usage(format!("{flag}: {error}")))
}

/// A duration above 0 that has an end.
pub(crate) fn positive(flag: &str, text: &str) -> Result<Span, Error> {
    bounded(flag, text, Span::from_nanos(1), "longer than 0")
}

/// A duration of 1 ms or longer that has an end: the time between two rounds, or the timeout of one.
pub(crate) fn interval(flag: &str, text: &str) -> Result<Span, Error> {
    bounded(flag, text, SHORTEST_INTERVAL, "1ms or longer")
}

fn bounded(flag: &str, text: &str, shortest: Span, bound: &str) -> Result<Span, Error> {
    let span = span(flag, text)?;
    if (shortest..Span::FOREVER).contains(&span) {
        return Ok(span);
    }
    Err(Error::Usage(format!("{flag} must be {bound} and not endless, but is {text:?}")))
}

/// The time between two status reports; `None` for none.
pub(super) fn status_interval(text: &str) -> Result<Option<Span>, Error> {
    let flag = "--status-interval or PME_STATUS_INTERVAL";
    match span(flag, text)? {
        Span::ZERO | Span::FOREVER => Ok(None),
        _ => interval(flag, text).map(Some),
    }
}
