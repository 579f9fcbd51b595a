//! Forecasts without a config: they know the values up to now, and have learned from training rows.

use std::f64::consts::TAU;

use super::paired::Paired;
use crate::grid::millis;
use crate::linear::{autoregression, ridge};
use crate::statistics::{autocorrelation, deviation, index, mean, number};

/// The most coefficients of an autoregression.
const ORDER_MAX: usize = 12;
/// Values that a ridge regression sees, and the penalty on its weights, whose features have unit variance.
const LAGS: usize = 12;
const PENALTY: f64 = 1.0;
/// Rows that it learns from.
const ROWS_MAX: usize = 1_000;
/// Autocorrelation above which a lag is a season; lags that are tried, and values for that.
const SEASON_MIN: f64 = 0.3;
const SEASON_LAGS_MAX: usize = 1_500;
const SEASON_VALUES_MAX: usize = 4_000;
/// Autocorrelation is below this before a season begins.
const SEASON_DIP: f64 = 0.2;
const DAY_SECS: f64 = 86_400.0;

/// Names of the baselines, in the order of reports.
pub(super) const BASELINES: [&str; 4] = ["persistence", "ar", "seasonal naive", "ridge"];

/// The baselines, trained on the rows before a place.
#[derive(Debug)]
pub(super) struct Baselines<'p> {
    pair: &'p Paired,
    mean: f64,
    scale: f64,
    weights: Vec<f64>,
    season: Option<usize>,
    /// Weights by horizon.
    ridges: Vec<(usize, Option<Vec<f64>>)>,
}

impl<'p> Baselines<'p> {
    pub(super) fn trained(pair: &'p Paired, until: usize, horizons: &[usize]) -> Self {
        let rows = &pair.real[..until];
        let present: Vec<f64> = rows.iter().copied().filter(|value| value.is_finite()).collect();
        let (mean, scale) = (mean(&present), deviation(&present));
        let lags = 0..=ORDER_MAX.min(present.len() / 10);
        let covariances: Vec<f64> = lags.map(|lag| covariance(rows, mean, lag)).collect();
        let weights = autoregression(&covariances, number(present.len()));
        let mut own = Self { pair, mean, scale, weights, season: season(pair, rows), ridges: Vec::new() };
        own.ridges = horizons.iter().map(|horizon| (*horizon, own.trained_ridge(until, *horizon))).collect();
        own
    }

    /// The forecast of a baseline from a place for one that is `horizon` later; `None` if it has none.
    pub(super) fn forecast(&self, baseline: usize, from: usize, horizon: usize) -> Option<f64> {
        match baseline {
            0 => self.newest(from),
            1 => Some(self.autoregressed(from, horizon)),
            2 => {
                let season = self.season?;
                let back = season * horizon.div_ceil(season);
                let place = (from + horizon).checked_sub(back)?;
                self.pair.real.get(place).copied().filter(|value| value.is_finite())
            }
            _ => {
                let (_, weights) = self.ridges.iter().find(|(own, _)| *own == horizon)?;
                let features = self.features(from, horizon)?;
                let sum: f64 = weights.as_ref()?.iter().zip(&features).map(|(a, b)| a * b).sum();
                Some(self.mean + self.scale * sum)
            }
        }
    }

    /// The newest value, not older than ten steps.
    fn newest(&self, from: usize) -> Option<f64> {
        let values = self.pair.real.get(..=from)?;
        values.iter().rev().take(10).copied().find(|value| value.is_finite())
    }

    fn autoregressed(&self, from: usize, horizon: usize) -> f64 {
        let order = self.weights.len();
        // The newest is last; a gap is the mean.
        let value = |back: usize| from.checked_sub(back).and_then(|place| self.pair.real.get(place).copied());
        let deviation =
            |value: Option<f64>| value.filter(|value| value.is_finite()).map_or(0.0, |x| x - self.mean);
        let mut past: Vec<f64> = (0..order).rev().map(|back| deviation(value(back))).collect();
        for _ in 0..horizon {
            let next = self.weights.iter().zip(past.iter().rev()).map(|(a, b)| a * b).sum();
            past.push(next);
        }
        self.mean + past.last().copied().filter(|_| order > 0).unwrap_or_default()
    }

    fn features(&self, from: usize, horizon: usize) -> Option<Vec<f64>> {
        let first = (from + 1).checked_sub(LAGS)?;
        let scale = if self.scale > 0.0 { self.scale } else { 1.0 };
        let lags = self.pair.real.get(first..=from)?.iter();
        let mut features: Vec<f64> =
            lags.map(|value| if value.is_finite() { (value - self.mean) / scale } else { 0.0 }).collect();
        let at = millis(self.pair.begin_ms) / 1000.0 + number(from + horizon) * self.pair.step_secs;
        let turn = TAU * libm::fmod(at, DAY_SECS) / DAY_SECS;
        features.extend([1.0, libm::sin(turn), libm::cos(turn)]);
        Some(features)
    }

    fn trained_ridge(&self, until: usize, horizon: usize) -> Option<Vec<f64>> {
        let last = until.checked_sub(horizon)?;
        let step = last.div_ceil(ROWS_MAX).max(1);
        let scale = if self.scale > 0.0 { self.scale } else { 1.0 };
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        for from in (0..last).step_by(step) {
            let target = self.pair.real[from + horizon];
            if let Some(features) = self.features(from, horizon).filter(|_| target.is_finite()) {
                rows.push(features);
                targets.push((target - self.mean) / scale);
            }
        }
        ridge(&rows, &targets, PENALTY)
    }
}

/// The autocovariance at a lag, by the number of all rows: such ones are of a process that does not explode. A gap is the mean.
fn covariance(rows: &[f64], mean: f64, lag: usize) -> f64 {
    let products = rows.iter().zip(&rows[lag.min(rows.len())..]).map(|(a, b)| (a - mean) * (b - mean));
    products.filter(|product| product.is_finite()).sum::<f64>() / number(rows.len().max(1))
}

/// The steps of a season: a day, if there are two, or else the lag of the first peak of the autocorrelation after a dip.
fn season(pair: &Paired, rows: &[f64]) -> Option<usize> {
    let day = DAY_SECS / pair.step_secs;
    let has_days = number(rows.len()) >= 2.0 * day && day >= 2.0;
    let rows = &rows[rows.len().saturating_sub(SEASON_VALUES_MAX)..];
    if has_days {
        return Some(index(libm::round(day)));
    }
    let lags = 1..SEASON_LAGS_MAX.min(rows.len() / 2);
    let correlations: Vec<f64> = lags.map(|lag| autocorrelation(rows, lag)).collect();
    let dip = correlations.iter().position(|correlation| *correlation < SEASON_DIP)?;
    let (place, largest) =
        correlations.iter().enumerate().skip(dip).max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))?;
    (*largest >= SEASON_MIN).then_some(place + 1)
}
