//! Durations of flags, with errors that name the flag.

use promemu_core::error::Error;
use promemu_core::time::Span;

/// Any duration.
pub(super) fn span(flag: &str, text: &str) -> Result<Span, Error> {
    Span::parse(text).map_err(|error| Error::Usage(format!("{flag}: {error}")))
}

/// A duration above 0 that has an end.
pub(crate) fn positive(flag: &str, text: &str) -> Result<Span, Error> {
    match span(flag, text)? {
        Span::ZERO | Span::FOREVER => {
            Err(Error::Usage(format!("{flag} must be longer than 0 and not endless, but is {text:?}")))
        }
        span => Ok(span),
    }
}

/// The shortest time between two rounds of anything: shorter ones keep a core busy.
const SHORTEST_INTERVAL: Span = Span::from_nanos(1_000_000);

/// A duration of 1 ms or longer that has an end: the time between two rounds, or the timeout of one.
pub(crate) fn interval(flag: &str, text: &str) -> Result<Span, Error> {
    let interval = span(flag, text)?;
    if (SHORTEST_INTERVAL..Span::FOREVER).contains(&interval) {
        return Ok(interval);
    }
    Err(Error::Usage(format!("{flag} must be 1ms or longer and not endless, but is {text:?}")))
}
