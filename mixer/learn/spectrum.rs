//! The strongest frequency of a series.

use std::f64::consts::PI;

use crate::statistics::{index, number};

/// The frequency with the largest power, in cycles per value, of a series without mean; gaps (NaN) count as 0. `None` for fewer
/// than eight values. It is precise to an eighth of a cycle over the whole series.
pub(crate) fn strongest_frequency(values: &[f64]) -> Option<f64> {
    const LENGTH_MIN: usize = 8;
    if values.len() < LENGTH_MIN {
        return None;
    }
    let length = (values.len() * 4).next_power_of_two();
    let mut wave: Vec<(f64, f64)> =
        values.iter().map(|value| (if value.is_finite() { *value } else { 0.0 }, 0.0)).collect();
    wave.resize(length, (0.0, 0.0));
    transform(&mut wave);
    let power = |place: usize| wave[place].0 * wave[place].0 + wave[place].1 * wave[place].1;
    let strongest = (1..length / 2).max_by(|a, b| power(*a).total_cmp(&power(*b)))?;
    Some(number(strongest) / number(length))
}

/// A lag after which values come again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recurrence {
    /// In values, with its fraction.
    pub(crate) lag: f64,
    /// The correlation of values so far apart.
    pub(crate) alike: f64,
}

/// The shortest lag after which a series without mean (gaps are NaN) is about as much like itself as it ever is, once it was
/// unlike itself: what moves slowly is like itself for a while, and does not come again. Two periods must be there.
pub(crate) fn recurrence(values: &[f64]) -> Option<Recurrence> {
    /// Likeness of what is unlike itself.
    const UNLIKE: f64 = 0.3;
    /// The share of the largest likeness that a shorter lag has.
    const AS_MUCH: f64 = 0.75;
    let alike = autocorrelations(values);
    let last = values.len() / 2;
    let from = (1..=last).find(|lag| alike[*lag] < UNLIKE)?;
    let most = (from..=last).map(|lag| alike[lag]).fold(0.0, f64::max);
    let is_peak = |lag: &usize| {
        let near = (lag / 10).max(1);
        let around = lag.saturating_sub(near).max(from)..=(lag + near).min(last);
        alike[*lag] >= AS_MUCH * most && around.clone().all(|other| alike[other] <= alike[*lag])
    };
    let lag = (from..=last).find(is_peak).filter(|_| most > 0.0)?;
    Some(Recurrence { lag: refined(&alike, lag), alike: alike[lag] })
}

/// A lag with its fraction: twice as many turns tell it twice as well, as far as two thirds of the series are.
fn refined(alike: &[f64], lag: usize) -> f64 {
    let (mut refined, mut turns) = (number(lag), 1.0);
    loop {
        let expected = index(libm::round(refined * turns));
        let range = expected.saturating_sub(1).max(1)..=(expected + 1).min(alike.len() - 2);
        let Some(top) = range.max_by(|a, b| alike[*a].total_cmp(&alike[*b])) else { return refined };
        let (before, at, after) = (alike[top - 1], alike[top], alike[top + 1]);
        let bend = before - 2.0 * at + after;
        let off = if bend < 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
        refined = (number(top) + off) / turns;
        turns *= 2.0;
        if refined * turns * 1.5 > number(alike.len()) {
            return refined;
        }
    }
}

/// The correlation of a series without mean with itself, by lag; 0 where too few pairs are there.
fn autocorrelations(values: &[f64]) -> Vec<f64> {
    const PAIRS_MIN: f64 = 4.0;
    let length = (values.len() * 2).next_power_of_two();
    let products = |of: &dyn Fn(f64) -> f64| {
        let mut wave: Vec<(f64, f64)> = values.iter().map(|value| (of(*value), 0.0)).collect();
        wave.resize(length, (0.0, 0.0));
        transform(&mut wave);
        let mut power: Vec<(f64, f64)> = wave.iter().map(|(re, im)| (re * re + im * im, 0.0)).collect();
        transform(&mut power);
        power.iter().take(values.len()).map(|(re, _)| re / number(length)).collect::<Vec<f64>>()
    };
    let sums = products(&|value| if value.is_finite() { value } else { 0.0 });
    let pairs = products(&|value| if value.is_finite() { 1.0 } else { 0.0 });
    let variance = sums[0] / pairs[0];
    let of_lag = |(sum, pairs): (&f64, &f64)| {
        if *pairs < PAIRS_MIN || variance <= 0.0 { 0.0 } else { sum / pairs / variance }
    };
    sums.iter().zip(&pairs).map(of_lag).collect()
}

/// The discrete Fourier transform (Cooley and Tukey, in place) of a length that is a power of two.
fn transform(wave: &mut [(f64, f64)]) {
    let length = wave.len();
    let mut target = 0;
    for place in 1..length {
        let mut bit = length / 2;
        while target & bit != 0 {
            target ^= bit;
            bit /= 2;
        }
        target |= bit;
        if place < target {
            wave.swap(place, target);
        }
    }
    let mut half = 1;
    while half < length {
        let turn = -PI / number(half);
        let turns: Vec<(f64, f64)> =
            (0..half).map(|n| (libm::cos(turn * number(n)), libm::sin(turn * number(n)))).collect();
        for from in (0..length).step_by(2 * half) {
            for (n, (cos, sin)) in turns.iter().enumerate() {
                let (a, b) = (wave[from + n], wave[from + n + half]);
                let turned = (b.0 * cos - b.1 * sin, b.0 * sin + b.1 * cos);
                wave[from + n] = (a.0 + turned.0, a.1 + turned.1);
                wave[from + n + half] = (a.0 - turned.0, a.1 - turned.1);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_comes_again_and_what_drifts_does_not() {
        // Steps of 13.5 values, in which most is still.
        let at = |n: usize| {
            let phase = (number(n) / 13.5).rem_euclid(1.0);
            let level = if phase < 0.3 { 1.0 } else { -0.3 };
            level + 0.05 * libm::sin(number(n * n))
        };
        let mut values: Vec<f64> = (0..400).map(at).collect();
        values[57] = f64::NAN;
        let found = recurrence(&values).unwrap();
        assert!((found.lag - 13.5).abs() < 0.05 && found.alike > 0.7, "{found:?}");
        let line: Vec<f64> = (0..400).map(|n| number(n) - 199.5).collect();
        assert!(recurrence(&line).is_none_or(|found| found.alike < 0.3));
    }

    #[test]
    fn a_sine_is_the_strongest_frequency_beside_weaker_ones() {
        let at = |n: usize| {
            let t = number(n) * 2.0 * PI;
            3.0 * libm::sin(t / 17.3) + libm::sin(t / 5.0)
        };
        let values: Vec<f64> = (0..500).map(at).collect();
        let found = strongest_frequency(&values).unwrap();
        assert!((found - 1.0 / 17.3).abs() < 0.25 / 500.0, "{found}");
        assert_eq!(strongest_frequency(&[1.0; 7]), None);
    }
}
