//! Axes: the values and times beside a chart, and their text.

use promemu_core::time::{Span, Time};

/// The unit of a chart's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Numbers.
    Plain,
    /// Bytes, written in powers of 1024.
    Bytes,
    /// Hundredths.
    Percent,
    /// Durations, written in what fits, from microseconds to days.
    Seconds,
    /// Seconds since 1970, written as dates.
    Date,
}

/// The units of durations, and their seconds.
const DURATIONS: [(f64, &str); 6] =
    [(1e-6, " µs"), (1e-3, " ms"), (1.0, " s"), (60.0, " min"), (3_600.0, " h"), (86_400.0, " d")];
/// Larger values in seconds are times, not durations.
const DATES_FROM: f64 = 1e8;

impl Unit {
    /// The unit of a family by its name: `_bytes`, or `_bytes_total` for a counter's rate, `_percent`, `_seconds`.
    pub(super) fn of(family: &str) -> Self {
        let base = family.strip_suffix("_total").unwrap_or(family);
        match base {
            _ if base.ends_with("_bytes") => Self::Bytes,
            _ if base.ends_with("_percent") => Self::Percent,
            // Seconds of a counter per second are a number.
            _ if base != family => Self::Plain,
            _ if base.ends_with("_time_seconds") || base.ends_with("timestamp_seconds") => Self::Date,
            _ if base.ends_with("_seconds") => Self::Seconds,
            _ => Self::Plain,
        }
    }

    /// The largest unit of which the largest value is one, or two from minutes on, and its suffix.
    fn scale(self, largest: f64, step: f64) -> (f64, &'static str) {
        match self {
            Self::Percent => (1.0, " %"),
            Self::Seconds | Self::Date => {
                let fits = |(size, _): &&(f64, &str)| {
                    if *size > 1.0 { largest >= 2.0 * size && step >= size / 2.0 } else { largest >= *size }
                };
                DURATIONS.iter().rev().find(fits).copied().unwrap_or(DURATIONS[0])
            }
            Self::Plain if largest < IN_FULL_BELOW => (1.0, ""),
            Self::Plain => scaled(largest, 1e3, ["", "k", "M", "G", "T", "P", "E"]).0,
            Self::Bytes => {
                let (fit, below) =
                    scaled(largest, 1024.0, [" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"]);
                if step < fit.0 / 4.0 { below } else { fit }
            }
        }
    }

    /// The smallest round distance between ticks that is at least `raw`.
    fn step_above(self, raw: f64) -> f64 {
        let is_enough = |step: &f64| *step >= raw * (1.0 - EDGE);
        if matches!(self, Self::Seconds | Self::Date) && raw > 1.0 {
            let times = TIME_STEPS_SECS.into_iter().map(|secs| Span::from_secs(secs).as_secs_f64());
            return times.into_iter().find(is_enough).unwrap_or(raw);
        }
        let base = if self == Self::Bytes { 1024.0 } else { 1e3 };
        let mut scale = 1.0;
        while scale < raw && scale < 1e300 {
            scale *= base;
        }
        while scale > raw && scale > 1e-300 {
            scale /= base;
        }
        let whole: &[f64] = match self {
            Self::Bytes => &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0],
            _ => &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0],
        };
        whole.iter().map(|n| n * scale).find(is_enough).unwrap_or(raw)
    }
}

/// The largest power of `base` that is at most `largest`, with its suffix, and the one below it.
fn scaled(
    largest: f64,
    base: f64,
    suffixes: [&'static str; 7],
) -> ((f64, &'static str), (f64, &'static str)) {
    let (mut scale, mut at) = (1.0, 0);
    while largest >= scale * base && at + 1 < suffixes.len() {
        scale *= base;
        at += 1;
    }
    let below = if at > 0 { (scale / base, suffixes[at - 1]) } else { (scale, suffixes[0]) };
    ((scale, suffixes[at]), below)
}

/// The values from the bottom of a chart to its top.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ValueAxis {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Values and their texts, from low to high.
    pub(super) ticks: Vec<(f64, String)>,
}

/// Smaller plain numbers are written without a suffix.
const IN_FULL_BELOW: f64 = 100_000.0;
/// Values are clamped to the maximum; those below the minimum are drawn as zero.
const VALUE_MAX: f64 = 1e200;
const VALUE_MIN: f64 = 1e-200;
/// A value that passes a tick by less than this part of a step is on the tick.
const EDGE: f64 = 1e-6;

