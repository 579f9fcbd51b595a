//! A dynamics model from a recording, as a whole.

use std::collections::BTreeSet;

use promemu_core::plural::plural;
use promemu_core::rng::{Seed, fnv1a};
use promemu_dynamics::file::Model;
use promemu_dynamics::network::Network;
use promemu_dynamics::role::RoleModel;
use promemu_dynamics::schema::{Column, Lineage, Predictor, Role, Sum};
use promemu_wire::recording::Recording;
use promemu_wire::samples::Selector;

use super::hyperparameters::Hyperparameters;
use super::identities;
use super::levels::{ActionSupport, Levels};
use super::linear_part::{Steps, empty};
use super::members::{Checkpoints, Ensemble, Members};
use super::noise;
use super::rollout::{deviations, errors, mean_error};
use super::rows::{HostRows, HostTable, by_role, scaled, tables, without_sums};
use super::scoring::{Scoring, Stretches};
use crate::error::LearnError;
use crate::grid::whole_millis;
use crate::load::load;
use crate::statistics::number;

/// Hosts with fewer rows are left out.
const ROWS_MIN: usize = 60;
/// The most metrics of a role.
const COLUMNS_MAX: usize = 256;
/// Refused actions that an error names.
const REFUSALS_SHOWN: usize = 3;
/// Rows of two days have a season.
const SEASON_SECS: f64 = 2.0 * 86_400.0;
/// A metric with this share of gaps has a mark of them.
const GAPS_MIN: f64 = 0.02;

/// The recording's part that is fitted, and how.
#[derive(Clone, Debug, Default)]
pub struct DynamicsOptions {
    /// The series that are fitted; all without one.
    pub selectors: Vec<Selector>,
    /// The seed of the training.
    pub seed: u64,
    /// Number of threads at most; the model does not depend on it.
    pub threads: usize,
    /// `true` if all members must have been trained before.
    pub assembles: bool,
    /// The numbers that a person may change.
    pub numbers: Hyperparameters,
    /// These as they were written, for the lineage.
    pub numbers_text: String,
    /// The name of the recording, for the lineage.
    pub recording: String,
    /// The name and version of the program, for the lineage.
    pub program: String,
}

/// A model with what is to be said of it.
#[derive(Clone, Debug)]
pub struct DynamicsFit {
    /// The model.
    pub model: Model,
    /// The support for each recorded action.
    pub support: Vec<ActionSupport>,
    /// Notes on what is left out, each with its reason.
    pub left_out: Vec<String>,
}

/// The progress of a fit.
#[derive(Clone, Debug)]
pub enum FitProgress {
    /// So many things of a kind are done.
    Counted {
        /// The kind.
        of: &'static str,
        /// Those that are done.
        done: usize,
        /// All of them.
        all: usize,
    },
    /// A look at the error of a network.
    Trained {
        /// Its role, by number.
        role: usize,
        /// The member, by number.
        member: usize,
        /// The number of own steps in the stage.
        horizon: usize,
        /// Number of updates.
        updates: usize,
        /// The loss of the last ones.
        loss: f64,
        /// The error in the selection.
        error: f64,
    },
}

