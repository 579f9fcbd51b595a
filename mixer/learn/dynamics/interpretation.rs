//! Inputs that a model goes by: how much worse it predicts with one of them from another time, and where its networks disagree.

use promemu_core::rng::Seed;
use promemu_dynamics::actions::FEATURES;
use promemu_dynamics::file::Model;
use promemu_dynamics::role::{HostState, RoleModel};
use promemu_dynamics::schema::Predictor;

use super::rollout::{Forecasts, LONGEST, Stretch, walk};
use super::rows::HostRows;
use crate::statistics::{deviation, index, mean, number};

/// Steps of a host at most, by which inputs are judged.
const STEPS_MAX: usize = 400;

/// An input of a model, by the error of a step with its values of another time (L. Breiman's permutation importance, 2001).
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// The role, by number.
    pub role: usize,
    /// A metric as in a query, an action with its target, or `time of day`.
    pub input: String,
    /// The nRMSE of a step, in mean over all metrics.
    pub error: f64,
    /// The same with the input of another time.
    pub error_without: f64,
    /// The metric whose error grows most.
    pub metric: String,
    /// By how much, in nRMSE.
    pub metric_growth: f64,
}

/// A metric of which the networks of a model make different things.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreement {
    /// The metric, as in a query.
    pub metric: String,
    /// The deviation of the networks' forecasts at 15 steps, in mean, in deviations of the metric.
    pub spread: f64,
    /// The network that is furthest from the mean of all, from 1 on.
    pub member: usize,
    /// Its distance in mean, in the same unit.
    pub apart: f64,
}

/// A recorded step: the state before it, its features, and the state that came.
struct Step<'r> {
    before: HostState,
    features: Vec<f64>,
    x: &'r [f64],
    missing: &'r [bool],
}

/// The importance of each input of a role, the most important one first.
pub(super) fn importance(
    model: &Model,
    role: usize,
    hosts: &[HostRows],
    scales: &[Option<f64>],
    seed: Seed,
) -> Vec<Importance> {
    let own = &model.roles[role];
    let steps = steps(own, hosts);
    let errors_of = |features: &dyn Fn(usize) -> Vec<f64>| errors(own, &steps, scales, features);
    let base = errors_of(&|n| steps[n].features.clone());
    let mut rng = seed.child("importance").rng();
    let mut order: Vec<usize> = (0..steps.len()).collect();
    for n in (1..order.len()).rev() {
        order.swap(n, index(rng.unit() * number(n + 1)));
    }
    let of = |(input, places): (String, Vec<usize>)| {
        let permuted = errors_of(&|n| {
            let mut features = steps[n].features.clone();
            for place in &places {
                features[*place] = steps[order[n]].features[*place];
            }
            features
        });
        let growth = base.iter().zip(&permuted).map(|(base, permuted)| permuted - base).enumerate();
        let (column, metric_growth) =
            growth.filter(|(_, growth)| growth.is_finite()).max_by(|a, b| a.1.total_cmp(&b.1))?;
        let [error, error_without] = [&base, &permuted].map(|errors| mean_known(errors));
        Some(Importance {
            role,
            input,
            error,
            error_without,
            metric: own.role.columns[column].shown(),
            metric_growth,
        })
    };
    let mut found: Vec<Importance> = inputs(model, own).into_iter().filter_map(of).collect();
    found.sort_by(|a, b| b.error_without.total_cmp(&a.error_without));
    found
}

/// The recorded steps of all hosts, evenly taken.
fn steps<'r>(model: &RoleModel, hosts: &'r [HostRows]) -> Vec<Step<'r>> {
    let mut steps = Vec::new();
    for (n, rows) in hosts.iter().enumerate() {
        let thin = rows.len().div_ceil(STEPS_MAX);
        let mut before: Option<HostState> = None;
        walk(model, rows, n, 0..rows.len(), |row, state| {
            if let Some(before) = before.take().filter(|_| row.is_multiple_of(thin)) {
                let (features, x, missing) = (state.features().to_vec(), rows.x(row), rows.missing(row));
                steps.push(Step { before, features, x, missing });
            }
            before = Some(state.clone());
        });
    }
    steps
}

/// The errors of a step, in deviations, by metric; NaN for one that does not change.
fn errors(
    model: &RoleModel,
    steps: &[Step<'_>],
    scales: &[Option<f64>],
    features: &dyn Fn(usize) -> Vec<f64>,
) -> Vec<f64> {
    let mut squares: Vec<Vec<f64>> = vec![Vec::new(); scales.len()];
    for (n, step) in steps.iter().enumerate() {
        let told = model.predicted(&step.before, &features(n));
        for (place, squares) in squares.iter_mut().enumerate() {
            if scales[place].is_some() && !step.missing[place] {
                let error = told[place] - step.x[place];
                squares.push(error * error);
            }
        }
    }
    squares.iter().map(|own| if own.is_empty() { f64::NAN } else { libm::sqrt(mean(own)) }).collect()
}

fn mean_known(errors: &[f64]) -> f64 {
    mean(&errors.iter().copied().filter(|error| error.is_finite()).collect::<Vec<f64>>())
}

/// The inputs of a role, with their places in the features.
fn inputs(model: &Model, own: &RoleModel) -> Vec<(String, Vec<usize>)> {
    let (role, width) = (&own.role, own.role.columns.len());
    let of_gaps = role.lags * width + 1;
    let of_actions = of_gaps + role.gaps.len();
    let mut inputs = Vec::new();
    for (n, column) in role.columns.iter().enumerate() {
        let gaps = role.gaps.iter().enumerate().filter(|(_, gap)| **gap == n);
        let places = (0..role.lags).map(|lag| lag * width + n).chain(gaps.map(|(gap, _)| of_gaps + gap));
        inputs.push((column.shown(), places.collect()));
    }
    for (n, action) in model.actions.iter().enumerate() {
        let begin = of_actions + n * FEATURES;
        let name = format!("action {} {}", action.name, action.target).trim().to_owned();
        inputs.push((name, (begin..begin + FEATURES).collect()));
    }
    if role.has_season {
        let begin = of_actions + model.actions.len() * FEATURES;
        inputs.push(("time of day".to_owned(), vec![begin, begin + 1]));
    }
    inputs
}

/// The metrics that networks make, the one of which they disagree most first.
pub(super) fn disagreement(
    model: &RoleModel,
    hosts: &[HostRows],
    stretch: Stretch,
    scales: &[Option<f64>],
) -> Vec<Disagreement> {
    if model.members.len() < 2 {
        return Vec::new();
    }
    let forecasts = Forecasts::of(model, hosts, stretch, None, Seed::new(0));
    let mut found = Vec::new();
    for (place, column) in model.role.columns.iter().enumerate() {
        let Some(scale) = scales[place].filter(|_| column.by == Predictor::Network) else { continue };
        let mut spreads = Vec::new();
        let mut apart = vec![Vec::new(); model.members.len()];
        for (paths, _) in forecasts.pairs(hosts, stretch, LONGEST, place) {
            let middle = mean(paths);
            spreads.push(deviation(paths) / scale);
            apart.iter_mut().zip(paths).for_each(|(apart, path)| apart.push((path - middle).abs() / scale));
        }
        let apart = apart.iter().map(|own| mean(own)).enumerate();
        if let Some((member, apart)) =
            apart.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|_| !spreads.is_empty())
        {
            let spread = mean(&spreads);
            found.push(Disagreement { metric: column.shown(), spread, member: member + 1, apart });
        }
    }
    found.sort_by(|a, b| b.spread.total_cmp(&a.spread));
    found
}
