//! The scores of a model and of the baselines, on the rows that are held out.

use promemu_core::rng::Seed;
use promemu_dynamics::role::RoleModel;
use promemu_dynamics::schema::{Predictor, Score};

use super::hyperparameters::Hyperparameters;
use super::rollout::{Forecasts, HORIZONS, Stretch, scores};
use super::rows::HostRows;
use crate::statistics::mean;

/// The parts of the rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretches {
    pub(super) learned: Stretch,
    pub(super) selection: Stretch,
    pub(super) held_out: Stretch,
}

impl Stretches {
    pub(super) fn of(numbers: &Hyperparameters) -> Self {
        let held_out = 1.0 - numbers.held_out;
        let selection = held_out - numbers.selection;
        Self {
            learned: Stretch { from: 0.0, to: selection },
            selection: Stretch { from: selection, to: held_out },
            held_out: Stretch { from: held_out, to: 1.0 },
        }
    }
}

/// The circumstances of scores.
pub(super) struct Scoring<'s> {
    pub(super) hosts: &'s [HostRows],
    pub(super) stretches: Stretches,
    pub(super) scales: &'s [Option<f64>],
    pub(super) paths: usize,
    pub(super) seed: Seed,
}

impl Scoring<'_> {
    /// The scores of a model, of the same with the actions of another time, and of the baselines.
    pub(super) fn all(&self, model: &RoleModel, linear: &RoleModel, blind: Option<&RoleModel>) -> Vec<Score> {
        let mut all = self.own("model", model, self.hosts);
        if model.actions > 0 {
            let shifted: Vec<HostRows> = self.hosts.iter().map(HostRows::with_shifted_actions).collect();
            all.extend(self.own("model, actions of another time", model, &shifted));
        }
        all.extend(self.normal("ridge with actions", linear));
        all.extend(blind.iter().flat_map(|blind| self.normal("autoregression without actions", blind)));
        all.extend(self.normal("persistence", &linear.all_by(Predictor::Persistence)));
        all
    }

    pub(super) fn own(&self, name: &str, model: &RoleModel, hosts: &[HostRows]) -> Vec<Score> {
        let stretch = self.stretches.held_out;
        let forecasts = Forecasts::of(model, hosts, stretch, Some(self.paths), self.seed.child("scores"));
        scores(name, (&forecasts, &model.role.columns), (hosts, stretch), self.scales, None)
    }

    /// The scores of a baseline, whose forecast is normal around its value, as wide as its errors in the selection.
    fn normal(&self, name: &str, model: &RoleModel) -> Vec<Score> {
        let Stretches { selection, held_out, .. } = self.stretches;
        let before = Forecasts::of(model, self.hosts, selection, None, self.seed);
        let width = |column: usize, horizon: usize| {
            let pairs = before.pairs(self.hosts, selection, horizon, column);
            let squares: Vec<f64> =
                pairs.map(|(paths, value)| (mean(paths) - value) * (mean(paths) - value)).collect();
            libm::sqrt(mean(&squares))
        };
        let widths: Vec<[f64; HORIZONS.len()]> =
            (0..self.scales.len()).map(|column| HORIZONS.map(|horizon| width(column, horizon))).collect();
        let width = |column: usize, horizon: usize| {
            let place = HORIZONS.iter().position(|own| *own == horizon).unwrap_or_default();
            widths[column][place]
        };
        let forecasts = Forecasts::of(model, self.hosts, held_out, None, self.seed);
        scores(name, (&forecasts, &model.role.columns), (self.hosts, held_out), self.scales, Some(&width))
    }
}
