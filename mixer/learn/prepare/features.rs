//! Columns that are made of the values up to their own time, so that no row knows what comes after it.

use super::spec::FeatureKind;
use crate::statistics::{deviation, mean, number};

/// The feature of each cell; NaN where there are too few values.
pub(super) fn feature(values: &[f64], kind: FeatureKind) -> Vec<f64> {
    let last = |steps: usize, of: &dyn Fn(&[f64]) -> f64| -> Vec<f64> {
        let mut present = Vec::with_capacity(steps);
        let places = 0..values.len();
        places
            .map(|place| {
                present.clear();
                let window = &values[(place + 1).saturating_sub(steps)..=place];
                present.extend(window.iter().copied().filter(|value| !value.is_nan()));
                if present.is_empty() { f64::NAN } else { of(&present) }
            })
            .collect()
    };
    match kind {
        FeatureKind::Mean(steps) => last(steps, &mean),
        FeatureKind::Min(steps) => {
            last(steps, &|present| present.iter().copied().fold(f64::INFINITY, f64::min))
        }
        FeatureKind::Max(steps) => {
            last(steps, &|present| present.iter().copied().fold(f64::NEG_INFINITY, f64::max))
        }
        FeatureKind::Deviation(steps) => last(steps, &deviation),
        FeatureKind::Trend(steps) => (0..values.len())
            .map(|place| trend(&values[(place + 1).saturating_sub(steps)..=place], steps))
            .collect(),
        FeatureKind::Seasonal { period, periods } => {
            (0..values.len()).map(|place| seasonal(values, place, period, periods)).collect()
        }
    }
}

/// The change along the line of least squares through some values, over so many steps; NaN for fewer than three values.
fn trend(window: &[f64], steps: usize) -> f64 {
    const VALUES_MIN: usize = 3;
    let points = || {
        window
            .iter()
            .enumerate()
            .filter(|(_, value)| !value.is_nan())
            .map(|(place, value)| (number(place), *value))
    };
    let count = points().count();
    if count < VALUES_MIN {
        return f64::NAN;
    }
    let (sum_x, sum_y) = points().fold((0.0, 0.0), |(x, y), (a, b)| (x + a, y + b));
    let (mean_x, mean_y) = (sum_x / number(count), sum_y / number(count));
    let (mut xx, mut xy) = (0.0, 0.0);
    for (x, y) in points() {
        xx += (x - mean_x) * (x - mean_x);
        xy += (x - mean_x) * (y - mean_y);
    }
    xy / xx * number(steps)
}

/// The mean of the values at the same time of the periods before, less that of all values of these.
fn seasonal(values: &[f64], place: usize, period: usize, periods: usize) -> f64 {
    let Some(begin) = place.checked_sub(period * periods) else { return f64::NAN };
    let present = |values: &mut dyn Iterator<Item = f64>| {
        let present: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
        if present.is_empty() { f64::NAN } else { mean(&present) }
    };
    let same = present(&mut (1..=periods).map(|n| values[place - n * period]));
    same - present(&mut values[begin..place].iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: f64 = f64::NAN;

    fn shown(values: &[f64], kind: FeatureKind) -> String {
        let found: Vec<String> = feature(values, kind).iter().map(|value| format!("{value:.2}")).collect();
        found.join(" ")
    }

    #[test]
    fn features_know_the_past_only_and_skip_gaps() {
        let values = [GAP, 1.0, 3.0, GAP, 8.0];
        assert_eq!(shown(&values, FeatureKind::Mean(2)), "NaN 1.00 2.00 3.00 8.00");
        assert_eq!(shown(&values, FeatureKind::Min(3)), "NaN 1.00 1.00 1.00 3.00");
        assert_eq!(shown(&values, FeatureKind::Max(3)), "NaN 1.00 3.00 3.00 8.00");
        assert_eq!(shown(&values, FeatureKind::Deviation(2)), "NaN 0.00 1.00 0.00 0.00");
    }

    #[test]
    fn a_line_has_its_trend_and_a_season_its_part() {
        let line: Vec<f64> = (0..6).map(|n| 2.0 * f64::from(n)).collect();
        assert_eq!(shown(&line, FeatureKind::Trend(4)), "NaN NaN 8.00 8.00 8.00 8.00");
        let season = [0.0, 4.0, 0.0, 4.0, 0.0, 4.0];
        assert_eq!(
            shown(&season, FeatureKind::Seasonal { period: 2, periods: 2 }),
            "NaN NaN NaN NaN -2.00 2.00"
        );
    }
}
