//! The likeness of a config to a recording, in figures.
//!
//! The config is run with several seeds over the time of the recording: the runs are an ensemble. The last part of the recording
//! is held out: there the ensemble and the baselines say what comes, and are scored. Baselines are trained on the rows before.
//!
//! | figure | module |
//! | --- | --- |
//! | series of both sides on one grid | [`paired`] |
//! | persistence, autoregression, seasonal naive, ridge | [`baselines`], on [`linear`](crate::linear) |
//! | nRMSE, CRPS and coverage of 90 % | [`forecast`] |
//! | marginal distributions, autocorrelation, cross-correlation | [`likeness`] |
//! | the score of a classifier that tells real from emulated | [`discriminator`] |

mod baselines;
mod discriminator;
pub(crate) mod forecast;
mod likeness;
mod paired;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use promemu_wire::recording::Recording;
use promemu_wire::samples::{ReadSeries, Selector};

use crate::error::LearnError;
use crate::load::{Floats, Samples, load};
use crate::plausibility::{self, RuleOutcome, Subject, shown};
use paired::Paired;

pub use forecast::Skill;

/// Horizons of forecasts, in steps of a series.
pub const HORIZONS: [usize; 4] = [1, 5, 15, 60];

/// The values of a config's run with one seed, by series.
pub type EmulatedRun = BTreeMap<ReadSeries, Floats>;

/// The kind of a metric, which says how it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Values.
    Gauge,
    /// Totals.
    Counter,
    /// Buckets of a histogram.
    Buckets,
}

/// Settings of a validation.
#[derive(Clone, Debug)]
pub struct ValidationOptions {
    /// The series to compare; all if there is none.
    pub selectors: Vec<Selector>,
    /// The share of rows at the end that is held out, above 0 and below 1.
    pub held_out: f64,
    /// Number of parts in which these are scored, one after the other; 1 at least.
    pub folds: usize,
}

/// The likeness of a config to a recording.
#[derive(Clone, Debug)]
pub struct Validation {
    /// Scores of each series that both sides have.
    pub series: Vec<SeriesScore>,
    /// Scores of forecasts by predictor and horizon: means over series.
    pub skills: Vec<Skill>,
    /// The same of each fold.
    pub folds: Vec<Vec<Skill>>,
    /// The largest distance of the marginal distributions, from 0 to 1: mean over series.
    pub ks: f64,
    /// The mean difference of autocorrelations at the horizons, from 0 to 2.
    pub autocorrelation: f64,
    /// The mean difference of correlations between series, from 0 to 2; `None` below two series that vary.
    pub cross_correlation: Option<f64>,
    /// The share of windows that a classifier tells right: 0.5 if it cannot, 1 if it always can; `None` without enough windows.
    pub discriminative: Option<f64>,
    /// Rules of plausibility: of the recording, and of the first run of the config.
    pub rules: [Vec<RuleOutcome>; 2],
    /// Recorded series that the config does not have, as in a query.
    pub missing: Vec<String>,
    /// Recorded series that are too short, or that hold no values to forecast.
    pub skipped: usize,
    /// The metrics that both sides have, by name.
    pub metrics: BTreeMap<String, MetricKind>,
    /// The recorded values of all series that were compared or not.
    pub recorded: EmulatedRun,
}

/// Scores of a series.
#[derive(Clone, Debug)]
pub struct SeriesScore {
    /// The series, as in a query.
    pub series: String,
    /// Scores of forecasts by predictor and horizon.
    pub skills: Vec<Skill>,
    /// The largest distance of its marginal distributions.
    pub ks: f64,
    /// The mean difference of its autocorrelations.
    pub autocorrelation: f64,
}

/// Compares the runs of a config, of which there is one at least, with a recording.
///
/// # Errors
///
/// The recording cannot be read, is too large, or has no series that a run has.
pub fn validate(
    recording: &Recording,
    runs: &[EmulatedRun],
    options: &ValidationOptions,
    mut progress: impl FnMut(&'static str, usize, usize),
) -> Result<Validation, LearnError> {
    let samples = load(recording, &options.selectors, |done, of| progress("slices", done, of))?;
    let (pairs, missing, skipped) = paired::paired(recording, &samples, runs);
    if pairs.is_empty() {
        return Err(LearnError::NothingInCommon { missing: missing.len(), skipped });
    }
    let mut series = Vec::with_capacity(pairs.len());
    let mut folds: Vec<Vec<Vec<Skill>>> = vec![Vec::new(); options.folds.max(1)];
    for (done, pair) in pairs.iter().enumerate() {
        let of_folds = forecast::of_series(pair, options);
        for (all, own) in folds.iter_mut().zip(&of_folds) {
            all.push(own.clone());
        }
        series.push(score(pair, &of_folds));
        progress("series", done + 1, pairs.len());
    }
    let mean =
        |of: fn(&SeriesScore) -> f64| crate::statistics::mean(&series.iter().map(of).collect::<Vec<f64>>());
    let of_series: Vec<Vec<Skill>> = series.iter().map(|score| score.skills.clone()).collect();
    Ok(Validation {
        skills: forecast::mean_of(&of_series),
        folds: folds.iter().map(|all| forecast::mean_of(all)).collect(),
        ks: mean(|score| score.ks),
        autocorrelation: mean(|score| score.autocorrelation),
        cross_correlation: likeness::cross_correlation(&pairs),
        discriminative: discriminator::score(&pairs),
        rules: [&samples.floats, runs.first().unwrap_or(&samples.floats)]
            .map(|floats| rules(recording, floats)),
        series,
        missing,
        skipped,
        metrics: paired::metrics(recording, &samples, runs),
        recorded: samples.floats,
    })
}

fn score(pair: &Paired, of_folds: &[Vec<Skill>]) -> SeriesScore {
    SeriesScore {
        series: shown(&pair.series),
        skills: forecast::mean_of(of_folds),
        ks: likeness::ks(pair),
        autocorrelation: likeness::autocorrelation_gap(pair),
    }
}

fn rules(recording: &Recording, floats: &EmulatedRun) -> Vec<RuleOutcome> {
    let samples = Samples { floats: floats.clone(), ..Samples::default() };
    let mut rules = plausibility::outcomes(&Subject::of(recording, &samples));
    rules.retain(|rule| rule.checked > 0);
    rules
}
