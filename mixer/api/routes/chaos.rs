//! `/api/v1/chaos`: faults of simulated processes, in the words of a process simulator.
//!
//! Each route emits an event of the model `processes`, and maps its own keys to those of the event.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use promemu_core::event::CLIENT_SOURCE;
use promemu_run::handle::RunHandle;

use crate::error::ApiError;
use crate::json_body::JsonBody;
use crate::params::{Duration, RunQuery};
use crate::state::AppState;

/// Bytes of the units of a leak's rate.
const UNITS: [(&str, f64); 7] = [
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("B", 1.0),
];
/// Seconds of the units of a leak's rate.
const PERIODS: [(&str, f64); 7] = [
    ("s", 1.0),
    ("sec", 1.0),
    ("second", 1.0),
    ("min", 60.0),
    ("minute", 60.0),
    ("h", 3600.0),
    ("hour", 3600.0),
];
/// Bytes a second of a leak's intensity of 1: a MiB a minute.
const LEAK_BYTES_PER_SEC: f64 = 1_048_576.0 / 60.0;

/// A fault of processes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChaosBody {
    /// The beginning of the processes' names, or a pattern with `*` and `?`; all by default.
    process_pattern: Option<String>,
    /// Their priority; any by default. A kill spares critical ones unless this is `critical`.
    priority: Option<String>,
    /// Of a spike: percent of a core; 100 by default. Of a leak: MiB a minute; 60 by default. Of a kill: the share of the
    /// processes in percent; 100 by default.
    #[schema(minimum = 0)]
    intensity: Option<f64>,
    /// The emulated time that it takes; 1 minute by default. A kill takes none.
    duration: Option<Duration>,
    /// Of a leak, in place of `intensity`: as in `10MB/min`.
    leak_rate: Option<String>,
    /// Of a kill: the number of processes at most.
    count: Option<u64>,
}

/// A fault that was caused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChaosView {
    /// The event that the processes' hosts take.
    event: &'static str,
    /// The event's data.
    #[schema(value_type = Object)]
    data: Value,
    /// The simulations that take it.
    simulations: Vec<String>,
    /// The number of their hosts.
    hearers: usize,
}

type Caused = Result<(StatusCode, Json<ChaosView>), ApiError>;

/// Processes want so much CPU for a while.
///
/// Emits the event `cpu_spike` in the run of `run`, or in all runs with simulated processes. `leak_rate` and `count`
/// belong to other faults.
#[utoipa::path(post, path = "/api/v1/chaos/cpu-spike", tag = "simulations",
    params(RunQuery),
    request_body(content = ChaosBody, example = json!({ "process_pattern": "python", "intensity": 150, "duration": "30s" })),
    responses((status = 202, body = ChaosView)))]
pub(crate) async fn cpu_spike(
    State(state): State<Arc<AppState>>,
    Query(query): Query<RunQuery>,
    JsonBody(body): JsonBody<ChaosBody>,
) -> Caused {
    cause(&state, query, "cpu_spike", body.cpu_spike()?).await
}

/// The memory of processes grows for a while.
///
/// Emits the event `memory_leak` in the run of `run`, or in all runs with simulated processes. Give `intensity` or
/// `leak_rate`.
#[utoipa::path(post, path = "/api/v1/chaos/memory-leak", tag = "simulations",
    params(RunQuery),
    request_body(content = ChaosBody,
        example = json!({ "process_pattern": "java", "leak_rate": "10MB/min", "duration": "5m" })),
    responses((status = 202, body = ChaosView)))]
pub(crate) async fn memory_leak(
    State(state): State<Arc<AppState>>,
    Query(query): Query<RunQuery>,
    JsonBody(body): JsonBody<ChaosBody>,
) -> Caused {
    cause(&state, query, "memory_leak", body.memory_leak()?).await
}

/// Processes end, and start again with other pids.
///
/// Emits the event `kill` in the run of `run`, or in all runs with simulated processes. Critical processes are spared
/// unless `priority` is `critical`.
#[utoipa::path(post, path = "/api/v1/chaos/process-kill", tag = "simulations",
    params(RunQuery),
    request_body(content = ChaosBody, example = json!({ "process_pattern": "*worker*", "priority": "low", "count": 3 })),
    responses((status = 202, body = ChaosView)))]
pub(crate) async fn process_kill(
    State(state): State<Arc<AppState>>,
    Query(query): Query<RunQuery>,
    JsonBody(body): JsonBody<ChaosBody>,
) -> Caused {
    cause(&state, query, "kill", body.process_kill()?).await
}

impl ChaosBody {
    /// The data of the event `cpu_spike`.
    pub(crate) fn cpu_spike(&self) -> Result<Map<String, Value>, ApiError> {
        refuse("cpu-spike", [("leak_rate", self.leak_rate.is_some()), ("count", self.count.is_some())])?;
        let mut data = self.filter_and_duration()?;
        set_number(&mut data, "intensity", self.intensity()?.map(|percent| percent / 100.0));
        Ok(data)
    }

    /// The data of the event `memory_leak`.
    pub(crate) fn memory_leak(&self) -> Result<Map<String, Value>, ApiError> {
        let has_both = self.intensity.is_some() && self.leak_rate.is_some();
        refuse("memory-leak", [("count", self.count.is_some()), ("intensity beside leak_rate", has_both)])?;
        let mut data = self.filter_and_duration()?;
        let by_intensity = self.intensity()?.map(|mib_per_minute| mib_per_minute * LEAK_BYTES_PER_SEC);
        let by_rate = self.leak_rate.as_deref().map(read_rate).transpose()?;
        set_number(&mut data, "bytes_per_sec", by_rate.or(by_intensity));
        Ok(data)
    }

