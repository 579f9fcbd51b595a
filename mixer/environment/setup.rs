//! All that environments of one description share: its names resolved, its system loaded.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use promemu_core::event::HostId;
use promemu_core::plan::Plan;
use promemu_dynamics::file::{BYTES_MAX, Model};
use promemu_dynamics::schema::Kind;

use crate::action::ActionKind;
use crate::alarm::Alarm;
use crate::column::{self, Column, Meaning, Source};
use crate::environment::START;
use crate::error::EnvironmentError;
use crate::faults;
use crate::learned_system::{Learned, LearnedSystem};
use crate::outcome::Outcome;
use crate::reward::Objective;
use crate::spec::{ActionSpec, COLUMNS_MAX, ObserveSpec, Spec, SystemSpec, TARGETS_MAX};
use crate::system::System;
use crate::world_system::{self, Handle, WorldSystem};

/// All that environments of one description share.
#[derive(Debug)]
pub struct Setup {
    /// The description.
    pub spec: Spec,
    /// The columns of observations.
    pub columns: Vec<Column>,
    /// The alarms, one for each column of their name.
    pub alarms: Vec<Alarm>,
    /// The names of targets; one empty name for the system as a whole.
    pub targets: Vec<String>,
    pub(crate) origin: Origin,
    pub(crate) handles: Vec<Handle>,
    /// For each kind of action its description, and for each target the lever that it moves.
    pub(crate) actions: Vec<Option<(ActionSpec, Vec<Option<Move>>)>>,
    pub(crate) objectives: Vec<Objective>,
    /// The handles that count replicas.
    pub(crate) replicas: Vec<usize>,
    pub(crate) cells: usize,
}

/// The origin of systems.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Plan(Arc<Plan>, Vec<HostId>),
    Model(Arc<Learned>),
}

/// A move of a lever by an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Move {
    /// The lever's handle.
    pub(crate) handle: usize,
    by: f64,
    min: f64,
    max: f64,
}

impl Move {
    /// The value of a lever after the move.
    pub(crate) fn moved(self, value: f64) -> f64 {
        (value + self.by).max(self.min).min(self.max)
    }

    /// `true` if it recalls an earlier move that is under way from the current value, as this one goes the other way, to `value`.
    pub(crate) fn recalls(self, under_way: f64, current: f64, value: f64) -> bool {
        if self.by < 0.0 { under_way > value.max(current) } else { under_way < value.min(current) }
    }

    /// `true` if a value is further in its direction than the current one, so that the lever has to move there.
    pub(crate) fn is_beyond(self, value: f64, current: f64) -> bool {
        if self.by < 0.0 { value < current } else { value > current }
    }
}

impl Setup {
    /// Loads the system of a description.
    pub fn new(spec: Spec) -> Result<Self, EnvironmentError> {
        spec.check()?;
        let origin = match &spec.system {
            SystemSpec::Config { .. } => {
                let (plan, targets) = world_system::load(&spec, START)?;
                Origin::Plan(plan, targets)
            }
            SystemSpec::Model(path) => Origin::Model(Arc::new(Learned::new(read_model(path)?))),
        };
        Self::of(spec, origin)
    }

    /// The setup of a description whose system is this model.
    pub fn of_model(spec: Spec, model: Learned) -> Result<Self, EnvironmentError> {
        spec.check()?;
        Self::of(spec, Origin::Model(Arc::new(model)))
    }

    fn of(spec: Spec, origin: Origin) -> Result<Self, EnvironmentError> {
        let targets = origin.targets(&spec);
        if targets.len() > TARGETS_MAX {
            let why = format!("more than {TARGETS_MAX} targets; name fewer hosts");
            return Err(EnvironmentError::Spec(why));
        }
        let mut handles = Vec::new();
        let actions = actions(&spec, &origin, &targets, &mut handles)?;
        let mut columns = Vec::new();
        for observe in &spec.observe {
            match (&observe.lever, &origin) {
                (Some(lever), _) => of_lever(observe, lever, &targets, &handles, &mut columns)?,
                (None, Origin::Plan(plan, _)) => column::of_metric(plan, observe, &mut columns)?,
                (None, Origin::Model(learned)) => of_learned(learned, observe, &mut columns)?,
            }
        }
        let cells = column::lay_out(&mut columns);
        let columns_of = |name: &str| -> Vec<usize> {
            (0..columns.len()).filter(|column| columns[*column].name == name).collect()
        };
        let alarms = spec.alarms.iter().flat_map(|alarm| {
            columns_of(&alarm.column).into_iter().map(|column| Alarm {
                name: alarm.name.clone(),
                column,
                above: alarm.above,
                below: alarm.below,
                lasts: alarm.lasts,
            })
        });
        let alarms = alarms.collect();
        let objectives = spec.reward.objectives.iter().map(|objective| Objective {
            columns: columns_of(&objective.column),
            above: objective.above,
            weight: objective.weight,
        });
        let objectives = objectives.collect();
        let is_replicas = |handle: &Handle| spec.reward.replicas.as_deref() == Some(&*handle.name);
        let replicas = (0..handles.len()).filter(|handle| is_replicas(&handles[*handle])).collect();
        Ok(Self { spec, columns, alarms, targets, origin, handles, actions, objectives, replicas, cells })
    }

