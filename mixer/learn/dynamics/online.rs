//! A model that goes on learning: row by row its linear part follows a recording in a shadow, which takes its place where that predicts
//! better, and leaves it where that was a mistake. Networks stay as they are.
//!
//! | part | what it does |
//! | --- | --- |
//! | shadow | recursive least squares on the features of the model; rows are forgotten by 0.1 % a step, after drift by 2 % for a while |
//! | drift | [ADWIN](super::adwin) on the errors of a step, in deviations of the noise |
//! | promotion | the shadow becomes the model if its error over the last 200 steps is smaller by 5 % |
//! | rollback | a former model comes back if its error over the last 200 steps is smaller by 5 % |

use std::collections::{BTreeMap, VecDeque};

use promemu_dynamics::file::Model;
use promemu_dynamics::numbers::add_product;
use promemu_dynamics::role::{HostState, Moment, RoleModel};
use promemu_dynamics::schema::Predictor;
use promemu_wire::recording::Recording;

use super::adwin::Adwin;
use super::matching::rows_by_role;
use super::recursive::Recursive;
use super::rows::HostRows;
use crate::error::LearnError;
use crate::statistics::number;

/// The weight of the rows so far, with each row.
const FORGETTING: f64 = 0.999;
/// The same after drift.
const FORGETTING_AFTER_DRIFT: f64 = 0.98;
/// Steps of a comparison, and of faster forgetting.
const STEPS: usize = 200;
/// The share by which an error must be smaller.
const GAIN: f64 = 0.05;
/// The chance of an alarm without drift, of a metric at a step.
const CONFIDENCE: f64 = 1e-5;
/// Errors count up to so many deviations, so that one row decides nothing.
const ERROR_MAX: f64 = 10.0;
/// The same for drift.
const DRIFT_ERROR_MAX: f64 = 4.0;
/// Former models that may come back, at most.
const FORMER_MAX: usize = 4;
/// The share of a new error in the spread of the shadow's errors.
const SPREAD_SHARE: f64 = 0.01;

/// A model that learns from the rows of a recording, in their order.
#[derive(Clone, Debug)]
pub struct OnlineLearner {
    model: Model,
    roles: Vec<RoleLearner>,
}

/// A part of a recording that was learned from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OnlineReport {
    /// Number of rows of hosts.
    pub rows: usize,
    /// Drift, promotions and rollbacks, by time.
    pub events: Vec<OnlineEvent>,
    /// The root of the mean squared error of a step, in deviations of the noise, over all rows: of the model as it was at first, and
    /// as it was at each row.
    pub errors: [f64; 2],
    /// The same over the last rows, 200 of each host.
    pub last_errors: [f64; 2],
}

/// A change of a model that learns.
#[derive(Clone, Debug, PartialEq)]
pub struct OnlineEvent {
    /// Its time, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The role, by number.
    pub role: usize,
    /// The change.
    pub change: OnlineChange,
}

/// A kind of change.
#[derive(Clone, Debug, PartialEq)]
pub enum OnlineChange {
    /// The errors of a metric have another mean than before.
    Drift {
        /// The metric, as in a query.
        metric: String,
    },
    /// The shadow has become the model.
    Promoted {
        /// The share by which its error is smaller.
        gain: f64,
    },
    /// A former model has come back.
    RolledBack {
        /// The share by which its error is smaller.
        gain: f64,
    },
}

/// A role that learns.
#[derive(Clone, Debug)]
struct RoleLearner {
    /// Weights of the linear part at the begin.
    first: Vec<f64>,
    shadow: Vec<f64>,
    /// Those of former models, the newest last.
    former: VecDeque<Vec<f64>>,
    recursive: Recursive,
    /// Deviations of the noise at the begin; `None` of a metric that is not learned.
    scales: Vec<Option<f64>>,
    drift: Vec<Adwin>,
    /// Mean squared errors of the shadow, by metric.
    spread: Vec<f64>,
    /// Errors of the last rows: of the shadow, the model and former ones.
    compared: VecDeque<Vec<f64>>,
    /// The same of the first model and the model, for the report.
    reported: VecDeque<[f64; 2]>,
    /// By metric: rows since an alarm that are left, in which rows are forgotten faster.
    alarmed: Vec<usize>,
    /// By host: its state, and the time of its last row.
    hosts: BTreeMap<String, (HostState, i64)>,
}

impl OnlineLearner {
    /// A learner that has seen nothing but what the model was fitted on.
    #[must_use]
    pub fn new(model: Model) -> Self {
        let roles = model.roles.iter().map(RoleLearner::new).collect();
        Self { model, roles }
    }

