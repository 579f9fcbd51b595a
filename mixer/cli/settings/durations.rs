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
