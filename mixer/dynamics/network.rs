//! The gated recurrent unit with its outputs.
//!
//! The unit is that of K. Cho et al. (2014), with the reset gate behind the recurrent product:
//!
//! ```text
//! r = σ(Wr z + Ur h + br)    u = σ(Wu z + Uu h + bu)    n = tanh(Wn z + bn + r ⊙ (Un h + c))
//! h' = (1 − u) ⊙ n + u ⊙ h   correction = g ⊙ (V h' + b)   ln variance = S h' + s
//! ```

use std::ops::Range;

use crate::numbers::{add_outer, add_product, add_product_back};

/// Sizes of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of features.
    pub inputs: usize,
    /// Number of units.
    pub units: usize,
    /// Number of metrics.
    pub outputs: usize,
}

/// The places of a network's parts in its weights.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Weights of features: a row for each, with the gates r, u, n.
    pub input: Range<usize>,
    /// Weights of units, in the same form.
    pub recurrent: Range<usize>,
    /// Constants of the gates.
    pub gate_bias: Range<usize>,
    /// Constants within the reset.
    pub reset_bias: Range<usize>,
    /// Weights of corrections.
    pub output: Range<usize>,
    /// Constants of corrections.
    pub output_bias: Range<usize>,
    /// Factors of corrections.
    pub gate: Range<usize>,
    /// Weights of variances.
    pub variance: Range<usize>,
    /// Constants of variances.
    pub variance_bias: Range<usize>,
}

impl Shape {
    /// The places of the parts.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let Self { inputs, units, outputs } = *self;
        let mut end = 0;
        let mut part = |size: usize| {
            let begin = end;
            end += size;
            begin..end
        };
        Layout {
            input: part(inputs * 3 * units),
            recurrent: part(units * 3 * units),
            gate_bias: part(3 * units),
            reset_bias: part(units),
            output: part(units * outputs),
            output_bias: part(outputs),
            gate: part(outputs),
            variance: part(units * outputs),
            variance_bias: part(outputs),
        }
    }

    /// Number of weights.
    #[must_use]
    pub fn size(&self) -> usize {
        self.layout().variance_bias.end
    }
}

/// A network: its shape and its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The sizes.
    pub shape: Shape,
    /// The weights, in the order of [`Layout`].
    pub weights: Vec<f64>,
}

/// The values of a step, which the way back needs.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    /// The units before the step.
    pub before: Vec<f64>,
    /// The units after it.
    pub units: Vec<f64>,
    /// The gates r, u, n.
    gates: Vec<f64>,
    /// The recurrent product of the reset gate.
    reset: Vec<f64>,
    /// Outputs before their factor.
    outputs: Vec<f64>,
    /// The corrections of metrics.
    pub corrections: Vec<f64>,
    /// The logarithms of variances.
    pub log_variances: Vec<f64>,
    /// Room for the recurrent product.
    recurrent: Vec<f64>,
}

/// Logarithms of variances stay between these.
const LOG_VARIANCES: (f64, f64) = (-12.0, 4.0);

impl Network {
    fn part(&self, part: Range<usize>) -> &[f64] {
        &self.weights[part]
    }

    /// A step from these units with these features.
    pub fn forward(&self, features: &[f64], units: &[f64], pass: &mut Pass) {
        let (layout, count) = (self.shape.layout(), self.shape.units);
        set(&mut pass.before, units);
        set(&mut pass.gates, self.part(layout.gate_bias));
        add_product(self.part(layout.input), features, &mut pass.gates);
        pass.recurrent.clear();
        pass.recurrent.resize(2 * count, 0.0);
        pass.recurrent.extend_from_slice(self.part(layout.reset_bias));
        add_product(self.part(layout.recurrent), units, &mut pass.recurrent);
        set(&mut pass.reset, &pass.recurrent[2 * count..]);
        pass.units.clear();
        for (unit, before) in units.iter().enumerate() {
            let r = sigmoid(pass.gates[unit] + pass.recurrent[unit]);
            let u = sigmoid(pass.gates[count + unit] + pass.recurrent[count + unit]);
            let n = libm::tanh(pass.gates[2 * count + unit] + r * pass.reset[unit]);
            pass.gates[unit] = r;
            pass.gates[count + unit] = u;
            pass.gates[2 * count + unit] = n;
            pass.units.push((1.0 - u) * n + u * before);
        }
        set(&mut pass.outputs, self.part(layout.output_bias));
        add_product(self.part(layout.output), &pass.units, &mut pass.outputs);
        pass.corrections.clear();
        pass.corrections.extend(self.part(layout.gate).iter().zip(&pass.outputs).map(|(g, out)| g * out));
        set(&mut pass.log_variances, self.part(layout.variance_bias));
        add_product(self.part(layout.variance), &pass.units, &mut pass.log_variances);
        for variance in &mut pass.log_variances {
            *variance = variance.clamp(LOG_VARIANCES.0, LOG_VARIANCES.1);
        }
    }

