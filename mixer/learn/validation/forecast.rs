//! Scores of forecasts on rows that are held out.
//!
//! The config's forecast is its ensemble at the time, which knows nothing of the values before. A baseline's is a normal
//! distribution around its value, as wide as its errors in training.

use super::baselines::{BASELINES, Baselines};
use super::paired::Paired;
use super::{HORIZONS, ValidationOptions};
use crate::statistics::{deviation, index, mean, normal_below, number, quantile, sorted};

/// Targets of a fold, and rows for the errors in training.
const TARGETS_MAX: usize = 200;
/// The number of standard deviations around a mean within which 90 % of a normal distribution are.
const WIDTH_OF_90: f64 = 1.644_853_626_951_472_7;
/// The name of the config among predictors.
const CONFIG: &str = "config";

/// Scores of a predictor at a horizon.
#[derive(Clone, Debug, PartialEq)]
pub struct Skill {
    /// The predictor.
    pub predictor: &'static str,
    /// Its horizon in steps.
    pub horizon: usize,
    /// Root of the mean squared error, in standard deviations of the training rows.
    pub nrmse: f64,
    /// Continuous ranked probability score, in standard deviations of the training rows.
    pub crps: f64,
    /// Share of values within the 90 % of the forecast.
    pub coverage: f64,
    /// Number of values that were forecast.
    pub targets: usize,
}

/// Sums of scores.
#[derive(Default)]
pub(crate) struct Sums {
    squares: f64,
    crps: f64,
    inside: usize,
    targets: usize,
}

impl Sums {
    fn add(&mut self, error: f64, crps: f64, is_inside: bool) {
        self.squares += error * error;
        self.crps += crps;
        self.inside += usize::from(is_inside);
        self.targets += 1;
    }

    pub(crate) fn skill(&self, predictor: &'static str, horizon: usize, scale: f64) -> Option<Skill> {
        let targets = self.targets;
        (targets > 0).then(|| Skill {
            predictor,
            horizon,
            nrmse: libm::sqrt(self.squares / number(targets)) / scale,
            crps: self.crps / number(targets) / scale,
            coverage: number(self.inside) / number(targets),
            targets,
        })
    }
}

/// Scores of each fold, by predictor and horizon.
pub(super) fn of_series(pair: &Paired, options: &ValidationOptions) -> Vec<Vec<Skill>> {
    let rows = pair.real.len();
    let first = index(number(rows) * (1.0 - options.held_out)).clamp(1, rows - 1);
    let folds = options.folds.max(1);
    let edge = |fold: usize| first + (rows - first) * fold / folds;
    (0..folds).map(|fold| of_fold(pair, edge(fold)..edge(fold + 1))).collect()
}

fn of_fold(pair: &Paired, targets: std::ops::Range<usize>) -> Vec<Skill> {
    let training = &pair.real[..targets.start];
    let present: Vec<f64> = training.iter().copied().filter(|value| value.is_finite()).collect();
    let scale = scale(&present);
    let baselines = Baselines::trained(pair, targets.start, &HORIZONS);
    let mut skills = Vec::new();
    for horizon in HORIZONS {
        let places: Vec<usize> = thinned(targets.clone())
            .filter(|place| *place >= horizon && pair.real[*place].is_finite())
            .collect();
        let mut sums = Sums::default();
        for place in &places {
            let ensemble: Vec<f64> =
                pair.members.iter().map(|member| member[*place]).filter(|value| value.is_finite()).collect();
            if !ensemble.is_empty() {
                score_ensemble(&sorted(&ensemble), pair.real[*place], &mut sums);
            }
        }
        skills.extend(sums.skill(CONFIG, horizon, scale));
        for (baseline, name) in BASELINES.into_iter().enumerate() {
            let width = width(pair, &baselines, baseline, horizon, targets.start);
            let mut sums = Sums::default();
            for place in &places {
                if let Some(forecast) = baselines.forecast(baseline, place - horizon, horizon) {
                    score_normal(forecast, width, pair.real[*place], &mut sums);
                }
            }
            skills.extend(sums.skill(name, horizon, scale));
        }
    }
    skills
}

/// The standard deviation; of values that are all equal their size, or else 1.
fn scale(values: &[f64]) -> f64 {
    let (scale, middle) = (deviation(values), mean(values).abs());
    match (scale > 1e-9 * middle, middle > 0.0) {
        (true, _) => scale,
        (false, true) => middle,
        (false, false) => 1.0,
    }
}

fn thinned(places: std::ops::Range<usize>) -> impl Iterator<Item = usize> {
    let step = places.len().div_ceil(TARGETS_MAX).max(1);
    places.step_by(step)
}

