//! The model of a role, and the state of a host.

use serde::{Deserialize, Serialize};

use crate::actions::{FEATURES, Track};
use crate::network::{Network, Pass};
use crate::numbers::{add_product, index, number};
use crate::schema::{Predictor, Role};

/// Seconds of a day, which is the season.
const DAY_SECS: f64 = 86_400.0;
/// Noise goes on with the next recorded residual, and with this chance leaps to another one.
const LEAP: f64 = 0.2;

/// The model of a role with its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleModel {
    /// Its description.
    pub role: Role,
    /// Seconds from one state to the next.
    pub step_secs: f64,
    /// Number of actions.
    pub actions: usize,
    /// The linear part: a row for each feature.
    pub linear: Vec<f64>,
    /// The members of the ensemble.
    pub members: Vec<Network>,
    /// Residuals of steps by time, each in deviations of its noise.
    pub residuals: Vec<f64>,
    /// The last states of each host, the newest first.
    pub newest: Vec<f64>,
}

/// The state of a host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostState {
    /// The last states, the newest first.
    history: Vec<f64>,
    missing: Vec<bool>,
    tracks: Vec<Track>,
    units: Vec<f64>,
    member: usize,
    residual: usize,
    #[serde(skip)]
    scratch: Scratch,
}

/// Room for a step.
#[derive(Clone, Debug, Default)]
struct Scratch {
    features: Vec<f64>,
    changes: Vec<f64>,
    pass: Pass,
}

/// The circumstances of a step.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'m> {
    /// The mean level of each action in the step.
    pub levels: &'m [f64],
    /// The time after the step, in seconds since the Unix epoch.
    pub at_secs: f64,
}

/// Random numbers from 0 (included) to 1 (excluded).
pub type Draw<'d> = &'d mut dyn FnMut() -> f64;

impl RoleModel {
    /// The newest recorded state of a host, whose actions have had these levels for long. `member` is the one of the ensemble that
    /// moves it.
    #[must_use]
    pub fn newest(&self, host: usize, levels: &[f64], member: usize) -> HostState {
        let size = self.role.lags * self.role.columns.len();
        let history =
            self.newest.get(host * size..(host + 1) * size).map_or_else(|| vec![0.0; size], <[f64]>::to_vec);
        self.state(history, levels, member)
    }

    /// A state from the last ones.
    #[must_use]
    pub fn state(&self, history: Vec<f64>, levels: &[f64], member: usize) -> HostState {
        HostState {
            history,
            missing: vec![false; self.role.columns.len()],
            tracks: levels.iter().map(|level| Track::resting(*level)).collect(),
            units: vec![0.0; self.role.units],
            member: if self.members.is_empty() { 0 } else { member % self.members.len() },
            residual: 0,
            scratch: Scratch::default(),
        }
    }

    /// A step to a state that is known.
    pub fn observe(&self, state: &mut HostState, moment: Moment<'_>, x: &[f64], missing: &[bool]) {
        self.look(state, moment);
        state.push(x.iter().copied());
        state.missing.copy_from_slice(missing);
    }

    /// A step by the model; without noise to the mean.
    pub fn advance(&self, state: &mut HostState, moment: Moment<'_>, noise: Option<Draw<'_>>) {
        self.look(state, moment);
        let residuals = noise.and_then(|draw| self.residuals_of(state, draw));
        let Scratch { changes, pass, .. } = &mut state.scratch;
        for (place, column) in self.role.columns.iter().enumerate() {
            let before = state.history[place];
            let mut deviation = column.noise;
            let mut x = match column.by {
                Predictor::Persistence => before,
                Predictor::Linear => before + changes[place],
                Predictor::Network => {
                    if let Some(variance) = pass.log_variances.get(place) {
                        deviation = libm::exp(0.5 * variance);
                    }
                    before + changes[place] + pass.corrections.get(place).copied().unwrap_or_default()
                }
            };
            if let Some(residuals) = residuals {
                x += residuals[place] * deviation * column.noise_factor;
            }
            // A step to no number ends where it began.
            changes[place] = if x.is_finite() { x.clamp(column.low, column.high) } else { before };
        }
        let changes = std::mem::take(&mut state.scratch.changes);
        state.push(changes.iter().copied());
        state.scratch.changes = changes;
        state.missing.fill(false);
    }

