//! `/api/v1/configs/preview`: the charts of a config in virtual time, before it runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use promemu_core::error::ConfigError;
use promemu_core::plan::Plan;
use promemu_core::rng::fnv1a;
use promemu_core::stop::Stop;
use promemu_core::time::Time;
use promemu_run::clock::wall_now;
use promemu_run::preview::{Preview, PreviewChart, PreviewSpan, Wanted, preview as drawn};

use crate::config_source::{ConfigBody, ConfigChoice, ConfigSource};
use crate::error::{Answer, ApiError};
use crate::json_body::JsonBody;
use crate::problem::ProblemView;
use crate::runs::MAIN;
use crate::state::{AppState, drawing};

/// The most charts.
const CHARTS_MAX: usize = 12;
/// The charts unless the client says otherwise.
const CHARTS: usize = 6;
/// The seed unless the client says otherwise: a preview that is asked for again is the same.
const SEED: u64 = 1;

/// A config to draw.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewBody {
    #[serde(flatten)]
    config: ConfigBody,
    /// The most charts of those that its page would open with; 6 by default, and 12 at most.
    charts: Option<usize>,
    /// The names of the metrics to draw instead, 12 at most.
    metrics: Option<Vec<String>>,
    /// The seed; 1 by default.
    seed: Option<u64>,
}

/// A config's charts in virtual time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PreviewView {
    /// The reason why there are no charts; null if there are some.
    note: Option<String>,
    /// The errors of a config that is not valid.
    problems: Vec<ProblemView>,
    /// The number of hosts; null for a config that is not valid.
    hosts: Option<usize>,
    /// The number of series; null for a config that is not valid.
    series: Option<usize>,
    /// The emulated time of the run's start, in seconds since 1970.
    start_unix: f64,
    /// The emulated seconds from the start to each moment.
    seconds: Vec<f64>,
    /// The charts.
    charts: Vec<PreviewChartView>,
    /// The phases and faults, in order of begin.
    spans: Vec<PreviewSpanView>,
}

/// One chart of a preview.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PreviewChartView {
    /// The family's name.
    metric: String,
    /// The type of the family, as configs name it.
    #[serde(rename = "type")]
    metric_type: &'static str,
    /// The unit; empty without one.
    unit: String,
    /// The lines, as of the charts of a run.
    lines: Vec<String>,
    /// The values of each line, one for each moment; null without one. Of what only grows they are rates.
    values: Vec<Vec<Option<f64>>>,
}

/// One time of a phase or a fault.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PreviewSpanView {
    /// `phase` or `fault`.
    kind: &'static str,
    /// The name of the phase, or the id of the fault.
    name: String,
    /// The emulated seconds from the start to its begin.
    begin_seconds: f64,
    /// The same to its end; null without one.
    end_seconds: Option<f64>,
}

/// Draws a config before it runs.
///
/// The charts of at least ten minutes in virtual time, with phases and faults; of two hours at most if the timeline is
/// longer. A config that cannot be drawn, as it works for real or is too large, has a `note`; one with errors has `problems`.
#[utoipa::path(post, path = "/api/v1/configs/preview", tag = "configs",
    request_body(content = PreviewBody, example = json!({ "config": "single_host_load", "charts": 1 })),
    responses((status = 200, body = PreviewView)))]
pub(crate) async fn preview(
    State(state): State<Arc<AppState>>,
    JsonBody(body): JsonBody<PreviewBody>,
) -> Answer<PreviewView> {
    let PreviewBody { config, charts, metrics, seed } = body;
    let wanted = match (charts.unwrap_or(CHARTS), metrics) {
        (count, None) if count <= CHARTS_MAX => Wanted::First(count),
        (_, Some(names)) if names.len() <= CHARTS_MAX => Wanted::Families(names),
        _ => return Err(ApiError::invalid(format!("a preview has at most {CHARTS_MAX} charts"))),
    };
    let (choice, seed) = (ConfigChoice::new(config)?, seed.unwrap_or(SEED));
    let view = drawing(&state, move |state, stop| {
        let file = choice.source.open(state.daemon())?;
        // A text that is edited is drawn anew each time.
        let is_named = matches!(choice.source, ConfigSource::Named(_));
        let what = format!("{:?} {:?} {} {wanted:?} {seed}", file.text(), choice.class, choice.args);
        let key = is_named.then(|| fnv1a(format!("{} {what}", choice.source.name()).as_bytes()));
        state.previews().get_or_make(key, wall_now(), || {
            let options = choice.load_options(state.daemon(), MAIN, wall_now(), stop)?;
            let loaded = file.plan(&options);
            view(loaded.map(|loaded| loaded.plan), (seed, options.started_at), &wanted, stop)
        })
    });
    Ok(Json(PreviewView::clone(&*view.await??)))
}

fn view(
    plan: Result<Plan, ConfigError>,
    (seed, start): (u64, Time),
    wanted: &Wanted,
    stop: &Stop,
) -> Result<PreviewView, ApiError> {
    let empty = PreviewView {
        note: None,
        problems: Vec::new(),
        hosts: None,
        series: None,
        start_unix: start.unix_millis_secs(),
        seconds: Vec::new(),
        charts: Vec::new(),
        spans: Vec::new(),
    };
    let plan = match plan {
        Ok(plan) => Arc::new(plan),
        Err(ConfigError::Invalid { sources, problems }) => {
            let problems = problems.iter().map(|problem| ProblemView::of(problem, &sources)).collect();
            return Ok(PreviewView { problems, ..empty });
        }
        Err(error) => return Err(error.into()),
    };
    let empty = PreviewView { hosts: Some(plan.hosts.len()), series: Some(plan.series_count()), ..empty };
    Ok(match drawn(&plan, (seed, start), wanted, stop) {
        Ok(Preview { times, charts, spans, .. }) => PreviewView {
            seconds: times.iter().map(|time| time.since(start).as_secs_f64()).collect(),
            charts: charts.into_iter().map(chart_view).collect(),
            spans: spans.into_iter().map(|span| span_view(span, start)).collect(),
            ..empty
        },
        Err(why) => PreviewView { note: Some(why), ..empty },
    })
}

fn chart_view(PreviewChart { chart, metric_type, unit, values }: PreviewChart) -> PreviewChartView {
    PreviewChartView { metric: chart.metric, metric_type, unit, lines: chart.lines, values }
}

fn span_view(PreviewSpan { is_fault, name, begin, end }: PreviewSpan, start: Time) -> PreviewSpanView {
    PreviewSpanView {
        kind: if is_fault { "fault" } else { "phase" },
        name,
        begin_seconds: begin.since(start).as_secs_f64(),
        end_seconds: (end != Time::NEVER).then(|| end.since(start).as_secs_f64()),
    }
}
