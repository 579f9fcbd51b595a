//! Emulated time, and the one place that reads the machine's clocks.
//!
//! Everything above works with [`Time`] and [`Span`], whole nanoseconds that are handed in; only the
//! live driver asks a [`Clock`] what time it is. A `Clock` follows the monotonic clock from the moment
//! it was started, so a step of the wall clock does not move emulated time.

use std::ops::{Add, AddAssign};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const NANOS_PER_SEC: f64 = 1e9;

/// A moment of emulated time, in nanoseconds since the Unix epoch (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// Later than every moment that can come.
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment so many nanoseconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The moment so many seconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Reads an RFC 3339 time, with or without seconds; the error says what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let time: Option<jiff::Timestamp> = text.trim().parse().ok();
        let nanos = time.and_then(|time| u64::try_from(time.as_nanosecond()).ok());
        nanos.map(Self).ok_or_else(|| format!("{text:?} is not a time; write 2026-01-05T08:00Z"))
    }

    /// The last moment not after this one that is a whole number of `span`s after the Unix epoch.
    #[must_use]
    pub const fn rounded_down(self, span: Span) -> Self {
        match self.0.checked_rem(span.0) {
            Some(rest) => Self(self.0 - rest),
            None => self,
        }
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a float of seconds is what the formats carry")]
    pub fn unix_secs(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC
    }

    /// How long it is since `earlier`; nothing if that is in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The wall-clock moment with the same name.
    #[must_use]
    pub fn system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.0)
    }

    /// `YYYYMMDD-HHMMSS` in UTC, as it is used in job names.
    #[must_use]
    pub fn compact(self) -> String {
        let rfc3339 = humantime::format_rfc3339_seconds(self.system_time()).to_string();
        rfc3339
            .chars()
            .filter_map(|c| if c == 'T' { Some('-') } else { c.is_ascii_digit().then_some(c) })
            .collect()
    }

    /// `YYYY-MM-DDTHH:MM:SSZ`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        humantime::format_rfc3339_seconds(self.system_time()).to_string()
    }
}

impl Add<Span> for Time {
    type Output = Self;

    /// Ends at [`Time::NEVER`] instead of overflowing.
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

/// A length of emulated time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Without an end.
    pub const FOREVER: Self = Self(u64::MAX);

    /// So many whole seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// So many nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Seconds as a number; infinity is [`Span::FOREVER`]. `None` for what is negative, not a number, or
    /// longer than the 584 years that fit.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
    pub fn from_secs_f64(secs: f64) -> Option<Self> {
        if secs == f64::INFINITY {
            return Some(Self::FOREVER);
        }
        let nanos = secs * NANOS_PER_SEC;
        (0.0..1.8e19).contains(&nanos).then(|| Self(nanos.round() as u64))
    }

    /// Reads `15m`, `1h 30m`, `1.5s`, `inf`, or plain seconds; the error says what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let refused = || format!("{text:?} is not a duration; write 15m, 90s, 1h30m, inf, or seconds");
        if let Ok(secs) = text.parse::<f64>() {
            return Self::from_secs_f64(secs).ok_or_else(refused);
        }
        if let Ok(duration) = humantime::parse_duration(text) {
            return u64::try_from(duration.as_nanos()).map(Self).map_err(|_| refused());
        }
        let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(refused)?;
        let count: f64 = text[..unit_at].trim().parse().map_err(|_| refused())?;
        let unit = humantime::parse_duration(&format!("1{}", &text[unit_at..])).map_err(|_| refused())?;
        Self::from_secs_f64(count * unit.as_secs_f64()).ok_or_else(refused)
    }

    /// The span in seconds; [`Span::FOREVER`] is infinity.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a float of seconds is what formulas want")]
    pub fn as_secs_f64(self) -> f64 {
        if self == Self::FOREVER { f64::INFINITY } else { self.0 as f64 / NANOS_PER_SEC }
    }

    /// The span in nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// So many times as long.
    #[must_use]
    pub const fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }

    /// What is left when `other` is taken away; never less than nothing.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        if self.0 == u64::MAX { self } else { Self(self.0.saturating_sub(other.0)) }
    }

    /// The same length for the machine's clocks.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if *self == Self::FOREVER {
            f.write_str("inf")
        } else {
            humantime::format_duration(self.duration()).fmt(f)
        }
    }
}

