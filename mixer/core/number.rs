//! Numbers as people write them.
//!
//! Pages of metrics have forms of their own.

use std::fmt;

/// A number as Go prints it, and so Prometheus in its answers: with an exponent from 1e+21 on and below 0.0001.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown(pub f64);

impl Shown {
    /// A number with four significant digits at most.
    #[must_use]
    pub fn rounded(number: f64) -> Self {
        Self(format!("{number:.3e}").parse().unwrap_or(number))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number) = *self;
        if number == 0.0 || !number.is_finite() || (1e-4..1e21).contains(&number.abs()) {
            return number.fmt(f);
        }
        let scientific = format!("{number:e}");
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |below| ('-', below));
        write!(f, "{digits}e{sign}{exponent:0>2}")
    }
}

/// The number and the unit of a text such as `1.5s`, `20 MiB` or `1e3s`: the longest number, and a unit of letters.
#[must_use]
pub fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let unit_at = text.rfind(|c: char| !c.is_ascii_alphabetic()).map_or(0, |at| at + 1);
    let (number, unit) = text.split_at_checked(unit_at)?;
    if unit.is_empty() {
        return None;
    }
    Some((number.trim().parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn very_large_and_very_small_numbers_have_an_exponent() {
        for (number, shown) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (150.0, "150"),
            (0.25, "0.25"),
            (0.0001, "0.0001"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (1e-5, "1e-05"),
            (-2.5e-300, "-2.5e-300"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(Shown(number).to_string(), shown);
        }
    }

    #[test]
    fn a_number_is_told_from_its_unit_even_with_an_exponent() {
        for (text, read) in [
            ("1.5s", Some((1.5, "s"))),
            ("20 MiB", Some((20.0, "MiB"))),
            ("1e3s", Some((1_000.0, "s"))),
            ("1e+21kB", Some((1e21, "kB"))),
            ("-2.5E-3 ms", Some((-0.0025, "ms"))),
            ("5", None),
            ("s", None),
            ("1e3", None),
            ("infs", None),
            ("1h30m", None),
            ("größe", None),
        ] {
            assert_eq!(number_and_unit(text), read, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_short_and_read_back_as_it_was(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            let shown = Shown(number).to_string();
            prop_assert!(shown.len() <= 26, "{shown}");
            prop_assert!(number.is_nan() || shown.parse::<f64>().unwrap().to_bits() == bits, "{shown}");
        }
    }
}