/// Makes a dynamics model of a recording. The same recording, numbers and seed give the same model for any number of threads.
///
/// # Errors
///
/// The recording cannot be read, has too few rows, or none of its actions is supported.
pub fn fit_dynamics(
    recording: &Recording,
    options: &DynamicsOptions,
    checkpoints: &mut dyn Checkpoints,
    progress: &mut dyn FnMut(FitProgress),
) -> Result<DynamicsFit, LearnError> {
    let Prepared { roles: tables, levels, support, step_secs, left_out } =
        Prepared::of(recording, options, progress)?;
    let (begin_ms, end_ms) = recording.range().unwrap_or_default();
    let place = |share: f64| begin_ms + whole_millis(crate::grid::millis(end_ms - begin_ms) * share / 1000.0);
    let stretches = Stretches::of(&options.numbers);
    let mut hash = String::new();
    let mut roles = Vec::new();
    for (n, tables) in tables.into_iter().enumerate() {
        let fit = RoleFit { n, levels: &levels, options, step_secs, stretches };
        let begun = fit.begun(tables, progress);
        let members = if options.assembles { Members::Kept } else { Members::All };
        let networks = fit.ensemble(&begun).trained(&begun.model, members, checkpoints, progress)?;
        hash = format!("{:016x}", fnv1a(format!("{hash}{}", begun.hash).as_bytes()));
        roles.push(fit.finished(begun, networks));
    }
    let lineage = Lineage {
        program: options.program.clone(),
        recording: options.recording.clone(),
        selectors: options.selectors.iter().map(ToString::to_string).collect(),
        rows: hash,
        times_ms: [begin_ms, place(stretches.selection.from), place(stretches.held_out.from), end_ms],
        seed: options.seed,
        hyperparameters: options.numbers_text.clone(),
    };
    Ok(DynamicsFit { model: Model { step_secs, actions: levels.actions, roles, lineage }, support, left_out })
}

/// Trains one member of the ensemble of each role, and leaves it in its checkpoints, from which [`fit_dynamics`] takes it.
///
/// # Errors
///
/// As of [`fit_dynamics`].
pub fn train_member(
    recording: &Recording,
    options: &DynamicsOptions,
    member: usize,
    checkpoints: &mut dyn Checkpoints,
    progress: &mut dyn FnMut(FitProgress),
) -> Result<(), LearnError> {
    let Prepared { roles, levels, step_secs, .. } = Prepared::of(recording, options, progress)?;
    let stretches = Stretches::of(&options.numbers);
    for (n, tables) in roles.into_iter().enumerate() {
        let fit = RoleFit { n, levels: &levels, options, step_secs, stretches };
        let begun = fit.begun(tables, progress);
        fit.ensemble(&begun).trained(&begun.model, Members::One(member), checkpoints, progress)?;
    }
    Ok(())
}

/// A recording as tables by role, with its actions.
struct Prepared {
    roles: Vec<Vec<HostTable>>,
    levels: Levels,
    support: Vec<ActionSupport>,
    step_secs: f64,
    left_out: Vec<String>,
}

impl Prepared {
    fn of(
        recording: &Recording,
        options: &DynamicsOptions,
        progress: &mut dyn FnMut(FitProgress),
    ) -> Result<Self, LearnError> {
        let samples = load(recording, &options.selectors, |done, all| {
            progress(FitProgress::Counted { of: "slices", done, all });
        })?;
        let (mut tables, step_secs, mut left_out) = tables(recording, &samples, None);
        tables.retain(|table| {
            let rows = table.values.len() / table.columns.len().max(1);
            let is_fit = rows >= ROWS_MIN && table.columns.len() <= COLUMNS_MAX;
            if !is_fit {
                let shown = plural(table.columns.len(), "series", "series");
                left_out.push(format!(
                    "host {}: it has {rows} rows of {shown}, and {ROWS_MIN} rows at least and {COLUMNS_MAX} series at most are needed",
                    table.host.name
                ));
            }
            is_fit
        });
        if tables.is_empty() {
            return Err(LearnError::TooFewRows { min: ROWS_MIN, notes: left_out.join("; ") });
        }
        let (levels, support) = supported(recording, &tables, step_secs)?;
        Ok(Self { roles: by_role(tables), levels, support, step_secs, left_out })
    }
}