    /// The mean of the state that follows one, with these features.
    #[must_use]
    pub fn predicted(&self, state: &HostState, features: &[f64]) -> Vec<f64> {
        let mut changes = vec![0.0; self.role.columns.len()];
        add_product(&self.linear, features, &mut changes);
        let mut pass = Pass::default();
        if let Some(member) = self.members.get(state.member) {
            member.forward(features, &state.units, &mut pass);
        }
        let x = |(place, change): (usize, f64)| {
            let before = state.history[place];
            match self.role.columns[place].by {
                Predictor::Persistence => before,
                Predictor::Linear => before + change,
                Predictor::Network => {
                    before + change + pass.corrections.get(place).copied().unwrap_or_default()
                }
            }
        };
        changes.into_iter().enumerate().map(x).collect()
    }

    /// Moves the actions and the units, and makes the changes of the linear part.
    fn look(&self, state: &mut HostState, moment: Moment<'_>) {
        for (track, level) in state.tracks.iter_mut().zip(moment.levels) {
            track.advance(*level, self.step_secs);
        }
        let Scratch { features, changes, pass } = &mut state.scratch;
        features.clear();
        features.extend_from_slice(&state.history);
        self.write_outer(&state.tracks, &state.missing, moment.at_secs, features);
        changes.clear();
        changes.resize(self.role.columns.len(), 0.0);
        add_product(&self.linear, features, changes);
        if let Some(member) = self.members.get(state.member) {
            member.forward(features, &state.units, pass);
            state.units.copy_from_slice(&pass.units);
        }
    }

    /// Appends the features that do not follow from states: a constant, marks of gaps, actions and the season.
    pub fn write_outer(&self, tracks: &[Track], missing: &[bool], at_secs: f64, features: &mut Vec<f64>) {
        features.push(1.0);
        features.extend(self.role.gaps.iter().map(|gap| f64::from(u8::from(missing[*gap]))));
        for track in tracks {
            let begin = features.len();
            features.resize(begin + FEATURES, 0.0);
            track.write(&mut features[begin..]);
        }
        if self.role.has_season {
            let turn = std::f64::consts::TAU * libm::fmod(at_secs, DAY_SECS) / DAY_SECS;
            features.extend([libm::sin(turn), libm::cos(turn)]);
        }
    }

    /// The residuals of the next moment: all metrics of one recorded moment, so that they stay correlated.
    fn residuals_of(&self, state: &mut HostState, draw: Draw<'_>) -> Option<&[f64]> {
        let width = self.role.columns.len();
        let rows = self.residuals.len() / width.max(1);
        let leaps = draw() < LEAP;
        let place = index(draw() * number(rows));
        state.residual = if leaps || state.residual + 1 >= rows { place } else { state.residual + 1 };
        self.residuals.get(state.residual * width..(state.residual + 1) * width)
    }

    /// The same model with all metrics made by one part.
    #[must_use]
    pub fn all_by(&self, by: Predictor) -> Self {
        let mut model = self.clone();
        model.role.columns.iter_mut().for_each(|column| column.by = by);
        model
    }
}

impl HostState {
    /// The newest state, a number for each metric.
    #[must_use]
    pub fn x<'s>(&'s self, model: &RoleModel) -> &'s [f64] {
        &self.history[..model.role.columns.len()]
    }

    /// The features of the last step.
    #[must_use]
    pub fn features(&self) -> &[f64] {
        &self.scratch.features
    }

    /// The network's part of a change in the last step.
    #[must_use]
    pub fn correction(&self, column: usize) -> f64 {
        self.scratch.pass.corrections.get(column).copied().unwrap_or_default()
    }

    /// The logarithm of the variance that the network has told in the last step.
    #[must_use]
    pub fn log_variance(&self, column: usize) -> Option<f64> {
        self.scratch.pass.log_variances.get(column).copied()
    }

    /// The actions' pasts.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// `true` if the state was of a model like this one.
    #[must_use]
    pub fn fits(&self, model: &RoleModel) -> bool {
        self.history.len() == model.role.lags * model.role.columns.len()
            && self.missing.len() == model.role.columns.len()
            && self.tracks.len() == model.actions
            && self.units.len() == model.role.units
            && (model.members.is_empty() || self.member < model.members.len())
    }

    /// Starts noise at a drawn moment.
    pub fn scatter(&mut self, model: &RoleModel, draw: Draw<'_>) {
        let rows = model.residuals.len() / model.role.columns.len().max(1);
        self.residual = index(draw() * number(rows));
    }

    fn push(&mut self, x: impl ExactSizeIterator<Item = f64>) {
        let (width, size) = (x.len(), self.history.len());
        if size > width {
            self.history.copy_within(..size - width, width);
        }
        for (place, value) in self.history.iter_mut().zip(x) {
            *place = value;
        }
    }
}
