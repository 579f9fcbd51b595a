//! Forecasts by own rollouts, and their scores.

use std::ops::Range;

use promemu_core::rng::Seed;
use promemu_dynamics::role::{HostState, Moment, RoleModel};
use promemu_dynamics::schema::{Column, Kind, Score};
use promemu_dynamics::series::rates;

use super::rows::HostRows;
use crate::statistics::{index, number, sorted};
use crate::validation::forecast::{Sums, score_ensemble, score_normal};

/// Horizons of scores, in steps.
pub(super) const HORIZONS: [usize; 3] = [1, 5, 15];
/// The longest one.
pub(super) const LONGEST: usize = 15;
/// Rows that a state has seen, at most, before a forecast.
const SEEN: usize = 60;
/// Forecasts of a stretch, at most, and of a host.
const ORIGINS_MAX: usize = 400;
const ORIGINS_OF_HOST: usize = 200;

/// A part of the rows of each host, by shares of their number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Stretch {
    /// The rows of a host.
    pub(super) fn of(&self, rows: &HostRows) -> Range<usize> {
        let place = |share: f64| index(libm::round(share * number(rows.len())));
        place(self.from)..place(self.to)
    }
}

/// Walks along the recorded rows, and shows the state at each row of a range.
pub(super) fn walk(
    model: &RoleModel,
    rows: &HostRows,
    member: usize,
    range: Range<usize>,
    mut at: impl FnMut(usize, &HostState),
) {
    let first = range.start.saturating_sub(SEEN);
    if range.is_empty() {
        return;
    }
    let levels = |row: usize| &rows.levels[row][..model.actions];
    let mut state = model.state(rows.history(first, model.role.lags), levels(first), member);
    for row in first + 1..range.end {
        let moment = Moment { levels: levels(row), at_secs: rows.at_secs(row) };
        model.observe(&mut state, moment, rows.x(row), rows.missing(row));
        if row >= range.start {
            at(row, &state);
        }
    }
}

/// The path of states from a state at a row.
pub(super) fn path(
    model: &RoleModel,
    rows: &HostRows,
    from: usize,
    state: &mut HostState,
    mut noise: Option<&mut dyn FnMut() -> f64>,
    mut at: impl FnMut(usize, &HostState),
) {
    for horizon in 1..=LONGEST.min(rows.len() - 1 - from) {
        let row = from + horizon;
        let moment = Moment { levels: &rows.levels[row][..model.actions], at_secs: rows.at_secs(row) };
        let noise: Option<&mut dyn FnMut() -> f64> = match &mut noise {
            Some(draw) => Some(&mut **draw),
            None => None,
        };
        model.advance(state, moment, noise);
        at(horizon, state);
    }
}

/// Forecasts of a stretch: for each, its row, and for each horizon the values of each path by metric.
pub(super) struct Forecasts {
    pub(super) rows: Vec<(usize, usize)>,
    /// By forecast, horizon, metric and path.
    values: Vec<f64>,
    width: usize,
    paths: usize,
}

/// Values and rates as samples show them: of whole totals a whole number in a step.
fn shown(model: &RoleModel, state: &HostState) -> Vec<f64> {
    let mut values = rates(&model.role, state.x(model));
    for (value, column) in values.iter_mut().zip(&model.role.columns).filter(|(_, column)| column.is_whole) {
        let unit = if column.kind == Kind::Gauge { 1.0 } else { 1.0 / model.step_secs };
        *value = libm::rint(*value / unit) * unit;
    }
    values
}

impl Forecasts {
    /// The forecasts of a stretch. With noise `paths` of them, by the members of the ensemble in turn; without one path of each.
    pub(super) fn of(
        model: &RoleModel,
        hosts: &[HostRows],
        stretch: Stretch,
        paths: Option<usize>,
        seed: Seed,
    ) -> Self {
        let members = model.members.len().max(1);
        let width = model.role.columns.len();
        let count = paths.unwrap_or(members);
        let mut own = Self { rows: Vec::new(), values: Vec::new(), width, paths: count };
        for (host, rows) in hosts.iter().enumerate() {
            let range = stretch.of(rows);
            let thin = range.len().div_ceil((ORIGINS_MAX / hosts.len()).clamp(5, ORIGINS_OF_HOST)).max(1);
            let is_origin = |row: usize| (row - range.start).is_multiple_of(thin) && row + 1 < range.end;
            for member in 0..members.min(count) {
                walk(model, rows, member, range.clone(), |row, state| {
                    if !is_origin(row) {
                        return;
                    }
                    let place = own.place(host, row);
                    for n in (member..count).step_by(members) {
                        let mut rng = seed.child(&format!("{host} {row} {n}")).rng();
                        let mut draw = || rng.unit();
                        let mut state = state.clone();
                        let noise: Option<&mut dyn FnMut() -> f64> = if paths.is_some() {
                            state.scatter(model, &mut draw);
                            Some(&mut draw)
                        } else {
                            None
                        };
                        path(model, rows, row, &mut state, noise, |horizon, state| {
                            own.put(place, horizon, n, &shown(model, state));
                        });
                    }
                });
            }
        }
        own
    }

    fn place(&mut self, host: usize, row: usize) -> usize {
        let found = self.rows.iter().position(|own| *own == (host, row));
        found.unwrap_or_else(|| {
            self.rows.push((host, row));
            let room = self.rows.len() * LONGEST * self.width * self.paths;
            self.values.resize(room, f64::NAN);
            self.rows.len() - 1
        })
    }