/// The actions that are supported, and the support for each.
fn supported(
    recording: &Recording,
    tables: &[HostTable],
    step_secs: f64,
) -> Result<(Levels, Vec<ActionSupport>), LearnError> {
    let names: BTreeSet<&str> = tables.iter().map(|table| &*table.host.name).collect();
    let mut levels = Levels::of(&recording.actions()?, &names, whole_millis(step_secs));
    let longest = tables.iter().max_by_key(|table| table.values.len() / table.columns.len().max(1));
    let of_table = |table: &HostTable| {
        let at = |n: usize| table.begin_ms + whole_millis(number(n) * step_secs);
        let count = table.values.len() / table.columns.len().max(1);
        (1..count).map(|n| levels.mean(&table.host.name, at(n - 1), at(n))).collect::<Vec<Vec<f64>>>()
    };
    let rows = longest.map(of_table).unwrap_or_default();
    let support = levels.support(&rows);
    let refusals: Vec<&str> = support.iter().filter_map(|own| own.refusal.as_deref()).collect();
    if !support.is_empty() && levels.actions.is_empty() {
        let more = refusals.len().saturating_sub(REFUSALS_SHOWN);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let shown = refusals.iter().take(REFUSALS_SHOWN).copied().collect::<Vec<&str>>().join("; ");
        return Err(LearnError::Unsupported { notes: format!("{shown}{more}") });
    }
    Ok((levels, support))
}

/// The fit of a role.
struct RoleFit<'f> {
    n: usize,
    levels: &'f Levels,
    options: &'f DynamicsOptions,
    step_secs: f64,
    stretches: Stretches,
}

/// A role with its linear part.
struct BegunRole {
    rows: Vec<HostRows>,
    /// Deviations of values, by metric.
    scales: Vec<Option<f64>>,
    /// The linear part without actions.
    blind: RoleModel,
    linear: RoleModel,
    /// The linear part with its noise.
    model: RoleModel,
    /// The hash of what training depends on.
    hash: String,
}

