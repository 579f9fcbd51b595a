//! The noise of a step: recorded residuals, each in deviations, and a factor by which intervals hold as much as they say.

use promemu_core::rng::Seed;
use promemu_dynamics::role::{HostState, Moment, RoleModel};
use promemu_dynamics::schema::Predictor;

use super::rollout::{Forecasts, HORIZONS, Stretch, walk};
use super::rows::HostRows;
use crate::statistics::{number, quantile, sorted};

/// The most moments of residuals.
const MOMENTS_MAX: usize = 4_000;
/// Rounds in which factors are found, and how far they may go.
const ROUNDS: usize = 3;
const FACTORS: (f64, f64) = (0.4, 3.0);
/// Fewer forecasts are no base for a factor.
const FORECASTS_MIN: usize = 12;

/// One-step errors of a stretch, by moment, with the deviations that the network tells.
struct Errors {
    rows: Vec<Vec<f64>>,
    deviations: Vec<Vec<Option<f64>>>,
}

/// The errors of a step to each row; a gap has none.
fn errors(model: &RoleModel, hosts: &[HostRows], stretch: Stretch) -> Errors {
    let mut errors = Errors { rows: Vec::new(), deviations: Vec::new() };
    for (n, rows) in hosts.iter().enumerate() {
        let member = if model.members.is_empty() { 0 } else { n % model.members.len() };
        let range = stretch.of(rows);
        let mut before: Option<HostState> = None;
        walk(model, rows, member, range, |row, state| {
            if let Some(mut own) = before.take() {
                let levels = &rows.levels[row][..model.actions];
                let moment = Moment { levels, at_secs: rows.at_secs(row) };
                model.advance(&mut own, moment, None);
                let error = |(place, x): (usize, &f64)| {
                    if rows.missing(row)[place] { 0.0 } else { x - own.x(model)[place] }
                };
                errors.rows.push(rows.x(row).iter().enumerate().map(error).collect());
                let told = |place: usize| own.log_variance(place).map(|variance| libm::exp(0.5 * variance));
                errors.deviations.push((0..rows.width).map(told).collect());
            }
            before = Some(state.clone());
        });
    }
    errors
}

/// Gives the metrics of a model the deviations of their noise; the errors that they are of.
fn spread_of(model: &mut RoleModel, hosts: &[HostRows], learned: Stretch, selection: Stretch) -> [Errors; 2] {
    let errors = [errors(model, hosts, learned), errors(model, hosts, selection)];
    let root = |rows: &[Vec<f64>], place: usize| {
        let squares: f64 = rows.iter().map(|row| row[place] * row[place]).sum();
        libm::sqrt(squares / number(rows.len().max(1)))
    };
    for (place, column) in model.role.columns.iter_mut().enumerate() {
        column.noise = root(&errors[0].rows, place).max(root(&errors[1].rows, place));
    }
    errors
}

/// Gives the metrics of a model the deviations of their noise.
pub(super) fn spread(model: &mut RoleModel, hosts: &[HostRows], learned: Stretch, selection: Stretch) {
    spread_of(model, hosts, learned, selection);
}

/// Gives a model its noise: deviations from the selection, residuals of that and of the rows that it has learned from.
pub(super) fn give(
    model: &mut RoleModel,
    hosts: &[HostRows],
    (learned, selection): (Stretch, Stretch),
    (paths, seed): (usize, Seed),
) {
    let width = model.role.columns.len();
    let [own, chosen] = spread_of(model, hosts, learned, selection);
    let mut residuals = Vec::new();
    let thin = (own.rows.len() + chosen.rows.len()).saturating_sub(MOMENTS_MAX);
    let moments = own.rows.iter().zip(&own.deviations).chain(chosen.rows.iter().zip(&chosen.deviations));
    for (row, told) in moments.skip(thin) {
        for (place, error) in row.iter().enumerate() {
            let column = &model.role.columns[place];
            let of_network = told[place].filter(|_| column.by == Predictor::Network);
            let deviation = of_network.unwrap_or(column.noise);
            residuals.push(if deviation > 0.0 { error / deviation } else { 0.0 });
        }
    }
    model.residuals = standardised(residuals, width);
    calibrate(model, hosts, selection, paths, seed);
}

/// Residuals with the mean 0 and the deviation 1 of each metric.
fn standardised(mut residuals: Vec<f64>, width: usize) -> Vec<f64> {
    for place in 0..width {
        let own: Vec<f64> = residuals.iter().skip(place).step_by(width).copied().collect();
        let (mean, spread) = (crate::statistics::mean(&own), crate::statistics::deviation(&own));
        let scale = if spread > 1e-12 { spread } else { 1.0 };
        residuals.iter_mut().skip(place).step_by(width).for_each(|own| *own = (*own - mean) / scale);
    }
    residuals
}

/// Finds the factors for which 90 % of the values are in 90 % of the paths.
fn calibrate(model: &mut RoleModel, hosts: &[HostRows], stretch: Stretch, paths: usize, seed: Seed) {
    for round in 0..ROUNDS {
        let seed = seed.child(&format!("calibration {round}"));
        let forecasts = Forecasts::of(model, hosts, stretch, Some(paths), seed);
        for place in 0..model.role.columns.len() {
            let mut logs = Vec::new();
            for horizon in HORIZONS {
                let far =
                    forecasts.pairs(hosts, stretch, horizon, place).map(|(paths, value)| far(paths, value));
                let far = sorted(&far.filter(|far| far.is_finite()).collect::<Vec<f64>>());
                if far.len() >= FORECASTS_MIN {
                    logs.push(libm::log(quantile(&far, 0.9).clamp(0.3, 3.0)));
                }
            }
            if !logs.is_empty() {
                let column = &mut model.role.columns[place];
                let factor = column.noise_factor * libm::exp(crate::statistics::mean(&logs));
                column.noise_factor = factor.clamp(FACTORS.0, FACTORS.1);
            }
        }
    }
}

/// The distance of a value from the middle of paths; 1 at the ends of their 90 %.
fn far(paths: &[f64], value: f64) -> f64 {
    let paths = sorted(paths);
    let [low, middle, high] = [0.05, 0.5, 0.95].map(|share| quantile(&paths, share));
    let half = if value > middle { high - middle } else { middle - low };
    if half > 0.0 { (value - middle).abs() / half } else { f64::NAN }
}
