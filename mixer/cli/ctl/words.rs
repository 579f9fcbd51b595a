//! Values of the API as people read them.

use promemu_core::number::Shown;
use promemu_core::time::Time;
use serde_json::Value;

/// Durations in seconds below this one have a fraction.
const WITH_FRACTION_BELOW: f64 = 10.0;
/// Units of a duration in seconds, the longest first.
const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

/// A value as text: numbers with two decimals at most, null as `-`.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(fraction) if !number.is_i64() && !number.is_u64() => number_text(fraction, 2),
            _ => number.to_string(),
        },
        Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A number that may be small, with nine digits at most.
pub(super) fn figure(value: &Value) -> String {
    value.as_f64().map_or_else(|| word(value), |number| Shown(rounded(number)).to_string())
}

/// The nearest number of nine digits.
fn rounded(number: f64) -> f64 {
    format!("{number:.8e}").parse().unwrap_or(number)
}

/// From here on numbers have no decimals.
const LARGE: f64 = 1e15;

fn number_text(number: f64, decimals: usize) -> String {
    if number.abs() >= LARGE {
        return Shown(number).to_string();
    }
    let text = format!("{number:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number of seconds in its two largest units, as in `3h 25m`; null as `-`.
pub(super) fn duration(secs: &Value) -> String {
    secs.as_f64().map_or_else(|| "-".to_owned(), duration_text)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "durations are positive; saturates"
)]
fn duration_text(secs: f64) -> String {
    if secs < WITH_FRACTION_BELOW {
        return format!("{}s", number_text(secs, 1));
    }
    let mut rest = secs as u64;
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        if rest >= unit {
            parts.push(format!("{}{name}", rest / unit));
            rest %= unit;
        } else if !parts.is_empty() {
            break;
        }
    }
    parts.truncate(2);
    parts.join(" ")
}

/// The time from `then` to `now`, as in `5s ago`; null as `-`.
pub(super) fn ago(then: &Value, now: &Value) -> String {
    let time = |value: &Value| Time::parse(value.as_str()?).ok();
    match (time(then), time(now)) {
        (Some(then), Some(now)) => format!("{} ago", duration_text(now.since(then).as_secs_f64())),
        _ => word(then),
    }
}

/// A number of bytes, as in `1.5 MiB`; null as `-`.
pub(super) fn bytes(value: &Value) -> String {
    const STEP: f64 = 1024.0;
    let Some(mut amount) = value.as_f64() else { return "-".to_owned() };
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if amount < STEP {
            break;
        }
        (amount, unit) = (amount / STEP, larger);
    }
    format!("{} {unit}", number_text(amount, 1))
}

/// The end of an override: its emulated time, or its release.
pub(super) fn until(value: &Value) -> String {
    value.as_str().unwrap_or("released").to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_as_short_as_people_write_them_and_counts_are_whole() {
        for (number, shown) in [
            (serde_json::json!(12.345), "12.35"),
            (serde_json::json!(1e300), "1e+300"),
            (serde_json::json!(-2.5e21), "-2.5e+21"),
            (serde_json::json!(u64::MAX), "18446744073709551615"),
        ] {
            assert_eq!(word(&number), shown);
        }
    }

    #[test]
    fn figures_have_nine_digits_wherever_the_point_is() {
        let figures =
            [json!(0.049_124_040_608_000_005), json!(1.0), json!(-2), json!(1e-7), json!(1_234_567.5)];
        assert_eq!(figures.map(|value| figure(&value)), ["0.0491240406", "1", "-2", "1e-07", "1234567.5"]);
    }

    #[test]
    fn numbers_have_two_decimals_at_most() {
        let words = [json!(20.934), json!(99.0), json!(7), json!(null), json!(["a", 1.5]), json!(true)];
        assert_eq!(words.map(|value| word(&value)), ["20.93", "99", "7", "-", "a, 1.5", "true"]);
    }

    #[test]
    fn durations_have_their_two_largest_units() {
        let secs = [
            json!(0),
            json!(4.86),
            json!(42.7),
            json!(308),
            json!(3600),
            json!(12_345.67),
            json!(273_600),
            json!(null),
        ];
        let texts = ["0s", "4.9s", "42s", "5m 8s", "1h", "3h 25m", "3d 4h", "-"];
        assert_eq!(secs.map(|secs| duration(&secs)), texts);
        assert_eq!(duration(&json!(86_405)), "1d", "a unit of nothing ends it");
    }

    #[test]
    fn a_time_before_now_is_told_as_its_age() {
        let now = json!("2026-01-05T00:01:05Z");
        assert_eq!(ago(&json!("2026-01-05T00:00:00Z"), &now), "1m 5s ago");
        assert_eq!(ago(&json!(null), &now), "-");
    }

    #[test]
    fn bytes_have_a_unit() {
        let amounts = [json!(0), json!(1023), json!(1536), json!(5_368_709_120_u64), json!(null)];
        assert_eq!(amounts.map(|amount| bytes(&amount)), ["0 B", "1023 B", "1.5 KiB", "5 GiB", "-"]);
    }
}