    /// The model as it is now.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Learns from the rows that are later than all that the model has learned from.
    ///
    /// # Errors
    ///
    /// The recording cannot be read, or has no host with the metrics of the model.
    pub fn learn(
        &mut self,
        recording: &Recording,
        progress: impl FnMut(usize, usize),
    ) -> Result<OnlineReport, LearnError> {
        let all = rows_by_role(recording, &self.model, progress)?;
        if all.iter().all(Vec::is_empty) {
            return Err(LearnError::NoHost);
        }
        let end_ms = self.model.lineage.times_ms[3];
        let mut report = OnlineReport::default();
        let mut sums = [0.0; 2];
        let mut newest_ms = end_ms;
        for (role, hosts) in all.iter().enumerate() {
            let (model, learner) = (&mut self.model.roles[role], &mut self.roles[role]);
            let mut rows: Vec<(i64, usize, usize)> = Vec::new();
            for (n, (host, own)) in hosts.iter().enumerate() {
                let seen_ms = learner.hosts.get(&host.name).map_or(i64::MIN, |(_, seen_ms)| *seen_ms);
                let times = (1..own.len()).map(|row| (own.at_ms(row), n, row));
                rows.extend(times.filter(|(at_ms, ..)| *at_ms > seen_ms && *at_ms > end_ms));
            }
            rows.sort_unstable();
            for (at_ms, n, row) in rows {
                let (host, own) = &hosts[n];
                let (errors, changes) = learner.take(model, (&host.name, n, hosts.len()), own, row);
                report.rows += 1;
                sums.iter_mut().zip(errors).for_each(|(sum, error)| *sum += error);
                report.events.extend(changes.into_iter().map(|change| OnlineEvent { at_ms, role, change }));
                newest_ms = newest_ms.max(at_ms);
            }
            learner.renew(model, hosts);
        }
        self.model.lineage.times_ms[3] = newest_ms;
        report.events.sort_by_key(|event| event.at_ms);
        report.errors = sums.map(|sum| root_mean(sum, report.rows));
        let last = || self.roles.iter().flat_map(|learner| &learner.reported);
        report.last_errors = [0, 1].map(|n| root_mean(last().map(|errors| errors[n]).sum(), last().count()));
        Ok(report)
    }
}

fn root_mean(sum: f64, count: usize) -> f64 {
    libm::sqrt(sum / number(count.max(1)))
}

impl RoleLearner {
    fn new(model: &RoleModel) -> Self {
        let columns = &model.role.columns;
        let is_learned = |column: &promemu_dynamics::schema::Column| {
            (column.by != Predictor::Persistence && column.noise > 0.0).then_some(column.noise)
        };
        Self {
            first: model.linear.clone(),
            shadow: model.linear.clone(),
            former: VecDeque::new(),
            recursive: Recursive::new(model.role.features(model.actions)),
            scales: columns.iter().map(is_learned).collect(),
            drift: vec![Adwin::new(CONFIDENCE); columns.len()],
            spread: columns.iter().map(|column| column.noise * column.noise).collect(),
            compared: VecDeque::new(),
            reported: VecDeque::new(),
            alarmed: vec![0; columns.len()],
            hosts: BTreeMap::new(),
        }
    }

    /// Learns from the row of a host; the mean squared errors of the first model and of the model, and what has changed.
    fn take(
        &mut self,
        model: &mut RoleModel,
        (host, place, hosts): (&str, usize, usize),
        rows: &HostRows,
        row: usize,
    ) -> ([f64; 2], Vec<OnlineChange>) {
        let levels = |row: usize| &rows.levels[row][..model.actions];
        let (state, seen_ms) = self.hosts.entry(host.to_owned()).or_insert_with(|| {
            (model.state(rows.history(row - 1, model.role.lags), levels(row - 1), place), 0)
        });
        *seen_ms = rows.at_ms(row);
        let moment = Moment { levels: levels(row), at_secs: rows.at_secs(row) };
        model.observe(state, moment, rows.x(row), rows.missing(row));
        let target = |column: usize| {
            let is_known = self.scales[column].is_some() && !rows.missing(row)[column];
            let change = rows.x(row)[column] - rows.x(row - 1)[column];
            let correction = match model.role.columns[column].by {
                Predictor::Network => state.correction(column),
                Predictor::Linear | Predictor::Persistence => 0.0,
            };
            if is_known { change - correction } else { f64::NAN }
        };
        let targets: Vec<f64> = (0..rows.width).map(target).collect();
        let errors = |weights: &[f64]| errors(weights, state.features(), &targets);
        let [first, own, shadow] = [&self.first, &model.linear, &self.shadow].map(|weights| errors(weights));
        let squares = |errors: &[f64]| mean_square(errors, &self.scales);
        let reported = [squares(&first), squares(&own)];
        let mut compared = vec![squares(&shadow), reported[1]];
        compared.extend(self.former.iter().map(|weights| squares(&errors(weights))));

        let is_alarmed = self.alarmed.iter().any(|rows| *rows > 0);
        let forgetting = if is_alarmed { FORGETTING_AFTER_DRIFT } else { FORGETTING };
        self.recursive.learn(state.features(), &shadow, forgetting, &mut self.shadow);
        for (spread, error) in self.spread.iter_mut().zip(&shadow).filter(|(_, error)| error.is_finite()) {
            *spread += SPREAD_SHARE * (error * error - *spread);
        }
        self.alarmed.iter_mut().for_each(|rows| *rows = rows.saturating_sub(1));
        let window = STEPS * hosts;
        push(&mut self.reported, reported, window);
        push(&mut self.compared, compared, window);
        let mut changes = self.drifted(model, &own, window);
        changes.extend(self.replaced(model, window));
        (reported, changes)
    }

