//! Emulated time in whole nanoseconds. Nothing here reads a clock; the caller passes the time in.

use std::ops::{Add, AddAssign};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::number::number_and_unit;

const NANOS_PER_SEC: f64 = 1e9;

/// A moment of emulated time, in nanoseconds since the Unix epoch (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// Later than any moment of a run.
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment `nanos` nanoseconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The moment `secs` seconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// The moment `millis` milliseconds after the Unix epoch; one before it is the epoch itself.
    #[must_use]
    pub const fn from_unix_millis(millis: i64) -> Self {
        if millis < 0 { Self(0) } else { Self(millis.unsigned_abs().saturating_mul(1_000_000)) }
    }

    /// Reads an RFC 3339 time, a date, or Unix seconds. Seconds and zone may be missing; the zone is then UTC.
    /// The error names the expected form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(secs) = text.parse::<u64>() {
            return Ok(Self::from_unix_secs(secs));
        }
        let attempts = [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")];
        let time = attempts.iter().find_map(|text| text.parse::<jiff::Timestamp>().ok());
        let nanos = time.and_then(|time| u64::try_from(time.as_nanosecond()).ok());
        nanos.map(Self).ok_or_else(|| format!("{text:?} is not a time; write 2026-01-05T08:00Z"))
    }

    /// This moment, rounded down to a whole number of `span`s after the Unix epoch.
    #[must_use]
    pub const fn rounded_down(self, span: Span) -> Self {
        match self.0.checked_rem(span.0) {
            Some(rest) => Self(self.0 - rest),
            None => self,
        }
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the formats carry a float of seconds")]
    pub fn unix_secs(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_nanos(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Seconds since the Unix epoch, rounded down to the millisecond: the resolution of Prometheus' timestamps.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are below 2^53")]
    pub const fn unix_millis_secs(self) -> f64 {
        self.unix_millis() as f64 / 1000.0
    }

    /// The span since `earlier`; [`Span::ZERO`] if that is in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// This moment minus `span`, but not before the Unix epoch.
    #[must_use]
    pub const fn before(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// The same moment as the standard library's type.
    #[must_use]
    pub fn system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.0)
    }

    /// `YYYYMMDD-HHMMSS` in UTC, the form in job names.
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

    /// Saturates at [`Time::NEVER`].
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
    /// An infinite span.
    pub const FOREVER: Self = Self(u64::MAX);

    /// A span of `secs` seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// A span of `nanos` nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A span of `secs` seconds; infinity is [`Span::FOREVER`]. `None` if `secs` is negative, not a number, or
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

    /// Reads `15m`, `1h 30m`, `1.5s`, `inf`, or plain seconds. The error names the expected form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let refused = || format!("{text:?} is not a duration; write 15m, 90s, 1h30m, inf, or seconds");
        if let Ok(secs) = text.parse::<f64>() {
            return Self::from_secs_f64(secs).ok_or_else(refused);
        }
        if let Ok(duration) = humantime::parse_duration(text) {
            return u64::try_from(duration.as_nanos()).map(Self).map_err(|_| refused());
        }
        let (count, unit) = number_and_unit(text).ok_or_else(refused)?;
        let unit = humantime::parse_duration(&format!("1{unit}")).map_err(|_| refused())?;
        Self::from_secs_f64(count * unit.as_secs_f64()).ok_or_else(refused)
    }

    /// The doubt about a span of months, as in `3M`, which is often meant to be one of minutes.
    #[must_use]
    pub fn doubt(text: &str) -> Option<String> {
        let text = text.trim();
        let is_of_months = text.split(|c: char| !c.is_alphabetic()).any(|unit| unit == "M");
        if !is_of_months || Self::parse(text).is_err() {
            return None;
        }
        let [minutes, months] = ["m", "months"].map(|unit| text.replace('M', unit));
        Some(format!("{text:?} counts months; write {minutes:?} for minutes, or {months:?}"))
    }

    /// The span in seconds; [`Span::FOREVER`] is infinity.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "formulas calculate with floats of seconds")]
    pub fn as_secs_f64(self) -> f64 {
        if self == Self::FOREVER { f64::INFINITY } else { self.0 as f64 / NANOS_PER_SEC }
    }

    /// The span in nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The span multiplied by `n`, saturating.
    #[must_use]
    pub const fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }

    /// The span and `other` together, saturating at [`Span::FOREVER`].
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The span minus `other`, but not below zero. [`Span::FOREVER`] stays infinite.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        if self.0 == u64::MAX { self } else { Self(self.0.saturating_sub(other.0)) }
    }

    /// The same span as the standard library's type.
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