    fn put(&mut self, forecast: usize, horizon: usize, path: usize, values: &[f64]) {
        let start = (forecast * LONGEST + horizon - 1) * self.width * self.paths;
        for (column, value) in values.iter().enumerate() {
            self.values[start + column * self.paths + path] = *value;
        }
    }

    /// The paths of a metric at a horizon.
    pub(super) fn paths(&self, forecast: usize, horizon: usize, column: usize) -> &[f64] {
        let start = ((forecast * LONGEST + horizon - 1) * self.width + column) * self.paths;
        &self.values[start..start + self.paths]
    }

    /// Means of paths with the values that came, where they are known within the stretch.
    pub(super) fn pairs<'f>(
        &'f self,
        hosts: &'f [HostRows],
        stretch: Stretch,
        horizon: usize,
        column: usize,
    ) -> impl Iterator<Item = (&'f [f64], f64)> + 'f {
        let of = move |(n, (host, row)): (usize, &(usize, usize))| {
            let rows = &hosts[*host];
            let target = row + horizon;
            let value = if target < stretch.of(rows).end { rows.value(target, column) } else { f64::NAN };
            let paths = self.paths(n, horizon, column);
            (value.is_finite() && paths[0].is_finite()).then_some((paths, value))
        };
        self.rows.iter().enumerate().filter_map(of)
    }
}

/// Deviations of values in a stretch, by metric; `None` for one that does not change.
pub(super) fn deviations(hosts: &[HostRows], stretch: Stretch, columns: &[Column]) -> Vec<Option<f64>> {
    let of = |column: usize| {
        let values = hosts.iter().flat_map(|rows| stretch.of(rows).map(move |row| rows.value(row, column)));
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let (spread, size) = (crate::statistics::deviation(&values), crate::statistics::mean(&values).abs());
        (spread > 1e-9 * size && spread > 0.0).then_some(spread)
    };
    (0..columns.len()).map(of).collect()
}

/// The errors of mean forecasts, in deviations, by metric; NaN for one that does not change.
pub(super) fn errors(
    model: &RoleModel,
    hosts: &[HostRows],
    stretch: Stretch,
    scales: &[Option<f64>],
) -> Vec<f64> {
    let forecasts = Forecasts::of(model, hosts, stretch, None, Seed::new(0));
    let of = |(column, scale): (usize, &Option<f64>)| {
        let Some(scale) = scale else { return f64::NAN };
        let pairs = forecasts.pairs(hosts, stretch, LONGEST, column);
        let squares = pairs.map(|(paths, value)| {
            let error = crate::statistics::mean(paths) - value;
            error * error
        });
        libm::sqrt(crate::statistics::mean(&squares.collect::<Vec<f64>>())) / scale
    };
    scales.iter().enumerate().map(of).collect()
}

/// The mean of numbers that are there; infinite without one.
pub(super) fn mean_error(errors: &[f64]) -> f64 {
    let there: Vec<f64> = errors.iter().copied().filter(|error| error.is_finite()).collect();
    if there.is_empty() { f64::INFINITY } else { crate::statistics::mean(&there) }
}

/// The width of a normal forecast from the errors in another stretch; without it paths are scored.
pub(super) type Width<'w> = Option<&'w dyn Fn(usize, usize) -> f64>;

/// The scores of forecasts: for each metric that changes and each horizon, and then their means.
pub(super) fn scores(
    predictor: &str,
    (forecasts, columns): (&Forecasts, &[Column]),
    (hosts, stretch): (&[HostRows], Stretch),
    scales: &[Option<f64>],
    width: Width<'_>,
) -> Vec<Score> {
    let mut all = Vec::new();
    for horizon in HORIZONS {
        for (column, scale) in scales.iter().enumerate().filter_map(|(n, scale)| Some((n, (*scale)?))) {
            let mut sums = Sums::default();
            for (paths, value) in forecasts.pairs(hosts, stretch, horizon, column) {
                match width {
                    Some(width) => {
                        score_normal(
                            crate::statistics::mean(paths),
                            width(column, horizon),
                            value,
                            &mut sums,
                        );
                    }
                    None => score_ensemble(&sorted(paths), value, &mut sums),
                }
            }
            let metric = Some(columns[column].shown());
            all.extend(sums.skill("", horizon, scale).map(|skill| Score {
                predictor: predictor.to_owned(),
                metric,
                horizon,
                nrmse: skill.nrmse,
                crps: skill.crps,
                coverage: skill.coverage,
            }));
        }
    }
    let means = HORIZONS.map(|horizon| {
        let own: Vec<&Score> = all.iter().filter(|score| score.horizon == horizon).collect();
        let mean = |of: fn(&Score) -> f64| {
            crate::statistics::mean(&own.iter().map(|score| of(score)).collect::<Vec<f64>>())
        };
        let (nrmse, crps, coverage) = (mean(|own| own.nrmse), mean(|own| own.crps), mean(|own| own.coverage));
        (!own.is_empty()).then(|| Score {
            predictor: predictor.to_owned(),
            metric: None,
            horizon,
            nrmse,
            crps,
            coverage,
        })
    });
    means.into_iter().flatten().chain(all).collect()
}