    /// Drift in the errors of the model.
    fn drifted(&mut self, model: &RoleModel, errors: &[f64], window: usize) -> Vec<OnlineChange> {
        let mut changes = Vec::new();
        for (column, error) in errors.iter().enumerate().filter(|(_, error)| error.is_finite()) {
            let Some(scale) = self.scales[column] else { continue };
            let error = (error / scale).clamp(-DRIFT_ERROR_MAX, DRIFT_ERROR_MAX);
            if self.drift[column].take(error) {
                // Alarms that follow are of the same drift.
                if std::mem::replace(&mut self.alarmed[column], window) == 0 {
                    changes.push(OnlineChange::Drift { metric: model.role.columns[column].shown() });
                }
            }
        }
        changes
    }

    /// Gives the model the weights that have predicted better.
    fn replaced(&mut self, model: &mut RoleModel, window: usize) -> Option<OnlineChange> {
        if self.compared.len() < window {
            return None;
        }
        let sum = |n: usize| self.compared.iter().map(|errors| errors[n]).sum::<f64>();
        let own = sum(1);
        let gain = |n: usize| if own > 0.0 { 1.0 - sum(n) / own } else { 0.0 };
        let best = (2..self.former.len() + 2).map(|n| (n, gain(n))).max_by(|a, b| a.1.total_cmp(&b.1));
        let change = match (best.filter(|(_, gain)| *gain >= GAIN), gain(0)) {
            (Some((n, gain)), shadow) if gain >= shadow => {
                self.former.truncate(n - 1);
                model.linear = self.former.pop_back()?;
                self.shadow.clone_from(&model.linear);
                self.recursive.begin_anew();
                OnlineChange::RolledBack { gain }
            }
            (_, gain) if gain >= GAIN => {
                self.former.push_back(std::mem::replace(&mut model.linear, self.shadow.clone()));
                if self.former.len() > FORMER_MAX {
                    self.former.pop_front();
                }
                OnlineChange::Promoted { gain }
            }
            _ => return None,
        };
        for ((column, spread), scale) in model.role.columns.iter_mut().zip(&self.spread).zip(&self.scales) {
            column.noise = scale.map_or(column.noise, |_| libm::sqrt(*spread));
        }
        // All of these were about the model that was.
        self.compared.clear();
        self.drift.fill(Adwin::new(CONFIDENCE));
        Some(change)
    }

    /// Gives the model the last states of its hosts.
    fn renew(&self, model: &mut RoleModel, hosts: &[(promemu_dynamics::schema::Host, HostRows)]) {
        let size = model.role.lags * model.role.columns.len();
        for (host, rows) in hosts {
            let place = model.role.hosts.iter().position(|own| own.name == host.name);
            if let Some(place) = place.filter(|_| self.hosts.contains_key(&host.name)) {
                let history = rows.history(rows.len() - 1, model.role.lags);
                model.newest[place * size..(place + 1) * size].copy_from_slice(&history);
            }
        }
    }
}

/// The errors of weights at a step.
fn errors(weights: &[f64], features: &[f64], targets: &[f64]) -> Vec<f64> {
    let mut told = vec![0.0; targets.len()];
    add_product(weights, features, &mut told);
    targets.iter().zip(told).map(|(target, told)| target - told).collect()
}

/// The mean squared error in deviations of the noise; 0 without a metric.
fn mean_square(errors: &[f64], scales: &[Option<f64>]) -> f64 {
    let known = errors.iter().zip(scales).filter_map(|(error, scale)| Some(error / (*scale)?));
    let known = known.filter(|error| error.is_finite());
    let (sum, count) = known.fold((0.0, 0), |(sum, count), error| {
        let error = error.clamp(-ERROR_MAX, ERROR_MAX);
        (sum + error * error, count + 1)
    });
    sum / number(count.max(1))
}

fn push<T>(window: &mut VecDeque<T>, new: T, count_max: usize) {
    window.push_back(new);
    if window.len() > count_max {
        window.pop_front();
    }
}

#[cfg(test)]
mod tests;
