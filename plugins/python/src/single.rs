//! One environment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use numpy::{PyArray1, PyReadonlyArray1, PyUntypedArrayMethods};
use promemu_environment::action::ActionKind;
use promemu_environment::batch::{Autoreset, Batch, Results};
use promemu_environment::environment::{Environment, EnvironmentSnapshot};
use promemu_environment::error::EnvironmentError;
use promemu_environment::outcome::Outcome;
use promemu_environment::picture;
use promemu_environment::reward::TERMS;
use promemu_environment::setup::Setup;
use promemu_environment::system::System;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::description::{Description, refused};
use crate::frames::{self, Frame};

/// One environment. Its observation is an array of 32-bit floats: scaled values, marks of those that are there, alarms.
#[pyclass(frozen, module = "promemu._native")]
#[derive(Debug)]
pub(crate) struct Single {
    state: Mutex<State>,
    setup: Arc<Setup>,
    /// The keys of what a step tells, as Python's texts: those of the terms, then that of the number of faults.
    keys: Vec<Py<PyAny>>,
}

#[derive(Debug)]
struct State {
    batch: Batch,
    observation: Vec<f32>,
}

/// A copy of an environment.
#[pyclass(frozen, module = "promemu._native")]
#[derive(Debug)]
pub(crate) struct Snapshot(pub(crate) Mutex<EnvironmentSnapshot>);

/// An observation, a reward, `terminated`, `truncated`, and what else there is to tell.
type Stepped<'py> = Bound<'py, PyTuple>;

impl Single {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Single {
    #[new]
    #[pyo3(signature = (description, level=None, fault_seed=None))]
    fn new(
        py: Python<'_>,
        description: &Description,
        level: Option<&str>,
        fault_seed: Option<u64>,
    ) -> PyResult<Self> {
        let episode = description.episode(level, fault_seed)?;
        let setup = Arc::clone(&description.setup);
        let batch = Batch::new(Arc::clone(&setup), 1, Autoreset::Disabled, episode, 1);
        let batch = batch.map_err(|error| refused(&error))?;
        let observation = vec![0.0; setup.observation_len()];
        let names = TERMS.iter().map(|name| format!("reward_{name}")).chain(["active_faults".to_owned()]);
        let keys = names.map(|name| pyo3::types::PyString::intern(py, &name).into_any().unbind()).collect();
        Ok(Self { state: Mutex::new(State { batch, observation }), setup, keys })
    }

    /// Begins an episode: with a seed the first one of it, without one the next one.
    #[pyo3(signature = (seed=None, level=None, fault_seed=None))]
    fn reset<'py>(
        &self,
        py: Python<'py>,
        seed: Option<u64>,
        level: Option<&str>,
        fault_seed: Option<u64>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let mut state = self.lock();
        let State { batch, observation } = &mut *state;
        if level.is_some() || fault_seed.is_some() {
            let mut episode = batch.episode().clone();
            if let Some(level) = level {
                episode.level = self.setup.spec.level(Some(level)).map_err(|error| refused(&error))?;
            }
            episode.fault_seed = fault_seed.or(episode.fault_seed);
            batch.set_episode(episode);
        }
        let seeds = seed.map(|seed| [seed]);
        let seeds = seeds.as_ref().map(|seeds| &seeds[..]);
        py.detach(|| batch.reset(seeds, None, observation)).map_err(|error| refused(&error))?;
        Ok(PyArray1::from_slice(py, observation))
    }

    /// A step; the action is an array or a sequence of two whole numbers, the kind and the target.
    fn step<'py>(&self, py: Python<'py>, action: &Bound<'py, PyAny>) -> PyResult<Stepped<'py>> {
        let action = pair(action)?;
        let mut state = self.lock();
        let State { batch, observation } = &mut *state;
        let (mut reward, mut terms, mut over) = ([0.0], [0.0; TERMS.len()], [[false], [false]]);
        let [terminated, truncated] = &mut over;
        let results = Results {
            observations: observation,
            last_observations: &mut [],
            rewards: &mut reward,
            terms: &mut terms,
            terminated,
            truncated,
        };
        py.detach(|| batch.step(&action, results)).map_err(|error| refused(&error))?;
        let told = PyDict::new(py);
        for (key, term) in self.keys.iter().zip(terms) {
            told.set_item(key, term)?;
        }
        let faults = batch.environment(0).map_or(0, |environment| environment.active_faults().count());
        told.set_item(&self.keys[TERMS.len()], faults)?;
        if let Some(outcome) = batch.ended(0) {
            told.set_item("outcome", outcome_of(py, outcome, &self.setup)?)?;
        }
        let observation = PyArray1::from_slice(py, &state.observation);
        let [terminated, truncated] = over;
        (observation, reward[0], terminated[0], truncated[0], told).into_pyobject(py)
    }

    /// The masks of actions: for each kind, then for each target.
    fn masks<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<bool>> {
        let mut masks = vec![false; ActionKind::ALL.len() + self.setup.targets.len()];
        self.lock().batch.write_masks(&mut masks);
        PyArray1::from_slice(py, &masks)
    }

