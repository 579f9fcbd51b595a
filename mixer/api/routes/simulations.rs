//! `/api/v1/simulations`: runs with simulated processes, as clients of a process simulator make and read them.
//!
//! A simulation is a run like any other, also at `/api/v1/runs`: these routes only name its fields differently.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use promemu_core::rng::random_seed;
use promemu_core::time::{Span, Speed, Time};
use promemu_run::report::{EndReason, EndedProcesses};
use promemu_run::run::Run;

use crate::config_source::{ConfigChoice, ConfigSource};
use crate::error::{Answer, ApiError};
use crate::json_body::JsonBody;
use crate::params::Duration;
use crate::runs::RunRequest;
use crate::runs::entry::{Phase, RunEntry};
use crate::runs::start::{create, start};
use crate::state::{AppState, blocking, blocking_until};

/// The types of simulations: profiles of the plugin `processes`.
pub(crate) const PROFILES: [&str; 5] =
    ["realistic", "high-cardinality", "high-churn", "process-churn", "chaos"];
/// The config whose runs these routes create.
const CONFIG: &str = "processes";
/// A name has at most this many bytes.
const NAME_BYTES_MAX: usize = 200;

/// A simulation in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct SimulationPath {
    /// The simulation's id.
    #[param(example = "sim-1a2b3c4d")]
    id: String,
}

/// A simulation to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimulationBody {
    /// A name for people; the type by default.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// The profile, as in `high-cardinality`; realistic by default.
    #[serde(rename = "type")]
    profile: Option<String>,
    /// The emulated time after which it ends, as in `5m`; no limit by default.
    duration: Option<Duration>,
    /// Arguments of the config `processes`, as in `{"process_count": 500, "enable_chaos": true}`.
    #[serde(default)]
    #[schema(value_type = Object)]
    parameters: Map<String, Value>,
}

impl SimulationBody {
    /// The run that it asks for. Its job has its id, so that several can run at once.
    pub(crate) fn request(self) -> Result<RunRequest, ApiError> {
        let SimulationBody { name, profile, duration, parameters } = self;
        let profile = profile.unwrap_or_else(|| PROFILES[0].to_owned()).replace('_', "-");
        if !PROFILES.contains(&profile.as_str()) {
            return Err(ApiError::invalid(format!("type is one of {}", PROFILES.join(", "))));
        }
        let name = name.unwrap_or_else(|| profile.clone());
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
            return Err(ApiError::invalid(format!(
                "name has 1 to {NAME_BYTES_MAX} bytes, without control characters"
            )));
        }
        let id = format!("sim-{:08x}", random_seed() >> 32);
        let mut args = parameters;
        args.entry("job").or_insert_with(|| format!("{CONFIG}_{id}").into());
        args.insert("profile".to_owned(), profile.into());
        let source = ConfigSource::Named(CONFIG.to_owned());
        Ok(RunRequest {
            id: id.into(),
            config: ConfigChoice { source, class: None, args: Value::Object(args), is_operators: false },
            seed: None,
            duration: duration.map(|duration| duration.read("duration")).transpose()?,
            speed: Speed::NORMAL,
            history: None,
            watches: false,
            simulation: Some(name),
        })
    }
}

/// The simulations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SimulationsQuery {
    /// A status; any by default.
    status: Option<Status>,
}

/// All simulations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SimulationsView {
    simulations: Vec<SimulationView>,
}

/// A simulation. It is the run of the same id.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SimulationView {
    id: String,
    name: String,
    /// Its profile; null if its config decides that.
    #[serde(rename = "type")]
    profile: Option<String>,
    status: Status,
    #[schema(value_type = Object)]
    parameters: Value,
    /// The emulated seconds after which it ends; null if it ends with its processes.
    duration_seconds: Option<f64>,
    created_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    /// The error it failed with.
    error: Option<String>,
}

/// The status of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// It waits for its start.
    Pending,
    Running,
    /// It came to its end by itself.
    Completed,
    /// It was stopped before.
    Stopped,
    Failed,
}

/// The results of a simulation, up to now while it runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResultsView {
    id: String,
    status: Status,
    /// The reason of its end, as in a run's report; null before.
    reason: Option<EndReason>,
    error: Option<String>,
    /// The real seconds that it ran.
    ran_seconds: f64,
    /// The processes that have begun and ended, as reports show them.
    processes_started: u64,
    processes_ended: u64,
    /// Those that have ended, by cause and priority; null before the first report.
    #[schema(inline)]
    processes: Option<EndedProcesses>,
    /// The values that metrics were given.
    updates: u64,
    events: u64,
}

impl Status {
    fn of(entry: &RunEntry) -> Self {
        let report = entry.run().as_ref().and_then(Run::report);
        match (entry.phase(), report.map(|report| report.reason)) {
            (Phase::Created, _) => Self::Pending,
            (Phase::Failed, _) => Self::Failed,
            (Phase::Ended, Some(EndReason::Stopped | EndReason::Signal)) => Self::Stopped,
            (Phase::Ended, _) => Self::Completed,
            (Phase::Starting | Phase::Running | Phase::Stopping, _) => Self::Running,
        }
    }
}

