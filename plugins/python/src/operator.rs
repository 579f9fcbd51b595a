//! Operators that follow playbooks.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::PyReadonlyArray1;
use promemu_environment::playbook::Playbook;
use promemu_environment::shipped;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::description::{Description, refused};

/// An operator that follows a playbook.
#[pyclass(frozen, module = "promemu._native")]
#[derive(Debug)]
pub(crate) struct Operator {
    playbook: Mutex<Playbook>,
    length: usize,
}

#[pymethods]
impl Operator {
    /// The playbook is a text in RON, or the name of a shipped environment.
    #[new]
    fn new(description: &Description, playbook: &str) -> PyResult<Self> {
        let known = shipped::PLAYBOOKS.iter().find(|(name, _)| *name == playbook);
        let text = known.map_or(playbook, |(_, text)| *text);
        let made = Playbook::parse(Arc::clone(&description.setup), text);
        let length = description.setup.observation_len();
        made.map(|playbook| Self { playbook: Mutex::new(playbook), length }).map_err(|error| refused(&error))
    }

    /// The kind and the target of the action on an observation.
    fn act(&self, observation: PyReadonlyArray1<'_, f32>) -> PyResult<(usize, usize)> {
        let observation = observation.as_slice()?;
        if observation.len() != self.length {
            return Err(PyValueError::new_err(format!("an observation has {} numbers", self.length)));
        }
        let choice = self.playbook.lock().unwrap_or_else(PoisonError::into_inner).act(observation);
        Ok((choice.kind, choice.target))
    }

    /// Forgets what it has done, for another episode.
    fn reset(&self) {
        self.playbook.lock().unwrap_or_else(PoisonError::into_inner).reset();
    }
}