    /// The outcome of the episode so far.
    fn outcome<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let state = self.lock();
        let outcome =
            state.batch.environment(0).map(|environment| *environment.outcome()).unwrap_or_default();
        outcome_of(py, &outcome, &self.setup)
    }

    /// The truth about the faults of the episode.
    fn truth<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let state = self.lock();
        let records = state.batch.environment(0).map(Environment::records).unwrap_or_default();
        let record = |record: &promemu_environment::outcome::FaultRecord| {
            let told = PyDict::new(py);
            told.set_item("fault", &self.setup.spec.faults.of[record.drawn.kind])?;
            told.set_item("target", &self.setup.targets[record.drawn.target])?;
            told.set_item("begin_step", record.drawn.begin)?;
            told.set_item("end_step", record.drawn.end)?;
            told.set_item("noticed_step", record.noticed)?;
            told.set_item("mended_step", record.mended)?;
            Ok(told)
        };
        records.iter().map(record).collect()
    }

    /// The values that are observed, not scaled; absent ones are not a number.
    fn numbers<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        let state = self.lock();
        let numbers = state.batch.environment(0).map(Environment::numbers).unwrap_or_default();
        let plain = numbers.iter().map(|number| if number.is_nan() { f64::NAN } else { *number });
        PyArray1::from_iter(py, plain)
    }

    /// A copy of the environment.
    fn snapshot(&self, py: Python<'_>) -> PyResult<Snapshot> {
        let state = self.lock();
        let batch = &state.batch;
        let none = || EnvironmentError::Usage("there is no environment".to_owned());
        let made = py.detach(|| batch.environment(0).ok_or_else(none)?.snapshot());
        made.map(|snapshot| Snapshot(Mutex::new(snapshot))).map_err(|error| refused(&error))
    }

    /// Goes on from a copy, and returns its observation.
    fn restore<'py>(&self, py: Python<'py>, snapshot: &Snapshot) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let mut state = self.lock();
        let State { batch, observation } = &mut *state;
        let snapshot = snapshot.0.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = &*snapshot;
        let Some(environment) = batch.environment_mut(0) else {
            return Err(PyValueError::new_err("no environment"));
        };
        py.detach(|| environment.restore(snapshot, observation)).map_err(|error| refused(&error))?;
        Ok(PyArray1::from_slice(py, observation))
    }

    /// The newest observation as lines.
    fn text(&self) -> String {
        self.lock().batch.environment(0).map(picture::text).unwrap_or_default()
    }

    /// These observations as pixels: red, green and blue, row by row; their width, and their height.
    fn pixels<'py>(
        &self,
        py: Python<'py>,
        observations: Vec<Vec<f32>>,
    ) -> PyResult<(Bound<'py, PyBytes>, usize, usize)> {
        let width = self.setup.observation_len();
        if observations.iter().any(|observation| observation.len() != width) {
            return Err(PyValueError::new_err(format!("observations must have {width} numbers")));
        }
        let state = self.lock();
        let pixels =
            state.batch.environment(0).map(|environment| picture::pixels(environment, &observations));
        let height = picture::height(self.setup.columns.len());
        Ok((PyBytes::new(py, &pixels.unwrap_or_default()), picture::WIDTH, height))
    }

    /// The samples of the episode so far, as scrapes see them, every so many seconds.
    fn samples<'py>(&self, py: Python<'py>, seed: u64, step_secs: f64) -> PyResult<Frame<'py>> {
        let state = self.lock();
        let Some(environment) = state.batch.environment(0) else {
            return Err(PyValueError::new_err("no environment"));
        };
        let (System::World(world), Some(plan)) = (environment.system(), self.setup.plan()) else {
            return Err(PyValueError::new_err(
                "an environment of a model has no samples; export the config learned",
            ));
        };
        frames::of_run(
            py,
            plan,
            seed,
            (promemu_environment::environment::START, world.now(), step_secs),
            Some(world.log()),
        )
    }
}

/// The two numbers of an action.
fn pair(action: &Bound<'_, PyAny>) -> PyResult<[i64; 2]> {
    if let Ok(array) = action.extract::<PyReadonlyArray1<'_, i64>>()
        && array.len() == 2
        && let Ok(&[kind, target]) = array.as_slice()
    {
        return Ok([kind, target]);
    }
    if action.len()? != 2 {
        return Err(PyValueError::new_err("an action has two numbers: a kind and a target"));
    }
    Ok([action.get_item(0)?.extract()?, action.get_item(1)?.extract()?])
}

/// An outcome as a dictionary.
pub(crate) fn outcome_of<'py>(
    py: Python<'py>,
    outcome: &Outcome,
    setup: &Setup,
) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("steps", outcome.steps)?;
    told.set_item("reward", outcome.reward)?;
    told.set_item("faults", outcome.faults)?;
    told.set_item("noticed", outcome.noticed)?;
    told.set_item("notice_secs", outcome.notice_secs)?;
    told.set_item("mended", outcome.mended)?;
    told.set_item("mend_secs", outcome.mend_secs)?;
    told.set_item("missed", outcome.missed)?;
    told.set_item("pages", outcome.pages)?;
    told.set_item("false_pages", outcome.false_pages)?;
    told.set_item("actions", outcome.actions)?;
    told.set_item("violated_share", outcome.violated_share())?;
    told.set_item("success", setup.is_success(outcome))?;
    Ok(told)
}
