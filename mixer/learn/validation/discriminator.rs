//! A classifier that tries to tell windows of recorded values from emulated ones.
//!
//! It is a logistic regression on features of a window, as after J. Yoon, D. Jarrett and M. van der Schaar, "Time-series Generative
//! Adversarial Networks" (2019), whose score is the distance of this share from 0.5. Of the windows in the order of time every other
//! one trains it, and the rest is told. Each recorded window has one of a member at the same time, so chance is 0.5.

use super::paired::Paired;
use crate::statistics::{autocorrelation, deviation, mean, number};

/// Values of a window.
const WINDOW: usize = 20;
/// Fewer windows on a side say nothing.
const WINDOWS_MIN: usize = 20;
/// Windows of a series.
const WINDOWS_MAX: usize = 200;
/// Steps of the descent, and their length.
const ROUNDS: usize = 300;
const RATE: f64 = 0.5;
const PENALTY: f64 = 1e-3;

const FEATURES: usize = 8;

/// A window's features, and 1 if it was recorded or 0.
type Row = ([f64; FEATURES], f64);

/// The share of windows that are told right; `None` if there are too few.
pub(super) fn score(pairs: &[Paired]) -> Option<f64> {
    let (mut training, mut told) = (Vec::new(), Vec::new());
    for pair in pairs {
        put_windows(pair, &mut training, &mut told);
    }
    if told.len() < 2 * WINDOWS_MIN || training.is_empty() {
        return None;
    }
    let scales = standardise(&training);
    let ready = |rows: &[Row]| -> Vec<Row> { rows.iter().map(|row| (scaled(row, &scales), row.1)).collect() };
    let weights = trained(&ready(&training));
    let right = ready(&told)
        .iter()
        .filter(|(features, class)| (sum(&weights, features) > 0.0) == (*class > 0.5))
        .count();
    Some(number(right) / number(told.len()))
}

fn put_windows(pair: &Paired, training: &mut Vec<Row>, told: &mut Vec<Row>) {
    let present: Vec<f64> = pair.real.iter().copied().filter(|value| value.is_finite()).collect();
    let (middle, scale) = (mean(&present), deviation(&present));
    let scale = if scale > 0.0 { scale } else { middle.abs().max(1.0) };
    let windows = pair.real.len() / WINDOW;
    let step = windows.div_ceil(WINDOWS_MAX).max(1);
    for (n, window) in (0..windows).step_by(step).enumerate() {
        let range = window * WINDOW..(window + 1) * WINDOW;
        let member = &pair.members[n % pair.members.len()];
        let sides = [&pair.real[range.clone()], &member[range]];
        if sides.iter().any(|values| values.iter().any(|value| !value.is_finite())) {
            continue;
        }
        let rows = if n % 2 == 0 { &mut *training } else { &mut *told };
        for (values, class) in sides.into_iter().zip([1.0, 0.0]) {
            let values: Vec<f64> = values.iter().map(|value| (value - middle) / scale).collect();
            rows.push((features(&values), class));
        }
    }
}

fn features(values: &[f64]) -> [f64; FEATURES] {
    let steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    let held = steps.iter().filter(|step| **step <= 0.0).count();
    let (least, most) =
        values.iter().fold((f64::MAX, f64::MIN), |(a, b), value| (a.min(*value), b.max(*value)));
    let middle = mean(values);
    [
        middle,
        middle * middle,
        deviation(values),
        most - least,
        mean(&steps),
        steps.iter().copied().fold(0.0, f64::max),
        number(held) / number(steps.len().max(1)),
        autocorrelation(values, 1),
    ]
}

/// Mean and deviation of each feature.
fn standardise(rows: &[Row]) -> Vec<(f64, f64)> {
    (0..FEATURES)
        .map(|n| {
            let own: Vec<f64> = rows.iter().map(|(features, _)| features[n]).collect();
            let scale = deviation(&own);
            (mean(&own), if scale > 1e-12 { scale } else { 1.0 })
        })
        .collect()
}

fn scaled((features, _): &Row, scales: &[(f64, f64)]) -> [f64; FEATURES] {
    let mut own = *features;
    for (feature, (middle, scale)) in own.iter_mut().zip(scales) {
        *feature = ((*feature - middle) / scale).clamp(-5.0, 5.0);
    }
    own
}

/// Weights of the features, the last one of none.
fn sum(weights: &[f64; FEATURES + 1], features: &[f64; FEATURES]) -> f64 {
    weights[FEATURES] + weights.iter().zip(features).map(|(weight, feature)| weight * feature).sum::<f64>()
}

fn trained(rows: &[Row]) -> [f64; FEATURES + 1] {
    let mut weights = [0.0; FEATURES + 1];
    for _ in 0..ROUNDS {
        let mut slope = [0.0; FEATURES + 1];
        for (features, class) in rows {
            let error = 1.0 / (1.0 + libm::exp(-sum(&weights, features))) - class;
            slope.iter_mut().zip(features).for_each(|(slope, feature)| *slope += error * feature);
            slope[FEATURES] += error;
        }
        for (weight, slope) in weights.iter_mut().zip(slope) {
            *weight -= RATE * (slope / number(rows.len()) + PENALTY * *weight);
        }
    }
    weights
}