    /// The way back of a step. `corrections` and `log_variances` are the loss' derivatives by these, and `units` by the units
    /// after the step; it becomes that by the units before it. Adds to the gradient, and to the derivatives by features. A
    /// variance changes its own weights only.
    pub fn backward(
        &self,
        features: &[f64],
        pass: &Pass,
        (corrections, log_variances): (&[f64], &[f64]),
        units: &mut [f64],
        (gradient, by_feature): (&mut [f64], &mut [f64]),
    ) {
        let (layout, count) = (self.shape.layout(), self.shape.units);
        add_outer(&mut gradient[layout.variance.clone()], &pass.units, log_variances);
        add_to(&mut gradient[layout.variance_bias.clone()], log_variances);
        let gates = self.part(layout.gate.clone());
        let outputs: Vec<f64> = gates.iter().zip(corrections).map(|(gate, back)| gate * back).collect();
        for ((sum, out), back) in gradient[layout.gate.clone()].iter_mut().zip(&pass.outputs).zip(corrections)
        {
            *sum += out * back;
        }
        add_outer(&mut gradient[layout.output.clone()], &pass.units, &outputs);
        add_to(&mut gradient[layout.output_bias.clone()], &outputs);
        add_product_back(self.part(layout.output.clone()), &outputs, units);
        let (mut of_gates, mut of_recurrent) = (vec![0.0; 3 * count], vec![0.0; 3 * count]);
        for (unit, by_unit) in units.iter_mut().enumerate() {
            let [r, u, n] = [0, 1, 2].map(|gate| pass.gates[gate * count + unit]);
            let back = *by_unit;
            let of_n = back * (1.0 - u) * (1.0 - n * n);
            let of_u = back * (pass.before[unit] - n) * u * (1.0 - u);
            let of_r = of_n * pass.reset[unit] * r * (1.0 - r);
            *by_unit = back * u;
            for (gate, back) in [of_r, of_u, of_n].into_iter().enumerate() {
                of_gates[gate * count + unit] = back;
                of_recurrent[gate * count + unit] = back;
            }
            of_recurrent[2 * count + unit] = of_n * r;
        }
        add_outer(&mut gradient[layout.input.clone()], features, &of_gates);
        add_to(&mut gradient[layout.gate_bias.clone()], &of_gates);
        add_product_back(self.part(layout.input.clone()), &of_gates, by_feature);
        add_outer(&mut gradient[layout.recurrent.clone()], &pass.before, &of_recurrent);
        add_to(&mut gradient[layout.reset_bias.clone()], &of_recurrent[2 * count..]);
        add_product_back(self.part(layout.recurrent), &of_recurrent, units);
    }
}

fn set(to: &mut Vec<f64>, from: &[f64]) {
    to.clear();
    to.extend_from_slice(from);
}

fn add_to(sums: &mut [f64], values: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers between -0.5 and 0.5, the same each time.
    fn noise(count: usize, seed: u32) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1u32 << 24) - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    const SHAPE: Shape = Shape { inputs: 5, units: 4, outputs: 3 };

    /// A loss of two steps: weighted corrections, and variances of the second.
    fn loss(network: &Network, features: &[Vec<f64>; 2]) -> f64 {
        let (mut pass, factors) = (Pass::default(), noise(3, 9));
        let mut units = noise(4, 5);
        let mut sum = 0.0;
        for features in features {
            network.forward(features, &units, &mut pass);
            units.clone_from(&pass.units);
            sum += pass.corrections.iter().zip(&factors).map(|(a, b)| a * b).sum::<f64>();
        }
        sum
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let network = Network { shape: SHAPE, weights: noise(SHAPE.size(), 1) };
        let features = [noise(5, 2), noise(5, 3)];
        let factors = noise(3, 9);
        let mut passes = [Pass::default(), Pass::default()];
        network.forward(&features[0], &noise(4, 5), &mut passes[0]);
        let units = passes[0].units.clone();
        network.forward(&features[1], &units, &mut passes[1]);
        let (mut gradient, mut back) = (vec![0.0; SHAPE.size()], vec![0.0; 4]);
        let mut by_feature = [vec![0.0; 5], vec![0.0; 5]];
        for step in [1, 0] {
            let outputs = (&*factors, &[0.0; 3][..]);
            let sums = (&mut *gradient, &mut *by_feature[step]);
            network.backward(&features[step], &passes[step], outputs, &mut back, sums);
        }
        let close = |found: f64, expected: f64| (found - expected).abs() < 1e-7;
        for (place, found) in gradient.iter().enumerate() {
            let at = |change: f64| {
                let mut other = network.clone();
                other.weights[place] += change;
                loss(&other, &features)
            };
            let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(close(*found, expected), "weight {place}: {found} {expected}");
        }
        for (step, place) in (0..2).flat_map(|step| (0..5).map(move |place| (step, place))) {
            let at = |change: f64| {
                let mut features = features.clone();
                features[step][place] += change;
                loss(&network, &features)
            };
            let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(close(by_feature[step][place], expected), "feature {place} of step {step}");
        }
    }
}
