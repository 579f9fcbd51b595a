//! The training of a network: `AdamW` (I. Loshchilov and F. Hutter, 2019) on windows of rows, whose own steps grow from stage to stage.
//!
//! A member of the ensemble sees blocks of rows that are drawn with return. Its draws come from its own seed, and its updates are
//! numbered, so that training goes on from a checkpoint as if it had never ended.

use promemu_core::rng::{Rng, Seed};
use promemu_dynamics::container::{ContainerError, Tensor, Tensors, pack, unpack};
use promemu_dynamics::network::Network;
use promemu_dynamics::numbers::{index, number};
use promemu_dynamics::role::RoleModel;
use serde::{Deserialize, Serialize};

use super::gradient::{Sequence, Window};
use super::hyperparameters::Hyperparameters;
use super::rollout::{LONGEST, Stretch};
use super::rows::HostRows;

/// The format of checkpoints.
const FORMAT: &str = "promemu-checkpoint 1";
/// Windows in which the error in the selection is measured, at most.
const LOOKS_MAX: usize = 48;
/// Rates of `AdamW`'s means, and the least of its denominator.
const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

/// The state of training, apart from its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Progress {
    /// The hash of rows, hyper-parameters and seed.
    of: String,
    stage: usize,
    /// Updates in the stage, and in all.
    in_stage: usize,
    updates: usize,
    /// Looks without a better error.
    looks: usize,
    /// The least error in the selection, and the first one, which is that of the linear part.
    least: f64,
    first: f64,
    is_over: bool,
}

/// A network in training.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Student {
    progress: Progress,
    network: Network,
    best: Vec<f64>,
    means: [Vec<f64>; 2],
}

/// The material of training.
pub(super) struct Lessons<'l> {
    pub(super) model: &'l RoleModel,
    pub(super) sequences: Vec<Sequence<'l>>,
    pub(super) learned: Stretch,
    pub(super) selection: Stretch,
    pub(super) numbers: &'l Hyperparameters,
    pub(super) rows: &'l [HostRows],
}

/// A look at the error, for people.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) horizon: usize,
    pub(super) updates: usize,
    pub(super) loss: f64,
    pub(super) error: f64,
}

impl Student {
    /// A network that does nothing yet: its corrections have the factor 0.
    pub(super) fn new(lessons: &Lessons<'_>, of: &str, seed: Seed) -> Self {
        let shape = lessons.model.role.shape(lessons.model.actions);
        let layout = shape.layout();
        let mut rng = seed.child("start").rng();
        let mut weights = vec![0.0; shape.size()];
        let parts =
            [(layout.input, shape.inputs), (layout.recurrent, shape.units), (layout.output, shape.units)];
        for (part, inputs) in parts {
            let wide = 1.0 / libm::sqrt(number(inputs));
            weights[part].iter_mut().for_each(|weight| *weight = rng.uniform(-wide, wide));
        }
        for (place, column) in layout.variance_bias.zip(&lessons.model.role.columns) {
            weights[place] = 2.0 * libm::log(column.noise.max(1e-3));
        }
        let network = Network { shape, weights };
        let first = lessons.error(&network);
        let progress = Progress {
            of: of.to_owned(),
            stage: 0,
            in_stage: 0,
            updates: 0,
            looks: 0,
            least: first,
            first,
            is_over: false,
        };
        let means = [vec![0.0; shape.size()], vec![0.0; shape.size()]];
        Self { progress, best: network.weights.clone(), network, means }
    }

    /// The weights with the least error.
    pub(super) fn best(&self) -> Network {
        Network { shape: self.network.shape, weights: self.best.clone() }
    }

    /// `true` if all stages are over.
    pub(super) const fn is_over(&self) -> bool {
        self.progress.is_over
    }

    /// Trains until the next look at the error.
    pub(super) fn train(&mut self, lessons: &Lessons<'_>, seed: Seed) -> Look {
        let numbers = lessons.numbers;
        let mut loss = 0.0;
        let mut count = 0;
        let Some(stage) = numbers.stages.get(self.progress.stage).copied() else {
            self.progress.is_over = true;
            return Look {
                horizon: 0,
                updates: self.progress.updates,
                loss: 0.0,
                error: self.progress.least,
            };
        };
        while count < numbers.check_every && self.progress.in_stage < stage.updates {
            let mut rng = seed.child(&format!("update {}", self.progress.updates)).rng();
            let mut gradient = vec![0.0; self.network.weights.len()];
            for _ in 0..numbers.windows {
                let (host, window) = lessons.draw(seed, stage.horizon, &mut rng);
                let own =
                    lessons.sequences[host].gradient(lessons.model, &self.network, window, &mut gradient);
                loss += own / number(numbers.windows);
            }
            self.update(&gradient, numbers);
            count += 1;
        }
        let error = lessons.error(&self.network);
        self.progress.looks += 1;
        if error < self.progress.least {
            self.progress.least = error;
            self.progress.looks = 0;
            self.best.clone_from(&self.network.weights);
        }
        let (horizon, updates) = (stage.horizon, self.progress.updates);
        if self.progress.in_stage >= stage.updates || self.progress.looks >= numbers.patience {
            self.progress.stage += 1;
            self.progress.in_stage = 0;
            self.progress.looks = 0;
            self.progress.is_over = self.progress.stage >= numbers.stages.len();
        }
        Look { horizon, updates, loss: loss / number(count.max(1)), error }
    }

