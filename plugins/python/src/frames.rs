//! Samples and the truth of runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use numpy::PyArray1;
use promemu_core::config::{LoadOptions, load_config};
use promemu_core::error::Error;
use promemu_core::expression::Value;
use promemu_core::fault::Course;
use promemu_core::plan::Plan;
use promemu_core::rng::Seed;
use promemu_core::time::{Span, Time};
use promemu_core::timeline::{RunLog, TruthRecords};
use promemu_environment::samples as run_samples;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::description::refused;

/// Times in milliseconds, numbers of series, values; the metric and the labels of each series.
pub(crate) type Frame<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<f64>>,
    Vec<String>,
    Vec<Vec<(String, String)>>,
);

/// The samples of a run of a config.
#[pyfunction]
#[pyo3(signature = (config, config_class, args, seed, times, no_faults=false))]
pub(crate) fn samples<'py>(
    py: Python<'py>,
    config: &str,
    config_class: Option<String>,
    args: BTreeMap<String, String>,
    seed: u64,
    times: (f64, f64, f64),
    no_faults: bool,
) -> PyResult<Frame<'py>> {
    let (start, lasts, step) = times;
    let start = moment(start)?;
    let plan = plan(config, (config_class, args), start, no_faults)?;
    plan.refuse_real_work().map_err(|error| PyValueError::new_err(error.to_string()))?;
    of_run(py, &Arc::new(plan), seed, (start, start + span(lasts)?, step), None)
}

/// The phases and faults of a config in order of begin, each a line of JSON.
#[pyfunction]
#[pyo3(signature = (config, config_class, args, seed, times))]
pub(crate) fn truth(
    config: &str,
    config_class: Option<String>,
    args: BTreeMap<String, String>,
    seed: u64,
    times: (f64, f64),
) -> PyResult<Vec<String>> {
    let (start, lasts) = times;
    let start = moment(start)?;
    let until = start + span(lasts)?;
    let plan = plan(config, (config_class, args), start, false)?;
    let records = TruthRecords::new(&plan, Course::new(start, Seed::new(seed)));
    Ok(records.take_while(|record| record.begin <= until).map(|record| record.json_line()).collect())
}

pub(crate) fn of_run<'py>(
    py: Python<'py>,
    plan: &Arc<Plan>,
    seed: u64,
    (start, until, step): (Time, Time, f64),
    log: Option<&RunLog>,
) -> PyResult<Frame<'py>> {
    let step = span(step)?;
    let frame = py.detach(|| run_samples::of_run(plan, seed, (start, until, step), log));
    let run_samples::Frame { timestamps_ms, series, values, metrics, labels } =
        frame.map_err(|error| refused(&error))?;
    let times = PyArray1::from_vec(py, timestamps_ms);
    Ok((times, PyArray1::from_vec(py, series), PyArray1::from_vec(py, values), metrics, labels))
}

fn plan(
    config: &str,
    (class, args): (Option<String>, BTreeMap<String, String>),
    start: Time,
    no_faults: bool,
) -> PyResult<Plan> {
    let mut options = LoadOptions::starting_at(start);
    options.class = class;
    options.no_faults = no_faults;
    options.arguments =
        args.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let loaded = load_config(config, &options);
    loaded
        .map(|loaded| loaded.plan)
        .map_err(|error| PyValueError::new_err(Error::Config(error).with_causes()))
}

fn span(secs: f64) -> PyResult<Span> {
    let span = Span::from_secs_f64(secs);
    span.ok_or_else(|| PyValueError::new_err(format!("{secs} is not a time in seconds")))
}

fn moment(unix_secs: f64) -> PyResult<Time> {
    Ok(Time::from_unix_nanos(span(unix_secs)?.as_nanos()))
}