    /// The length of an observation: scaled numbers, marks of those that are there, and alarms.
    #[must_use]
    pub const fn observation_len(&self) -> usize {
        2 * self.columns.len() + self.alarms.len()
    }

    /// `true` for an episode whose objectives were violated at most as much as a success allows, without pages in vain, and without
    /// missed faults where these cost something.
    #[must_use]
    pub fn is_success(&self, outcome: &Outcome) -> bool {
        let reward = &self.spec.reward;
        let misses = outcome.missed > 0 && reward.missed_fault > 0.0;
        !misses && outcome.false_pages == 0 && outcome.violated_share() <= reward.success
    }

    /// The actions that have an effect here: for each kind, then for each target.
    #[must_use]
    pub fn is_known(&self, kind: usize) -> bool {
        kind == 0 || self.actions.get(kind).is_some_and(Option::is_some)
    }

    /// The plan of the system; `None` for a model.
    #[must_use]
    pub const fn plan(&self) -> Option<&Arc<Plan>> {
        match &self.origin {
            Origin::Plan(plan, _) => Some(plan),
            Origin::Model(_) => None,
        }
    }

    pub(crate) fn system(&self, seed: u64) -> Result<System, EnvironmentError> {
        Ok(match &self.origin {
            Origin::Plan(plan, targets) => {
                System::World(Box::new(WorldSystem::new(Arc::clone(plan), targets, seed, START)?))
            }
            Origin::Model(learned) => {
                System::Learned(Box::new(LearnedSystem::new(Arc::clone(learned), seed, START)))
            }
        })
    }

    /// The id of a fault in the plan.
    #[must_use]
    pub fn fault_id(&self, kind: usize, target: usize) -> Arc<str> {
        let target = self.targets.get(target).map(String::as_str).filter(|name| !name.is_empty());
        faults::id(&self.spec.faults.of[kind], target)
    }
}

impl Origin {
    fn targets(&self, spec: &Spec) -> Vec<String> {
        match self {
            Self::Plan(plan, hosts) if !hosts.is_empty() => world_system::names(plan, hosts),
            Self::Model(learned) if spec.targets.is_empty() && !learned.levers.is_empty() => {
                learned.levers.iter().map(|lever| lever.name.clone()).collect()
            }
            Self::Model(_) if !spec.targets.is_empty() => spec.targets.clone(),
            _ => vec![String::new()],
        }
    }

    /// The number of a lever, and its default.
    fn lever(&self, name: &str) -> Result<(usize, f64), EnvironmentError> {
        match self {
            Self::Plan(plan, _) => world_system::lever(plan, name),
            Self::Model(learned) => {
                let found = learned.levers.iter().position(|lever| lever.name == name);
                let missing = || EnvironmentError::Spec(format!("lever {name:?} is not in the model"));
                found.map(|lever| (lever, 0.0)).ok_or_else(missing)
            }
        }
    }
}

type Actions = Vec<Option<(ActionSpec, Vec<Option<Move>>)>>;