    /// The data of the event `kill`.
    pub(crate) fn process_kill(&self) -> Result<Map<String, Value>, ApiError> {
        refuse("process-kill", [("leak_rate", self.leak_rate.is_some())])?;
        let mut data = self.filter_and_duration()?;
        // A kill is a moment.
        data.remove("duration");
        set_number(&mut data, "percent", self.intensity()?);
        if let Some(count) = self.count {
            data.insert("count".to_owned(), count.into());
        }
        Ok(data)
    }

    /// The data that all faults share.
    fn filter_and_duration(&self) -> Result<Map<String, Value>, ApiError> {
        let mut data = Map::new();
        if let Some(pattern) = &self.process_pattern {
            data.insert("pattern".to_owned(), prefix(pattern).into());
        }
        if let Some(priority) = &self.priority {
            if !["critical", "high", "medium", "low"].contains(&priority.as_str()) {
                return Err(ApiError::invalid("priority is one of critical, high, medium, low"));
            }
            data.insert("priority".to_owned(), priority.as_str().into());
        }
        let duration = self.duration.as_ref().map(|duration| duration.read_finite("duration")).transpose()?;
        set_number(&mut data, "duration", duration.map(promemu_core::time::Span::as_secs_f64));
        Ok(data)
    }

    fn intensity(&self) -> Result<Option<f64>, ApiError> {
        match self.intensity {
            Some(intensity) if intensity < 0.0 => Err(ApiError::invalid("intensity is 0 or more")),
            intensity => Ok(intensity),
        }
    }
}

/// Refuses keys that this fault does not have.
fn refuse<const N: usize>(fault: &str, keys: [(&str, bool); N]) -> Result<(), ApiError> {
    match keys.iter().find(|(_, is_given)| *is_given) {
        Some((key, _)) => Err(ApiError::invalid(format!("{fault} takes no {key}"))),
        None => Ok(()),
    }
}

/// A pattern of all names that begin so; one with stars stays as it is.
fn prefix(pattern: &str) -> String {
    if pattern.contains('*') { pattern.to_owned() } else { format!("{pattern}*") }
}

fn set_number(data: &mut Map<String, Value>, key: &str, number: Option<f64>) {
    if let Some(number) = number {
        data.insert(key.to_owned(), number.into());
    }
}

/// Bytes a second of a text as in `10MB/min`.
fn read_rate(text: &str) -> Result<f64, ApiError> {
    let wrong = || ApiError::invalid("leak_rate is a size for a time, as in 10MB/min or 512KiB/s");
    let (size, period) = text.split_once('/').ok_or_else(wrong)?;
    let of = |known: &[(&str, f64)], name: &str| {
        known.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(name.trim())).map(|(_, factor)| *factor)
    };
    let end = size.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let number: f64 = size[..end].parse().map_err(|_| wrong())?;
    let (bytes, secs) = of(&UNITS, &size[end..]).zip(of(&PERIODS, period)).ok_or_else(wrong)?;
    Ok(number * bytes / secs)
}

/// Emits the event in the run of the query, or in all runs with simulated processes.
async fn cause(state: &AppState, query: RunQuery, event: &'static str, data: Map<String, Value>) -> Caused {
    let data = Value::Object(data);
    let (mut simulations, mut hearers) = (Vec::new(), 0);
    for (id, handle) in simulating(state, query.run.as_deref())? {
        hearers += handle.emit(event, CLIENT_SOURCE, data.clone()).await?.hearers;
        simulations.push(id);
    }
    Ok((StatusCode::ACCEPTED, Json(ChaosView { event, data, simulations, hearers })))
}

/// The run of this id, or all that run with simulated processes.
fn simulating(state: &AppState, run: Option<&str>) -> Result<Vec<(String, RunHandle)>, ApiError> {
    if let Some(id) = run {
        let (entry, handle) = state.live_run(Some(id))?;
        if !entry.is_simulation() {
            return Err(ApiError::NotASimulation(id.to_owned()));
        }
        return Ok(vec![(id.to_owned(), handle)]);
    }
    let all: Vec<_> = state.runs().all().values().cloned().collect();
    let simulations = all.iter().filter(|entry| entry.is_simulation());
    let running: Vec<_> =
        simulations.filter_map(|entry| Some((entry.id().to_owned(), entry.handle().ok()?))).collect();
    if running.is_empty() { Err(ApiError::NoSimulation) } else { Ok(running) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_the_beginning_of_a_name_unless_it_has_stars() {
        assert_eq!(["python", "*worker", "a*b", ""].map(prefix), ["python*", "*worker", "a*b", "*"]);
    }

    #[test]
    fn a_leaks_rate_is_a_size_for_a_time() {
        for (text, bytes_per_sec) in [
            ("10MB/min", 1e7 / 60.0),
            ("512KiB/s", 524_288.0),
            ("1.5 gb/hour", 1.5e9 / 3600.0),
            ("7B/sec", 7.0),
        ] {
            assert!((read_rate(text).unwrap() - bytes_per_sec).abs() < 1e-6, "{text}");
        }
        for wrong in ["", "10MB", "MB/min", "10/min", "10MB/day", "-1MB/s", "1.2.3MB/s", "10XB/s"] {
            assert!(read_rate(wrong).is_err(), "{wrong}");
        }
    }
}
