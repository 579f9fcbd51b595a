//! A dynamics model against a recording: scores of forecasts, and the effect of each action.

use promemu_core::rng::Seed;
use promemu_dynamics::file::Model;
use promemu_dynamics::role::{Moment, RoleModel};
use promemu_dynamics::schema::{Predictor, Score};
use promemu_dynamics::series::rates;
use promemu_wire::recording::Recording;

use super::interpretation::{Disagreement, Importance, disagreement, importance};
use super::matching::rows_by_role;
use super::rollout::{HORIZONS, LONGEST, Stretch, deviations};
use super::rows::HostRows;
use super::scoring::{Scoring, Stretches};
use crate::error::LearnError;
use crate::grid::millis;
use crate::statistics::{mean, number, quantile, sorted};

/// Paths of an effect.
const EFFECT_PATHS: usize = 40;

/// The scores of a model on a recording.
#[derive(Clone, Debug)]
pub struct DynamicsValidation {
    /// Scores of each role; none of one without a host in the recording.
    pub roles: Vec<Vec<Score>>,
    /// Number of hosts that were forecast.
    pub hosts: usize,
    /// The share of the recording that was forecast: all, but of a model's own recording the part that was held out.
    pub share: f64,
    /// The effect of each action.
    pub effects: Vec<ActionEffect>,
    /// The importance of each input.
    pub importance: Vec<Importance>,
    /// Metrics of which networks make different things.
    pub disagreement: Vec<Disagreement>,
}

/// The response of a metric to an action that goes from 0 to 1 and stays there.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionEffect {
    /// The action.
    pub action: String,
    /// The metric, as in a query.
    pub metric: String,
    /// By horizon in steps: the mean difference that it makes, and the ends of 90 % of the differences.
    pub responses: Vec<(usize, [f64; 3])>,
    /// The deviation of the metric in the recording.
    pub deviation: f64,
}

/// Scores a model on a recording of the same system.
///
/// # Errors
///
/// The recording cannot be read, or has no host with the metrics of the model.
pub fn validate_dynamics(
    recording: &Recording,
    model: &Model,
    paths: usize,
    seed: u64,
    mut progress: impl FnMut(&'static str, usize, usize),
) -> Result<DynamicsValidation, LearnError> {
    let all = rows_by_role(recording, model, |done, all| progress("slices", done, all))?;
    let share = held_out(recording, model);
    let stretches = Stretches {
        learned: Stretch { from: 0.0, to: 1.0 },
        selection: Stretch { from: 0.0, to: 1.0 },
        held_out: Stretch { from: 1.0 - share, to: 1.0 },
    };
    let mut found = DynamicsValidation {
        roles: Vec::new(),
        hosts: 0,
        share,
        effects: Vec::new(),
        importance: Vec::new(),
        disagreement: Vec::new(),
    };
    for (n, own) in model.roles.iter().enumerate() {
        let rows: Vec<HostRows> = all[n].iter().map(|(_, rows)| rows.clone()).collect();
        progress("roles", n + 1, model.roles.len());
        if rows.is_empty() {
            found.roles.push(Vec::new());
            continue;
        }
        found.hosts += rows.len();
        let scales = deviations(&rows, stretches.learned, &own.role.columns);
        let scoring = Scoring { hosts: &rows, stretches, scales: &scales, paths, seed: Seed::new(seed) };
        let linear = own.all_by(Predictor::Linear);
        found.roles.push(scoring.all(own, &linear, None));
        found.effects.extend(effects(model, own, &rows, &scales, Seed::new(seed)));
        found.importance.extend(importance(model, n, &rows, &scales, Seed::new(seed)));
        found.disagreement.extend(disagreement(own, &rows, stretches.held_out, &scales));
    }
    if found.hosts == 0 { Err(LearnError::NoHost) } else { Ok(found) }
}

/// The share of a recording that a model has not seen.
fn held_out(recording: &Recording, model: &Model) -> f64 {
    let (begin_ms, end_ms) = recording.range().unwrap_or_default();
    let [from, _, held_out, to] = model.lineage.times_ms;
    if begin_ms >= to || end_ms <= from {
        return 1.0;
    }
    let seen = millis(held_out - begin_ms) / millis((end_ms - begin_ms).max(1));
    (1.0 - seen).clamp(0.05, 1.0)
}

/// Responses to each action: pairs of paths with the same noise, from the newest states of the rows, with the action and without it.
fn effects(
    model: &Model,
    own: &RoleModel,
    rows: &[HostRows],
    scales: &[Option<f64>],
    seed: Seed,
) -> Vec<ActionEffect> {
    let count = model.actions.len();
    let mut effects = Vec::new();
    for (place, action) in model.actions.iter().enumerate() {
        // By horizon and metric, the differences of all paths.
        let mut differences = vec![vec![Vec::new(); own.role.columns.len()]; LONGEST + 1];
        for n in 0..EFFECT_PATHS {
            let host = &rows[n % rows.len()];
            let origin = (host.len() - 1) * (n + 1) / EFFECT_PATHS;
            let with = response(own, host, origin, (count, Some(place)), (n, seed));
            let without = response(own, host, origin, (count, None), (n, seed));
            for (step, (with, without)) in with.iter().zip(&without).enumerate() {
                for (column, (with, without)) in with.iter().zip(without).enumerate() {
                    differences[step + 1][column].push(with - without);
                }
            }
        }
        for (column, scale) in scales.iter().enumerate().filter_map(|(n, scale)| Some((n, (*scale)?))) {
            let at = |horizon: usize| {
                let own = sorted(&differences[horizon][column]);
                (horizon, [mean(&own), quantile(&own, 0.05), quantile(&own, 0.95)])
            };
            effects.push(ActionEffect {
                action: format!("{} {}", action.name, action.target).trim().to_owned(),
                metric: own.role.columns[column].shown(),
                responses: HORIZONS.map(at).to_vec(),
                deviation: scale,
            });
        }
    }
    effects
}

/// The values of a path in which one action is on.
fn response(
    model: &RoleModel,
    rows: &HostRows,
    origin: usize,
    (actions, on): (usize, Option<usize>),
    (n, seed): (usize, Seed),
) -> Vec<Vec<f64>> {
    let mut levels = vec![0.0; actions];
    let mut state = model.state(rows.history(origin, model.role.lags), &levels, n);
    if let Some(on) = on {
        levels[on] = 1.0;
    }
    let mut rng = seed.child(&format!("effect {n}")).rng();
    let mut draw = || rng.unit();
    let step = |step: usize| {
        let at_secs = rows.at_secs(origin) + number(step) * model.step_secs;
        model.advance(&mut state, Moment { levels: &levels, at_secs }, Some(&mut draw));
        rates(&model.role, state.x(model))
    };
    (1..=LONGEST).map(step).collect()
}
