//! The loss of a window of rows, and its gradient by the weights of a network: backpropagation through time.
//!
//! The first steps of a window are made from recorded states, the others from own ones. The loss is half the mean squared error of all
//! steps; beside it, from recorded states, the likelihood of a step's error under the variance that the network tells.

use promemu_dynamics::network::{Network, Pass};
use promemu_dynamics::numbers::{add_product, add_product_back, number};
use promemu_dynamics::role::RoleModel;

use super::rollout::walk;
use super::rows::HostRows;

/// The rows of a host, ready for training.
#[derive(Debug)]
pub(super) struct Sequence<'r> {
    rows: &'r HostRows,
    /// The features of the step to each row that do not follow from states.
    outer: Vec<f64>,
    outer_width: usize,
}

/// A window: its first row, the steps on recorded states, and the own ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) start: usize,
    pub(super) warm_up: usize,
    pub(super) horizon: usize,
}

impl Window {
    pub(super) const fn steps(&self) -> usize {
        self.warm_up + self.horizon
    }
}

/// The steps of a window on their way forward.
#[derive(Debug, Default)]
struct Forward {
    /// The states that steps are made from and to: the first ones are before the window.
    states: Vec<f64>,
    features: Vec<Vec<f64>>,
    passes: Vec<Pass>,
    /// Derivatives of the loss by what each step has made, and `false` where it was held at an end of its range.
    errors: Vec<f64>,
    is_free: Vec<bool>,
    log_variances: Vec<f64>,
    loss: f64,
}

impl<'r> Sequence<'r> {
    pub(super) fn of(model: &RoleModel, rows: &'r HostRows) -> Self {
        let outer_width = model.role.outer_features(model.actions);
        let states = model.role.lags * rows.width;
        // The first row has no step to it.
        let mut outer = vec![0.0; outer_width];
        walk(model, rows, 0, 1..rows.len(), |_, state| outer.extend_from_slice(&state.features()[states..]));
        Self { rows, outer, outer_width }
    }

    fn outer(&self, row: usize) -> &[f64] {
        &self.outer[row * self.outer_width..(row + 1) * self.outer_width]
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The loss of a window without a gradient: of its own steps alone.
    pub(super) fn loss(&self, model: &RoleModel, network: &Network, window: Window) -> f64 {
        self.forward(model, network, window, true).loss
    }

    /// The loss of a window; adds its gradient.
    pub(super) fn gradient(
        &self,
        model: &RoleModel,
        network: &Network,
        window: Window,
        gradient: &mut [f64],
    ) -> f64 {
        let forward = self.forward(model, network, window, false);
        let (width, lags) = (self.rows.width, model.role.lags);
        let mut by_state = vec![0.0; forward.states.len()];
        let mut units = vec![0.0; network.shape.units];
        let mut by_feature = vec![0.0; network.shape.inputs];
        for step in (0..window.steps()).rev() {
            let made = (lags + step) * width;
            let mut back = forward.errors[step * width..(step + 1) * width].to_vec();
            if step >= window.warm_up {
                back.iter_mut().zip(&by_state[made..made + width]).for_each(|(back, more)| *back += more);
            }
            let is_free = &forward.is_free[step * width..(step + 1) * width];
            back.iter_mut().zip(is_free).filter(|(_, free)| !**free).for_each(|(back, _)| *back = 0.0);
            let variances = &forward.log_variances[step * width..(step + 1) * width];
            by_feature.fill(0.0);
            add_product_back(&model.linear, &back, &mut by_feature);
            let sums = (&mut *gradient, &mut *by_feature);
            network.backward(
                &forward.features[step],
                &forward.passes[step],
                (&back, variances),
                &mut units,
                sums,
            );
            for lag in 0..lags {
                let from = (lags - 1 + step - lag) * width;
                let own = &by_feature[lag * width..(lag + 1) * width];
                by_state[from..from + width].iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
            }
            let from = (lags - 1 + step) * width;
            by_state[from..from + width].iter_mut().zip(&back).for_each(|(sum, back)| *sum += back);
        }
        forward.loss
    }

    fn forward(&self, model: &RoleModel, network: &Network, window: Window, only_own: bool) -> Forward {
        let (width, lags) = (self.rows.width, model.role.lags);
        let counted = if only_own { window.horizon } else { window.steps() };
        let scale = 1.0 / number(counted * width);
        let mut forward = Forward::default();
        for lag in (0..lags).rev() {
            forward.states.extend_from_slice(self.rows.x(window.start.saturating_sub(lag)));
        }
        let mut units = vec![0.0; network.shape.units];
        for step in 0..window.steps() {
            let row = window.start + step + 1;
            let mut features = Vec::with_capacity(network.shape.inputs);
            for lag in 0..lags {
                let from = (lags - 1 + step - lag) * width;
                features.extend_from_slice(&forward.states[from..from + width]);
            }
            features.extend_from_slice(self.outer(row));
            let mut pass = Pass::default();
            network.forward(&features, &units, &mut pass);
            units.copy_from_slice(&pass.units);
            let mut changes = pass.corrections.clone();
            add_product(&model.linear, &features, &mut changes);
            let is_own = step >= window.warm_up;
            for (place, change) in changes.into_iter().enumerate() {
                let column = &model.role.columns[place];
                let raw = features[place] + change;
                let x = raw.clamp(column.low, column.high);
                let is_known = !self.rows.missing(row)[place];
                let error = if is_known { x - self.rows.x(row)[place] } else { 0.0 };
                if is_own || !only_own {
                    forward.loss += 0.5 * error * error * scale;
                }
                forward.errors.push(error * scale);
                forward.is_free.push(x.to_bits() == raw.to_bits());
                // Of half the logarithm of the variance and the squared error by it.
                let variance = pass.log_variances[place];
                let by_variance = 0.5 * (1.0 - error * error * libm::exp(-variance));
                // The first own step is from recorded states, too.
                let is_told = step <= window.warm_up && is_known;
                forward.log_variances.push(if is_told { by_variance * scale } else { 0.0 });
                forward.states.push(if is_own { x } else { self.rows.x(row)[place] });
            }
            forward.features.push(features);
            forward.passes.push(pass);
        }
        forward
    }
}