impl ValueAxis {
    /// An axis for values from `low` to `high`, with about `tick_count` ticks or fewer. It has zero unless all values are far
    /// from zero.
    pub(super) fn new(low: f64, high: f64, unit: Unit, tick_count: u32) -> Self {
        let [mut low, mut high] = [low, high.max(low)]
            .map(|value| if value.abs() < VALUE_MIN { 0.0 } else { value.clamp(-VALUE_MAX, VALUE_MAX) });
        if low >= 0.0 && low <= high * 0.5 && low < DATES_FROM {
            low = 0.0;
        } else if high <= 0.0 && high >= low * 0.5 {
            high = 0.0;
        }
        if low >= high {
            // All values are the same.
            (low, high) = if unit == Unit::Date && low >= DATES_FROM {
                (low - 60.0, low + 60.0)
            } else if low == 0.0 {
                (0.0, 1.0)
            } else {
                (low.min(0.0), high.max(0.0))
            };
        }
        let step = unit.step_above((high - low) / f64::from(tick_count.max(1)));
        let (first, last) = ((low / step + EDGE).floor(), (high / step - EDGE).ceil());
        let largest = (first * step).abs().max((last * step).abs());
        let mut ticks = Vec::new();
        let mut n = first;
        while n <= last && ticks.len() < 100 {
            ticks.push((n * step, number(n * step, step, largest, unit)));
            n += 1.0;
        }
        Self { low: first * step, high: last * step, ticks }
    }