impl SimulationView {
    fn of(entry: &RunEntry) -> Self {
        let (request, run) = (entry.request(), entry.run());
        let config = request.config.source.name();
        let given = request.config.args["profile"].as_str().map(str::to_owned);
        let default = || (config == CONFIG).then(|| PROFILES[0].to_owned());
        let at = |time: fn(&Run) -> Option<Time>| run.as_ref().and_then(time).map(Time::rfc3339);
        Self {
            id: entry.id().to_owned(),
            name: request.simulation.clone().unwrap_or_else(|| config.to_owned()),
            profile: given.or_else(default),
            status: Status::of(entry),
            parameters: request.config.shown_args(),
            duration_seconds: request.duration.filter(|span| *span != Span::FOREVER).map(Span::as_secs_f64),
            created_at: entry.created_at().rfc3339(),
            started_at: at(Run::started_at),
            ended_at: at(Run::ended_at),
            error: run.as_ref().and_then(Run::report).and_then(|report| report.error.clone()),
        }
    }
}

/// Lists the simulations.
///
/// A simulation is a run with simulated processes; it is at `/api/v1/runs` as well.
#[utoipa::path(get, path = "/api/v1/simulations", tag = "simulations", params(SimulationsQuery),
    responses((status = 200, body = SimulationsView)))]
pub(crate) async fn simulations(
    State(state): State<Arc<AppState>>,
    Query(query): Query<SimulationsQuery>,
) -> Answer<SimulationsView> {
    let all: Vec<_> = state.runs().all().values().cloned().collect();
    let views = all.iter().filter(|entry| entry.is_simulation()).map(|entry| SimulationView::of(entry));
    let wanted = views.filter(|view| query.status.is_none_or(|status| status == view.status));
    Ok(Json(SimulationsView { simulations: wanted.collect() }))
}

/// Creates a simulation, which waits for its start.
///
/// It is a run of the config `processes`, whose arguments are `parameters`. It needs the plugin `processes`.
#[utoipa::path(post, path = "/api/v1/simulations", tag = "simulations",
    request_body(content = SimulationBody,
        example = json!({ "name": "check of the alerts", "type": "high-churn", "duration": "5m", "parameters": { "process_count": 50 } })),
    responses((status = 201, body = SimulationView)))]
pub(crate) async fn create_simulation(
    State(state): State<Arc<AppState>>,
    JsonBody(body): JsonBody<SimulationBody>,
) -> Result<(StatusCode, Json<SimulationView>), ApiError> {
    let request = body.request()?;
    let entry = blocking_until(&state, move |state, stop| create(state, request, false, stop)).await??;
    Ok((StatusCode::CREATED, Json(SimulationView::of(&entry))))
}

/// The simulation of this id.
fn find(state: &AppState, id: &str) -> Result<Arc<RunEntry>, ApiError> {
    let entry = state.runs().find(id)?;
    if entry.is_simulation() { Ok(entry) } else { Err(ApiError::NotASimulation(entry.id().to_owned())) }
}

/// One simulation.
///
/// Its status follows from its run: `completed` if it came to its end by itself, `stopped` if it was stopped before.
#[utoipa::path(get, path = "/api/v1/simulations/{id}", tag = "simulations",
    params(SimulationPath),
    responses((status = 200, body = SimulationView)))]
pub(crate) async fn simulation(
    State(state): State<Arc<AppState>>,
    Path(SimulationPath { id }): Path<SimulationPath>,
) -> Answer<SimulationView> {
    Ok(Json(SimulationView::of(&*find(&state, &id)?)))
}

/// Starts a simulation.
///
/// It must have been created and not started.
#[utoipa::path(post, path = "/api/v1/simulations/{id}/start", tag = "simulations",
    params(SimulationPath),
    responses((status = 202, body = SimulationView)))]
pub(crate) async fn start_simulation(
    State(state): State<Arc<AppState>>,
    Path(SimulationPath { id }): Path<SimulationPath>,
) -> Result<(StatusCode, Json<SimulationView>), ApiError> {
    let entry = find(&state, &id)?;
    let started = Arc::clone(&entry);
    blocking_until(&state, move |state, stop| start(state, &started, stop)).await??;
    Ok((StatusCode::ACCEPTED, Json(SimulationView::of(&entry))))
}

/// Stops a simulation.
///
/// With that of the main run promemu ends, unless it waits for runs.
#[utoipa::path(post, path = "/api/v1/simulations/{id}/stop", tag = "simulations",
    params(SimulationPath),
    responses((status = 202, body = SimulationView)))]
pub(crate) async fn stop_simulation(
    State(state): State<Arc<AppState>>,
    Path(SimulationPath { id }): Path<SimulationPath>,
) -> Result<(StatusCode, Json<SimulationView>), ApiError> {
    let entry = find(&state, &id)?;
    let stopped = Arc::clone(&entry);
    blocking(&state, move |_| stopped.stop()).await??;
    Ok((StatusCode::ACCEPTED, Json(SimulationView::of(&entry))))
}

/// The results of a simulation that has started.
///
/// The last counts of a simulation that is over; those up to now before. One that has not started has none.
#[utoipa::path(get, path = "/api/v1/simulations/{id}/results", tag = "simulations",
    params(SimulationPath),
    responses((status = 200, body = ResultsView)))]
pub(crate) async fn results(
    State(state): State<Arc<AppState>>,
    Path(SimulationPath { id }): Path<SimulationPath>,
) -> Answer<ResultsView> {
    let entry = find(&state, &id)?;
    let view = entry.view();
    let report = entry.run().as_ref().and_then(Run::report);
    let counts = match &report {
        Some(report) => report.counts.clone(),
        None => entry.handle()?.counts(),
    };
    Ok(Json(ResultsView {
        id,
        status: Status::of(&entry),
        reason: report.as_ref().map(|report| report.reason),
        error: report.as_ref().and_then(|report| report.error.clone()),
        ran_seconds: view.ran_seconds(),
        processes_started: counts.members_begun,
        processes_ended: counts.members_ended,
        processes: counts.processes,
        updates: counts.updates,
        events: counts.events,
    }))
}
