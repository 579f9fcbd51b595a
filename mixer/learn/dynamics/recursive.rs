//! Recursive least squares with forgetting (L. Ljung and T. Söderström, 1983), for many metrics with the same features.

use promemu_dynamics::numbers::dot;

/// The weight of the weights that are there already: that of so many rows.
const PRIOR_ROWS: f64 = 50.0;

/// The inverse of the weighted sum of products of features.
#[derive(Clone, Debug)]
pub(super) struct Recursive {
    size: usize,
    inverse: Vec<f64>,
    gain: Vec<f64>,
}

impl Recursive {
    pub(super) fn new(size: usize) -> Self {
        let mut own = Self { size, inverse: vec![0.0; size * size], gain: vec![0.0; size] };
        own.begin_anew();
        own
    }

    /// Forgets all rows.
    pub(super) fn begin_anew(&mut self) {
        self.inverse.fill(0.0);
        for place in self.inverse.iter_mut().step_by(self.size + 1) {
            *place = 1.0 / PRIOR_ROWS;
        }
    }

    /// Moves weights, a row for each feature, by the errors that they make with these features; an error that is no number moves none.
    /// The rows before count `forgetting` times as much as before.
    pub(super) fn learn(&mut self, features: &[f64], errors: &[f64], forgetting: f64, weights: &mut [f64]) {
        for (gain, row) in self.gain.iter_mut().zip(self.inverse.chunks_exact(self.size)) {
            *gain = dot(row, features);
        }
        let scale = 1.0 / (forgetting + dot(&self.gain, features));
        for (row, gain) in weights.chunks_exact_mut(errors.len()).zip(&self.gain) {
            for (weight, error) in row.iter_mut().zip(errors).filter(|(_, error)| error.is_finite()) {
                *weight += scale * gain * error;
            }
        }
        for (row, gain) in self.inverse.chunks_exact_mut(self.size).zip(&self.gain) {
            let factor = scale * gain;
            for (place, gain) in row.iter_mut().zip(&self.gain) {
                *place = (*place - factor * gain) / forgetting;
            }
        }
        for n in 0..self.size {
            self.bound(n);
        }
    }

    /// A feature that does not change would let its part grow without end.
    fn bound(&mut self, n: usize) {
        let own = self.inverse[n * self.size + n];
        if own * PRIOR_ROWS <= 1.0 {
            return;
        }
        let factor = libm::sqrt(1.0 / (PRIOR_ROWS * own));
        self.inverse[n * self.size..(n + 1) * self.size].iter_mut().for_each(|place| *place *= factor);
        self.inverse.iter_mut().skip(n).step_by(self.size).for_each(|place| *place *= factor);
    }
}

#[cfg(test)]
mod tests {
    use promemu_core::rng::Seed;

    use super::*;

    #[test]
    fn weights_that_change_are_followed() {
        let mut rng = Seed::new(3).rng();
        let mut learner = Recursive::new(3);
        let mut weights = vec![0.0; 6];
        for (truth, rows) in [([1.0, -2.0, 0.5], 1_000), ([0.0, 3.0, 0.5], 1_500)] {
            for _ in 0..rows {
                let features = [1.0, rng.normal(), rng.normal()];
                let told = weights
                    .chunks_exact(2)
                    .zip(&features)
                    .map(|(row, feature)| row[0] * feature)
                    .sum::<f64>();
                let error = dot(&truth, &features) + 0.1 * rng.normal() - told;
                learner.learn(&features, &[error, f64::NAN], 0.99, &mut weights);
            }
            for (row, truth) in weights.chunks_exact(2).zip(truth) {
                assert!((row[0] - truth).abs() < 0.05 && row[1].abs() < 1e-12, "{weights:?}");
            }
        }
    }

    #[test]
    fn features_that_stay_as_they_are_let_nothing_grow() {
        let mut learner = Recursive::new(2);
        let mut weights = vec![0.0; 2];
        for _ in 0..20_000 {
            let error = 1.0 - weights[0];
            learner.learn(&[1.0, 0.0], &[error], 0.98, &mut weights);
        }
        assert!(
            learner.inverse.iter().all(|place| place.abs() <= 1.000_001 / PRIOR_ROWS),
            "{:?}",
            learner.inverse
        );
        assert!((weights[0] - 1.0).abs() < 1e-9, "{weights:?}");
    }
}