    fn update(&mut self, gradient: &[f64], numbers: &Hyperparameters) {
        self.progress.in_stage += 1;
        self.progress.updates += 1;
        let windows = number(numbers.windows);
        let norm = libm::sqrt(gradient.iter().map(|g| g * g).sum::<f64>()) / windows;
        let scale = if norm > numbers.clip { numbers.clip / norm } else { 1.0 } / windows;
        let turn = number(self.progress.updates);
        let unbiased = |beta: f64| 1.0 - libm::pow(beta, turn);
        let (first, second) = (unbiased(BETAS.0), unbiased(BETAS.1));
        let layout = self.network.shape.layout();
        let decays = [layout.input, layout.recurrent, layout.output, layout.variance];
        let [means, squares] = &mut self.means;
        for (place, gradient) in gradient.iter().enumerate() {
            let gradient = gradient * scale;
            means[place] = BETAS.0 * means[place] + (1.0 - BETAS.0) * gradient;
            squares[place] = BETAS.1 * squares[place] + (1.0 - BETAS.1) * gradient * gradient;
            let weight = &mut self.network.weights[place];
            if decays.iter().any(|part| part.contains(&place)) {
                *weight -= numbers.learning_rate * numbers.weight_decay * *weight;
            }
            *weight -= numbers.learning_rate * (means[place] / first)
                / (libm::sqrt(squares[place] / second) + EPSILON);
        }
    }

    /// The bytes of a checkpoint.
    ///
    /// # Errors
    ///
    /// A number is not finite.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, ContainerError> {
        let tensor = |values: &Vec<f64>| Tensor { shape: vec![values.len()], values: values.clone() };
        let parts = [&self.network.weights, &self.best, &self.means[0], &self.means[1]];
        let names = ["weights", "best", "means", "squares"].map(str::to_owned);
        let tensors: Tensors = names.into_iter().zip(parts.map(tensor)).collect();
        pack(FORMAT, &self.progress, &tensors)
    }

    /// The training that a checkpoint has kept; `None` if it is of other rows, numbers or seeds.
    pub(super) fn from_bytes(bytes: &[u8], lessons: &Lessons<'_>, of: &str) -> Option<Self> {
        let (progress, mut tensors) = unpack::<Progress>(FORMAT, bytes).ok()?;
        let shape = lessons.model.role.shape(lessons.model.actions);
        let mut part = |name: &str| {
            let values = tensors.remove(name)?.values;
            (values.len() == shape.size()).then_some(values)
        };
        let [weights, best, means, squares] =
            [part("weights")?, part("best")?, part("means")?, part("squares")?];
        let network = Network { shape, weights };
        (progress.of == of).then_some(Self { progress, network, best, means: [means, squares] })
    }
}

impl Lessons<'_> {
    /// A window in one of the blocks that a member sees.
    fn draw(&self, seed: Seed, horizon: usize, rng: &mut Rng) -> (usize, Window) {
        let host = index(rng.unit() * number(self.sequences.len()));
        let range = self.learned.of(&self.rows[host]);
        let warm_up = self.numbers.warm_up.min(range.len() / 4).max(1);
        let horizon = horizon.min(range.len() / 2).max(1);
        let room = range.len().saturating_sub(warm_up + horizon).max(1);
        let blocks = room.div_ceil(self.numbers.block);
        // As many blocks as there are, each of them drawn once for the member.
        let slot = index(rng.unit() * number(blocks));
        let block = seed.child(&format!("block {host} {slot}")).rng().below(blocks as u64);
        let first = number(self.numbers.block) * number(usize::try_from(block).unwrap_or_default());
        let place = (index(first) + index(rng.unit() * number(self.numbers.block))).min(room - 1);
        (host, Window { start: range.start + place, warm_up, horizon })
    }

    /// The error of own steps in the selection.
    fn error(&self, network: &Network) -> f64 {
        let (mut sum, mut count) = (0.0, 0);
        for (sequence, rows) in self.sequences.iter().zip(self.rows) {
            let range = self.selection.of(rows);
            let warm_up = self.numbers.warm_up.min(range.start.saturating_sub(1)).max(1);
            let horizon = LONGEST.min(range.len().saturating_sub(1)).max(1);
            let first = range.start.saturating_sub(warm_up);
            let last = range.end.saturating_sub(warm_up + horizon + 1).max(first);
            let looks = (LOOKS_MAX / self.rows.len()).max(4);
            let thin = (last + 1 - first).div_ceil(looks).max(1);
            for start in (first..=last).step_by(thin) {
                let window = Window { start, warm_up, horizon };
                if start + window.steps() < sequence.len() {
                    sum += sequence.loss(self.model, network, window);
                    count += 1;
                }
            }
        }
        sum / number(count.max(1))
    }
}
