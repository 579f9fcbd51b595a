//! Numbers with three digits that count, as tables of sweeps have them.

/// The units of sizes.
const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];

/// A number with three digits that count, or all before the point.
pub(super) fn short(number: f64) -> String {
    if !number.is_finite() {
        return "-".to_owned();
    }
    let decimals = match number.abs() {
        0.0 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.1 => 3,
        _ => 4,
    };
    let text = format!("{number:.decimals$}");
    if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A size in bytes.
pub(super) fn short_bytes(bytes: f64) -> String {
    let mut size = bytes;
    let mut units = UNITS.into_iter().peekable();
    while let Some(unit) = units.next() {
        if size < 999.5 || units.peek().is_none() {
            return format!("{} {unit}", short(size));
        }
        size /= 1000.0;
    }
    short(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        let texts = [0.0, 0.012_34, 0.5, 1.239, 12.0, 99.96, 1234.5, f64::NAN].map(short);
        assert_eq!(texts, ["0", "0.0123", "0.5", "1.24", "12", "100", "1234", "-"]);
        assert_eq!([12.0, 999.6, 5.43e9, 2e15].map(short_bytes), ["12 B", "1 kB", "5.43 GB", "2000 TB"]);
    }
}
