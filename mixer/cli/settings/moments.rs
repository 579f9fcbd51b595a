//! Times of flags: absolute, or counted back from now.

use promemu_core::error::Error;
use promemu_core::time::{Span, Time};

/// The time of a flag: as [`Time::parse`] reads it, or `now`, `now-1h`, or `-1h` for an hour before `now`.
pub(crate) fn moment(flag: &str, text: &str, now: Time) -> Result<Time, Error> {
    if let Some(span) = before_now(text) {
        let span = Span::parse(span).map_err(|error| Error::Usage(format!("{flag}: {error}")))?;
        return Ok(now.before(span));
    }
    Time::parse(text).map_err(|error| Error::Usage(format!("{flag}: {error}, or -1h for an hour ago")))
}

/// `true` for a time that counts from now.
pub(crate) fn is_relative(text: &str) -> bool {
    before_now(text).is_some()
}

/// The duration from a time until now, if the time is written so.
fn before_now(text: &str) -> Option<&str> {
    let text = text.trim();
    let behind_now = text.strip_prefix("now").map(str::trim_start);
    if behind_now == Some("") {
        return Some("0s");
    }
    behind_now.unwrap_or(text).strip_prefix('-').map(str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_absolute_or_counted_back_from_now() {
        let now = Time::parse("2026-01-05T12:00Z").unwrap();
        let read = |text: &str| moment("--from", text, now).map(Time::rfc3339);
        for (text, meant) in [
            ("now", "2026-01-05T12:00:00Z"),
            ("-1h", "2026-01-05T11:00:00Z"),
            ("now-1d", "2026-01-04T12:00:00Z"),
            ("now - 90s", "2026-01-05T11:58:30Z"),
            ("2026-01-01", "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(read(text).unwrap(), meant, "{text}");
            assert_eq!(is_relative(text), !text.starts_with("2026"), "{text}");
        }
        insta::assert_snapshot!(read("yesterday").unwrap_err(), @r#"--from: "yesterday" is not a time; write 2026-01-05T08:00Z, or -1h for an hour ago"#);
        insta::assert_snapshot!(read("-1 fortnight").unwrap_err(), @r#"--from: "1 fortnight" is not a duration; write 15m, 90s, 1h30m, inf, or seconds"#);
        insta::assert_snapshot!(read("nowhere").unwrap_err(), @r#"--from: "nowhere" is not a time; write 2026-01-05T08:00Z, or -1h for an hour ago"#);
    }
}
