//! Many environments, whose results go to arrays that the caller owns.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use numpy::{PyReadonlyArray1, PyReadwriteArray1};
use promemu_environment::batch::{Autoreset, Batch, Results};
use promemu_environment::reward::TERMS;
use promemu_environment::setup::Setup;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::description::{Description, refused};
use crate::single::{Snapshot, outcome_of};

/// Environments of one description.
#[pyclass(frozen, module = "promemu._native")]
#[derive(Debug)]
pub(crate) struct Vector {
    batch: Mutex<Batch>,
    setup: Arc<Setup>,
    count: usize,
}

impl Vector {
    fn lock(&self) -> MutexGuard<'_, Batch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The numbers of an array, if it has so many one behind the other.
macro_rules! slice {
    ($array:expr, $length:expr) => {{
        let found = $array.as_slice_mut().ok().filter(|slice| slice.len() == $length);
        found.ok_or_else(|| {
            PyValueError::new_err(format!("an array needs {} numbers, one behind the other", $length))
        })?
    }};
}

#[pymethods]
impl Vector {
    #[new]
    #[pyo3(signature = (description, count, autoreset, level=None, fault_seed=None, threads=1))]
    fn new(
        py: Python<'_>,
        description: &Description,
        count: usize,
        autoreset: &str,
        level: Option<&str>,
        fault_seed: Option<u64>,
        threads: usize,
    ) -> PyResult<Self> {
        let episode = description.episode(level, fault_seed)?;
        let autoreset = match autoreset {
            "NextStep" => Autoreset::NextStep,
            "SameStep" => Autoreset::SameStep,
            "Disabled" => Autoreset::Disabled,
            other => return Err(PyValueError::new_err(format!("unknown autoreset mode {other:?}"))),
        };
        let setup = Arc::clone(&description.setup);
        let batch = py.detach(|| Batch::new(Arc::clone(&setup), count, autoreset, episode, threads));
        let batch = batch.map_err(|error| refused(&error))?;
        Ok(Self { batch: Mutex::new(batch), setup, count })
    }

    /// Begins episodes of all environments, or of those in the mask.
    #[pyo3(signature = (observations, seeds=None, mask=None, level=None))]
    fn reset(
        &self,
        py: Python<'_>,
        mut observations: PyReadwriteArray1<'_, f32>,
        seeds: Option<Vec<u64>>,
        mask: Option<Vec<bool>>,
        level: Option<&str>,
    ) -> PyResult<()> {
        let observations = slice!(observations, self.count * self.setup.observation_len());
        let is_short = |length: Option<usize>| length.is_some_and(|length| length != self.count);
        if is_short(seeds.as_ref().map(Vec::len)) || is_short(mask.as_ref().map(Vec::len)) {
            return Err(PyValueError::new_err(format!("seeds and masks need {} items", self.count)));
        }
        let mut batch = self.lock();
        if let Some(level) = level {
            let mut episode = batch.episode().clone();
            episode.level = self.setup.spec.level(Some(level)).map_err(|error| refused(&error))?;
            batch.set_episode(episode);
        }
        let batch = &mut *batch;
        py.detach(|| batch.reset(seeds.as_deref(), mask.as_deref(), observations))
            .map_err(|error| refused(&error))
    }

    /// A step of all environments. Returns the numbers of those whose episodes it has ended.
    fn step(
        &self,
        py: Python<'_>,
        actions: PyReadonlyArray1<'_, i64>,
        mut observations: PyReadwriteArray1<'_, f32>,
        mut last_observations: PyReadwriteArray1<'_, f32>,
        mut rewards: PyReadwriteArray1<'_, f64>,
        mut terms: PyReadwriteArray1<'_, f64>,
        mut terminated: PyReadwriteArray1<'_, bool>,
        mut truncated: PyReadwriteArray1<'_, bool>,
    ) -> PyResult<Vec<usize>> {
        let (count, width) = (self.count, self.setup.observation_len());
        let actions = actions.as_slice()?;
        if actions.len() != 2 * count {
            return Err(PyValueError::new_err(format!("actions need {count} pairs of a kind and a target")));
        }
        let results = Results {
            observations: slice!(observations, count * width),
            last_observations: last_observations.as_slice_mut()?,
            rewards: slice!(rewards, count),
            terms: slice!(terms, count * TERMS.len()),
            terminated: slice!(terminated, count),
            truncated: slice!(truncated, count),
        };
        let mut batch = self.lock();
        let batch = &mut *batch;
        py.detach(|| batch.step(actions, results)).map_err(|error| refused(&error))?;
        Ok((0..count).filter(|number| batch.ended(*number).is_some()).collect())
    }

    /// The outcome of the episode that the last step of an environment has ended.
    fn ended<'py>(&self, py: Python<'py>, number: usize) -> PyResult<Option<Bound<'py, PyDict>>> {
        let batch = self.lock();
        batch.ended(number).map(|outcome| outcome_of(py, outcome, &self.setup)).transpose()
    }

    /// Writes the number of faults that are on in each environment.
    fn active_faults(&self, mut counts: PyReadwriteArray1<'_, i64>) -> PyResult<()> {
        let counts = slice!(counts, self.count);
        let batch = self.lock();
        for (number, count) in counts.iter_mut().enumerate() {
            let active =
                batch.environment(number).map_or(0, |environment| environment.active_faults().count());
            *count = i64::try_from(active).unwrap_or(i64::MAX);
        }
        Ok(())
    }

    /// Writes the masks of actions: for each environment those of kinds, then those of targets.
    fn masks(&self, mut masks: PyReadwriteArray1<'_, bool>) -> PyResult<()> {
        let width = promemu_environment::action::ActionKind::ALL.len() + self.setup.targets.len();
        let masks = slice!(masks, self.count * width);
        self.lock().write_masks(masks);
        Ok(())
    }

    /// A copy of an environment.
    fn snapshot(&self, py: Python<'_>, number: usize) -> PyResult<Snapshot> {
        let batch = self.lock();
        let environment = batch.environment(number);
        let environment =
            environment.ok_or_else(|| PyValueError::new_err("there is no environment of this number"))?;
        let made = py.detach(|| environment.snapshot());
        made.map(|snapshot| Snapshot(Mutex::new(snapshot))).map_err(|error| refused(&error))
    }

    /// Has an environment go on from a copy of any environment of this vector, and writes its observation.
    fn restore(
        &self,
        py: Python<'_>,
        number: usize,
        snapshot: &Snapshot,
        mut observation: PyReadwriteArray1<'_, f32>,
    ) -> PyResult<()> {
        let observation = slice!(observation, self.setup.observation_len());
        let mut batch = self.lock();
        let environment = batch.environment_mut(number);
        let environment =
            environment.ok_or_else(|| PyValueError::new_err("there is no environment of this number"))?;
        let snapshot = snapshot.0.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = &*snapshot;
        py.detach(|| environment.restore(snapshot, observation)).map_err(|error| refused(&error))
    }
}