impl RoleFit<'_> {
    fn begun(&self, mut tables: Vec<HostTable>, progress: &mut dyn FnMut(FitProgress)) -> BegunRole {
        let sums = without_sums(&mut tables);
        let columns = scaled(&tables, self.stretches.learned.to);
        let rows_of = |table: &HostTable| HostRows::of(table, &columns, self.step_secs, self.levels);
        let rows: Vec<HostRows> = tables.iter().map(rows_of).collect();
        let role = self.role(&tables, &columns, &rows, sums);
        let scales = deviations(&rows, self.stretches.learned, &columns);
        let actions = self.levels.actions.len();
        let blind = self.linear(empty(role.clone(), self.step_secs, 0), &rows, &scales);
        let linear = self.linear(empty(role, self.step_secs, actions), &rows, &scales);
        progress(FitProgress::Counted { of: "roles", done: self.n, all: self.n + 1 });
        let Stretches { learned, selection, .. } = self.stretches;
        let mut model = linear.clone();
        noise::spread(&mut model, &rows, learned, selection);
        let hash = hash(&rows, self.options);
        BegunRole { rows, scales, blind, linear, model, hash }
    }

    fn ensemble<'e>(&'e self, begun: &'e BegunRole) -> Ensemble<'e> {
        let (rows, of) = (&*begun.rows, &*begun.hash);
        Ensemble { role: self.n, rows, stretches: self.stretches, options: self.options, of }
    }

    fn finished(&self, begun: BegunRole, networks: Vec<Network>) -> RoleModel {
        let BegunRole { rows, scales, blind, linear, mut model, .. } = begun;
        self.choose(&mut model, networks, &rows, &scales);
        let Stretches { learned, selection, .. } = self.stretches;
        let numbers = &self.options.numbers;
        let seed = Seed::new(self.options.seed).child(&format!("role {}", self.n));
        noise::give(&mut model, &rows, (learned, selection), (numbers.paths, seed));
        model.newest = rows.iter().flat_map(|rows| rows.history(rows.len() - 1, numbers.lags)).collect();
        let scoring =
            Scoring { hosts: &rows, stretches: self.stretches, scales: &scales, paths: numbers.paths, seed };
        model.role.scores = scoring.all(&model, &linear, Some(&blind));
        model
    }

    fn role(
        &self,
        tables: &[HostTable],
        columns: &[Column],
        rows: &[HostRows],
        sums: Vec<(Column, [usize; 2])>,
    ) -> Role {
        let width = columns.len();
        let raw: Vec<&[f64]> = tables.iter().flat_map(|table| table.values.chunks_exact(width)).collect();
        let gaps = |n: &usize| {
            let missing = number(raw.iter().filter(|row| !row[*n].is_finite()).count()) / number(raw.len());
            (GAPS_MIN..1.0 - GAPS_MIN).contains(&missing)
        };
        let sum = |(column, of): (Column, [usize; 2])| Sum {
            metric: column.metric,
            labels: column.labels,
            help: column.help,
            of: of.to_vec(),
        };
        let longest = rows.iter().map(HostRows::len).max().unwrap_or_default();
        Role {
            hosts: tables.iter().map(|table| table.host.clone()).collect(),
            sums: sums.into_iter().map(sum).collect(),
            parts: identities::parts(columns, &raw),
            lags: self.options.numbers.lags,
            gaps: (0..width).filter(gaps).collect(),
            has_season: number(longest) * self.step_secs >= SEASON_SECS,
            units: 0,
            members: 0,
            scores: Vec::new(),
            columns: columns.to_vec(),
        }
    }

    /// The linear part with the penalty whose error in the selection is the least.
    fn linear(&self, empty: RoleModel, rows: &[HostRows], scales: &[Option<f64>]) -> RoleModel {
        let steps = Steps::of(&empty, rows, self.stretches.learned);
        let with = |penalty: &f64| {
            let model = RoleModel { linear: steps.weights(*penalty), ..empty.clone() };
            let error = mean_error(&errors(&model, rows, self.stretches.selection, scales));
            (model, error)
        };
        let models = self.options.numbers.penalties.iter().map(with);
        let best = models.reduce(|best, own| if own.1 < best.1 { own } else { best });
        best.map_or(empty, |(model, _)| model)
    }

    /// Gives each metric the least part that predicts it. Networks are kept if one metric has them.
    fn choose(
        &self,
        model: &mut RoleModel,
        networks: Vec<Network>,
        rows: &[HostRows],
        scales: &[Option<f64>],
    ) {
        let selection = self.stretches.selection;
        let still = errors(&model.all_by(Predictor::Persistence), rows, selection, scales);
        let linear = errors(model, rows, selection, scales);
        for (place, column) in model.role.columns.iter_mut().enumerate() {
            // A metric without an error is still, too.
            column.by = if linear[place] < still[place] { Predictor::Linear } else { Predictor::Persistence };
        }
        if networks.is_empty() {
            return;
        }
        let mut with = model.all_by(Predictor::Network);
        (with.role.units, with.role.members) = (networks[0].shape.units, networks.len());
        with.members = networks;
        let own = errors(&with, rows, selection, scales);
        let most = 1.0 - self.options.numbers.gain;
        for (place, column) in with.role.columns.iter_mut().enumerate() {
            let is_better = own[place] <= most * linear[place].min(still[place]);
            column.by = if is_better { Predictor::Network } else { model.role.columns[place].by };
        }
        if with.role.columns.iter().any(|column| column.by == Predictor::Network) {
            *model = with;
        }
    }
}

/// The hash of what training depends on.
fn hash(rows: &[HostRows], options: &DynamicsOptions) -> String {
    let numbers = format!("{:?} {}", options.numbers, options.seed).into_bytes();
    let values = rows.iter().flat_map(|rows| rows.x.iter().chain(rows.levels.iter().flatten()));
    let bytes: Vec<u8> = numbers.into_iter().chain(values.flat_map(|value| value.to_le_bytes())).collect();
    format!("{:016x}", fnv1a(&bytes))
}
