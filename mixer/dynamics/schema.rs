//! The description of a model: its hosts by role, their metrics, and how good it is.

use serde::{Deserialize, Serialize};

use crate::actions::{self, Action};
use crate::bounds::Bounds;
use crate::network::Shape;

/// Names and values of labels.
pub type Labels = Vec<(String, String)>;

/// All of a model file but its numbers in tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Seconds from one state to the next.
    pub step_secs: f64,
    /// The actions that it knows.
    pub actions: Vec<Action>,
    /// Its roles.
    pub roles: Vec<Role>,
    /// Its origin.
    pub lineage: Lineage,
}

/// The origin of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// The program and its version.
    pub program: String,
    /// The folder of the recording, by its name.
    pub recording: String,
    /// The selectors of its series; all without one.
    pub selectors: Vec<String>,
    /// The hash of the rows that it was learned from.
    pub rows: String,
    /// The times of the recording, in milliseconds since the Unix epoch: its begin, the begin of the part in which parts of the model
    /// were chosen, the begin of the part that was held out, and its end.
    pub times_ms: [i64; 4],
    /// The seed.
    pub seed: u64,
    /// The hyper-parameters, in RON.
    pub hyperparameters: String,
}

/// Hosts with the same metrics, which share weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Its hosts.
    pub hosts: Vec<Host>,
    /// The metrics of its state.
    pub columns: Vec<Column>,
    /// Counters that are sums of others.
    pub sums: Vec<Sum>,
    /// Counters whose rates have a constant sum, as those of CPU modes.
    pub parts: Vec<Parts>,
    /// Number of last states that it sees.
    pub lags: usize,
    /// The metrics with gaps, whose marks it sees.
    pub gaps: Vec<usize>,
    /// `true` if it sees the time of day.
    pub has_season: bool,
    /// Number of units of its network; 0 without one.
    pub units: usize,
    /// Number of members of the ensemble.
    pub members: usize,
    /// Scores on the part that was held out.
    pub scores: Vec<Score>,
}

/// A host of the recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its job.
    pub job: String,
    /// Its labels.
    pub labels: Labels,
}

/// A metric of the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub metric: String,
    /// Its labels without those of the host, and without `le`.
    pub labels: Labels,
    /// Its HELP text.
    pub help: String,
    /// Its type.
    pub kind: Kind,
    /// `true` if its values are whole.
    pub is_whole: bool,
    /// Bounds of its value, or of its rate.
    pub bounds: Bounds,
    /// The number without bounds that is 0 in the state.
    pub mean: f64,
    /// How far it is to 1.
    pub deviation: f64,
    /// The least of the state.
    pub low: f64,
    /// The most of it.
    pub high: f64,
    /// The part of the model that makes it.
    pub by: Predictor,
    /// The deviation of the noise of a step, in the state. The network has one of its own.
    pub noise: f64,
    /// The factor for the noise, so that intervals hold as much as they say.
    pub noise_factor: f64,
}

/// The type of a metric of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A value.
    Gauge,
    /// A total, by its rate.
    Counter,
    /// Observations of a histogram above the bound before and up to this one, by their rate.
    Bucket(String),
    /// The sum of observations of a histogram, by its rate.
    Sum,
}

/// A part of a model that predicts a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Predictor {
    /// It stays as it is.
    Persistence,
    /// The linear part.
    Linear,
    /// The linear part and the network.
    Network,
}

/// A counter that is the sum of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// Its name.
    pub metric: String,
    /// Its labels.
    pub labels: Labels,
    /// Its HELP text.
    pub help: String,
    /// The columns that it sums.
    pub of: Vec<usize>,
}

/// Columns whose rates have a constant sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    /// The columns.
    pub of: Vec<usize>,
    /// The sum.
    pub sum: f64,
}

/// Scores of a forecast: of a metric, or means over all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The forecast: `model`, or a baseline.
    pub predictor: String,
    /// The metric as in a query; `None` for the mean.
    pub metric: Option<String>,
    /// Its horizon in steps.
    pub horizon: usize,
    /// Root of the mean squared error, in standard deviations of the training rows.
    pub nrmse: f64,
    /// Continuous ranked probability score, in the same unit.
    pub crps: f64,
    /// Share of values within the 90 % of the forecast.
    pub coverage: f64,
}

impl Role {
    /// Number of features, with this number of actions.
    #[must_use]
    pub fn features(&self, actions: usize) -> usize {
        self.lags * self.columns.len() + self.outer_features(actions)
    }

    /// Number of features that do not follow from states.
    #[must_use]
    pub fn outer_features(&self, actions: usize) -> usize {
        1 + self.gaps.len() + actions * actions::FEATURES + if self.has_season { 2 } else { 0 }
    }

    /// The shape of its network.
    #[must_use]
    pub fn shape(&self, actions: usize) -> Shape {
        Shape { inputs: self.features(actions), units: self.units, outputs: self.columns.len() }
    }
}

impl Column {
    /// The metric as in a query.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut labels = self.labels.clone();
        if let Kind::Bucket(le) = &self.kind {
            labels.push(("le".to_owned(), le.clone()));
        }
        let suffix = match self.kind {
            Kind::Bucket(_) => "_bucket",
            Kind::Sum => "_sum",
            Kind::Gauge | Kind::Counter => "",
        };
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        if labels.is_empty() {
            format!("{}{suffix}", self.metric)
        } else {
            format!("{}{suffix}{{{}}}", self.metric, labels.join(","))
        }
    }

    /// The value, or the rate, of a number of the state.
    #[must_use]
    pub fn value(&self, x: f64) -> f64 {
        self.bounds.value(self.mean + self.deviation * x)
    }

    /// The number of the state of a value, or of a rate.
    #[must_use]
    pub fn state(&self, value: f64) -> f64 {
        (self.bounds.free(value) - self.mean) / self.deviation
    }
}
