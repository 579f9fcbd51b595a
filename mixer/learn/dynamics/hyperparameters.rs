//! Numbers of the fit of a dynamics model that a person may change.

use serde::Deserialize;

/// The numbers; those of a file may leave out any.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hyperparameters {
    /// Number of last states that a step sees.
    pub lags: usize,
    /// Share of rows in which parts of the model are chosen.
    pub selection: f64,
    /// Share of rows that is held out.
    pub held_out: f64,
    /// Penalties on the weights of the linear part.
    pub penalties: Vec<f64>,
    /// Share of the error by which the network must be better.
    pub gain: f64,
    /// Number of networks.
    pub members: usize,
    /// Number of units of each.
    pub units: usize,
    /// Length in rows of the blocks that are drawn with return.
    pub block: usize,
    /// Steps on recorded values before own steps.
    pub warm_up: usize,
    /// The curriculum.
    pub stages: Vec<Stage>,
    /// Number of windows of an update.
    pub windows: usize,
    /// The step size of `AdamW`.
    pub learning_rate: f64,
    /// The share of a weight that an update takes off, by the step size.
    pub weight_decay: f64,
    /// The most of a gradient's norm.
    pub clip: f64,
    /// Updates between two looks at the error in the selection.
    pub check_every: usize,
    /// Looks without a better one after which a stage ends.
    pub patience: usize,
    /// Number of paths of a forecast.
    pub paths: usize,
}

/// A stage of the curriculum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Number of own steps.
    pub horizon: usize,
    /// Number of updates at most.
    pub updates: usize,
}

impl Default for Hyperparameters {
    fn default() -> Self {
        let stage = |horizon, updates| Stage { horizon, updates };
        Self {
            lags: 3,
            selection: 0.2,
            held_out: 0.2,
            penalties: vec![0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0],
            gain: 0.03,
            members: 5,
            units: 32,
            block: 40,
            warm_up: 10,
            stages: vec![stage(1, 100), stage(5, 100), stage(15, 100), stage(30, 60)],
            windows: 16,
            learning_rate: 0.004,
            weight_decay: 0.01,
            clip: 1.0,
            check_every: 20,
            patience: 4,
            paths: 50,
        }
    }
}

impl Hyperparameters {
    /// The default ones as a file that says what each is for.
    pub const DEFAULTS: &'static str = include_str!("hyperparameters.ron");

    /// Checks the numbers.
    ///
    /// # Errors
    ///
    /// A sentence on the first that cannot be.
    pub fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: usize, low: usize, high: usize| {
            let holds = (low..=high).contains(&value);
            if holds { Ok(()) } else { Err(format!("{name} must be from {low} to {high}, but is {value}")) }
        };
        let share = |name: &str, value: f64, high: f64| {
            let holds = (0.0..=high).contains(&value);
            if holds { Ok(()) } else { Err(format!("{name} must be from 0 to {high}, but is {value}")) }
        };
        within("lags", self.lags, 1, 20)?;
        within("members", self.members, 0, 100)?;
        within("units", self.units, 1, 1024)?;
        within("block", self.block, 1, 1_000_000)?;
        within("warm_up", self.warm_up, 1, 1000)?;
        within("windows", self.windows, 1, 4096)?;
        within("check_every", self.check_every, 1, 1_000_000)?;
        within("patience", self.patience, 1, 1_000_000)?;
        within("paths", self.paths, 2, 10_000)?;
        for stage in &self.stages {
            within("the horizon of a stage", stage.horizon, 1, 1000)?;
            within("the updates of a stage", stage.updates, 1, 1_000_000)?;
        }
        share("selection", self.selection, 0.45)?;
        share("held_out", self.held_out, 0.45)?;
        share("gain", self.gain, 1.0)?;
        share("learning_rate", self.learning_rate, 1.0)?;
        share("weight_decay", self.weight_decay, 1.0)?;
        share("clip", self.clip, 1e9)?;
        let is_penalty = |penalty: &f64| penalty.is_finite() && *penalty > 0.0;
        if self.penalties.is_empty() || !self.penalties.iter().all(is_penalty) {
            return Err("penalties must be numbers above 0, one at least".to_owned());
        }
        if self.selection < 0.05 || self.held_out < 0.05 {
            return Err("selection and held_out must be 0.05 at least".to_owned());
        }
        Ok(())
    }
}
