//! Metrics that are a straight line of another metric of their host, as bytes and the percent of them.

use crate::call::{Call, Term, Value};
use crate::candidates::Candidate;
use crate::load::Floats;
use crate::statistics::{mean, number, rounded};

/// The largest distance from the line, as a share of the range.
const OFF_MAX: f64 = 0.002;
/// Fewer samples may be on a line by chance.
const COUNT_MIN: usize = 8;

/// The scenario.
pub(crate) const RELAY: &str = "relay_to_other_metric";

/// A metric that others of its host may follow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'s> {
    pub(crate) name: &'s str,
    pub(crate) floats: &'s Floats,
}

/// The first source that gives these samples by a line. `None` if there is none, or all samples are equal.
pub(crate) fn relay(floats: &Floats, sources: &[Source<'_>]) -> Option<Candidate> {
    let low = floats.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
    let high = floats.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
    let range = high - low;
    if floats.len() < COUNT_MIN || range.is_nan() || range <= 1e-12 * high.abs() {
        return None;
    }
    let (source, (slope, offset)) =
        sources.iter().find_map(|source| Some((source, line(floats, source.floats, range * OFF_MAX)?)))?;
    let mut terms =
        vec![Term::Word("value * ".to_owned()), Term::Number(rounded(slope, slope.abs() / 1000.0))];
    if offset.abs() > OFF_MAX * range {
        terms.extend([Term::Word(" + ".to_owned()), Term::Number(rounded(offset, range))]);
    }
    let fields = vec![
        ("source_metric_name", Value::Text(source.name.to_owned())),
        ("calc_function", Value::Formula(terms)),
    ];
    let measured = format!("follows {}", source.name);
    Some(Candidate { call: Call::new(RELAY, fields), measured })
}

/// Slope and offset of the line by which a source gives all samples, at the same times and nowhere farther off than this.
fn line(floats: &Floats, source: &Floats, off_max: f64) -> Option<(f64, f64)> {
    if floats.len() != source.len() {
        return None;
    }
    let pairs = || source.iter().zip(floats).map(|((_, from), (_, to))| (*from, *to));
    // Two samples that differ tell the line; most sources are out at the next one.
    let (first, other) = (pairs().next()?, pairs().max_by(|a, b| a.0.total_cmp(&b.0))?);
    let other = if other.0 > first.0 { other } else { pairs().min_by(|a, b| a.0.total_cmp(&b.0))? };
    let rough = (other.1 - first.1) / (other.0 - first.0);
    if !rough.is_finite()
        || pairs().any(|(from, to)| (first.1 + rough * (from - first.0) - to).abs() > 3.0 * off_max)
    {
        return None;
    }
    let count = number(floats.len());
    let middle = pairs().map(|(from, _)| from).sum::<f64>() / count;
    let own_middle = mean(&floats.iter().map(|(_, value)| *value).collect::<Vec<f64>>());
    let (along, squares) = pairs().fold((0.0, 0.0), |(along, squares), (from, to)| {
        (along + (from - middle) * (to - own_middle), squares + (from - middle) * (from - middle))
    });
    let slope = along / squares;
    let is_line = pairs().all(|(from, to)| (own_middle + slope * (from - middle) - to).abs() <= off_max);
    let is_at_once = source.iter().zip(floats).all(|((from, _), (to, _))| from == to);
    (is_line && is_at_once && slope != 0.0).then_some((slope, own_middle - slope * middle))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(value: impl Fn(i32) -> f64) -> Floats {
        (0..50).map(|n| (i64::from(n) * 1_000, value(n))).collect()
    }

    #[test]
    fn percent_follow_bytes_and_noise_follows_nothing() {
        let noise = |n: i32| f64::from(n * 7_919 % 101);
        let bytes = floats(|n| 1e9 + 4e7 * noise(n));
        let other = floats(|n| noise(n * n));
        let sources = [Source { name: "other", floats: &other }, Source { name: "bytes", floats: &bytes }];
        let percent = floats(|n| libm::round((1e9 + 4e7 * noise(n)) / 8e9 * 1e4) / 100.0);
        let found = relay(&percent, &sources).unwrap();
        assert_eq!(found.measured, "follows bytes");
        let numbers = found.call.numbers();
        assert!(numbers.len() == 1 && (numbers[0].1 / 1.25e-8 - 1.0).abs() < 1e-3, "{numbers:?}");
        let shifted = floats(|n| 500.0 - 2.0 * noise(n));
        let numbers = relay(&shifted, &sources).unwrap().call.numbers();
        assert!((numbers[1].1 - 550.0).abs() < 0.5, "{numbers:?}");
        assert!(relay(&floats(|n| noise(n + 7)), &sources).is_none());
        assert!(relay(&floats(|_| 3.0), &sources).is_none(), "it is constant");
    }
}