/// The ratio of emulated time to real time, in whole thousandths, so that conversion is exact in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed(u64);

impl Speed {
    /// Emulated time runs as fast as real time.
    pub const NORMAL: Self = Self(1_000);

    /// Reads `60x`, `60` or `0.5x`, from `0.001x` to `10000x`. The error names the expected form.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let number = text.strip_suffix(['x', 'X']).unwrap_or(text).parse::<f64>();
        let thousandths = number.map_or(f64::NAN, |number| number * 1e3);
        let nearest = libm::round(thousandths);
        if (1.0..=1e7).contains(&nearest) && (thousandths - nearest).abs() < 1e-6 {
            return Ok(Self(nearest as u64));
        }
        Err(format!(
            "{text:?} is not a speed; write 60x, 60 or 0.5x: from 0.001x to 10000x, with three decimals at most"
        ))
    }

    /// Emulated seconds per real second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "no speed is so large")]
    pub const fn factor(self) -> f64 {
        self.0 as f64 / 1e3
    }

    /// The emulated time that passes in `real` time, rounded down.
    #[must_use]
    pub const fn emulated(self, real: Duration) -> Span {
        saturated(real.as_nanos().saturating_mul(self.0 as u128) / 1_000)
    }

    /// The real time that `emulated` time takes, rounded up: after it, the emulated time has passed too.
    #[must_use]
    pub const fn real(self, emulated: Span) -> Span {
        if emulated.0 == u64::MAX {
            return emulated;
        }
        saturated((emulated.0 as u128 * 1_000).div_ceil(self.0 as u128))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is checked first")]
const fn saturated(nanos: u128) -> Span {
    Span(if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 })
}

impl std::fmt::Display for Speed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x", self.factor())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compact_form_is_in_utc() {
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
        for text in ["", "now", "08:00", "2026-13-05T08:00Z", "1960-01-05T08:00Z", "2999-01-05T08:00Z"] {
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
    fn durations_are_read_in_all_documented_forms() {
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
    fn speeds_are_read_in_all_documented_forms() {
        for (text, shown) in
            [("60x", "60x"), ("60", "60x"), (" 0.5X ", "0.5x"), ("1", "1x"), ("0.001x", "0.001x")]
        {
            assert_eq!(Speed::parse(text).map(|speed| speed.to_string()), Ok(shown.to_owned()), "{text}");
        }
        for text in ["", "x", "0", "-1x", "0.0004", "1.2345x", "10001x", "inf", "NaN", "2xx", "60 s"] {
            assert!(Speed::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_emulated_time_has_passed_when_its_real_time_is_over() {
        for speed in ["0.001x", "0.3x", "1x", "7x", "60x", "999.999x", "10000x"] {
            let speed = Speed::parse(speed).unwrap();
            for nanos in [0, 1, 999, 1_000_001, 10_000_000_007, 86_400_000_000_001] {
                let span = Span::from_nanos(nanos);
                let reached = speed.emulated(speed.real(span).duration());
                let step = Span::from_nanos(1 + speed.0 / 1_000);
                assert!(reached >= span && reached.minus(span) <= step, "{speed} {nanos}: {reached:?}");
            }
        }
    }

    #[test]
    fn times_are_read_in_all_documented_forms() {
        for text in ["2026-01-05T08:00:00Z", "2026-01-05T08:00Z", "2026-01-05 08:00", "1767600000"] {
            assert_eq!(Time::parse(text), Ok(Time::from_unix_secs(1_767_600_000)), "{text}");
        }
        assert_eq!(Time::parse("2026-01-05"), Ok(Time::from_unix_secs(1_767_571_200)));
        for text in ["", "yesterday", "2026-13-01", "1969-01-01", "08:00", "2026-01-05T25:00Z"] {
            assert!(Time::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn time_saturates_instead_of_overflowing() {
        assert_eq!(Time::from_unix_secs(5) + Span::FOREVER, Time::NEVER);
        assert_eq!(Time::from_unix_secs(5).since(Time::from_unix_secs(9)), Span::ZERO);
    }
}