/// For each kind of action its description, and for each target the lever that it moves.
fn actions(
    spec: &Spec,
    origin: &Origin,
    targets: &[String],
    handles: &mut Vec<Handle>,
) -> Result<Actions, EnvironmentError> {
    let mut actions: Actions = vec![None; ActionKind::ALL.len()];
    for action in &spec.actions {
        if let Some(unknown) = action.ends.iter().find(|fault| !spec.faults.of.contains(*fault)) {
            let why = format!("action {} ends fault {unknown:?}, which is not in faults", action.kind.name());
            return Err(EnvironmentError::Spec(why));
        }
        let mut moves = Vec::new();
        for (number, target) in targets.iter().enumerate() {
            let Some(pattern) = &action.lever else {
                moves.push(None);
                continue;
            };
            let name = pattern.replace("{target}", target);
            let is_for_one = *pattern == name && !spec.targets.is_empty();
            let (lever, default) = origin.lever(&name)?;
            let handle = Handle { name, lever, target: is_for_one.then_some(number), default };
            let known = handles.iter().position(|known| *known == handle);
            let place = known.unwrap_or_else(|| {
                handles.push(handle);
                handles.len() - 1
            });
            moves.push(Some(move_of(action, origin, lever, place)));
        }
        actions[action.kind as usize] = Some((action.clone(), moves));
    }
    Ok(actions)
}

/// The move of an action; on a lever of a model without bounds a quarter of its recorded strengths.
fn move_of(action: &ActionSpec, origin: &Origin, lever: usize, handle: usize) -> Move {
    let (mut by, mut min, mut max) = (action.by, action.min, action.max);
    if let (Origin::Model(learned), true) = (origin, max <= min) {
        let known = learned.action(lever);
        (by, min, max) = ((known.high - known.low) / 4.0, known.low, known.high);
    }
    let by = if action.kind == ActionKind::ScaleDown { -by } else { by };
    Move { handle, by, min, max }
}

/// The columns of a lever, one for each target that has one of its own.
fn of_lever(
    observe: &ObserveSpec,
    lever: &str,
    targets: &[String],
    handles: &[Handle],
    columns: &mut Vec<Column>,
) -> Result<(), EnvironmentError> {
    let before = columns.len();
    for (number, handle) in handles.iter().enumerate().filter(|(_, handle)| handle.name == lever) {
        let host = handle.target.map(|target| targets[target].clone()).unwrap_or_default();
        let (name, source) = (observe.shown_name().to_owned(), Source::Handle(number));
        columns.push(Column {
            name,
            host,
            range: observe.range,
            meaning: Meaning::Value,
            source,
            offset: 0,
            width: 1,
        });
    }
    if columns.len() == before {
        let why = format!("lever {lever:?} is observed, but no action moves it");
        return Err(EnvironmentError::Spec(why));
    }
    Ok(())
}

/// The columns of a metric of a model, one for each host that has it.
fn of_learned(
    learned: &Learned,
    observe: &ObserveSpec,
    columns: &mut Vec<Column>,
) -> Result<(), EnvironmentError> {
    let metric = observe.metric.as_deref().unwrap_or_default();
    let pattern = observe.hosts.as_deref();
    let before = columns.len();
    for (host, (name, model)) in learned.hosts().enumerate() {
        if pattern.is_some_and(|pattern| pattern != name) {
            continue;
        }
        for (number, own) in model.role.columns.iter().enumerate() {
            let has = |(name, value): (&String, &String)| own.labels.contains(&(name.clone(), value.clone()));
            if own.shown() != metric && (own.metric != metric || !observe.labels.iter().all(has)) {
                continue;
            }
            let meaning = if own.kind == Kind::Gauge { Meaning::Value } else { Meaning::Rate { of: 1 } };
            let column = Column {
                name: observe.shown_name().to_owned(),
                host: name.to_owned(),
                range: observe.range,
                meaning,
                source: Source::Learned { host, column: number },
                offset: 0,
                width: 1,
            };
            columns.push(column);
        }
    }
    match columns.len() {
        count if count == before => {
            Err(EnvironmentError::Spec(format!("metric {metric:?} is not in the model, or on no such host")))
        }
        count if count > COLUMNS_MAX => {
            let why =
                format!("more than {COLUMNS_MAX} columns are observed; name fewer metrics, or fewer hosts");
            Err(EnvironmentError::Spec(why))
        }
        _ => Ok(()),
    }
}

/// Reads a model file.
pub fn read_model(path: &str) -> Result<Model, EnvironmentError> {
    let unreadable = |source| EnvironmentError::ModelFile { path: path.to_owned(), source };
    let file = fs::metadata(Path::new(path)).map_err(unreadable)?;
    if !file.is_file() || file.len() > BYTES_MAX {
        return Err(EnvironmentError::Usage(format!("model {path} is no regular file of 1 GiB at most")));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    Model::from_bytes(&bytes).map_err(|source| EnvironmentError::Model { path: path.to_owned(), source })
}
