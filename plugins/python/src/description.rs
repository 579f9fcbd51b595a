//! Environments by their names, configs, models and texts, and what they have.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use promemu_core::config::list_available_configs;
use promemu_core::plugin;
use promemu_core::scenario::KINDS;
use promemu_environment::environment::Episode;
use promemu_environment::error::EnvironmentError;
use promemu_environment::learned_system::Learned;
use promemu_environment::setup::{Setup, read_model};
use promemu_environment::shipped;
use promemu_environment::spec::{Spec, SystemSpec};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// An environment that can be made: its description, with its system loaded.
#[pyclass(frozen, module = "promemu._native")]
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) setup: Arc<Setup>,
}

/// An error as Python's.
pub(crate) fn refused(error: &EnvironmentError) -> PyErr {
    PyValueError::new_err(error.with_causes())
}

/// Sets the folders in which plugins are looked for.
#[pyfunction]
pub(crate) fn use_plugins(folders: Vec<PathBuf>) {
    let built_ins = KINDS.iter().map(|kind| kind.name).collect();
    plugin::set_folders(folders, built_ins);
}

/// The names of configs.
#[pyfunction]
pub(crate) fn configs() -> Vec<String> {
    list_available_configs().into_iter().map(|config| config.name).collect()
}

#[pymethods]
impl Description {
    /// A shipped environment, a description as a text, a config, or a model.
    #[new]
    #[pyo3(signature = (*, environment=None, text=None, config=None, config_class=None, args=None, model=None, steps=None))]
    fn new(
        py: Python<'_>,
        environment: Option<&str>,
        text: Option<&str>,
        config: Option<&str>,
        config_class: Option<&str>,
        args: Option<BTreeMap<String, String>>,
        model: Option<&str>,
        steps: Option<u32>,
    ) -> PyResult<Self> {
        let args = args.unwrap_or_default();
        let made = py.detach(|| {
            let mut spec = match (environment, text, config, model) {
                (Some(name), None, None, None) => shipped::environment(name).unwrap_or_else(|| {
                    let known: Vec<&str> = shipped::ENVIRONMENTS.iter().map(|(name, _)| *name).collect();
                    let known = known.join(", ");
                    Err(EnvironmentError::Usage(format!(
                        "unknown environment {name:?}; expected one of {known}"
                    )))
                })?,
                (None, Some(text), None, None) => Spec::parse(text)?,
                (None, None, Some(config), None) => shipped::of_config(config, config_class, args.clone())?,
                (None, None, None, Some(path)) => {
                    let learned = Learned::new(read_model(path)?);
                    let mut spec = shipped::of_model(path, &learned);
                    spec.steps = steps.unwrap_or(spec.steps);
                    return Setup::of_model(spec, learned);
                }
                _ => {
                    let why = "give one of environment, text, config, model";
                    return Err(EnvironmentError::Usage(why.to_owned()));
                }
            };
            if let (SystemSpec::Config { args: known, .. }, None) = (&mut spec.system, config) {
                known.extend(args);
            }
            spec.steps = steps.unwrap_or(spec.steps);
            Setup::new(spec)
        });
        made.map(|setup| Self { setup: Arc::new(setup) }).map_err(|error| refused(&error))
    }

    /// Names, numbers and texts of the environment.
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let setup = &self.setup;
        let facts = PyDict::new(py);
        let labels = || setup.columns.iter().map(promemu_environment::column::Column::label);
        facts.set_item("description", &setup.spec.description)?;
        facts.set_item("columns", labels().collect::<Vec<String>>())?;
        facts.set_item("ranges", setup.columns.iter().map(|column| column.range).collect::<Vec<_>>())?;
        let alarm = |alarm: &promemu_environment::alarm::Alarm| {
            let host = &setup.columns[alarm.column].host;
            if host.is_empty() { alarm.name.clone() } else { format!("{}@{host}", alarm.name) }
        };
        facts.set_item("alarms", setup.alarms.iter().map(alarm).collect::<Vec<String>>())?;
        facts.set_item("targets", &setup.targets)?;
        facts.set_item("kinds", (0..7).map(|kind| setup.is_known(kind)).collect::<Vec<bool>>())?;
        facts.set_item("faults", &setup.spec.faults.of)?;
        facts.set_item("levels", setup.spec.levels.iter().map(|level| &*level.name).collect::<Vec<_>>())?;
        facts.set_item("step_secs", setup.spec.step.as_secs_f64())?;
        facts.set_item("steps", setup.spec.steps)?;
        facts.set_item("observation_len", setup.observation_len())?;
        facts.set_item("start_unix", promemu_environment::environment::START.unix_secs())?;
        facts.set_item("success", setup.spec.reward.success)?;
        Ok(facts)
    }
}

impl Description {
    /// The options of an episode.
    pub(crate) fn episode(&self, level: Option<&str>, fault_seed: Option<u64>) -> PyResult<Episode> {
        let level = self.setup.spec.level(level).map_err(|error| refused(&error))?;
        Ok(Episode { level, fault_seed })
    }
}