    /// The place of a value: 0 at the bottom, 1 at the top.
    pub(super) fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// The text of a tick's value, with the decimals that the distance between ticks needs.
fn number(value: f64, step: f64, largest: f64, unit: Unit) -> String {
    if let (Unit::Date, Some(span)) = (unit, Span::from_secs_f64(value.max(0.0)))
        && value >= DATES_FROM
    {
        let step = Span::from_secs_f64(step).unwrap_or(Span::ZERO);
        return date_text(Time::from_unix_nanos(span.as_nanos()), step);
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let (scale, suffix) = unit.scale(largest, step);
    let (value, step) = (value / scale, step / scale);
    if !(1e-6..1e15).contains(&step) {
        return format!("{value:.2e}{suffix}");
    }
    let mut decimals = 0;
    let mut rest = step;
    while (rest - rest.round()).abs() > 1e-6 * rest && decimals < 9 {
        rest *= 10.0;
        decimals += 1;
    }
    format!("{value:.decimals$}{suffix}")
}

/// A time as a value: its date, with the time of day if steps are shorter, or that alone if they are of seconds.
fn date_text(time: Time, step: Span) -> String {
    let text = time.rfc3339();
    let part = if step >= Span::from_secs(DAY_SECS) {
        0..10
    } else if step >= Span::from_secs(60) {
        5..16
    } else {
        11..19
    };
    text.get(part).unwrap_or_default().replace('T', " ")
}

/// Distances between two times on an axis, in seconds.
const TIME_STEPS_SECS: [u64; 25] = [
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1_800,
    3_600,
    7_200,
    10_800,
    21_600,
    43_200,
    86_400,
    172_800,
    604_800,
    1_209_600,
    2_592_000,
    7_776_000,
    31_536_000,
    315_360_000,
];
const DAY_SECS: u64 = 86_400;

/// The times below a chart, in UTC: at most `count_max`.
pub(super) fn times(from: Time, to: Time, count_max: usize) -> Vec<(Time, String)> {
    let is_enough = |step: &Span| to.since(from).as_nanos() / step.as_nanos() < count_max.max(1) as u64;
    let mut steps = TIME_STEPS_SECS.into_iter().map(Span::from_secs);
    let Some(step) = steps.find(is_enough) else { return Vec::new() };
    let mut time = from.rounded_down(step);
    let mut times = Vec::new();
    while time <= to && times.len() < count_max {
        if time >= from {
            times.push((time, time_text(time, step)));
        }
        time += step;
    }
    times
}

/// The part of a time that differs from its neighbours; at midnight the day.
fn time_text(time: Time, step: Span) -> String {
    let text = time.rfc3339();
    let part = if step >= Span::from_secs(30 * DAY_SECS) {
        0..7
    } else if time.rounded_down(Span::from_secs(DAY_SECS)) == time {
        5..10
    } else if step < Span::from_secs(60) {
        11..19
    } else {
        11..16
    };
    text.get(part).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(low: f64, high: f64, unit: Unit) -> String {
        let axis = ValueAxis::new(low, high, unit, 4);
        axis.ticks.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(ticks(3.0, 97.0, Unit::Plain), "0 50 100");
        assert_eq!(ticks(0.0, 80.0, Unit::Plain), "0 20 40 60 80");
        assert_eq!(ticks(70.1, 70.4, Unit::Plain), "70.1 70.2 70.3 70.4");
        assert_eq!(ticks(-5.0, 7.0, Unit::Plain), "-5 0 5 10");
        assert_eq!(ticks(0.0, 0.0004, Unit::Plain), "0 0.0001 0.0002 0.0003 0.0004");
        assert_eq!(ticks(0.0, 3_000_000.0, Unit::Plain), "0 1M 2M 3M");
        assert_eq!(ticks(0.0, 16_000.0, Unit::Plain), "0 5000 10000 15000 20000");
        assert_eq!(ticks(5.0, 5.0, Unit::Plain), "0 2 4 6");
        assert_eq!(ticks(0.0, 0.0, Unit::Plain), "0 0.5 1.0");
    }

    #[test]
    fn bytes_are_in_powers_of_1024() {
        let gib = 1024.0f64.powi(3);
        assert_eq!(ticks(gib, 16.0 * gib, Unit::Bytes), "0 4 GiB 8 GiB 12 GiB 16 GiB");
        assert_eq!(ticks(0.1 * gib, 1.5 * gib, Unit::Bytes), "0 0.5 GiB 1.0 GiB 1.5 GiB");
        assert_eq!(ticks(2.0 * gib, 2.2 * gib, Unit::Bytes), "2048 MiB 2112 MiB 2176 MiB 2240 MiB 2304 MiB");
        assert_eq!(Unit::of("memory_usage_bytes"), Unit::Bytes);
        assert_eq!(Unit::of("received_bytes_total"), Unit::Bytes);
        assert_eq!(Unit::of("bytes_free_percent"), Unit::Percent);
    }

    #[test]
    fn durations_and_dates_have_round_steps_in_their_units() {
        assert_eq!(ticks(0.0, 0.4, Unit::Seconds), "0 100 ms 200 ms 300 ms 400 ms");
        assert_eq!(ticks(0.0, 2.0, Unit::Seconds), "0 0.5 s 1.0 s 1.5 s 2.0 s");
        assert_eq!(ticks(0.0, 500.0, Unit::Seconds), "0 5 min 10 min");
        assert_eq!(ticks(0.0, 40_000.0, Unit::Seconds), "0 3 h 6 h 9 h 12 h");
        assert_eq!(ticks(3.0, 97.0, Unit::Percent), "0 50 % 100 %");
        let noon = 1_767_614_400.0;
        assert_eq!(ticks(noon, noon, Unit::Date), "11:59:00 11:59:30 12:00:00 12:00:30 12:01:00");
        assert_eq!(
            ticks(noon, noon + 7.0 * 86_400.0, Unit::Date),
            "2026-01-05 2026-01-07 2026-01-09 2026-01-11 2026-01-13"
        );
        for (name, unit) in [
            ("node_boot_time_seconds", Unit::Date),
            ("request_duration_seconds", Unit::Seconds),
            ("cpu_seconds_total", Unit::Plain),
            ("cpu_usage_percent", Unit::Percent),
        ] {
            assert_eq!(Unit::of(name), unit, "{name}");
        }
    }

    #[test]
    fn extreme_values_have_an_axis() {
        for (low, high) in
            [(0.0, f64::MAX), (f64::MIN, f64::MAX), (1e-320, 1e-310), (1e15, 1e15 + 0.5), (-1.0, -1.0)]
        {
            for unit in [Unit::Plain, Unit::Bytes, Unit::Percent, Unit::Seconds, Unit::Date] {
                let axis = ValueAxis::new(low, high, unit, 4);
                assert!(
                    axis.low < axis.high && (2..20).contains(&axis.ticks.len()),
                    "{low} {high}: {axis:?}"
                );
                assert!((0.0..=1.0).contains(&axis.place(high)), "{low} {high}: {axis:?}");
            }
        }
    }

    #[test]
    fn times_are_round_and_few() {
        let from = Time::from_unix_secs(1_767_600_000);
        let texts = |secs, count| {
            let times = times(from, from + Span::from_secs(secs), count);
            times.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(texts(3_600, 7), "08:00 08:10 08:20 08:30 08:40 08:50 09:00");
        assert_eq!(texts(60, 5), "08:00:00 08:00:15 08:00:30 08:00:45 08:01:00");
        assert_eq!(texts(2 * 86_400, 5), "12:00 01-06 12:00 01-07");
        assert_eq!(texts(0, 5), "08:00:00");
        assert!(times(from, Time::NEVER, 5).len() <= 5);
    }
}