/// Emulated time that runs with the machine's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started_at: Time,
    origin: Instant,
}

impl Clock {
    /// Starts at the wall clock's present time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clocks")]
    pub fn start() -> Self {
        Self { started_at: wall_now(), origin: Instant::now() }
    }

    /// The emulated time at which the clock was started.
    #[must_use]
    pub const fn started_at(&self) -> Time {
        self.started_at
    }

    /// The emulated time now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.started_at + Span(u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// The monotonic moment at which `time` comes. One that is more than 30 years away comes never, and is
    /// given as one that is so far.
    #[must_use]
    pub fn instant_of(&self, time: Time) -> Instant {
        const FAR: Span = Span::from_secs(30 * 365 * 86_400);
        self.origin + time.since(self.started_at).min(FAR).duration()
    }
}

/// The wall clock's present time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clocks")]
pub fn wall_now() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_named_compactly_in_utc() {
        assert_eq!(Time::from_unix_secs(1_767_600_000).compact(), "20260105-080000");
        assert_eq!(Time::from_unix_secs(1_767_600_000).rfc3339(), "2026-01-05T08:00:00Z");
    }

    #[test]
    fn times_are_read_with_or_without_seconds() {
        for (text, time) in [
            ("2026-01-05T08:00Z", "2026-01-05T08:00:00Z"),
            ("2026-01-05T08:00:07Z", "2026-01-05T08:00:07Z"),
            (" 2026-01-05 08:00:07.5Z ", "2026-01-05T08:00:07Z"),
            ("2026-01-05T08:00+01:00", "2026-01-05T07:00:00Z"),
        ] {
            assert_eq!(Time::parse(text).map(Time::rfc3339).as_deref(), Ok(time), "{text}");
        }
        for text in
            ["", "now", "2026-01-05", "08:00", "2026-13-05T08:00Z", "1960-01-05T08:00Z", "2999-01-05T08:00Z"]
        {
            assert!(Time::parse(text).is_err(), "{text}");
        }
        let time = Time::from_unix_secs(1_767_600_059);
        assert_eq!(time.rounded_down(Span::from_secs(60)), Time::from_unix_secs(1_767_600_000));
        assert_eq!(time.rounded_down(Span::ZERO), time);
    }

    #[test]
    fn spans_refuse_what_they_cannot_hold() {
        assert_eq!(Span::from_secs_f64(1.5), Some(Span::from_nanos(1_500_000_000)));
        assert_eq!(Span::from_secs_f64(f64::INFINITY), Some(Span::FOREVER));
        for bad in [-1.0, f64::NAN, 1e11] {
            assert_eq!(Span::from_secs_f64(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, secs) in [
            ("10", 10.0),
            ("10.0", 10.0),
            ("15m", 900.0),
            ("1.5h", 5400.0),
            ("1h 30m", 5400.0),
            ("100ms", 0.1),
        ] {
            assert_eq!(Span::parse(text).map(Span::as_secs_f64), Ok(secs), "{text}");
        }
        assert_eq!(Span::parse("inf"), Ok(Span::FOREVER));
        for text in ["", "abc", "-5", "5 parsecs", "1e30", "NaN", "9999999999999y"] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn time_ends_instead_of_overflowing() {
        assert_eq!(Time::from_unix_secs(5) + Span::FOREVER, Time::NEVER);
        assert_eq!(Time::from_unix_secs(5).since(Time::from_unix_secs(9)), Span::ZERO);
    }
}
