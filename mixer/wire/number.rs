//! Numbers as the text formats write them.

/// Appends the shortest text that reads back as the same number. Most values are whole or have two decimals, and take a
/// short path.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "whole and small enough, as checked"
)]
pub(crate) fn put_number(value: f64, out: &mut Vec<u8>) {
    const HUNDREDTHS_MAX: f64 = 1e15;
    let hundredths = value * 100.0;
    if hundredths.abs() < HUNDREDTHS_MAX {
        let whole = (hundredths + f64::copysign(0.5, hundredths)) as i64;
        // Not for -0, which no integer represents.
        if (whole as f64 / 100.0).to_bits() == value.to_bits() {
            put_hundredths(whole, out);
            return;
        }
    }
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    }
}

/// Appends a number as OpenMetrics requires it in `le` and `quantile`: with a point, or with an exponent from 1e+06 on and
/// below 0.0001 (<https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md#considerations-canonical-numbers>).
pub(crate) fn put_canonical(value: f64, out: &mut Vec<u8>) {
    put_label_number(value, out);
    if value.fract() == 0.0 && (value == 0.0 || value.abs() < 1e6) {
        out.extend_from_slice(b".0");
    }
}

/// Appends a number as Prometheus' clients in Go have it in `le` and `quantile`, and so a Pushgateway for a body in protobuf: as
/// [`put_canonical`], but whole numbers without a point. Another text would be another series.
pub(crate) fn put_label_number(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return put_number(value, out);
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let text = if (-4..6).contains(&exponent) {
        format!("{value}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    };
    out.extend_from_slice(text.as_bytes());
}

fn put_hundredths(hundredths: i64, out: &mut Vec<u8>) {
    if hundredths < 0 {
        out.push(b'-');
    }
    let (whole, rest) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
    out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    if rest > 0 {
        let digit = |number: u64| b'0' + u8::try_from(number).unwrap_or(0);
        let digits = [b'.', digit(rest / 10), digit(rest % 10)];
        out.extend_from_slice(if rest.is_multiple_of(10) { &digits[..2] } else { &digits });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_numbers_are_those_of_the_specification() {
        for (value, wanted) in [
            (0.0, "0.0"),
            (0.001, "0.001"),
            (0.9, "0.9"),
            (0.999, "0.999"),
            (1.0, "1.0"),
            (1.7, "1.7"),
            (10.0, "10.0"),
            (1e-10, "1e-10"),
            (1e-9, "1e-09"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (100_000.0, "100000.0"),
            (1e6, "1e+06"),
            (1e10, "1e+10"),
            (1.5e300, "1.5e+300"),
            (-0.25, "-0.25"),
            (123_456.0, "123456.0"),
            (3_690_987_520.0, "3.69098752e+09"),
            (-0.0, "-0.0"),
            (-7.0, "-7.0"),
            (f64::INFINITY, "+Inf"),
        ] {
            let (mut canonical, mut label) = (Vec::new(), Vec::new());
            put_canonical(value, &mut canonical);
            put_label_number(value, &mut label);
            let (canonical, label) =
                (String::from_utf8(canonical).unwrap(), String::from_utf8(label).unwrap());
            assert_eq!(canonical, wanted);
            assert_eq!(label, wanted.strip_suffix(".0").unwrap_or(wanted), "as Go's strconv has it");
        }
    }
}