/// The errors of a baseline in training, as a standard deviation.
fn width(pair: &Paired, baselines: &Baselines<'_>, baseline: usize, horizon: usize, until: usize) -> f64 {
    let errors: Vec<f64> = thinned(horizon..until.max(horizon))
        .filter_map(|place| {
            let forecast = baselines.forecast(baseline, place - horizon, horizon)?;
            Some(pair.real[place] - forecast).filter(|error| error.is_finite())
        })
        .map(|error| error * error)
        .collect();
    libm::sqrt(mean(&errors))
}

/// CRPS of an ensemble: E|X − y| − ½ E|X − X′| (T. Gneiting and A. Raftery, 2007).
pub(crate) fn score_ensemble(ensemble: &[f64], value: f64, sums: &mut Sums) {
    let count = number(ensemble.len());
    let near = ensemble.iter().map(|member| (member - value).abs()).sum::<f64>() / count;
    // Of sorted values the distances of all pairs are a weighted sum.
    let weighted = ensemble.iter().enumerate().map(|(n, member)| (2.0 * number(n) + 1.0 - count) * member);
    let apart = 2.0 * weighted.sum::<f64>() / (count * count);
    let (low, high) = (quantile(ensemble, 0.05), quantile(ensemble, 0.95));
    sums.add(mean(ensemble) - value, near - 0.5 * apart, low <= value && value <= high);
}

/// CRPS of a normal distribution (T. Gneiting et al., 2005).
pub(crate) fn score_normal(forecast: f64, width: f64, value: f64, sums: &mut Sums) {
    let error = value - forecast;
    if width <= 0.0 {
        sums.add(error, error.abs(), error.abs() <= f64::EPSILON * value.abs());
        return;
    }
    let z = error / width;
    let density = libm::exp(-0.5 * z * z) / libm::sqrt(std::f64::consts::TAU);
    let crps =
        width * (z * (2.0 * normal_below(z) - 1.0) + 2.0 * density - 1.0 / libm::sqrt(std::f64::consts::PI));
    sums.add(error, crps, z.abs() <= WIDTH_OF_90);
}

/// Means by predictor and horizon, in the order of the first that has all.
pub(super) fn mean_of(all: &[Vec<Skill>]) -> Vec<Skill> {
    let mut skills = Vec::new();
    for horizon in HORIZONS {
        for predictor in std::iter::once(CONFIG).chain(BASELINES) {
            let is_of = |skill: &&Skill| skill.predictor == predictor && skill.horizon == horizon;
            let own: Vec<&Skill> = all.iter().flatten().filter(is_of).collect();
            if own.is_empty() {
                continue;
            }
            let mean = |of: fn(&Skill) -> f64| mean(&own.iter().map(|skill| of(skill)).collect::<Vec<f64>>());
            skills.push(Skill {
                predictor,
                horizon,
                nrmse: mean(|skill| skill.nrmse),
                crps: mean(|skill| skill.crps),
                coverage: mean(|skill| skill.coverage),
                targets: own.iter().map(|skill| skill.targets).sum(),
            });
        }
    }
    skills
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_of_an_ensemble_is_that_of_its_pairs_and_of_one_member_its_error() {
        let ensemble = [1.0, 2.0, 4.0, 8.0];
        let mut sums = Sums::default();
        score_ensemble(&ensemble, 3.0, &mut sums);
        let pairs = ensemble.iter().flat_map(|a| ensemble.iter().map(move |b| (a - b).abs()));
        let expected = (2.0 + 1.0 + 1.0 + 5.0) / 4.0 - 0.5 * pairs.sum::<f64>() / 16.0;
        assert!((sums.crps - expected).abs() < 1e-12);
        assert_eq!((sums.inside, sums.targets), (1, 1));
        let mut one = Sums::default();
        score_ensemble(&[5.0], 3.0, &mut one);
        assert_eq!((one.crps.to_bits(), one.inside), (2.0f64.to_bits(), 0));
    }

    #[test]
    fn the_score_of_a_normal_distribution_is_that_of_a_large_ensemble() {
        let (mut normal, mut ensemble) = (Sums::default(), Sums::default());
        score_normal(2.0, 3.0, 4.0, &mut normal);
        let members: Vec<f64> =
            (0..4000).map(|n| 2.0 + 3.0 * crate::statistics::normal_at((number(n) + 0.5) / 4000.0)).collect();
        score_ensemble(&members, 4.0, &mut ensemble);
        assert!((normal.crps - ensemble.crps).abs() < 1e-3, "{} {}", normal.crps, ensemble.crps);
    }
}
